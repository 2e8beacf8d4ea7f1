// Package check judges histories.
//
// A checker is a function of the history and of the log that the nodes have
// dumped, of nothing else: an old run can be judged again. It must be able to
// say fail, and what it cannot decide it calls unknown, never pass.
package check

import (
	"encoding/json"
	"fmt"
	"io"
	"sort"

	"murder/jepsen/internal/history"
)

// Verdict of a checker, and of a run.
type Verdict string

// A run is Void when it proved nothing: too little work, a fault without
// effect.
const (
	Pass    Verdict = "pass"
	Fail    Verdict = "fail"
	Unknown Verdict = "unknown"
	Void    Verdict = "void"
)

// EvidenceMax is how many findings a checker tells; the rest is counted.
const EvidenceMax = 20

// Result of one checker.
type Result struct {
	Name     string         `json:"name"`
	Verdict  Verdict        `json:"verdict"`
	Evidence []string       `json:"evidence,omitempty"`
	Found    int            `json:"found,omitempty"` // with those not told
	Count    map[string]int `json:"count,omitempty"` // what was looked at
	Events   []int          `json:"events,omitempty"`

	// Drawings of what fails, by the name of a file.
	Drawings map[string]func(out io.Writer) error `json:"-"`
}

// NewResult has found nothing yet.
func NewResult(name string) Result {
	return Result{Name: name, Verdict: Pass, Count: map[string]int{}}
}

// Failed adds a finding and the calls that show it.
func (r *Result) Failed(calls []*history.Call, format string, args ...interface{}) {
	r.Verdict = Fail
	r.tell(calls, format, args...)
}

// Undecided says why there is no verdict; what has failed stays so.
func (r *Result) Undecided(format string, args ...interface{}) {
	if r.Verdict == Pass {
		r.Verdict = Unknown
	}
	r.tell(nil, format, args...)
}

func (r *Result) tell(calls []*history.Call, format string, args ...interface{}) {
	r.Found++
	if len(r.Evidence) >= EvidenceMax {
		return
	}
	text := fmt.Sprintf(format, args...)
	for _, call := range calls {
		text += "; " + describe(call)
		r.Events = append(r.Events, call.Begin.I)
	}
	r.Evidence = append(r.Evidence, text)
}

// describe is the call for people: which events to look at.
func describe(c *history.Call) string {
	end := "no end"
	if c.End.I > 0 {
		end = fmt.Sprintf("%s at event %d, %.3f s", c.Type, c.End.I,
			float64(c.End.T)/1e6)
	}
	return fmt.Sprintf("%s %s by process %d on %s (event %d, %.3f s; %s)",
		c.F, short(c.In), c.Process, c.End.Node, c.Begin.I,
		float64(c.Begin.T)/1e6, end)
}

func short(octets json.RawMessage) string {
	if len(octets) > 80 {
		return string(octets[:80]) + ".."
	}
	return string(octets)
}

// Checker is one judge.
type Checker interface {
	Check(h *history.History, w *Witness) Result
}

// Func is a checker that is a function.
type Func func(h *history.History, w *Witness) Result

// Check calls it.
func (f Func) Check(h *history.History, w *Witness) Result { return f(h, w) }

// decode gives the value of an event. What a client wrote it must be able to
// read: anything else is a fault of the harness and no verdict.
func decode(octets json.RawMessage, value interface{}) {
	if err := json.Unmarshal(octets, value); err != nil {
		panic(fmt.Sprintf("check: %s: %v", short(octets), err))
	}
}

// sortedKeys of the calls by key: evidence must not change its order.
func sortedKeys(byKey map[string][]*history.Call) []string {
	keys := make([]string, 0, len(byKey))
	for key := range byKey {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
