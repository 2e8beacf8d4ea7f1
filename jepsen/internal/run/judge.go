package run

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	"murder/jepsen/internal/check"
	"murder/jepsen/internal/history"
	"murder/jepsen/internal/nemesis"
	"murder/jepsen/internal/report"
	"murder/jepsen/internal/workload"
)

// Verdict of a run, as it stands in verdict.json.
type Verdict struct {
	Verdict    check.Verdict  `json:"verdict"`
	Why        []string       `json:"why,omitempty"` // it is not pass
	Checks     []check.Result `json:"checks"`
	OK         int            `json:"ok"`
	Fail       int            `json:"fail"`
	Info       int            `json:"info"`
	CalmRate   float64        `json:"ok_per_second_before_faults"`
	Faults     map[string]int `json:"faults"`       // that acted, by kind
	Without    map[string]int `json:"did_nothing"`  // faults that did not
	Outage     float64        `json:"longest_wait"` // seconds without an OK write
	Dir        string         `json:"dir"`
	LogsHeard  int            `json:"logs"`
	TimeJudged string         `json:"judged"`
}

// Status of the process.
func (v *Verdict) Status() int {
	return map[check.Verdict]int{check.Pass: 0, check.Fail: 1, check.Unknown: 2,
		check.Void: 3}[v.Verdict]
}

// worse verdicts win: a failure is one however little was done.
func (v *Verdict) worsen(verdict check.Verdict, format string, args ...interface{}) {
	rank := map[check.Verdict]int{check.Pass: 0, check.Void: 1, check.Unknown: 2, check.Fail: 3}
	if rank[verdict] > rank[v.Verdict] {
		v.Verdict = verdict
	}
	v.Why = append(v.Why, fmt.Sprintf(format, args...))
}

// judged is what a verdict is made of.
type judged struct {
	dir     string
	o       Options
	notes   Notes
	script  []Scripted
	history *history.History
	witness *check.Witness
	work    workload.Workload
}

// Judge reads a run's directory and writes its verdict.
func Judge(dir string) (*Verdict, error) {
	j := &judged{dir: dir}
	if err := j.read(); err != nil {
		return nil, err
	}
	v := &Verdict{Verdict: check.Pass, Dir: dir, Faults: map[string]int{},
		Without: map[string]int{}, LogsHeard: len(j.witness.Dumps),
		TimeJudged: time.Now().UTC().Format(time.RFC3339)}
	j.checks(v)
	j.count(v)
	j.faults(v)
	j.calm(v)
	j.progress(v)
	for _, text := range j.notes.Failed {
		v.worsen(check.Fail, "%s", text)
	}
	if err := writeJSON(filepath.Join(dir, "verdict.json"), v); err != nil {
		return nil, err
	}
	if err := j.draw(v); err != nil {
		return nil, err
	}
	if v.Verdict == check.Pass {
		tidy(dir)
	}
	return v, keepData(dir, j.notes.Data, v.Verdict)
}

func (j *judged) read() (err error) {
	if err = readJSON(filepath.Join(j.dir, "test.json"), &j.o); err != nil {
		return err
	}
	if err = readJSON(filepath.Join(j.dir, "notes.json"), &j.notes); err != nil {
		return err
	}
	if j.work, err = workload.Find(j.o.Workload); err != nil {
		return err
	}
	if j.script, err = readScript(filepath.Join(j.dir, "faults.jsonl")); err != nil {
		return err
	}
	if j.history, err = history.ReadFile(filepath.Join(j.dir, "history.jsonl")); err != nil {
		return err
	}
	return j.readDumps()
}

func readJSON(path string, value interface{}) error {
	octets, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(octets, value); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (j *judged) readDumps() error {
	paths, err := filepath.Glob(filepath.Join(j.dir, "nodes/*/log.jsonl"))
	if err != nil {
		return err
	}
	var dumps []*check.Dump
	for _, path := range paths {
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		dump, err := check.ReadDump(filepath.Base(filepath.Dir(path)), in)
		in.Close()
		if err != nil {
			j.notes.failed("%v", err)
			continue
		}
		dumps = append(dumps, dump)
	}
	j.witness = check.NewWitness(dumps)
	return nil
}

func (j *judged) checks(v *Verdict) {
	checkers := append(j.work.Checkers(), check.Func(check.Logs))
	for _, checker := range checkers {
		result := checker.Check(j.history, j.witness)
		v.Checks = append(v.Checks, result)
		if result.Verdict != check.Pass {
			v.worsen(result.Verdict, "%s: %s", result.Name, result.Verdict)
		}
	}
}

// infoMax is the part of operations whose end nobody heard: above it the
// checkers see too little.
const infoMax = 0.05

func (j *judged) count(v *Verdict) {
	for _, call := range j.history.Calls {
		switch call.Type {
		case history.OK:
			v.OK++
		case history.Fail:
			v.Fail++
		case history.Info:
			v.Info++
		}
	}
	if all := v.OK + v.Fail + v.Info; float64(v.Info) > infoMax*float64(all) {
		v.worsen(check.Void, "%d of %d operations have no known end", v.Info, all)
	}
}

func (j *judged) faults(v *Verdict) {
	for _, one := range j.script {
		if one.Acted == "" {
			v.Faults[one.Fault.Nemesis]++
		} else {
			v.Without[one.Fault.Nemesis]++
		}
	}
	for _, name := range j.o.Nemeses {
		if why, skipped := j.notes.Skipped[name]; skipped {
			v.worsen(check.Void, "nemesis %s was skipped: %s", name, why)
		} else if v.Faults[name] == 0 {
			v.worsen(check.Void, "no fault of %s acted", name)
		}
	}
}

// calm is the rate before the first fault.
func (j *judged) calm(v *Verdict) {
	end := j.o.Time.Microseconds()
	if calm := nemesis.Modes[j.o.Mode].Calm.Microseconds(); len(j.o.Nemeses) > 0 {
		end = calm
	}
	count := 0
	for _, call := range j.history.Calls {
		if call.Type == history.OK && call.End.T < end {
			count++
		}
	}
	v.CalmRate = float64(count) / (float64(end) / 1e6)
	if v.CalmRate < j.work.MinOKPerSecond() {
		v.worsen(check.Void, "%.0f operations a second before the first fault: %.0f are wanted",
			v.CalmRate, j.work.MinOKPerSecond())
	}
}

// Progress: after that grace there must be an OK in each window in which a
// majority was there.
const (
	graceTime  = 5 * time.Second
	windowTime = 10 * time.Second
)

// progress looks for windows without any OK write.
func (j *judged) progress(v *Verdict) {
	var oks []time.Duration
	for _, call := range j.history.Calls {
		if call.Type == history.OK && !call.Final && !check.IsRead(call.F) {
			oks = append(oks, time.Duration(call.End.T)*time.Microsecond)
		}
	}
	sort.Slice(oks, func(a, b int) bool { return oks[a] < oks[b] })
	last := time.Duration(0)
	for _, at := range append(oks, j.o.Time) {
		if wait := at - last; wait.Seconds() > v.Outage {
			v.Outage = wait.Seconds()
		}
		for from := last; from+graceTime+windowTime <= at; from += time.Second {
			if j.served(from, from+graceTime+windowTime) {
				v.worsen(check.Fail, "no write was acknowledged from %.1f to %.1f s, "+
					"though a majority was there", from.Seconds(), at.Seconds())
				break
			}
		}
		last = at
	}
}

// served is whether no fault took the majority away in that time.
func (j *judged) served(from, to time.Duration) bool {
	down := map[string]bool{}
	for _, one := range j.script {
		if one.At < to && one.At+one.Held > from {
			for _, node := range one.Fault.Down {
				down[node] = true
			}
		}
	}
	return 2*len(down) < j.o.Nodes
}

func (j *judged) draw(v *Verdict) error {
	var bands []report.Band
	for _, one := range j.script {
		bands = append(bands, report.Band{From: one.At, To: one.At + one.Held,
			Name: one.Fault.Nemesis, Text: one.Fault.What, Nodes: one.Fault.Nodes})
	}
	offending := map[int]bool{}
	for _, result := range v.Checks {
		for _, event := range result.Events {
			offending[event] = true
		}
		if err := report.Linear(j.dir, result.Drawings); err != nil {
			return err
		}
	}
	return report.Draw(j.dir, j.history, bands, offending, string(v.Verdict))
}
