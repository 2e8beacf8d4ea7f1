package workload

import (
	"context"
	"fmt"

	"murder/jepsen/internal/check"
	"murder/jepsen/internal/cluster"
	"murder/jepsen/internal/gen"
	"murder/jepsen/internal/history"
)

func init() { register(connsLoad{}) }

// connsLoad: one user with two connections, on two nodes if there are two.
// What he does on one he sees on the other, and never goes back in time. As a
// user does one thing at a time, the rules of append say all of it.
type connsLoad struct{}

func (connsLoad) Name() string            { return "conns" }
func (connsLoad) MinOKPerSecond() float64 { return 30 }

// connsUsers is at least how many workers there may be.
const connsUsers = 20

func (connsLoad) Setup(ctx context.Context, e *Env) error {
	return addUsers(ctx, e, connsUsers)
}

func (connsLoad) Checkers() []check.Checker { return appendLoad{}.Checkers() }
func (connsLoad) Final(key string) gen.Op   { return gen.Op{F: check.FFinal, K: key} }

func (connsLoad) Generator(s *gen.Seed, workers int) gen.Gen {
	g := &appendGen{keys: gen.NewKeys(workers, 1), sent: make([]int, workers)}
	for i := 0; i < workers; i++ {
		g.draws = append(g.draws, s.Stream(fmt.Sprintf("conns client %d", i)))
	}
	return g
}

type connsClient struct {
	both  [2]*session
	draws *gen.Stream
}

func (connsLoad) NewClient(e *Env, draws *gen.Stream, node *cluster.Node) Client {
	c := &connsClient{draws: draws}
	nodes := e.Cluster.Nodes
	at := draws.Intn(len(nodes))
	for i := range c.both {
		on := node
		if on == nil {
			on = nodes[(at+i)%len(nodes)]
		}
		c.both[i] = newSession(e, draws, on)
		c.both[i].patient = node != nil
	}
	return c
}

func (c *connsClient) Close() {
	for _, s := range c.both {
		s.Close()
	}
}

func (c *connsClient) Invoke(_ context.Context, op gen.Op) Result {
	s := c.both[c.draws.Intn(2)]
	switch op.F {
	case check.FAppend:
		return s.append(op.K, op.V.(check.AppendIn))
	case check.FDeliver:
		return s.deliver(op.K, op.V.(check.AppendIn))
	}
	out, err := s.read(op.K, op.F == check.FFinal)
	if err != nil {
		return s.notDone(err)
	}
	return s.done(history.OK, out, "")
}
