package check

import (
	"fmt"
	"sort"

	"murder/jepsen/internal/client"
	"murder/jepsen/internal/history"
)

// AppendIn is the argument of `append` and `deliver`.
type AppendIn struct {
	ID   string `json:"id"`
	Size int    `json:"size"`
}

// AppendOut is what an acknowledged append says; of `deliver` all is 0.
type AppendOut struct {
	UID      uint32 `json:"uid"`
	Validity uint32 `json:"validity"`
}

// Row is a message as a read saw it. Hash and Good are of final reads only.
type Row struct {
	UID    uint32 `json:"uid"`
	ID     string `json:"id"`
	Modseq uint64 `json:"modseq"`
	Hash   string `json:"hash,omitempty"`
	Good   bool   `json:"good,omitempty"` // the octets end with the message
}

// ReadOut is a mailbox as a read saw it.
type ReadOut struct {
	Validity  uint32 `json:"validity"`
	Next      uint32 `json:"next"` // UIDNEXT
	Modseq    uint64 `json:"modseq"`
	MailboxID string `json:"mailboxid"`
	Rows      []Row  `json:"rows"`
	View      string `json:"view,omitempty"` // what untagged data had wrong
}

// Functions of the workloads with messages.
const (
	FAppend  = "append"
	FDeliver = "deliver"
	FRead    = "read"
	FFinal   = "final-read"
)

// IsRead is whether the function changes nothing.
func IsRead(f string) bool {
	switch f {
	case FRead, FFinal, FRegisterRead, FResync, FPair, FBankRead:
		return true
	}
	return false
}

// Append: acknowledged mail is never lost, refused mail never appears, and
// UIDs, UIDVALIDITY and MODSEQ are what RFC 9051 and 7162 say.
func Append(h *history.History, _ *Witness) Result {
	r := NewResult("append")
	byKey := h.ByKey()
	for _, key := range sortedKeys(byKey) {
		m := newMailbox(&r, key, byKey[key])
		m.checkRows()
		m.checkSet()
		m.checkOrder()
		m.checkCounters()
		m.checkFinal()
	}
	return r
}

// read is a call with its value.
type read struct {
	*history.Call
	out  ReadOut
	rows map[string]Row // by id
}

// added is a message that somebody has sent.
type added struct {
	*history.Call
	in      AppendIn
	uid     uint32 // 0: not known
	since   int    // event from which on it must be seen; -1: none yet
	deliver bool
}

// mailbox is all of one key.
type mailbox struct {
	r     *Result
	key   string
	sent  map[string]*added
	order []*added
	reads []*read           // by their ends
	named map[uint32]string // UID -> id
}

func newMailbox(r *Result, key string, calls []*history.Call) *mailbox {
	m := &mailbox{r: r, key: key, sent: map[string]*added{}, named: map[uint32]string{}}
	for _, call := range calls {
		switch {
		case call.F == FAppend || call.F == FDeliver:
			m.add(call)
		case (call.F == FRead || call.F == FFinal) && call.Type == history.OK:
			m.addRead(call)
		}
	}
	sort.Slice(m.reads, func(i, j int) bool {
		return m.reads[i].End.I < m.reads[j].End.I
	})
	r.Count["keys"]++
	return m
}

func (m *mailbox) add(call *history.Call) {
	a := &added{Call: call, since: -1, deliver: call.F == FDeliver}
	decode(call.In, &a.in)
	if call.Type == history.OK {
		var out AppendOut
		decode(call.Out, &out)
		a.uid, a.since = out.UID, call.End.I
	}
	m.sent[a.in.ID] = a
	m.order = append(m.order, a)
	m.r.Count[string(call.Type)]++
}

func (m *mailbox) addRead(call *history.Call) {
	rd := &read{Call: call, rows: map[string]Row{}}
	decode(call.Out, &rd.out)
	m.reads = append(m.reads, rd)
	m.r.Count["reads"]++
}

func (m *mailbox) failed(calls []*history.Call, format string, args ...interface{}) {
	m.r.Failed(calls, "%s: "+format, append([]interface{}{m.key}, args...)...)
}

// checkRows: each row is a message that may be there, once, under one UID for
// ever.
func (m *mailbox) checkRows() {
	for _, a := range m.order {
		if a.uid != 0 {
			m.bind(a.uid, a.in.ID, a.Call)
		}
	}
	for _, rd := range m.reads {
		for _, row := range rd.out.Rows {
			m.checkRow(rd, row)
		}
	}
}

func (m *mailbox) checkRow(rd *read, row Row) {
	if _, twice := rd.rows[row.ID]; twice {
		m.failed([]*history.Call{rd.Call}, "message %s is there twice", row.ID)
	}
	rd.rows[row.ID] = row
	a := m.sent[row.ID]
	if a == nil {
		m.failed([]*history.Call{rd.Call}, "message %q (UID %d) was never sent",
			row.ID, row.UID)
		return
	}
	if a.Type == history.Fail {
		m.failed([]*history.Call{a.Call, rd.Call},
			"message %s was refused and is there", row.ID)
	}
	if rd.End.I < a.Begin.I {
		m.failed([]*history.Call{rd.Call}, "message %s is read before it is sent", row.ID)
	}
	m.bind(row.UID, row.ID, rd.Call)
	if a.uid == 0 {
		a.uid = row.UID
	}
	if a.uid != row.UID {
		m.failed([]*history.Call{a.Call, rd.Call},
			"message %s had UID %d and has %d", row.ID, a.uid, row.UID)
	}
}

// bind notes that the UID names this message, for ever.
func (m *mailbox) bind(uid uint32, id string, call *history.Call) {
	if known, ok := m.named[uid]; ok && known != id {
		m.failed([]*history.Call{call}, "UID %d named message %s and names %s",
			uid, known, id)
	}
	m.named[uid] = id
}

// checkSet: what was acknowledged, or seen, is in each later read.
func (m *mailbox) checkSet() {
	for _, rd := range m.reads {
		for _, a := range m.order {
			if a.since < 0 || a.since >= rd.Begin.I {
				continue
			}
			if _, ok := rd.rows[a.in.ID]; !ok {
				m.failed([]*history.Call{a.Call, rd.Call},
					"message %s is lost", a.in.ID)
			}
		}
		for id := range rd.rows {
			if a := m.sent[id]; a != nil && (a.since < 0 || a.since > rd.End.I) {
				a.since = rd.End.I
			}
		}
	}
}

// checkOrder: of two appends one after the other the second has the higher
// UID.
func (m *mailbox) checkOrder() {
	for _, a := range m.order {
		for _, b := range m.order {
			if a.uid == 0 || b.uid == 0 || a.Type != history.OK || !a.Before(b.Call) {
				continue
			}
			if b.uid <= a.uid {
				m.failed([]*history.Call{a.Call, b.Call},
					"UID %d was given after %d", b.uid, a.uid)
			}
		}
	}
}

// checkCounters: UIDVALIDITY stays, UIDNEXT and HIGHESTMODSEQ never fall in
// the order of real time, on whatever node.
func (m *mailbox) checkCounters() {
	for i, rd := range m.reads {
		if rd.out.Validity != m.reads[0].out.Validity {
			m.failed([]*history.Call{m.reads[0].Call, rd.Call}, "UIDVALIDITY changed")
		}
		for _, before := range m.reads[:i] {
			if before.End.I > rd.Begin.I {
				continue
			}
			if rd.out.Next < before.out.Next {
				m.failed([]*history.Call{before.Call, rd.Call},
					"UIDNEXT fell from %d to %d", before.out.Next, rd.out.Next)
			}
			if rd.out.Modseq < before.out.Modseq {
				m.failed([]*history.Call{before.Call, rd.Call},
					"HIGHESTMODSEQ fell from %d to %d", before.out.Modseq, rd.out.Modseq)
			}
		}
	}
}

// checkFinal: all nodes show the same at the end, to the octet.
func (m *mailbox) checkFinal() {
	var first *read
	for _, rd := range m.reads {
		if rd.F != FFinal {
			continue
		}
		m.checkOctets(rd)
		if first == nil {
			first = rd
			continue
		}
		if was, is := shape(first), shape(rd); was != is {
			m.failed([]*history.Call{first.Call, rd.Call}, "final reads differ: %s and %s",
				was, is)
		}
	}
	if first == nil && len(m.reads)+len(m.order) > 0 {
		m.r.Undecided("%s: no final read", m.key)
	}
}

func (m *mailbox) checkOctets(rd *read) {
	for _, row := range rd.out.Rows {
		a := m.sent[row.ID]
		if a == nil {
			continue // told already
		}
		right := row.Good
		if !a.deliver {
			right = row.Hash == client.Digest(client.Message(a.in.ID, a.in.Size))
		}
		if !right {
			m.failed([]*history.Call{a.Call, rd.Call}, "message %s has other octets", row.ID)
		}
	}
}

// shape is what must be equal on all nodes.
func shape(rd *read) string {
	text := fmt.Sprintf("UIDVALIDITY %d UIDNEXT %d HIGHESTMODSEQ %d:",
		rd.out.Validity, rd.out.Next, rd.out.Modseq)
	for _, row := range rd.out.Rows {
		text += fmt.Sprintf(" %d %s %d %s", row.UID, row.ID, row.Modseq, row.Hash)
	}
	return client.Digest([]byte(text))[:16]
}
