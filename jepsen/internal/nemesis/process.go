package nemesis

import (
	"context"
	"fmt"
	"strings"
	"time"

	"murder/jepsen/internal/cluster"
	"murder/jepsen/internal/gen"
)

func init() {
	makers["kill"] = func(c *cluster.Cluster) Nemesis { return &kill{c: c} }
	makers["stop"] = func(c *cluster.Cluster) Nemesis { return &stop{kill{c: c}} }
	makers["pause"] = func(c *cluster.Cluster) Nemesis { return &pause{c: c} }
	makers["power"] = func(c *cluster.Cluster) Nemesis { return &power{kill: kill{c: c}} }
}

// kill: kill -9, and a start after a while.
type kill struct {
	c     *cluster.Cluster
	down  []*cluster.Node
	acted error
}

func (k *kill) Name() string              { return "kill" }
func (k *kill) Needs(cluster.Caps) string { return "" }
func (k *kill) Acted(*Fault) error        { return k.acted }

func (k *kill) Next(draws *gen.Stream, v View) Fault {
	what, nodes := targets(draws, v.Nodes)
	return Fault{Nemesis: "kill", What: what, Nodes: nodes, Hold: v.hold(draws) / 2,
		Seed: draws.Int63()}
}

func (k *kill) Inject(ctx context.Context, f *Fault) error {
	k.down, k.acted = resolve(ctx, k.c, f), nil
	for _, n := range k.down {
		if !n.Running() {
			k.acted = fmt.Errorf("%s was down before", n.Name)
		}
		n.Kill()
	}
	return nil
}

func (k *kill) Heal(ctx context.Context) error {
	for _, n := range k.down {
		if err := n.Start(ctx); err != nil {
			return err
		}
	}
	k.down = nil
	return nil
}

// stop: a clean stop (SIGTERM), and a start after a while.
type stop struct{ kill }

func (s *stop) Name() string { return "stop" }

func (s *stop) Next(draws *gen.Stream, v View) Fault {
	f := s.kill.Next(draws, v)
	f.Nemesis = "stop"
	return f
}

func (s *stop) Inject(ctx context.Context, f *Fault) error {
	s.down, s.acted = resolve(ctx, s.c, f), nil
	for _, n := range s.down {
		if err := n.Stop(); err != nil {
			return err
		}
	}
	return nil
}

// pause: SIGSTOP, and SIGCONT after a while.
type pause struct {
	c      *cluster.Cluster
	paused []*cluster.Node
	acted  error
}

func (p *pause) Name() string              { return "pause" }
func (p *pause) Needs(cluster.Caps) string { return "" }
func (p *pause) Acted(*Fault) error        { return p.acted }

func (p *pause) Next(draws *gen.Stream, v View) Fault {
	what, nodes := targets(draws, v.Nodes)
	return Fault{Nemesis: "pause", What: what, Nodes: nodes, Hold: v.hold(draws),
		Seed: draws.Int63()}
}

func (p *pause) Inject(ctx context.Context, f *Fault) error {
	p.paused, p.acted = resolve(ctx, p.c, f), nil
	for _, n := range p.paused {
		if err := n.Pause(); err != nil {
			return err
		}
	}
	for _, n := range p.paused {
		if !stops(n) {
			p.acted = fmt.Errorf("%s is in state %q", n.Name, n.State())
		}
	}
	return nil
}

// stopLimit is how long a process may take to notice that it is stopped.
const stopLimit = 2 * time.Second

func stops(n *cluster.Node) bool {
	for end := time.Now().Add(stopLimit); time.Now().Before(end); {
		if n.State() == 'T' {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}

func (p *pause) Heal(context.Context) error {
	for _, n := range p.paused {
		if err := n.Continue(); err != nil {
			return err
		}
	}
	p.paused = nil
	return nil
}

// power: kill -9 and the loss of what was not synced, all or torn; one node or
// all at once.
type power struct {
	kill
	mode string
	seed int64
	took bool
}

func (p *power) Name() string { return "power" }

func (p *power) Needs(caps cluster.Caps) string {
	if !caps.Shim {
		return "the shim is not loaded"
	}
	return ""
}

func (p *power) Next(draws *gen.Stream, v View) Fault {
	f := Fault{Nemesis: "power", What: "one " + p.drawMode(draws), Hold: v.hold(draws) / 4,
		Seed: draws.Int63()}
	if draws.Chance(0.5) {
		f.What = "all " + p.drawMode(draws)
		f.Nodes = append([]string(nil), v.Nodes...)
	} else {
		f.Nodes = []string{v.Nodes[draws.Intn(len(v.Nodes))]}
	}
	return f
}

func (p *power) drawMode(draws *gen.Stream) string {
	if draws.Chance(0.5) {
		return "lose"
	}
	return "tear"
}

func (p *power) Inject(ctx context.Context, f *Fault) error {
	p.down = resolve(ctx, p.c, f)
	p.acted = fmt.Errorf("nothing was taken back")
	for _, n := range p.down {
		n.Kill()
	}
	mode := f.What[strings.Index(f.What, " ")+1:]
	for i, n := range p.down {
		text, err := p.c.PowerCut(n, mode, f.Seed+int64(i))
		if err != nil {
			return err
		}
		if !strings.Contains(text, ": 0 of") || !strings.Contains(text, "and 0 of") {
			p.acted = nil
		}
	}
	return nil
}
