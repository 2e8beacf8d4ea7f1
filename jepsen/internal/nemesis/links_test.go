package nemesis

import (
	"fmt"
	"testing"

	"murder/jepsen/internal/gen"
)

func names(count int) []string {
	var list []string
	for i := 1; i <= count; i++ {
		list = append(list, fmt.Sprintf("n%d", i))
	}
	return list
}

// reach says for each node which nodes it can talk with, both ways, itself
// included.
func reach(all []string, rules []LinkRule) map[string]map[string]bool {
	seen := map[string]map[string]bool{}
	for _, a := range all {
		seen[a] = map[string]bool{}
		for _, b := range all {
			seen[a][b] = true
		}
	}
	for _, rule := range rules {
		if rule.Rule.Cut && rule.From != Clients && rule.To != Clients {
			seen[rule.From][rule.To] = false
			seen[rule.To][rule.From] = false
		}
	}
	return seen
}

func count(set map[string]bool) int {
	n := 0
	for _, in := range set {
		if in {
			n++
		}
	}
	return n
}

func TestInARingEachSeesAMajorityAndNoTwoTheSame(t *testing.T) {
	for _, size := range []int{3, 5, 7} {
		all := names(size)
		seen := reach(all, ring(all))
		met := map[string]bool{}
		for _, a := range all {
			if count(seen[a]) <= size/2 {
				t.Errorf("%d nodes: %s sees %d", size, a, count(seen[a]))
			}
			if size > 3 && count(seen[a]) == size {
				t.Errorf("%d nodes: %s sees all", size, a)
			}
			met[fmt.Sprint(seen[a])] = true
		}
		if len(met) != size {
			t.Errorf("%d nodes see %d majorities", size, len(met))
		}
	}
}

func TestABridgeJoinsTwoHalves(t *testing.T) {
	all := names(5)
	seen := reach(all, bridge(all))
	if count(seen["n1"]) != 5 || count(seen["n2"]) != 3 || seen["n2"]["n4"] {
		t.Errorf("%v", seen)
	}
}

func TestPartitionsLeaveAMajorityAndHaveAnEffect(t *testing.T) {
	for size := 1; size <= 7; size++ {
		draws := gen.NewSeed(uint64(size)).Stream("test")
		for i := 0; i < 300; i++ {
			what, rules, down := drawPartition(draws, names(size))
			if len(rules) == 0 {
				t.Fatalf("%d nodes: %s cuts nothing", size, what)
			}
			if size > 1 && 2*len(down) >= size && size > 2 {
				t.Fatalf("%d nodes: %s takes %v away", size, what, down)
			}
			for _, rule := range rules {
				if rule.From == rule.To {
					t.Fatalf("%s: %v", what, rule)
				}
			}
		}
	}
}

func TestPacketFaultsBreakSomething(t *testing.T) {
	draws := gen.NewSeed(1).Stream("test")
	for i := 0; i < 300; i++ {
		what, rules, _ := drawPackets(draws, names(3))
		if len(rules) == 0 {
			t.Fatalf("%s: no rule", what)
		}
		for _, rule := range rules {
			if rule.Rule.Cut || rule.Rule == (LinkRule{}).Rule {
				t.Fatalf("%s: %+v", what, rule)
			}
		}
	}
}

func TestEqualSeedsDrawEqualFaults(t *testing.T) {
	view := View{Nodes: names(3), HoldLow: 1, HoldHigh: 1000}
	for _, name := range Names() {
		one, two := makers[name](nil), makers[name](nil)
		a, b := gen.NewSeed(5).Stream(name), gen.NewSeed(5).Stream(name)
		for i := 0; i < 50; i++ {
			x, y := one.Next(a, view), two.Next(b, view)
			if fmt.Sprint(x) != fmt.Sprint(y) {
				t.Fatalf("%s: %v and %v", name, x, y)
			}
		}
	}
}
