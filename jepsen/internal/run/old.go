package run

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"

	"murder/jepsen/internal/check"
	"murder/jepsen/internal/report"
)

// Again gives the options of an old run with its faults as a script. Where
// things are comes from the defaults.
func Again(dir string, defaults *Options) (*Options, error) {
	o := &Options{}
	if err := readJSON(filepath.Join(dir, "test.json"), o); err != nil {
		return nil, err
	}
	o.Store, o.Root, o.Log, o.Commit = defaults.Store, defaults.Root, defaults.Log, defaults.Commit
	script, err := readScript(filepath.Join(dir, "faults.jsonl"))
	if err != nil {
		return nil, err
	}
	o.Script = append([]Scripted{}, script...) // not nil: nothing is drawn
	sort.SliceStable(o.Script, func(i, j int) bool { return o.Script[i].At < o.Script[j].At })
	return o, nil
}

// First is what a person wants to know first of a verdict that is not pass.
func (v *Verdict) First() string {
	for _, result := range v.Checks {
		if len(result.Evidence) > 0 && result.Verdict == check.Fail {
			return fmt.Sprintf("%s: %.120s", result.Name, result.Evidence[0])
		}
	}
	if len(v.Why) > 0 {
		return fmt.Sprintf("%.120s", v.Why[len(v.Why)-1])
	}
	return string(v.Verdict)
}

// Pieces adds up the runs of a store by commit; those of mutants are left out.
func Pieces(store string) ([]*report.Piece, error) {
	dirs, err := filepath.Glob(filepath.Join(store, "*"))
	if err != nil {
		return nil, err
	}
	byCommit := map[string]*report.Piece{}
	var pieces []*report.Piece
	for _, dir := range dirs {
		var o Options
		var v Verdict
		if readJSON(filepath.Join(dir, "test.json"), &o) != nil ||
			readJSON(filepath.Join(dir, "verdict.json"), &v) != nil || o.Mutant != "" {
			continue // interrupted, or broken on purpose
		}
		piece := byCommit[o.Commit]
		if piece == nil {
			piece = &report.Piece{Date: v.TimeJudged[:10], Commit: o.Commit,
				Machine: fmt.Sprintf("%d nodes on %d cores", o.Nodes, runtime.NumCPU()),
				Build:   filepath.Base(o.Build)}
			byCommit[o.Commit] = piece
			pieces = append(pieces, piece)
		}
		piece.Runs = append(piece.Runs, report.Run{
			Pair: o.Workload + "+" + strings.Join(o.Nemeses, "+"), Verdict: string(v.Verdict),
			Time: o.Time, OK: v.OK, Fail: v.Fail, Info: v.Info, Faults: v.Faults, Outage: v.Outage,
		})
	}
	return pieces, nil
}

// tidy takes away what nobody needs of a run that passed: what is left can be
// judged again.
func tidy(dir string) {
	for _, pattern := range []string{"timeline.html", "history.edn", "nodes/*/log"} {
		paths, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, path := range paths {
			os.Remove(path)
		}
	}
}
