package check

import (
	"strconv"
	"strings"

	"murder/jepsen/internal/history"
)

// WitnessExpunge: what was acknowledged as expunged is in the log as such, and
// every message that came is in it once.
func WitnessExpunge(h *history.History, w *Witness) Result {
	r := witnessMessages("expunge in the log", h, w, true)
	if r.Verdict == Unknown {
		return r
	}
	boxes := mailboxIDs(h)
	gone := expunged(w)
	for _, call := range h.Calls {
		if call.F != FExpunge || call.Type != history.OK {
			continue
		}
		box, known := boxes[call.K]
		if !known {
			continue
		}
		var out ExpungeOut
		decode(call.Out, &out)
		r.Count["expunged"]++
		if !gone[messageAt{box, out.UID}] {
			r.Failed([]*history.Call{call}, "%s: UID %d was expunged and the log does not "+
				"say so", call.K, out.UID)
		}
	}
	return r
}

type messageAt struct {
	mailbox uint64
	uid     uint32
}

// mailboxIDs: key -> the number in the log; MAILBOXID is "M" and hex digits.
func mailboxIDs(h *history.History) map[string]uint64 {
	ids := map[string]uint64{}
	for _, call := range h.Calls {
		if call.Type != history.OK || (call.F != FRead && call.F != FFinal) {
			continue
		}
		var out ReadOut
		decode(call.Out, &out)
		id, err := strconv.ParseUint(strings.TrimPrefix(out.MailboxID, "M"), 16, 64)
		if err == nil {
			ids[call.K] = id
		}
	}
	return ids
}

// expunged are all messages that some EXPUNGE, or MOVE, of the log names.
func expunged(w *Witness) map[messageAt]bool {
	gone := map[messageAt]bool{}
	for _, log := range w.Log {
		for _, c := range log {
			if !c.Effective || (c.Kind != "EXPUNGE" && !c.Move) {
				continue
			}
			for _, uid := range uidsOf(c.UIDs) {
				gone[messageAt{c.Mailbox, uid}] = true
			}
		}
	}
	return gone
}

// uidsMax of one command.
const uidsMax = 1000

func uidsOf(text string) []uint32 {
	var uids []uint32
	for _, part := range strings.Split(text, ",") {
		ends := strings.SplitN(part, ":", 2)
		first, err := strconv.ParseUint(ends[0], 10, 32)
		if err != nil {
			return nil
		}
		last := first
		if len(ends) == 2 {
			if last, err = strconv.ParseUint(ends[1], 10, 32); err != nil {
				return nil
			}
		}
		for uid := first; uid <= last && len(uids) < uidsMax; uid++ {
			uids = append(uids, uint32(uid))
		}
	}
	return uids
}
