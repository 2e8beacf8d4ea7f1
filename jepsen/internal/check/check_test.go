package check

import (
	"encoding/json"
	"strings"
	"testing"

	"murder/jepsen/internal/client"
	"murder/jepsen/internal/history"
)

// past writes histories by hand: one event after the other.
type past struct {
	t      *testing.T
	events []history.Event
}

func value(v interface{}) json.RawMessage {
	octets, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return octets
}

func (p *past) event(process int, kind history.Type, f string, v interface{}) {
	event := history.Event{I: len(p.events), T: int64(len(p.events)),
		P: history.Process(process), Type: kind, F: f, K: "u0/k0", Node: "n1"}
	if v != nil {
		event.V = value(v)
	}
	p.events = append(p.events, event)
}

// do is an operation that nothing else overlaps.
func (p *past) do(process int, kind history.Type, f string, in, out interface{}) {
	p.event(process, history.Invoke, f, in)
	p.event(process, kind, f, out)
}

func (p *past) final() {
	p.events = append(p.events, history.Event{I: len(p.events), T: int64(len(p.events)),
		P: history.Nemesis, Type: history.OK, F: history.FinalF})
}

func (p *past) history() *history.History {
	h, err := history.New(p.events)
	if err != nil {
		p.t.Fatal(err)
	}
	return h
}

// expect judges the history; `word` must be in the evidence of a failure.
func (p *past) expect(checker Func, w *Witness, verdict Verdict, word string) {
	p.t.Helper()
	r := checker(p.history(), w)
	if r.Verdict != verdict {
		p.t.Errorf("%s: %s, not %s: %v", r.Name, r.Verdict, verdict, r.Evidence)
	}
	if !strings.Contains(strings.Join(r.Evidence, "\n"), word) {
		p.t.Errorf("%s: no %q in %v", r.Name, word, r.Evidence)
	}
}

const size = 300

func message(id string) AppendIn { return AppendIn{ID: id, Size: size} }

// row as a final read shows it: with the right octets.
func row(uid uint32, id string) Row {
	return Row{UID: uid, ID: id, Modseq: uint64(uid) + 1, Good: true,
		Hash: client.Digest(client.Message(id, size))}
}

func box(rows ...Row) ReadOut {
	out := ReadOut{Validity: 1, Next: 1, Modseq: 1, MailboxID: "M11", Rows: rows}
	for _, r := range rows {
		out.Next, out.Modseq = r.UID+1, r.Modseq
	}
	return out
}

// ---- append ----

func TestAppend(t *testing.T) {
	a, b := row(1, "a"), row(2, "b")
	tests := map[string]struct {
		tell    func(p *past)
		verdict Verdict
		word    string
	}{
		"what was acknowledged is there": {func(p *past) {
			p.do(1, history.OK, FAppend, message("a"), AppendOut{1, 1})
			p.do(2, history.OK, FRead, nil, box(a))
			p.do(1, history.OK, FAppend, message("b"), AppendOut{2, 1})
			p.final()
			p.do(3, history.OK, FFinal, nil, box(a, b))
			p.do(4, history.OK, FFinal, nil, box(a, b))
		}, Pass, ""},
		"nobody heard and it happened": {func(p *past) {
			p.do(1, history.Info, FAppend, message("a"), nil)
			p.do(3, history.OK, FFinal, nil, box(a))
		}, Pass, ""},
		"nobody heard and it did not happen": {func(p *past) {
			p.do(1, history.Info, FAppend, message("a"), nil)
			p.do(3, history.OK, FFinal, nil, box())
		}, Pass, ""},
		"a lost message": {func(p *past) {
			p.do(1, history.OK, FAppend, message("a"), AppendOut{1, 1})
			p.do(3, history.OK, FFinal, nil, box())
		}, Fail, "is lost"},
		"a message that was seen is gone": {func(p *past) {
			p.do(1, history.Info, FAppend, message("a"), nil)
			p.do(2, history.OK, FRead, nil, box(a))
			p.do(3, history.OK, FFinal, nil, box())
		}, Fail, "is lost"},
		"a refused message appears": {func(p *past) {
			p.do(1, history.Fail, FAppend, message("a"), nil)
			p.do(3, history.OK, FFinal, nil, box(a))
		}, Fail, "was refused"},
		"a message that nobody sent": {func(p *past) {
			p.do(3, history.OK, FFinal, nil, box(a))
		}, Fail, "never sent"},
		"a message twice": {func(p *past) {
			p.do(1, history.OK, FAppend, message("a"), AppendOut{1, 1})
			p.do(3, history.OK, FFinal, nil, box(a, row(2, "a")))
		}, Fail, "twice"},
		"a UID for two messages": {func(p *past) {
			p.do(1, history.OK, FAppend, message("a"), AppendOut{1, 1})
			p.do(1, history.OK, FAppend, message("b"), AppendOut{1, 1})
			p.do(3, history.OK, FFinal, nil, box(a, row(1, "b")))
		}, Fail, "UID 1 named"},
		"APPENDUID is another": {func(p *past) {
			p.do(1, history.OK, FAppend, message("a"), AppendOut{7, 1})
			p.do(3, history.OK, FFinal, nil, box(a))
		}, Fail, "had UID 7"},
		"UIDs against the order of time": {func(p *past) {
			p.do(1, history.OK, FAppend, message("b"), AppendOut{2, 1})
			p.do(1, history.OK, FAppend, message("a"), AppendOut{1, 1})
			p.do(3, history.OK, FFinal, nil, box(a, b))
		}, Fail, "was given after"},
		"UIDVALIDITY changes": {func(p *past) {
			other := box()
			other.Validity = 2
			p.do(2, history.OK, FRead, nil, box())
			p.do(3, history.OK, FFinal, nil, other)
		}, Fail, "UIDVALIDITY"},
		"UIDNEXT falls": {func(p *past) {
			high := box()
			high.Next = 9
			p.do(2, history.OK, FRead, nil, high)
			p.do(3, history.OK, FFinal, nil, box())
		}, Fail, "UIDNEXT fell"},
		"HIGHESTMODSEQ falls": {func(p *past) {
			high := box()
			high.Modseq = 9
			p.do(2, history.OK, FRead, nil, high)
			p.do(3, history.OK, FFinal, nil, box())
		}, Fail, "HIGHESTMODSEQ fell"},
		"other octets": {func(p *past) {
			bad := a
			bad.Hash = "00"
			p.do(1, history.OK, FAppend, message("a"), AppendOut{1, 1})
			p.do(3, history.OK, FFinal, nil, box(bad))
		}, Fail, "other octets"},
		"two nodes differ at the end": {func(p *past) {
			p.do(1, history.Info, FAppend, message("a"), nil)
			p.do(3, history.OK, FFinal, nil, box())
			p.do(4, history.OK, FFinal, nil, box(a))
		}, Fail, "final reads differ"},
		"nobody has looked": {func(p *past) {
			p.do(1, history.OK, FAppend, message("a"), AppendOut{1, 1})
		}, Unknown, "no final read"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &past{t: t}
			test.tell(p)
			p.expect(Append, nil, test.verdict, test.word)
		})
	}
}

// ---- the log ----

// logOf makes a witness of one node.
func logOf(t *testing.T, lines ...string) *Witness {
	t.Helper()
	return NewWitness([]*Dump{dump(t, "n1", lines...)})
}

func dump(t *testing.T, node string, lines ...string) *Dump {
	t.Helper()
	commands := 0
	for _, line := range lines {
		if !strings.Contains(line, `"begin"`) {
			commands++
		}
	}
	text := strings.Join(lines, "\n") + "\n{\"end\":" + string(value(commands)) + "}\n"
	d, err := ReadDump(node, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const begin = `{"begin":{"group":1,"first":1,"commit":99}}`

// appended is a line of the log; index and turn are one number.
func appended(index int, id string) string {
	return command(index, index, "APPEND", `"messages":[{"hash":"`+
		client.Digest(client.Message(id, size))+`","size":300}]`)
}

func command(index, turn int, kind, rest string) string {
	return `{"group":1,"index":` + string(value(index)) + `,"term":1,"position":0,"node":1,` +
		`"start":1,"slot":0,"turn":` + string(value(turn)) + `,"kind":"` + kind + `",` + rest + `}`
}

func TestWitnessAppend(t *testing.T) {
	tell := func(kind history.Type, visible bool) func(p *past) {
		return func(p *past) {
			out := interface{}(nil)
			if kind == history.OK {
				out = AppendOut{1, 1}
			}
			p.do(1, kind, FAppend, message("a"), out)
			rows := []Row{}
			if visible {
				rows = append(rows, row(1, "a"))
			}
			p.do(3, history.OK, FFinal, nil, box(rows...))
		}
	}
	cancel := command(1, 1, "CANCEL", `"x":0`)
	tests := map[string]struct {
		tell    func(p *past)
		lines   []string
		verdict Verdict
		word    string
	}{
		"acknowledged and there":   {tell(history.OK, true), []string{begin, appended(3, "a")}, Pass, ""},
		"refused and not there":    {tell(history.Fail, false), []string{begin}, Pass, ""},
		"unknown and there":        {tell(history.Info, true), []string{begin, appended(3, "a")}, Pass, ""},
		"acknowledged, not there":  {tell(history.OK, true), []string{begin}, Fail, "is not in the log"},
		"refused and there":        {tell(history.Fail, false), []string{begin, appended(3, "a")}, Fail, "was refused"},
		"unknown, there, not seen": {tell(history.Info, false), []string{begin, appended(3, "a")}, Fail, "in no final read"},
		"unknown, seen, not there": {tell(history.Info, true), []string{begin}, Fail, "is read and is not"},
		"twice": {tell(history.OK, true), []string{begin, appended(3, "a"), appended(4, "a")},
			Fail, "twice"},
		"twice under one op id is once": {tell(history.OK, true), []string{begin, appended(3, "a"),
			strings.Replace(appended(3, "a"), `"index":3`, `"index":4`, 1)}, Pass, ""},
		"cancelled before": {tell(history.OK, true), []string{begin, cancel,
			strings.Replace(appended(1, "a"), `"index":1`, `"index":4`, 1)}, Fail, "not in the log"},
		"fenced before": {tell(history.OK, true), []string{begin,
			strings.Replace(command(1, 1, "REGISTER", `"x":0`), `"start":1`, `"start":2`, 1),
			appended(3, "a")}, Fail, "not in the log"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &past{t: t}
			test.tell(p)
			p.expect(WitnessAppend, logOf(t, test.lines...), test.verdict, test.word)
		})
	}
	p := &past{t: t}
	tell(history.OK, true)(p)
	p.expect(WitnessAppend, NewWitness(nil), Unknown, "no log")
}

func TestLogs(t *testing.T) {
	p := &past{t: t}
	one := dump(t, "n1", begin, appended(3, "a"))
	same := dump(t, "n2", begin, appended(3, "a"))
	other := dump(t, "n3", begin, appended(3, "b"))
	p.expect(Logs, NewWitness([]*Dump{one, same}), Pass, "")
	p.expect(Logs, NewWitness([]*Dump{one, other}), Fail, "has another command")
	p.expect(Logs, NewWitness(nil), Unknown, "no node")
	late := dump(t, "n1", strings.Replace(begin, `"first":1`, `"first":50`, 1))
	late.Commands = append(late.Commands, &Command{Group: 1, Index: 50})
	p.expect(Logs, NewWitness([]*Dump{late}), Unknown, "begin at index 50")
}

func TestADumpThatIsCutIsNone(t *testing.T) {
	whole := begin + "\n" + appended(3, "a") + "\n{\"end\":1}\n"
	if _, err := ReadDump("n1", strings.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(whole)-1; cut++ {
		if _, err := ReadDump("n1", strings.NewReader(whole[:cut])); err == nil {
			t.Errorf("%d of %d octets pass for a dump", cut, len(whole))
		}
	}
}

// ---- flags ----

func TestFlags(t *testing.T) {
	a, b := FlagIn{Value: "$v1"}, FlagIn{Value: "$v2"}
	tests := map[string]struct {
		tell    func(p *past)
		verdict Verdict
	}{
		"reads name the last write": {func(p *past) {
			p.do(1, history.OK, FRegisterRead, nil, FlagOut{Modseq: 5})
			p.do(1, history.OK, FWrite, a, FlagOut{Value: "$v1", Modseq: 6})
			p.do(2, history.OK, FRegisterRead, nil, FlagOut{Value: "$v1", Modseq: 6})
			p.do(2, history.OK, FCAS, b, FlagOut{Value: "$v2", Modseq: 7, Since: 6})
			p.do(1, history.Fail, FCAS, a, FlagOut{Since: 6, Modified: true})
			p.do(1, history.OK, FRegisterRead, nil, FlagOut{Value: "$v2", Modseq: 7})
		}, Pass},
		"a write of unknown end happens late": {func(p *past) {
			p.do(1, history.Info, FWrite, a, nil)
			p.do(2, history.OK, FRegisterRead, nil, FlagOut{Modseq: 5})
			p.do(2, history.OK, FRegisterRead, nil, FlagOut{Value: "$v1", Modseq: 6})
		}, Pass},
		"a stale read": {func(p *past) {
			p.do(1, history.OK, FWrite, a, FlagOut{Value: "$v1", Modseq: 6})
			p.do(2, history.OK, FRegisterRead, nil, FlagOut{Modseq: 5})
		}, Fail},
		"a write is undone": {func(p *past) {
			p.do(1, history.OK, FWrite, a, FlagOut{Value: "$v1", Modseq: 6})
			p.do(1, history.OK, FWrite, b, FlagOut{Value: "$v2", Modseq: 7})
			p.do(2, history.OK, FRegisterRead, nil, FlagOut{Value: "$v1", Modseq: 6})
		}, Fail},
		"two conditional writes both win": {func(p *past) {
			p.do(1, history.OK, FRegisterRead, nil, FlagOut{Modseq: 5})
			p.do(1, history.OK, FCAS, a, FlagOut{Value: "$v1", Modseq: 6, Since: 5})
			p.do(2, history.OK, FCAS, b, FlagOut{Value: "$v2", Modseq: 7, Since: 5})
		}, Fail},
		"a conditional write is refused for nothing": {func(p *past) {
			p.do(1, history.OK, FRegisterRead, nil, FlagOut{Modseq: 5})
			p.do(1, history.Fail, FCAS, a, FlagOut{Since: 5, Modified: true})
		}, Fail},
		"MODSEQ does not grow": {func(p *past) {
			p.do(1, history.OK, FWrite, a, FlagOut{Value: "$v1", Modseq: 6})
			p.do(1, history.OK, FWrite, b, FlagOut{Value: "$v2", Modseq: 6})
		}, Fail},
		"MODSEQ grows by itself": {func(p *past) {
			p.do(1, history.OK, FWrite, a, FlagOut{Value: "$v1", Modseq: 6})
			p.do(2, history.OK, FRegisterRead, nil, FlagOut{Value: "$v1", Modseq: 8})
		}, Fail},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &past{t: t}
			test.tell(p)
			p.expect(Flags, nil, test.verdict, "")
		})
	}
}

func TestBits(t *testing.T) {
	tell := func(seen uint8) *past {
		p := &past{t: t}
		p.event(1, history.Invoke, FSetBits, FlagIn{Bits: 1})
		p.event(2, history.Invoke, FSetBits, FlagIn{Bits: 2})
		p.event(1, history.OK, FSetBits, FlagOut{})
		p.event(2, history.OK, FSetBits, FlagOut{})
		p.do(1, history.OK, FClearBits, FlagIn{Bits: 4}, FlagOut{})
		p.do(3, history.OK, FRegisterRead, nil, FlagOut{Bits: seen})
		for i := range p.events {
			p.events[i].K = "u0/k0:b"
		}
		return p
	}
	tell(3).expect(Flags, nil, Pass, "")
	tell(2).expect(Flags, nil, Fail, "no order") // an update is lost
	tell(7).expect(Flags, nil, Fail, "no order")
}

func TestTheLogRefutesWhatUnknownsWouldHide(t *testing.T) {
	p := &past{t: t}
	// Five writes of unknown end; one of them is read, but the log has none.
	for i, v := range []string{"$v1", "$v2", "$v3", "$v4", "$v5"} {
		p.do(i, history.Info, FWrite, FlagIn{Value: v}, nil)
	}
	p.do(9, history.OK, FRegisterRead, nil, FlagOut{Value: "$v3", Modseq: 9})
	p.expect(Flags, logOf(t, begin), Fail, "with the log")
	line := command(3, 3, "STORE", `"mailbox":1,"uids":"1","keywords":["$v3"]`)
	p.expect(Flags, logOf(t, begin, line), Pass, "")
}

func TestWitnessFlags(t *testing.T) {
	line := command(3, 3, "STORE", `"mailbox":1,"uids":"1","keywords":["$v1"]`)
	again := command(4, 4, "STORE", `"mailbox":1,"uids":"1","keywords":["$v1"]`)
	tell := func(kind history.Type, f string, out interface{}) *past {
		p := &past{t: t}
		p.do(1, kind, f, FlagIn{Value: "$v1"}, out)
		return p
	}
	ok := FlagOut{Value: "$v1", Modseq: 6}
	tell(history.OK, FWrite, ok).expect(WitnessFlags, logOf(t, begin, line), Pass, "")
	tell(history.OK, FWrite, ok).expect(WitnessFlags, logOf(t, begin), Fail, "not in the log")
	tell(history.OK, FWrite, ok).expect(WitnessFlags, logOf(t, begin, line, again), Fail, "twice")
	tell(history.Fail, FWrite, nil).expect(WitnessFlags, logOf(t, begin, line), Fail, "refused")
	tell(history.Fail, FCAS, FlagOut{Modified: true}).expect(WitnessFlags,
		logOf(t, begin, line), Pass, "")
}

// ---- expunge ----

func TestExpunge(t *testing.T) {
	a, b := row(1, "a"), row(2, "b")
	gone := func(rows ...Row) ReadOut {
		out := box(rows...)
		out.Next, out.Modseq = 3, 9
		return out
	}
	start := func(p *past) {
		p.do(1, history.OK, FAppend, message("a"), AppendOut{1, 1})
		p.do(1, history.OK, FAppend, message("b"), AppendOut{2, 1})
		p.do(2, history.OK, FRead, nil, box(a, b))
	}
	tests := map[string]struct {
		tell    func(p *past)
		verdict Verdict
		word    string
	}{
		"gone for good": {func(p *past) {
			start(p)
			p.do(1, history.OK, FExpunge, ExpungeIn{"uid"}, ExpungeOut{1})
			p.do(3, history.OK, FFinal, nil, gone(b))
		}, Pass, ""},
		"marked, and maybe expunged": {func(p *past) {
			start(p)
			p.do(1, history.Info, FExpunge, ExpungeIn{"uid"}, ExpungeOut{1})
			p.do(3, history.OK, FFinal, nil, gone(b))
		}, Pass, ""},
		"expunged and back": {func(p *past) {
			start(p)
			p.do(1, history.OK, FExpunge, ExpungeIn{"uid"}, ExpungeOut{1})
			p.do(3, history.OK, FFinal, nil, gone(a, b))
		}, Fail, "is back"},
		"seen as gone and back": {func(p *past) {
			start(p)
			p.do(1, history.Info, FExpunge, ExpungeIn{"uid"}, ExpungeOut{1})
			p.do(2, history.OK, FRead, nil, gone(b))
			p.do(3, history.OK, FFinal, nil, gone(a, b))
		}, Fail, "is back"},
		"gone, and nobody has marked it": {func(p *past) {
			start(p)
			p.do(1, history.OK, FExpunge, ExpungeIn{"uid"}, ExpungeOut{1})
			p.do(3, history.OK, FFinal, nil, gone())
		}, Fail, "is lost"},
		"VANISHED is exact": {func(p *past) {
			p.do(3, history.OK, FFinal, nil, gone())
			p.do(4, history.OK, FResync, nil, ResyncOut{Since: 4, Next: 3,
				Known: []uint32{1, 2}, Vanished: []uint32{1, 5}, Now: []uint32{2, 6}})
		}, Pass, ""},
		"VANISHED leaves one out": {func(p *past) {
			p.do(3, history.OK, FFinal, nil, gone())
			p.do(4, history.OK, FResync, nil, ResyncOut{Since: 4, Next: 3,
				Known: []uint32{1, 2}, Vanished: []uint32{}, Now: []uint32{2}})
		}, Fail, "does not say so"},
		"VANISHED tells what is there": {func(p *past) {
			p.do(3, history.OK, FFinal, nil, gone())
			p.do(4, history.OK, FResync, nil, ResyncOut{Since: 4, Next: 3,
				Known: []uint32{1, 2}, Vanished: []uint32{2}, Now: []uint32{1, 2}})
		}, Fail, "is there and"},
		"VANISHED tells what was gone before": {func(p *past) {
			p.do(3, history.OK, FFinal, nil, gone())
			p.do(4, history.OK, FResync, nil, ResyncOut{Since: 4, Next: 3,
				Known: []uint32{2}, Vanished: []uint32{1}, Now: []uint32{2}})
		}, Fail, "was not there at MODSEQ 4"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &past{t: t}
			test.tell(p)
			p.expect(Expunge, nil, test.verdict, test.word)
		})
	}
}

func TestWitnessExpunge(t *testing.T) {
	p := &past{t: t}
	p.do(1, history.OK, FAppend, message("a"), AppendOut{1, 1})
	p.do(2, history.OK, FRead, nil, box(row(1, "a")))
	p.do(1, history.OK, FExpunge, ExpungeIn{"uid"}, ExpungeOut{1})
	gone := command(4, 4, "EXPUNGE", `"mailbox":17,"uids":"1:3"`)
	p.expect(WitnessExpunge, logOf(t, begin, appended(3, "a"), gone), Pass, "")
	p.expect(WitnessExpunge, logOf(t, begin, appended(3, "a")), Fail, "does not say so")
	elsewhere := command(4, 4, "EXPUNGE", `"mailbox":18,"uids":"1"`)
	p.expect(WitnessExpunge, logOf(t, begin, appended(3, "a"), elsewhere), Fail, "does not say so")
}

func TestViews(t *testing.T) {
	p := &past{t: t}
	p.do(1, history.OK, FRead, nil, box())
	p.expect(Views, nil, Pass, "")
	bad := box()
	bad.View = "message 2 was UID 4 and is 5"
	p.do(1, history.OK, FRead, nil, bad)
	p.expect(Views, nil, Fail, "was UID 4")
}

// ---- move ----

// bank with all tokens in the first mailbox, but for those that are named.
func bank(elsewhere map[string]string) BankOut {
	out := BankOut{Boxes: map[string][]Row{"b0": {}, "b1": {}, "b2": {}}}
	for i := 0; i < Tokens; i++ {
		where := elsewhere[Token(i)]
		if where == "" {
			where = "b0"
		}
		if where != "nowhere" {
			out.Boxes[where] = append(out.Boxes[where], Row{UID: uint32(i + 1), ID: Token(i)})
		}
	}
	return out
}

func TestMove(t *testing.T) {
	there := MoveIn{"b0", "b1"}
	tests := map[string]struct {
		tell    func(p *past)
		verdict Verdict
		word    string
	}{
		"one of each": {func(p *past) {
			p.do(1, history.OK, FMove, there, MoveOut{"t3", 4})
			p.final()
			p.do(2, history.OK, FBankRead, nil, bank(map[string]string{"t3": "b1"}))
		}, Pass, ""},
		"one is gone": {func(p *past) {
			p.final()
			p.do(2, history.OK, FBankRead, nil, bank(map[string]string{"t3": "nowhere"}))
		}, Fail, "in 0 mailboxes"},
		"one is there twice": {func(p *past) {
			out := bank(nil)
			out.Boxes["b1"] = []Row{{UID: 1, ID: "t3"}}
			p.final()
			p.do(2, history.OK, FBankRead, nil, out)
		}, Fail, "in 2 mailboxes"},
		"a stranger": {func(p *past) {
			out := bank(nil)
			out.Boxes["b1"] = []Row{{UID: 1, ID: "x"}}
			p.final()
			p.do(2, history.OK, FBankRead, nil, out)
		}, Fail, "is no token"},
		"not where COPYUID says": {func(p *past) {
			p.do(1, history.OK, FMove, there, MoveOut{"t3", 77})
			p.final()
			p.do(2, history.OK, FBankRead, nil, bank(map[string]string{"t3": "b1"}))
		}, Fail, "COPYUID"},
		"nodes differ": {func(p *past) {
			p.do(1, history.Info, FMove, there, MoveOut{"t3", 0})
			p.final()
			p.do(2, history.OK, FBankRead, nil, bank(nil))
			p.do(3, history.OK, FBankRead, nil, bank(map[string]string{"t3": "b1"}))
		}, Fail, "differ"},
		"in neither of the two": {func(p *past) {
			p.do(1, history.OK, FMove, there, MoveOut{"t3", 4})
			p.do(2, history.OK, FPair, MoveIn{"b1", "b2"}, PairOut{})
			p.final()
			p.do(2, history.OK, FBankRead, nil, bank(map[string]string{"t3": "b1"}))
		}, Fail, "in neither"},
		"on its way elsewhere": {func(p *past) {
			p.do(1, history.OK, FMove, there, MoveOut{"t3", 4})
			p.event(3, history.Invoke, FMove, MoveIn{"b1", "b0"})
			p.do(2, history.OK, FPair, MoveIn{"b1", "b2"}, PairOut{})
			p.event(3, history.OK, FMove, MoveOut{"t3", 4})
			p.final()
			p.do(2, history.OK, FBankRead, nil, bank(nil))
		}, Pass, ""},
		"nobody has looked": {func(*past) {}, Unknown, "no final read"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &past{t: t}
			test.tell(p)
			p.expect(Move, nil, test.verdict, test.word)
		})
	}
}

// ---- members ----

func configuration(index int, servers string) string {
	return `{"group":1,"index":` + string(value(index)) +
		`,"term":1,"position":0,"kind":"CONFIGURATION","servers":[` + servers + `]}`
}

func TestMembers(t *testing.T) {
	one := `{"node":1,"replica":1,"role":"voter"}`
	two := `,{"node":2,"replica":1,"role":"voter"}`
	three := `,{"node":3,"replica":1,"role":"voter"}`
	p := &past{t: t}
	p.expect(Members, logOf(t, begin, configuration(1, one), configuration(2, one+two),
		configuration(3, one+two+three), configuration(4, one+two)), Pass, "")
	p.expect(Members, logOf(t, begin, configuration(1, one),
		configuration(2, one+two+three)), Fail, "2 voters change at once")
	p.expect(Members, logOf(t, begin, configuration(1, one+two), configuration(2, one),
		configuration(3, one+two)), Fail, "is back")
	p.expect(Members, NewWitness(nil), Unknown, "no log")
}
