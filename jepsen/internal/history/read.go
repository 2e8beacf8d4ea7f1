package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// LineMax is the longest line of a history: a read of one key's messages.
const LineMax = 16 << 20

// FinalF marks where the final reads begin: an event of the nemesis.
const FinalF = "final"

// History is a run as its clients saw it.
type History struct {
	Events []Event
	Calls  []*Call // in the order of their beginning; no faults
}

// ReadFile reads a history.jsonl.
func ReadFile(path string) (*History, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	h, err := Read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

// Read reads the lines of a history.
func Read(in io.Reader) (*History, error) {
	var events []Event
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), LineMax)
	for lines.Scan() {
		var event Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(events)+1, err)
		}
		events = append(events, event)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", len(events)+1, err)
	}
	return New(events)
}

// pairing is the state of New.
type pairing struct {
	open  map[Process]*Call
	dead  map[Process]bool // after an Info
	final bool
	calls []*Call
}

// New pairs the events. Events that no run can have written are errors: a
// checker must never judge what it misunderstands.
func New(events []Event) (*History, error) {
	p := pairing{open: map[Process]*Call{}, dead: map[Process]bool{}}
	for i, event := range events {
		if event.I != i {
			return nil, fmt.Errorf("event %d has the number %d", i, event.I)
		}
		if i > 0 && event.T < events[i-1].T {
			return nil, fmt.Errorf("event %d: time goes back", i)
		}
		if err := p.take(event); err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
	}
	return &History{Events: events, Calls: p.calls}, nil
}

func (p *pairing) take(event Event) error {
	if event.P == Nemesis {
		p.final = p.final || event.F == FinalF
		return nil
	}
	if event.Type == Invoke {
		return p.invoke(event)
	}
	return p.end(event)
}

func (p *pairing) invoke(event Event) error {
	if p.open[event.P] != nil || p.dead[event.P] {
		return fmt.Errorf("process %d does two things at once", event.P)
	}
	call := &Call{
		Process: event.P, F: event.F, K: event.K, In: event.V,
		Begin: event, Type: Info, Final: p.final,
	}
	p.open[event.P] = call
	p.calls = append(p.calls, call)
	return nil
}

func (p *pairing) end(event Event) error {
	call := p.open[event.P]
	if call == nil || call.F != event.F || call.K != event.K {
		return fmt.Errorf("process %d ends what it has not begun", event.P)
	}
	switch event.Type {
	case OK, Fail, Info:
	default:
		return fmt.Errorf("unknown type %q", event.Type)
	}
	delete(p.open, event.P)
	call.End, call.Type, call.Out = event, event.Type, event.V
	p.dead[event.P] = event.Type == Info
	return nil
}

// ByKey gives the calls of each key, in order.
func (h *History) ByKey() map[string][]*Call {
	keys := map[string][]*Call{}
	for _, call := range h.Calls {
		keys[call.K] = append(keys[call.K], call)
	}
	return keys
}
