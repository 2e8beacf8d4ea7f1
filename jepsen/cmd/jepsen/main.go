// Command jepsen breaks a cluster of murderd and judges what its clients saw.
//
//	jepsen run -w append -n kill,power -seed 7 -time 60s
//	jepsen check store/RUN          judge an old history again
//	jepsen replay -times 20 store/RUN
//	jepsen short                    the runs of the merge gate
//	jepsen long -time 4h            all pairs, and a row for RESULTS.md
//	jepsen mutants [-only M06]      whether broken builds are found out
//	jepsen report                   store/ as rows for RESULTS.md
//
// The exit status is that of the worst run: 0 pass, 1 fail, 2 unknown, 3 void;
// 4 if the tester itself failed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"murder/jepsen/internal/run"
)

// statusBroken: the tester could not do its work.
const statusBroken = 4

// The main thread is no namespace's: see wire.Namespace.
func init() { runtime.LockOSThread() }

var commands = map[string]func(ctx context.Context, arguments []string) (int, error){
	"run":     runOne,
	"check":   checkOld,
	"replay":  replay,
	"short":   short,
	"long":    long,
	"mutants": mutants,
	"report":  results,
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: jepsen run|check|replay|short|long|mutants|report ...")
		os.Exit(statusBroken)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	status, err := commands[os.Args[1]](ctx, os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "jepsen:", err)
		status = statusBroken
	}
	stop()
	os.Exit(status)
}

// settings are the flags that most commands share.
type settings struct {
	*flag.FlagSet
	options run.Options
	nemeses string
}

func newSettings(name string) *settings {
	s := &settings{FlagSet: flag.NewFlagSet(name, flag.ExitOnError)}
	root := findRoot()
	build := os.Getenv("MURDER_BUILD")
	if build == "" {
		build = filepath.Join(root, "build")
	}
	o := &s.options
	o.Root, o.Log = root, os.Stdout
	s.StringVar(&o.Build, "build", build, "where murderd is")
	s.StringVar(&o.Store, "store", filepath.Join(root, "jepsen/store"), "where runs go")
	s.StringVar(&o.Workload, "w", "append", "workload")
	s.StringVar(&s.nemeses, "n", "", "nemeses, with commas")
	s.Uint64Var(&o.Seed, "seed", 1, "of all that is drawn")
	s.DurationVar(&o.Time, "time", 60*time.Second, "of load")
	s.Float64Var(&o.Rate, "rate", 300, "operations a second at most")
	s.IntVar(&o.Workers, "workers", 15, "clients")
	s.IntVar(&o.Nodes, "nodes", 1, "of the cluster")
	s.StringVar(&o.Mode, "mode", "calm", "of faults: default, calm, storm, short")
	s.BoolVar(&o.GoIMAP, "go-imap", false, "the independent client")
	s.StringVar(&o.Mutant, "mutant", "", "M06: a broken path of a build with faults")
	s.DurationVar(&o.Recovery, "recovery", 3*time.Second, "after healing")
	return s
}

// parse gives the options of a command line.
func (s *settings) parse(arguments []string) *run.Options {
	s.Parse(arguments) // ExitOnError
	if s.nemeses != "" {
		s.options.Nemeses = strings.Split(s.nemeses, ",")
	}
	s.options.Commit = commit(s.options.Root)
	if build, err := filepath.Abs(s.options.Build); err == nil {
		s.options.Build = build
	}
	return &s.options
}

// findRoot is the repository: above the working directory.
func findRoot() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for at := dir; at != "/"; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "test/shim/powercut.py")); err == nil {
			return at
		}
	}
	return dir
}

// commit of the repository, or "0".
func commit(root string) string {
	out, err := exec.Command("git", "-c", "safe.directory=*", "-C", root,
		"rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "0"
	}
	return strings.TrimSpace(string(out))
}

func runOne(ctx context.Context, arguments []string) (int, error) {
	return once(ctx, newSettings("run").parse(arguments))
}

// once makes one run and tells its verdict.
func once(ctx context.Context, o *run.Options) (int, error) {
	v, err := run.Run(ctx, o)
	if err != nil {
		return statusBroken, err
	}
	tell(v)
	return v.Status(), nil
}

func checkOld(_ context.Context, arguments []string) (int, error) {
	worst := 0
	for _, dir := range arguments {
		v, err := run.Judge(dir)
		if err != nil {
			return statusBroken, err
		}
		tell(v)
		worst = worse(worst, v.Status())
	}
	return worst, nil
}

// worse of two exit statuses: fail, unknown, void, pass.
func worse(a, b int) int {
	rank := []int{0, 3, 2, 1, 4}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// tell is what a person reads.
func tell(v *run.Verdict) {
	fmt.Printf("%s: %s\n", v.Verdict, filepath.Base(v.Dir))
	fmt.Printf("  %d ok, %d fail, %d unknown; %.0f a second before faults; "+
		"longest wait for a write %.1f s; faults %v\n", v.OK, v.Fail, v.Info, v.CalmRate,
		v.Outage, v.Faults)
	for _, why := range v.Why {
		fmt.Printf("  %s\n", why)
	}
	for _, result := range v.Checks {
		for _, line := range result.Evidence {
			fmt.Printf("    %s: %s\n", result.Name, line)
		}
	}
}
