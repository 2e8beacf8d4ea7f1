package check

import (
	"sort"

	"murder/jepsen/internal/history"
)

// Expunge: an expunged UID never returns, on any node; nothing goes that
// nobody has marked; UIDs name one message for ever; QRESYNC tells exactly the
// difference.
func Expunge(h *history.History, _ *Witness) Result {
	r := NewResult("expunge")
	byKey := h.ByKey()
	for _, key := range sortedKeys(byKey) {
		m := newMailbox(&r, key, byKey[key])
		m.checkRows()
		m.checkOrder()
		m.checkCounters()
		m.checkGone(byKey[key])
		m.checkFinal()
		m.checkResyncs(byKey[key])
	}
	return r
}

// fate of a UID.
type fate struct {
	marked int // event: from here on it may be gone; -1: nobody has marked it
	gone   int // event: from here on it is gone; -1: not known to be
	why    *history.Call
}

func fates(calls []*history.Call) map[uint32]*fate {
	found := map[uint32]*fate{}
	for _, call := range calls {
		if call.F != FExpunge || call.Type == history.Fail || len(call.Out) == 0 {
			continue
		}
		var out ExpungeOut
		decode(call.Out, &out)
		f := found[out.UID]
		if f == nil {
			f = &fate{marked: call.Begin.I, gone: -1}
			found[out.UID] = f
		}
		if call.Type == history.OK && (f.gone < 0 || call.End.I < f.gone) {
			f.gone, f.why = call.End.I, call
		}
	}
	return found
}

// checkGone walks the reads in the order of their ends.
func (m *mailbox) checkGone(calls []*history.Call) {
	found := fates(calls)
	for _, rd := range m.reads {
		for _, a := range m.order {
			m.checkFate(rd, a, found)
		}
		for id := range rd.rows {
			if a := m.sent[id]; a != nil && (a.since < 0 || a.since > rd.End.I) {
				a.since = rd.End.I
			}
		}
	}
}

func (m *mailbox) checkFate(rd *read, a *added, found map[uint32]*fate) {
	_, there := rd.rows[a.in.ID]
	f := found[a.uid]
	if there && f != nil && f.gone >= 0 && f.gone < rd.Begin.I {
		m.failed([]*history.Call{f.why, rd.Call}, "UID %d was expunged and is back", a.uid)
	}
	if there || a.since < 0 || a.since >= rd.Begin.I {
		return
	}
	// It is not there, though it was: somebody must have marked it before.
	if a.uid == 0 || f == nil || f.marked > rd.End.I {
		m.failed([]*history.Call{a.Call, rd.Call}, "message %s (UID %d) is lost", a.in.ID, a.uid)
		return
	}
	if f.gone < 0 || f.gone > rd.End.I {
		f.gone, f.why = rd.End.I, rd.Call
	}
}

func (m *mailbox) checkResyncs(calls []*history.Call) {
	for _, call := range calls {
		if call.F != FResync || call.Type != history.OK {
			continue
		}
		var out ResyncOut
		decode(call.Out, &out)
		m.r.Count["resyncs"]++
		m.checkResync(call, out)
	}
}

// checkResync: below the UIDNEXT of then, what vanished is what was known and
// is no more.
func (m *mailbox) checkResync(call *history.Call, out ResyncOut) {
	now, vanished := set(out.Now), set(out.Vanished)
	for _, uid := range out.Known {
		if !now[uid] && !vanished[uid] {
			m.failed([]*history.Call{call}, "UID %d is gone since MODSEQ %d and VANISHED "+
				"does not say so", uid, out.Since)
		}
	}
	known := set(out.Known)
	for _, uid := range out.Vanished {
		if now[uid] {
			m.failed([]*history.Call{call}, "UID %d is there and was told as vanished", uid)
		}
		if uid < out.Next && !known[uid] {
			m.failed([]*history.Call{call}, "UID %d was not there at MODSEQ %d and was told "+
				"as vanished since", uid, out.Since)
		}
	}
}

func set(uids []uint32) map[uint32]bool {
	sort.Slice(uids, func(i, j int) bool { return uids[i] < uids[j] })
	found := map[uint32]bool{}
	for _, uid := range uids {
		found[uid] = true
	}
	return found
}

// Views: what untagged data said of the mailbox, position by position, is what
// a fresh FETCH says.
func Views(h *history.History, _ *Witness) Result {
	r := NewResult("views")
	for _, call := range h.Calls {
		if call.Type != history.OK || (call.F != FRead && call.F != FFinal) {
			continue
		}
		var out ReadOut
		decode(call.Out, &out)
		r.Count["reads"]++
		if out.View != "" {
			r.Failed([]*history.Call{call}, "%s: %s", call.K, out.View)
		}
	}
	return r
}
