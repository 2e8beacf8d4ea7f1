package run

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"

	wire "murder/jepsen/internal/net"
)

// Notes are what the harness saw that is in no history.
type Notes struct {
	Data    string                   `json:"data"`
	Failed  []string                 `json:"failed"` // what must not happen
	Skipped map[string]string        `json:"skipped"`
	Starts  []int                    `json:"starts"`
	Links   map[string]wire.Counters `json:"links"`
}

// notesMax is how many failures are told.
const notesMax = 50

func (n *Notes) failed(format string, args ...interface{}) {
	if len(n.Failed) < notesMax {
		n.Failed = append(n.Failed, fmt.Sprintf(format, args...))
	}
}

// alarming is what no log may say.
var alarming = []string{
	"PANIC", "panic:", "ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
	"runtime error:", "WARNING: ThreadSanitizer", "faultshim:",
}

// readLog looks for what a murderd says when it is broken.
func (n *Notes) readLog(name string, octets []byte) {
	lines := bufio.NewScanner(bytes.NewReader(octets))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		for _, word := range alarming {
			if strings.Contains(lines.Text(), word) {
				n.failed("%s: %.200s", name, lines.Text())
				break
			}
		}
	}
}
