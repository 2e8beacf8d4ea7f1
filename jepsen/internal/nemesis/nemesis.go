// Package nemesis breaks things, and puts them right again.
//
// A nemesis first draws a fault, which is pure, then injects it, proves that
// it was felt, and heals it. A fault is data: a run writes its faults down, and
// a replay injects them again.
package nemesis

import (
	"context"
	"fmt"
	"sort"
	"time"

	"murder/jepsen/internal/cluster"
	"murder/jepsen/internal/gen"
	wire "murder/jepsen/internal/net"
)

// Fault is all that was drawn of it.
type Fault struct {
	Nemesis string        `json:"nemesis"`
	What    string        `json:"what"`
	Nodes   []string      `json:"nodes,omitempty"` // that are hit
	Down    []string      `json:"down,omitempty"`  // that cannot serve meanwhile
	Hold    time.Duration `json:"hold"`            // until it is healed
	Seed    int64         `json:"seed,omitempty"`
	Rules   []LinkRule    `json:"rules,omitempty"`
}

// LinkRule is a rule for one direction; Clients is a name, too.
type LinkRule struct {
	From string    `json:"from"`
	To   string    `json:"to"`
	Rule wire.Rule `json:"rule"`
}

// Clients is the name of the clients' end of links.
const Clients = "clients"

// View is what a choice may depend on. Leaders are no part of it: who leads is
// no function of the seed; a fault names "leader" and means who it is then.
type View struct {
	Nodes    []string
	HoldLow  time.Duration
	HoldHigh time.Duration
}

func (v View) hold(draws *gen.Stream) time.Duration {
	return draws.Between(v.HoldLow, v.HoldHigh)
}

// Nemesis is one kind of fault. One fault at a time.
type Nemesis interface {
	Name() string
	// Needs says what is missing; "": nothing.
	Needs(caps cluster.Caps) string
	Next(draws *gen.Stream, v View) Fault
	// Inject may fill in what the fault could not know: who was hit.
	Inject(ctx context.Context, f *Fault) error
	// Acted is nil if the fault was felt.
	Acted(f *Fault) error
	// Heal takes back whatever Inject has done, also by halves; idempotent.
	Heal(ctx context.Context) error
}

// New makes the nemesis of that name for a cluster.
func New(name string, c *cluster.Cluster) (Nemesis, error) {
	make := makers[name]
	if make == nil {
		return nil, fmt.Errorf("no nemesis %q; there are %v", name, Names())
	}
	return make(c), nil
}

var makers = map[string]func(c *cluster.Cluster) Nemesis{}

// Names of all.
func Names() []string {
	var names []string
	for name := range makers {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// leader in a list of nodes stands for the leader of group 0 or 1.
const leader = "leader"

// targets draws which nodes are hit.
func targets(draws *gen.Stream, names []string) (string, []string) {
	order := draws.Perm(len(names))
	take := func(count int) []string {
		var list []string
		for _, i := range order[:count] {
			list = append(list, names[i])
		}
		sort.Strings(list)
		return list
	}
	minority := (len(names) - 1) / 2
	switch draws.Pick(40, 15, 10, 10, 25) {
	case 0:
		return "one", take(1)
	case 1:
		if minority > 0 {
			return "minority", take(minority)
		}
	case 2:
		return "majority", take(len(names)/2 + 1)
	case 3:
		return "all", take(len(names))
	}
	return leader, []string{leader}
}

// resolve gives the nodes of a fault; a leader by name from now on.
func resolve(ctx context.Context, c *cluster.Cluster, f *Fault) []*cluster.Node {
	var nodes []*cluster.Node
	for i, name := range f.Nodes {
		if name == leader {
			name = leaderName(ctx, c, f.Seed)
			f.Nodes[i] = name
		}
		nodes = append(nodes, c.Node(name))
	}
	f.Down = f.Nodes
	return nodes
}

func leaderName(ctx context.Context, c *cluster.Cluster, seed int64) string {
	if found := c.Leader(ctx, int(seed%5)); found != nil {
		return found.Name
	}
	return c.Nodes[int(seed%int64(len(c.Nodes)))].Name
}
