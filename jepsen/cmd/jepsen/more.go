package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"murder/jepsen/internal/check"
	"murder/jepsen/internal/report"
	"murder/jepsen/internal/run"
)

// ---- short: the merge gate ----

// plan is a run of the short mode.
type plan struct {
	workload string
	nemeses  []string
}

// gate is what every merge must pass. With one node what needs several is left
// out; then `partition` means the clients' links.
var gate = []plan{
	{"append", []string{"power"}},
	{"flags", []string{"pause", "packet"}},
	{"expunge", []string{"packet", "kill"}},
	{"move", []string{"kill", "power"}},
	{"conns", []string{"stop", "partition"}},
}

// gateNodes are the runs that need more than one node.
var gateNodes = []plan{{"member", []string{"member", "pause"}}}

// short runs the gate and reports in TAP. The seed is the commit's: another
// one for each commit, the same for each try.
func short(ctx context.Context, arguments []string) (int, error) {
	s := newSettings("short")
	s.options.Time, s.options.Mode, s.options.Seed = 12*time.Second, "short", 0
	o := s.parse(arguments)
	if o.Seed == 0 {
		hash := fnv.New32a()
		hash.Write([]byte(o.Commit))
		o.Seed = uint64(hash.Sum32())
	}
	plans := gate
	if o.Nodes > 1 {
		plans = append(plans, gateNodes...)
	}
	o.Log = os.Stderr
	worst := 0
	for i, p := range plans {
		one := *o
		one.Workload, one.Nemeses, one.Seed = p.workload, p.nemeses, o.Seed+uint64(i)
		one.GoIMAP = i == 0
		status, err := tap(ctx, &one)
		if err != nil {
			return statusBroken, err
		}
		worst = worse(worst, status)
	}
	return worst, nil
}

func tap(ctx context.Context, o *run.Options) (int, error) {
	name := o.Workload + "+" + strings.Join(o.Nemeses, "+")
	v, err := run.Run(ctx, o)
	if err != nil {
		fmt.Printf("not ok %s\n", name)
		return statusBroken, fmt.Errorf("%s: %w", name, err)
	}
	if v.Verdict == check.Pass {
		fmt.Printf("ok %s\n", name)
	} else {
		tell(v)
		fmt.Printf("not ok %s\n", name)
	}
	return v.Status(), nil
}

// ---- long: all pairs, as long as there is time ----

// longRun is how long one run of the long mode is.
const longRun = 90 * time.Second

// long goes through all pairs of workloads and nemeses until the time is over,
// and adds a row to RESULTS.md.
func long(ctx context.Context, arguments []string) (int, error) {
	s := newSettings("long")
	s.options.Time, s.options.Mode, s.options.Workload = time.Hour, "default", ""
	results := s.String("results", filepath.Join(s.options.Root, "jepsen/RESULTS.md"),
		"the table that gets a row")
	each := s.Duration("each", longRun, "of load in one run")
	o := s.parse(arguments)
	pairs := pairsOf(o)
	piece := &report.Piece{Date: time.Now().UTC().Format("2006-01-02"), Commit: o.Commit,
		Machine: fmt.Sprintf("%d nodes on %d cores", o.Nodes, runtime.NumCPU()),
		Build:   filepath.Base(o.Build)}
	worst := 0
	end := time.Now().Add(o.Time)
	for i := 0; time.Now().Before(end) && ctx.Err() == nil; i++ {
		one := *o
		one.Workload, one.Nemeses = pairs[i%len(pairs)].workload, pairs[i%len(pairs)].nemeses
		one.Time, one.Seed, one.GoIMAP = *each, o.Seed+uint64(i), i%4 == 3
		v, err := run.Run(ctx, &one)
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			return statusBroken, err
		}
		tell(v)
		worst = worse(worst, v.Status())
		piece.Runs = append(piece.Runs, ran(&one, v))
	}
	return worst, report.Record(*results, piece)
}

func ran(o *run.Options, v *run.Verdict) report.Run {
	return report.Run{Pair: o.Workload + "+" + strings.Join(o.Nemeses, "+"),
		Verdict: string(v.Verdict), Time: o.Time, OK: v.OK, Fail: v.Fail, Info: v.Info,
		Faults: v.Faults, Outage: v.Outage}
}

// pairsOf gives each workload with each nemesis, and with all of them at once.
func pairsOf(o *run.Options) []plan {
	workloads := []string{"append", "flags", "expunge", "conns", "move"}
	nemeses := []string{"kill", "stop", "pause", "partition", "packet", "power"}
	if o.Nodes > 1 {
		workloads, nemeses = append(workloads, "member"), append(nemeses, "member")
	}
	if o.Workload != "" {
		workloads = strings.Split(o.Workload, ",")
	}
	if len(o.Nemeses) > 0 {
		nemeses = o.Nemeses
	}
	var pairs []plan
	for _, nemesis := range nemeses {
		for _, workload := range workloads {
			pairs = append(pairs, plan{workload, []string{nemesis}})
		}
	}
	if len(nemeses) > 1 {
		for _, workload := range workloads {
			pairs = append(pairs, plan{workload, nemeses})
		}
	}
	return pairs
}

// ---- replay ----

func replay(ctx context.Context, arguments []string) (int, error) {
	flags := flag.NewFlagSet("replay", flag.ExitOnError)
	times := flags.Int("times", 1, "how often")
	flags.Parse(arguments)
	if flags.NArg() != 1 {
		return statusBroken, fmt.Errorf("replay: which run?")
	}
	defaults := newSettings("replay").parse(nil)
	o, err := run.Again(flags.Arg(0), defaults)
	if err != nil {
		return statusBroken, err
	}
	failed, worst := 0, 0
	for i := 0; i < *times && ctx.Err() == nil; i++ {
		status, err := once(ctx, o)
		if err != nil {
			return statusBroken, err
		}
		worst = worse(worst, status)
		if status == 1 {
			failed++
		}
	}
	fmt.Printf("%d/%d reproduced\n", failed, *times)
	return worst, nil
}

// ---- mutants ----

// budget of one mutant.
const budget = 10 * time.Minute

// mutant is a line of mutants.txt: the name, the workload, the nemeses.
type mutant struct {
	name string
	plan
}

func readMutants(path string) ([]mutant, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []mutant
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := strings.TrimSpace(strings.SplitN(lines.Text(), "#", 2)[0])
		if line == "" {
			continue
		}
		words := strings.Fields(line)
		if len(words) != 3 {
			return nil, fmt.Errorf("%s: not MUTANT WORKLOAD NEMESES: %s", path, line)
		}
		all = append(all, mutant{words[0], plan{words[1], strings.Split(words[2], ",")}})
	}
	return all, lines.Err()
}

// mutants runs each broken build until it is found out or its budget is gone,
// and reports in TAP.
func mutants(ctx context.Context, arguments []string) (int, error) {
	s := newSettings("mutants")
	s.options.Time, s.options.Mode = 15*time.Second, "short"
	list := s.String("list", filepath.Join(s.options.Root, "jepsen/mutants.txt"), "what there is")
	only := s.String("only", "", "names, with commas")
	limit := s.Duration("budget", budget, "for each")
	o := s.parse(arguments)
	all, err := readMutants(*list)
	if err != nil {
		return statusBroken, err
	}
	status := 0
	o.Log = os.Stderr
	for _, m := range all {
		if *only != "" && !strings.Contains(","+*only+",", ","+m.name+",") {
			continue
		}
		caught, err := hunt(ctx, o, m, *limit)
		if err != nil {
			return statusBroken, err
		}
		if !caught {
			status = 1
		}
	}
	return status, nil
}

// hunt runs one mutant with seed after seed.
func hunt(ctx context.Context, o *run.Options, m mutant, limit time.Duration) (bool, error) {
	start := time.Now()
	for i := 0; time.Since(start) < limit; i++ {
		one := *o
		one.Workload, one.Nemeses, one.Mutant = m.workload, m.nemeses, m.name
		one.Seed = o.Seed + uint64(i)
		v, err := run.Run(ctx, &one)
		if err != nil {
			return false, err
		}
		if v.Verdict == check.Fail {
			fmt.Printf("ok %s # by %s, run %d, %.0f s: %s\n", m.name, m.workload, i+1,
				time.Since(start).Seconds(), v.First())
			return true, nil
		}
	}
	fmt.Printf("not ok %s # not caught by %s within %s\n", m.name, m.workload, limit)
	return false, nil
}

// ---- report ----

// results prints the runs of the store as one row a commit.
func results(_ context.Context, arguments []string) (int, error) {
	o := newSettings("report").parse(arguments)
	pieces, err := run.Pieces(o.Store)
	if err != nil {
		return statusBroken, err
	}
	fmt.Print(report.ResultsHead)
	for _, piece := range pieces {
		fmt.Print(piece.Row())
	}
	return 0, nil
}
