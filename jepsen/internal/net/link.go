package wire

import (
	"time"

	"murder/jepsen/internal/gen"
)

// Rule is what a link does to packets of one direction. The zero value passes
// all of them at once.
type Rule struct {
	Cut       bool          `json:"cut,omitempty"`
	Clog      bool          `json:"clog,omitempty"` // hold all until it is gone
	Delay     time.Duration `json:"delay,omitempty"`
	Jitter    time.Duration `json:"jitter,omitempty"`    // up to so much more
	Loss      float64       `json:"loss,omitempty"`      // of each packet
	Duplicate float64       `json:"duplicate,omitempty"` // likewise
	Reorder   float64       `json:"reorder,omitempty"`   // comes ReorderBy later
	Rate      int           `json:"rate,omitempty"`      // octets a second; 0: any
}

// ReorderBy is how much later a reordered packet comes: some packets follow
// within it on any link that is in use.
const ReorderBy = 20 * time.Millisecond

// HeldMax is how many packets of one link are under way: more is what a
// router of small memory would lose, too.
const HeldMax = 4096

// Counters tell what a link has done: the proof that a fault acted.
type Counters struct {
	Passed     int `json:"passed"`
	Cut        int `json:"cut"`
	Lost       int `json:"lost"`
	Delayed    int `json:"delayed"`
	Duplicated int `json:"duplicated"`
	Reordered  int `json:"reordered"`
	Held       int `json:"held"`
	Full       int `json:"full"`
}

// Felt is how many packets did not just pass.
func (c Counters) Felt() int {
	return c.Cut + c.Lost + c.Delayed + c.Duplicated + c.Reordered + c.Held
}

// Link is one direction between two addresses. Its draws are its own: what
// happens to the n-th packet under a rule depends on no other link.
type Link struct {
	rule   Rule
	draws  *gen.Stream
	count  Counters
	free   time.Duration // when the packets before are through (Rate)
	queued int           // under way by the switch
	held   [][]byte      // Clog
}

// newLink has no rule.
func newLink(seed *gen.Seed, from, to Addr) *Link {
	return &Link{draws: seed.Stream("link " + from.String() + " " + to.String())}
}

// pass decides about a packet of that size: how long each of its copies takes.
// None: it is lost. Draws are made in a fixed order and number for each packet
// that is not cut.
func (l *Link) pass(now time.Duration, size int) []time.Duration {
	if l.rule.Cut {
		l.count.Cut++
		return nil
	}
	lost := l.draws.Chance(l.rule.Loss)
	double := l.draws.Chance(l.rule.Duplicate)
	late := l.draws.Chance(l.rule.Reorder)
	jitter := time.Duration(l.draws.Float64() * float64(l.rule.Jitter))
	if lost {
		l.count.Lost++
		return nil
	}
	if l.queued >= HeldMax {
		l.count.Full++
		return nil
	}
	delay := l.rule.Delay + jitter + l.through(now, size)
	if delay > 0 {
		l.count.Delayed++
	}
	if late {
		l.count.Reordered++
		delay += ReorderBy
	}
	l.count.Passed++
	if double {
		l.count.Duplicated++
		return []time.Duration{delay, delay}
	}
	return []time.Duration{delay}
}

// through is how long a packet waits and takes at the link's rate.
func (l *Link) through(now time.Duration, size int) time.Duration {
	if l.rule.Rate <= 0 {
		return 0
	}
	if l.free < now {
		l.free = now
	}
	l.free += time.Duration(size) * time.Second / time.Duration(l.rule.Rate)
	return l.free - now
}

// hold keeps a packet of a clogged link.
func (l *Link) hold(packet []byte) {
	if len(l.held) >= HeldMax {
		l.count.Full++
		return
	}
	l.count.Held++
	l.held = append(l.held, packet)
}
