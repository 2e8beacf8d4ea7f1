// Package history is what clients and nemeses saw, in the order of one clock.
//
// A history is a file with one JSON object a line (history.jsonl) and the same
// in the form of Jepsen (history.edn). Checkers read nothing else of a run but
// it and the log that the nodes dump.
package history

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Type is how an operation began or ended.
type Type string

// What the client saw; fault-testing.md 2 has the table.
const (
	Invoke Type = "invoke" // it begins
	OK     Type = "ok"     // it happened between invoke and here
	Fail   Type = "fail"   // it did not happen, and never will
	Info   Type = "info"   // it may happen at any later time, or never
)

// Process is a logical process: one thing at a time, and none after an Info.
type Process int

// Nemesis is the process of all faults.
const Nemesis Process = -1

// MarshalJSON gives a number, or "nemesis".
func (p Process) MarshalJSON() ([]byte, error) {
	if p == Nemesis {
		return []byte(`"nemesis"`), nil
	}
	return []byte(strconv.Itoa(int(p))), nil
}

// UnmarshalJSON takes what MarshalJSON gives.
func (p *Process) UnmarshalJSON(octets []byte) error {
	if string(octets) == `"nemesis"` {
		*p = Nemesis
		return nil
	}
	number, err := strconv.Atoi(string(octets))
	if err != nil || number < 0 {
		return fmt.Errorf("no process: %s", octets)
	}
	*p = Process(number)
	return nil
}

// Event is one line of a history.
type Event struct {
	I    int             `json:"i"`
	T    int64           `json:"t"` // microseconds since the run began
	P    Process         `json:"p"`
	Type Type            `json:"type"`
	F    string          `json:"f"`
	K    string          `json:"k,omitempty"`
	V    json.RawMessage `json:"v,omitempty"`
	Node string          `json:"node,omitempty"`
	Conn int             `json:"conn,omitempty"`
	Why  string          `json:"why,omitempty"` // of fail and info, for people
}

// Call is an operation with its end.
type Call struct {
	Process Process
	F, K    string
	In, Out json.RawMessage
	Begin   Event
	End     Event // of Type Info without T if none was written
	Type    Type
	Final   bool // after healing
}

// Before is whether c had ended when d began: only then is their order known.
func (c *Call) Before(d *Call) bool {
	return c.Type != Info && c.End.I < d.Begin.I
}
