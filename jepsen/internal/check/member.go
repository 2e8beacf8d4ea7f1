package check

import (
	"sort"

	"murder/jepsen/internal/history"
)

// Server is one of a configuration.
type Server struct {
	Node    uint32 `json:"node"`
	Replica uint32 `json:"replica"`
	Role    string `json:"role"`
}

// Members: configurations change by one voter at a time, and no replica of a
// node comes back under an id that it had.
func Members(_ *history.History, w *Witness) Result {
	r := NewResult("members")
	if w == nil || len(w.Dumps) == 0 {
		r.Undecided("there is no log")
		return r
	}
	for group, log := range w.Log {
		checkChain(&r, group, log)
	}
	return r
}

func checkChain(r *Result, group int, log []*Command) {
	var before map[uint64]string
	left := map[uint64]bool{}
	for _, c := range log {
		if c.Kind != "CONFIGURATION" {
			continue
		}
		r.Count["configurations"]++
		now := map[uint64]string{}
		for _, s := range c.Servers {
			id := uint64(s.Node)<<32 | uint64(s.Replica)
			now[id] = s.Role
			if left[id] {
				r.Failed(nil, "group %d index %d: replica %d of node %d is back", group,
					c.Index, s.Replica, s.Node)
			}
		}
		for id := range before {
			left[id] = now[id] == ""
		}
		if changed := voterChanges(before, now); before != nil && changed > 1 {
			r.Failed(nil, "group %d index %d: %d voters change at once", group, c.Index, changed)
		}
		before = now
	}
}

// voterChanges counts who is voter on one side only.
func voterChanges(before, now map[uint64]string) int {
	changed := 0
	for id, role := range now {
		if (role == "voter") != (before[id] == "voter") {
			changed++
		}
	}
	for id, role := range before {
		if _, stays := now[id]; !stays && role == "voter" {
			changed++
		}
	}
	return changed
}

// sortCommands puts a log in order; used by tests, too.
func sortCommands(log []*Command) {
	sort.Slice(log, func(i, j int) bool { return log[j].after(log[i]) })
}
