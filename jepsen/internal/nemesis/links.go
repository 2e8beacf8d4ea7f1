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

func init() {
	makers["partition"] = func(c *cluster.Cluster) Nemesis { return &links{c: c, name: "partition"} }
	makers["packet"] = func(c *cluster.Cluster) Nemesis { return &links{c: c, name: "packet"} }
}

// links: rules of the switch, for a while.
type links struct {
	c     *cluster.Cluster
	name  string
	keys  []wire.Key // that have a rule now
	fault []wire.Key // that had one
	felt  int        // before
}

func (l *links) Name() string              { return l.name }
func (l *links) Needs(cluster.Caps) string { return "" }

func (l *links) Next(draws *gen.Stream, v View) Fault {
	f := Fault{Nemesis: l.name, Hold: v.hold(draws)}
	if l.name == "partition" {
		f.What, f.Rules, f.Down = drawPartition(draws, v.Nodes)
	} else {
		f.What, f.Rules, f.Down = drawPackets(draws, v.Nodes)
	}
	return f
}

func (l *links) addr(name string) wire.Addr {
	if name == Clients {
		return cluster.ClientAddr
	}
	return l.c.Node(name).Addr
}

func (l *links) Inject(_ context.Context, f *Fault) error {
	rules := map[wire.Key]wire.Rule{}
	l.keys = nil
	for _, rule := range f.Rules {
		key := wire.Key{From: l.addr(rule.From), To: l.addr(rule.To)}
		rules[key] = rule.Rule
		l.keys = append(l.keys, key)
	}
	l.fault = l.keys
	l.felt = l.c.Switch.Felt(l.keys)
	l.c.Switch.Set(rules)
	return nil
}

func (l *links) Acted(*Fault) error {
	if l.c.Switch.Felt(l.fault) == l.felt {
		return fmt.Errorf("no packet felt it")
	}
	return nil
}

func (l *links) Heal(context.Context) error {
	rules := map[wire.Key]wire.Rule{}
	for _, key := range l.keys {
		rules[key] = wire.Rule{}
	}
	l.c.Switch.Set(rules)
	l.keys = nil
	return nil
}

// both directions between two ends.
func both(a, b string, rule wire.Rule) []LinkRule {
	return []LinkRule{{a, b, rule}, {b, a, rule}}
}

// between all of one side and all of the other.
func between(left, right []string, rule wire.Rule) []LinkRule {
	var rules []LinkRule
	for _, a := range left {
		for _, b := range right {
			rules = append(rules, both(a, b, rule)...)
		}
	}
	return rules
}

var cutRule = wire.Rule{Cut: true}

// drawPartition cuts links for good: what, rules, who cannot serve.
func drawPartition(draws *gen.Stream, names []string) (string, []LinkRule, []string) {
	names = shuffled(draws, names)
	one, rest := names[:1], names[1:]
	kinds := []int{0, 0, 0, 0, 1, 1}
	if len(names) >= 3 {
		kinds = []int{3, 3, 2, 2, 1, 2}
	}
	switch draws.Pick(kinds...) {
	case 0:
		return "one", between(one, rest, cutRule), one
	case 1:
		minority := names[:(len(names)-1)/2]
		return "half", between(minority, names[len(minority):], cutRule), minority
	case 2:
		return "ring", ring(names), nil
	case 3:
		return "bridge", bridge(names), nil
	case 4:
		return "clients", both(Clients, one[0], cutRule), one
	}
	if len(rest) == 0 || draws.Chance(0.3) {
		return "one-way clients", oneWay(draws, one[0], []string{Clients}), one
	}
	return "one-way", oneWay(draws, one[0], rest), one
}

// oneWay cuts what one says, or what it hears.
func oneWay(draws *gen.Stream, one string, rest []string) []LinkRule {
	var rules []LinkRule
	says := draws.Chance(0.5)
	for _, other := range rest {
		if says {
			rules = append(rules, LinkRule{one, other, cutRule})
		} else {
			rules = append(rules, LinkRule{other, one, cutRule})
		}
	}
	return rules
}

// ring: each sees a majority, no two the same one.
func ring(names []string) []LinkRule {
	var rules []LinkRule
	reach := (len(names)/2 + 1) / 2 // to each side
	if len(names) == 3 {
		return both(names[0], names[2], cutRule) // all but one pair
	}
	for i, a := range names {
		for j, b := range names[:i] {
			apart := i - j
			if around := len(names) - apart; around < apart {
				apart = around
			}
			if apart > reach {
				rules = append(rules, both(a, b, cutRule)...)
			}
		}
	}
	return rules
}

// bridge: two halves that see one node in the middle, not each other.
func bridge(names []string) []LinkRule {
	half := (len(names) - 1) / 2
	return between(names[1:1+half], names[1+half:], cutRule)
}

func shuffled(draws *gen.Stream, names []string) []string {
	names = append([]string(nil), names...)
	sort.Strings(names)
	draws.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// drawPackets makes links bad, not dead; clogged ones are dead for a while.
func drawPackets(draws *gen.Stream, names []string) (string, []LinkRule, []string) {
	what, rule := drawRule(draws)
	ends := append(shuffled(draws, names), Clients)
	hit := ends[draws.Intn(len(ends))]
	var rules []LinkRule
	for _, other := range ends {
		if other != hit {
			rules = append(rules, both(hit, other, rule)...)
		}
	}
	if !rule.Clog && rule.Rate == 0 && rule.Loss < 0.1 {
		return what, rules, nil
	}
	if hit == Clients {
		return what, rules, names
	}
	return what, rules, []string{hit}
}

func drawRule(draws *gen.Stream) (string, wire.Rule) {
	const ms = time.Millisecond
	switch draws.Pick(3, 3, 2, 2, 1, 1) {
	case 0:
		delay := draws.Between(1*ms, 300*ms)
		return "delay", wire.Rule{Delay: delay, Jitter: delay / 2}
	case 1:
		return "loss", wire.Rule{Loss: 0.01 + 0.29*draws.Float64()}
	case 2:
		return "duplicate", wire.Rule{Duplicate: 0.05 + 0.5*draws.Float64()}
	case 3:
		return "reorder", wire.Rule{Reorder: 0.05 + 0.4*draws.Float64()}
	case 4:
		return "rate", wire.Rule{Rate: draws.Number(8000, 1250000)}
	}
	return "clog", wire.Rule{Clog: true}
}
