package nemesis

import (
	"context"

	"murder/jepsen/internal/cluster"
	"murder/jepsen/internal/gen"
)

func init() {
	makers["member"] = func(c *cluster.Cluster) Nemesis { return &member{c: c} }
}

// member: a node leaves, loses its disk, and joins again as another one.
type member struct {
	c    *cluster.Cluster
	gone *cluster.Node
	left error
}

func (m *member) Name() string { return "member" }

func (m *member) Needs(caps cluster.Caps) string {
	if caps.Members < 3 {
		return "fewer than three nodes"
	}
	return ""
}

func (m *member) Next(draws *gen.Stream, v View) Fault {
	node := v.Nodes[draws.Intn(len(v.Nodes))]
	return Fault{Nemesis: "member", What: "leave and join", Nodes: []string{node},
		Down: []string{node}, Hold: v.hold(draws)}
}

func (m *member) Inject(ctx context.Context, f *Fault) error {
	node := m.c.Node(f.Nodes[0])
	m.left = m.c.Leave(ctx, node)
	if m.left == nil {
		m.gone = node
	}
	return m.left
}

func (m *member) Acted(*Fault) error { return m.left }

func (m *member) Heal(ctx context.Context) error {
	if m.gone == nil {
		return nil
	}
	if err := m.c.Join(ctx, m.gone); err != nil {
		return err
	}
	m.gone = nil
	return nil
}
