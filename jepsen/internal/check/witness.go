package check

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"murder/jepsen/internal/history"
)

// Command is one line of `murderctl --json log dump`: a committed command.
type Command struct {
	Group    int    `json:"group"`
	Index    uint64 `json:"index"`
	Term     uint64 `json:"term"`
	Position int    `json:"position"`
	Node     uint32 `json:"node"`  // proposer: the node
	Start    uint32 `json:"start"` // and how often it was started
	Slot     uint32 `json:"slot"`
	Turn     uint64 `json:"turn"`
	Kind     string `json:"kind"`

	Mailbox  uint64    `json:"mailbox"`
	Target   uint64    `json:"target"`
	Messages []Message `json:"messages"`
	UIDs     string    `json:"uids"`
	Keywords []string  `json:"keywords"`
	Flags    []string  `json:"flags"`
	Mode     string    `json:"mode"`
	Move     bool      `json:"move"`
	Servers  []Server  `json:"servers"` // of a configuration
	Fenced   *Fenced   `json:"fenced"`

	Effective bool `json:"-"` // it was the first of its op id, and not fenced
}

// Message is one that a command brings.
type Message struct {
	Hash string `json:"hash"`
	Size uint64 `json:"size"`
}

// Fenced names an incarnation that was given up.
type Fenced struct {
	Node  uint32 `json:"node"`
	Start uint32 `json:"start"`
}

// Begin is the line that a dump begins a group with.
type Begin struct {
	Group  int    `json:"group"`
	First  uint64 `json:"first"`  // index of the first entry in the dump
	Commit uint64 `json:"commit"` // and of the last one
}

// Dump is the log of one node.
type Dump struct {
	Node     string
	Begins   map[int]Begin
	Commands []*Command
	lines    map[place]string // the octets of each command
}

type place struct {
	group    int
	index    uint64
	position int
}

// Witness is what the nodes' logs say together.
type Witness struct {
	Dumps    []*Dump
	Log      map[int][]*Command // by group, in order
	First    map[int]uint64     // where the log of a group begins
	Problems []string           // the nodes disagree, or a dump is no log
}

// lineMax of a dump: a command of COMMAND_MAX octets as text.
const lineMax = 4 << 20

// ReadDump reads what `murderctl --json log dump` prints.
func ReadDump(node string, in io.Reader) (*Dump, error) {
	d := &Dump{Node: node, Begins: map[int]Begin{}, lines: map[place]string{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), lineMax)
	ended := false
	for number := 1; lines.Scan(); number++ {
		if ended {
			return nil, fmt.Errorf("%s: line %d is behind the end", node, number)
		}
		var err error
		if ended, err = d.take(lines.Bytes()); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", node, number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", node, err)
	}
	if !ended {
		return nil, fmt.Errorf("%s: the dump has no end", node)
	}
	return d, nil
}

func (d *Dump) take(line []byte) (ended bool, err error) {
	var kind struct {
		Begin *Begin `json:"begin"`
		End   *int   `json:"end"`
		Kind  string `json:"kind"`
	}
	if err := json.Unmarshal(line, &kind); err != nil {
		return false, err
	}
	switch {
	case kind.Begin != nil:
		d.Begins[kind.Begin.Group] = *kind.Begin
	case kind.End != nil:
		if *kind.End != len(d.Commands) {
			return true, fmt.Errorf("%d commands of %d", len(d.Commands), *kind.End)
		}
		return true, nil
	case kind.Kind != "":
		c := &Command{}
		if err := json.Unmarshal(line, c); err != nil {
			return false, err
		}
		d.Commands = append(d.Commands, c)
		d.lines[place{c.Group, c.Index, c.Position}] = string(line)
	default:
		return false, fmt.Errorf("no line of a dump")
	}
	return false, nil
}

// NewWitness puts the logs together. A nil or empty one knows nothing.
func NewWitness(dumps []*Dump) *Witness {
	w := &Witness{Dumps: dumps, Log: map[int][]*Command{}, First: map[int]uint64{}}
	known := map[place]string{}
	for _, d := range dumps {
		w.begin(d)
		for _, c := range d.Commands {
			w.merge(d, c, known)
		}
	}
	for _, log := range w.Log {
		sortCommands(log)
		resolve(log)
	}
	return w
}

func (w *Witness) begin(d *Dump) {
	for group, begin := range d.Begins {
		first, known := w.First[group]
		if !known || begin.First < first {
			w.First[group] = begin.First
		}
	}
}

func (w *Witness) merge(d *Dump, c *Command, known map[place]string) {
	at := place{c.Group, c.Index, c.Position}
	text := d.lines[at]
	other, met := known[at]
	if !met {
		known[at] = text
		w.Log[c.Group] = append(w.Log[c.Group], c)
		return
	}
	if other != text {
		w.Problems = append(w.Problems, fmt.Sprintf(
			"group %d index %d position %d: %s has another command than others: %s and %s",
			c.Group, c.Index, c.Position, d.Node, text, other))
	}
}

// resolve says which commands take effect, by the rules of architecture.md 4:
// of an op id the first one, and none of an incarnation that is below the one
// registered.
func resolve(log []*Command) {
	type slot struct {
		node uint32
		slot uint32
	}
	registered := map[uint32]uint32{}
	turns := map[slot]uint64{}
	for _, c := range log {
		if c.Turn == 0 && c.Kind != "REGISTER" {
			continue // a barrier, a configuration: nobody has proposed it
		}
		start := registered[c.Node]
		if c.Start < start {
			continue
		}
		if c.Start > start {
			registered[c.Node] = c.Start
			for s := range turns {
				if s.node == c.Node {
					delete(turns, s)
				}
			}
		}
		if c.Kind == "FENCE" && c.Fenced != nil && c.Fenced.Start >= registered[c.Fenced.Node] {
			registered[c.Fenced.Node] = c.Fenced.Start + 1
		}
		s := slot{c.Node, c.Slot}
		if c.Kind == "REGISTER" || c.Turn <= turns[s] {
			continue
		}
		turns[s] = c.Turn
		c.Effective = c.Kind != "CANCEL"
	}
}

// Logs: all nodes hold the same log.
func Logs(_ *history.History, w *Witness) Result {
	r := NewResult("logs")
	if w == nil || len(w.Dumps) == 0 {
		r.Undecided("no node has dumped its log")
		return r
	}
	for _, problem := range w.Problems {
		r.Failed(nil, "%s", problem)
	}
	for group, log := range w.Log {
		r.Count["commands"] += len(log)
		if w.First[group] > 2 {
			r.Undecided("group %d: the logs begin at index %d only", group, w.First[group])
		}
	}
	r.Count["nodes"] = len(w.Dumps)
	return r
}

// bodies maps the hash of each message to the commands that brought it.
func (w *Witness) bodies() map[string][]*Command {
	found := map[string][]*Command{}
	for _, log := range w.Log {
		for _, c := range log {
			if !c.Effective || (c.Kind != "APPEND" && c.Kind != "DELIVER") {
				continue
			}
			for _, m := range c.Messages {
				found[m.Hash] = append(found[m.Hash], c)
			}
		}
	}
	return found
}

// stored gives the command that stored a message, or nil, and whether it is
// in the log more than once.
func stored(found []*Command) (c *Command, twice bool) {
	if len(found) == 0 {
		return nil, false
	}
	return found[0], len(found) > 1
}
