package workload

import (
	"context"
	"fmt"
	"time"

	"murder/jepsen/internal/check"
	"murder/jepsen/internal/client"
	"murder/jepsen/internal/cluster"
	"murder/jepsen/internal/gen"
	"murder/jepsen/internal/history"
)

// finalTimeout of reads that must come to an end: nothing is broken any more.
const finalTimeout = 60 * time.Second

func init() { register(appendLoad{"append"}) }

// appendLoad: acknowledged mail is never lost.
type appendLoad struct{ name string }

func (a appendLoad) Name() string            { return a.name }
func (a appendLoad) MinOKPerSecond() float64 { return 30 }

func (a appendLoad) Setup(ctx context.Context, e *Env) error {
	return addUsers(ctx, e, UsersMax)
}

func (a appendLoad) Checkers() []check.Checker {
	return []check.Checker{check.Func(check.Append),
		check.Func(check.Views), check.Func(check.WitnessAppend)}
}

func (a appendLoad) Final(key string) gen.Op {
	return gen.Op{F: check.FFinal, K: key}
}

// appendGen: 40 of 100 read, 10 come by LMTP; 1 in 50 is large.
type appendGen struct {
	keys  *gen.Keys
	draws []*gen.Stream
	sent  []int
}

func (a appendLoad) Generator(s *gen.Seed, workers int) gen.Gen {
	g := &appendGen{keys: gen.NewKeys(workers, gen.KeyWorkers), sent: make([]int, workers)}
	for i := 0; i < workers; i++ {
		g.draws = append(g.draws, s.Stream(fmt.Sprintf("%s client %d", a.name, i)))
	}
	return g
}

func (g *appendGen) Next(worker int) gen.Op {
	draws, key := g.draws[worker], g.keys.Next(worker)
	f := []string{check.FRead, check.FAppend, check.FDeliver}[draws.Pick(40, 50, 10)]
	size := drawSize(draws)
	if f == check.FRead {
		return gen.Op{F: f, K: key}
	}
	g.sent[worker]++
	return gen.Op{F: f, K: key, V: check.AppendIn{
		ID: fmt.Sprintf("%d.%d", worker, g.sent[worker]), Size: size,
	}}
}

// drawSize: most messages are small, one in 50 is above 1 MiB.
func drawSize(draws *gen.Stream) int {
	switch draws.Pick(35, 14, 1) {
	case 0:
		return draws.Number(300, 3000)
	case 1:
		return draws.Number(3000, 60000)
	}
	return draws.Number(1<<20, 1<<20+200000)
}

type appendClient struct{ *session }

func (a appendLoad) NewClient(e *Env, draws *gen.Stream, node *cluster.Node) Client {
	if e.GoIMAP && node == nil {
		return newGoIMAPClient(e, draws)
	}
	return &appendClient{newSession(e, draws, node)}
}

func (c *appendClient) Invoke(_ context.Context, op gen.Op) Result {
	switch op.F {
	case check.FRead, check.FFinal:
		out, err := c.read(op.K, op.F == check.FFinal)
		if err != nil {
			return c.notDone(err)
		}
		return c.done(history.OK, out, "")
	case check.FDeliver:
		return c.deliver(op.K, op.V.(check.AppendIn))
	}
	return c.append(op.K, op.V.(check.AppendIn))
}

// append sends one message and takes the UID that it was given.
func (s *session) append(key string, in check.AppendIn) Result {
	if err := s.enter(key); err != nil {
		return s.notDone(err)
	}
	_, mailbox := split(key)
	reply, err := s.imap.DoLiteral(client.WriteTimeout, "APPEND "+mailbox,
		client.Message(in.ID, in.Size))
	result := s.result(reply, err)
	if result.Type == history.OK {
		result.V = appendOut(reply.Code)
	}
	return result
}

func appendOut(code string) check.AppendOut {
	var out check.AppendOut
	fmt.Sscanf(code, "APPENDUID %d %d", &out.Validity, &out.UID)
	return out
}

// deliver sends one message by LMTP: "u1+k7" is the mailbox k7 of u1.
func (s *session) deliver(key string, in check.AppendIn) Result {
	if err := s.enter(key); err != nil {
		return s.notDone(err)
	}
	user, mailbox := split(key)
	conn, err := s.env.Cluster.Dial(s.node, cluster.LMTPPort, client.DialTimeout)
	if err != nil {
		return s.notDone(err)
	}
	reply, err := client.Deliver(conn, "jepsen@example.org", user+"+"+mailbox,
		client.Message(in.ID, in.Size))
	result := s.result(reply, err)
	if result.Type == history.OK {
		result.V = check.AppendOut{}
	}
	return result
}
