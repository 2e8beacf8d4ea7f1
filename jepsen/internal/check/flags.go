package check

import (
	"io"
	"math"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"murder/jepsen/internal/history"
	"murder/jepsen/internal/model"
)

// Limits of the search for an order.
const (
	keyTimeout  = 60 * time.Second
	unknownsMax = 3 // of a key that is also judged without the log
)

// IsBits tells the two kinds of keys of the workload flags.
func IsBits(key string) bool { return strings.HasSuffix(key, ":b") }

// Flags: all operations on a message can be put into one order that a single
// server could have had (linearizability).
func Flags(h *history.History, w *Witness) Result {
	r := NewResult("flags")
	log := keywords(w)
	byKey := h.ByKey()
	for _, key := range sortedKeys(byKey) {
		r.Count["keys"]++
		judgeFlags(&r, key, byKey[key], log)
	}
	return r
}

func judgeFlags(r *Result, key string, calls []*history.Call, log map[string][]*Command) {
	m := model.Register
	if IsBits(key) {
		m = model.Bits
	}
	ops, unknown := flagOps(calls)
	judged := false
	if log != nil && !IsBits(key) {
		judgeOrder(r, key, m, patch(calls, log), "with the log")
		judged = true
	}
	if unknown <= unknownsMax || !judged {
		judgeOrder(r, key, m, ops, "without the log")
	}
}

func judgeOrder(r *Result, key string, m porcupine.Model, ops []porcupine.Operation, how string) {
	r.Count["operations"] += len(ops)
	verdict, search := porcupine.CheckOperationsVerbose(m, ops, keyTimeout)
	switch verdict {
	case porcupine.Illegal:
		r.draw(key, func(out io.Writer) error { return porcupine.Visualize(m, search, out) })
		r.Failed(nil, "%s: no order of its %d operations is possible (%s)", key, len(ops), how)
		for _, op := range ops {
			r.Events = append(r.Events, int(op.Call))
		}
	case porcupine.Unknown:
		r.Undecided("%s: no verdict within %s (%s)", key, keyTimeout, how)
	}
}

// drawingsMax is how many keys are drawn.
const drawingsMax = 20

func (r *Result) draw(key string, draw func(out io.Writer) error) {
	if r.Drawings == nil {
		r.Drawings = map[string]func(io.Writer) error{}
	}
	if len(r.Drawings) < drawingsMax {
		r.Drawings[strings.NewReplacer("/", "-", ":", "-").Replace(key)] = draw
	}
}

// flagOps gives what porcupine needs. Times are the places of events.
func flagOps(calls []*history.Call) (ops []porcupine.Operation, unknown int) {
	for _, call := range calls {
		op, ok := flagOp(call)
		if !ok {
			continue
		}
		if call.Type == history.Info {
			unknown++
		}
		ops = append(ops, op)
	}
	return ops, unknown
}

var flagKinds = map[string]string{
	FWrite: "write", FCAS: "cas", FRegisterRead: "read", FSetBits: "set", FClearBits: "clear",
}

// flagOp: false if the call says nothing about the message.
func flagOp(call *history.Call) (op porcupine.Operation, ok bool) {
	kind := flagKinds[call.F]
	in, out := model.FlagOp{Kind: kind}, model.FlagSeen{}
	if kind == "" {
		return op, false
	}
	if kind != "read" {
		var value FlagIn
		decode(call.In, &value)
		in.Value, in.Bits = value.Value, value.Bits
	}
	switch call.Type {
	case history.OK:
		var seen FlagOut
		decode(call.Out, &seen)
		in.Since = seen.Since
		out = model.FlagSeen{Value: seen.Value, Bits: seen.Bits, Modseq: seen.Modseq}
	case history.Fail:
		seen := flagOut(call)
		if kind != "cas" || !seen.Modified {
			return op, false
		}
		in.Since, out.Modified = seen.Since, true
	default:
		if kind == "read" {
			return op, false
		}
		out.Unknown = true
	}
	return porcupine.Operation{
		ClientId: int(call.Process), Input: in, Output: out,
		Call: int64(call.Begin.I), Return: returnOf(call),
	}, true
}

// flagOut of a call that may have none.
func flagOut(call *history.Call) (seen FlagOut) {
	if len(call.Out) > 0 {
		decode(call.Out, &seen)
	}
	return seen
}

// returnOf: what may happen at any time has no end.
func returnOf(call *history.Call) int64 {
	if call.Type == history.Info {
		return math.MaxInt64
	}
	return int64(call.End.I)
}

// keywords maps each keyword to the STOREs that set it; nil without a log.
func keywords(w *Witness) map[string][]*Command {
	if w == nil || len(w.Dumps) == 0 {
		return nil
	}
	found := map[string][]*Command{}
	for _, log := range w.Log {
		for _, c := range log {
			if !c.Effective || c.Kind != "STORE" {
				continue
			}
			for _, keyword := range c.Keywords {
				found[keyword] = append(found[keyword], c)
			}
		}
	}
	return found
}

// patch brings in what the log knows: a write of unknown end that is not in it
// never happened; one that is happened before whatever the log has behind it
// was answered.
func patch(calls []*history.Call, log map[string][]*Command) []porcupine.Operation {
	places := make([]*Command, len(calls))
	for i, call := range calls {
		if call.F == FWrite || call.F == FCAS {
			var in FlagIn
			decode(call.In, &in)
			places[i], _ = stored(log[in.Value])
		}
	}
	var ops []porcupine.Operation
	for i, call := range calls {
		op, ok := flagOp(call)
		if !ok {
			continue
		}
		if call.Type == history.Info {
			if places[i] == nil {
				continue
			}
			if call.F == FWrite { // a cas may have been refused
				op.Return = firstReturn(calls, places, places[i])
			}
		}
		ops = append(ops, op)
	}
	return ops
}

// firstReturn of an operation that stands behind this place in the log.
func firstReturn(calls []*history.Call, places []*Command, at *Command) int64 {
	first := int64(math.MaxInt64)
	for i, call := range calls {
		if call.Type != history.OK || places[i] == nil || places[i].Group != at.Group ||
			!places[i].after(at) {
			continue
		}
		if end := int64(call.End.I); end < first {
			first = end
		}
	}
	return first
}

func (c *Command) after(d *Command) bool {
	if c.Index != d.Index {
		return c.Index > d.Index
	}
	return c.Position > d.Position
}

// WitnessFlags: each acknowledged write is in the log once, no refused one is.
func WitnessFlags(h *history.History, w *Witness) Result {
	r := NewResult("flags in the log")
	log := keywords(w)
	if log == nil {
		r.Undecided("there is no log")
		return r
	}
	for _, call := range h.Calls {
		if call.F != FWrite && call.F != FCAS {
			continue
		}
		var in FlagIn
		decode(call.In, &in)
		judgeWrite(&r, call, in.Value, log[in.Value])
	}
	return r
}

func judgeWrite(r *Result, call *history.Call, value string, found []*Command) {
	modified := call.Type == history.Fail && flagOut(call).Modified
	one := []*history.Call{call}
	command, twice := stored(found)
	r.Count[string(call.Type)]++
	switch {
	case twice:
		r.Failed(one, "%s is in the log twice: group %d, index %d and %d", value,
			found[0].Group, found[0].Index, found[1].Index)
	case call.Type == history.OK && command == nil:
		r.Failed(one, "%s was acknowledged and is not in the log", value)
	case call.Type == history.Fail && !modified && command != nil:
		r.Failed(one, "%s was refused and is in the log: group %d, index %d", value,
			command.Group, command.Index)
	}
}
