package check

import (
	"murder/jepsen/internal/client"
	"murder/jepsen/internal/history"
)

// WitnessAppend compares the history with the log: each acknowledged message
// is in it once, no refused one is, and one whose end nobody heard is at the
// end where the log says.
func WitnessAppend(h *history.History, w *Witness) Result {
	return witnessMessages("append in the log", h, w, false)
}

// witnessMessages: with messages that go, one that is in the log need not be
// there at the end.
func witnessMessages(name string, h *history.History, w *Witness, going bool) Result {
	r := NewResult(name)
	if w == nil || len(w.Dumps) == 0 {
		r.Undecided("there is no log")
		return r
	}
	log, seen := w.bodies(), finalHashes(h)
	for _, call := range h.Calls {
		if call.F != FAppend && call.F != FDeliver {
			continue
		}
		var in AppendIn
		decode(call.In, &in)
		hash, known := seen[in.ID]
		if call.F == FAppend {
			hash, known = client.Digest(client.Message(in.ID, in.Size)), true
		}
		if !known {
			continue // delivered, and never seen: its octets are not known
		}
		_, visible := seen[in.ID]
		judgeStored(&r, call, in.ID, log[hash], visible, going)
	}
	return r
}

// finalHashes: message id -> digest as the final reads saw it.
func finalHashes(h *history.History) map[string]string {
	seen := map[string]string{}
	for _, call := range h.Calls {
		if call.F != FFinal || call.Type != history.OK {
			continue
		}
		var out ReadOut
		decode(call.Out, &out)
		for _, row := range out.Rows {
			seen[row.ID] = row.Hash
		}
	}
	return seen
}

func judgeStored(r *Result, call *history.Call, id string, found []*Command,
	visible, going bool) {
	one := []*history.Call{call}
	command, twice := stored(found)
	r.Count[string(call.Type)]++
	switch {
	case twice:
		r.Failed(one, "message %s is in the log twice: group %d, index %d and %d", id,
			found[0].Group, found[0].Index, found[1].Index)
	case call.Type == history.OK && command == nil:
		r.Failed(one, "message %s was acknowledged and is not in the log", id)
	case call.Type == history.Fail && command != nil:
		r.Failed(one, "message %s was refused and is in the log: group %d, index %d",
			id, command.Group, command.Index)
	case call.Type == history.Info && command != nil:
		r.Count["info that happened"]++
		if !visible && !going {
			r.Failed(one, "message %s is in the log (group %d, index %d) and in no "+
				"final read", id, command.Group, command.Index)
		}
	case visible && command == nil:
		r.Failed(one, "message %s is read and is not in the log", id)
	}
}
