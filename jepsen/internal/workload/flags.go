package workload

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"murder/jepsen/internal/check"
	"murder/jepsen/internal/client"
	"murder/jepsen/internal/cluster"
	"murder/jepsen/internal/gen"
	"murder/jepsen/internal/history"
)

func init() { register(flagsLoad{}) }

// flagsLoad: a keyword of one message is a register with compare-and-set, four
// of another are bits. One message is one key: "u1/k7:r", "u1/k7:b".
type flagsLoad struct{}

func (flagsLoad) Name() string            { return "flags" }
func (flagsLoad) MinOKPerSecond() float64 { return 30 }

func (flagsLoad) Setup(ctx context.Context, e *Env) error {
	return addUsers(ctx, e, UsersMax)
}

func (flagsLoad) Checkers() []check.Checker {
	return []check.Checker{check.Func(check.Flags), check.Func(check.WitnessFlags)}
}

func (flagsLoad) Final(key string) gen.Op { return gen.Op{F: check.FRegisterRead, K: key} }

type flagsGen struct {
	keys  *gen.Keys
	draws []*gen.Stream
	count []int
}

func (flagsLoad) Generator(s *gen.Seed, workers int) gen.Gen {
	g := &flagsGen{keys: gen.NewKeys(workers, gen.KeyWorkers), count: make([]int, workers)}
	for i := 0; i < workers; i++ {
		g.draws = append(g.draws, s.Stream(fmt.Sprintf("flags client %d", i)))
	}
	return g
}

func (g *flagsGen) Next(worker int) gen.Op {
	draws, key := g.draws[worker], g.keys.Next(worker)
	if draws.Chance(0.3) {
		return g.bits(draws, key+":b")
	}
	f := []string{check.FRegisterRead, check.FWrite, check.FCAS}[draws.Pick(40, 35, 25)]
	if f == check.FRegisterRead {
		return gen.Op{F: f, K: key + ":r"}
	}
	g.count[worker]++
	return gen.Op{F: f, K: key + ":r", V: check.FlagIn{
		Value: fmt.Sprintf("$v%d.%d", worker, g.count[worker]),
	}}
}

func (g *flagsGen) bits(draws *gen.Stream, key string) gen.Op {
	f := []string{check.FRegisterRead, check.FSetBits, check.FClearBits}[draws.Pick(40, 30, 30)]
	if f == check.FRegisterRead {
		return gen.Op{F: f, K: key}
	}
	return gen.Op{F: f, K: key, V: check.FlagIn{Bits: uint8(draws.Number(1, 15))}}
}

// flagsClient remembers the MODSEQs that it has seen, for its next cas.
type flagsClient struct {
	*session
	seen map[string]uint64
}

func (flagsLoad) NewClient(e *Env, draws *gen.Stream, node *cluster.Node) Client {
	return &flagsClient{newSession(e, draws, node), map[string]uint64{}}
}

// message gives the UID of the key's message and selects its mailbox.
func (c *flagsClient) message(key string) (uint32, error) {
	mailbox := key[:len(key)-2]
	if err := c.selectKey(mailbox); err != nil {
		return 0, err
	}
	// Made at first use; what is there twice after a lost answer is left.
	err := c.env.ensure(key, func() error {
		reply, err := c.imap.DoLiteral(client.WriteTimeout, "APPEND "+nameOf(mailbox),
			client.Message(key, 300))
		if err != nil {
			return err
		}
		if !reply.OK() {
			return errors.New(reply.Text)
		}
		c.env.note(key, appendOut(reply.Code).UID)
		return nil
	})
	return c.env.noted(key), err
}

func nameOf(key string) string {
	_, mailbox := split(key)
	return mailbox
}

func (c *flagsClient) Invoke(_ context.Context, op gen.Op) Result {
	uid, err := c.message(op.K)
	if err == nil {
		_, err = c.ask("NOOP")
	}
	if err != nil {
		return c.notDone(err)
	}
	switch op.F {
	case check.FRegisterRead:
		return c.readFlags(op.K, uid)
	case check.FCAS:
		return c.cas(op.K, uid, op.V.(check.FlagIn))
	}
	return c.store(op, uid, op.V.(check.FlagIn))
}

// fetch gives the flags as they are.
func (c *flagsClient) fetch(key string, uid uint32) (*check.FlagOut, error) {
	reply, err := c.ask(fmt.Sprintf("UID FETCH %d (UID FLAGS MODSEQ)", uid))
	if err != nil {
		return nil, err
	}
	out := flagsIn(reply, uid, func(*check.FlagOut) bool { return true })
	if out == nil {
		return nil, errors.New("no FETCH for the message")
	}
	c.seen[key] = out.Modseq
	return out, nil
}

func (c *flagsClient) readFlags(key string, uid uint32) Result {
	out, err := c.fetch(key, uid)
	if err != nil {
		return c.notDone(err)
	}
	return c.done(history.OK, out, "")
}

// flagsIn gives the last FETCH of the message that `fits`, or nil.
func flagsIn(reply *client.Reply, uid uint32, fits func(*check.FlagOut) bool) *check.FlagOut {
	var found *check.FlagOut
	for _, u := range reply.Untagged {
		if u.Name != "FETCH" || len(u.Values) != 1 {
			continue
		}
		items := client.Items(u.Values[0])
		flags, told := items["FLAGS"]
		if uint32(items["UID"].Num()) != uid || !told {
			continue
		}
		out := &check.FlagOut{Modseq: items["MODSEQ"].Num()}
		for _, flag := range flags.Texts() {
			takeFlag(out, flag)
		}
		if fits(out) {
			found = out
		}
	}
	return found
}

func takeFlag(out *check.FlagOut, flag string) {
	if strings.HasPrefix(flag, "$v") {
		out.Value += flag // of two at once the register has neither
	}
	for bit := 0; bit < 4; bit++ {
		if flag == fmt.Sprintf("$b%d", bit) {
			out.Bits |= 1 << bit
		}
	}
}

func (c *flagsClient) store(op gen.Op, uid uint32, in check.FlagIn) Result {
	command := fmt.Sprintf("UID STORE %d FLAGS (%s)", uid, in.Value)
	if op.F != check.FWrite {
		sign := map[string]string{check.FSetBits: "+", check.FClearBits: "-"}[op.F]
		command = fmt.Sprintf("UID STORE %d %sFLAGS (%s)", uid, sign, bitNames(in.Bits))
	}
	reply, err := c.imap.Do(client.WriteTimeout, command)
	result := c.result(reply, err)
	if result.Type == history.OK {
		result.V = c.stored(op.K, reply, uid, in)
	}
	return result
}

// stored finds the MODSEQ that the own change was given, if it was told before
// somebody else's.
func (c *flagsClient) stored(key string, reply *client.Reply, uid uint32,
	in check.FlagIn) check.FlagOut {
	if in.Value == "" {
		return check.FlagOut{}
	}
	out := flagsIn(reply, uid, func(o *check.FlagOut) bool { return o.Value == in.Value })
	if out == nil {
		return check.FlagOut{Value: in.Value}
	}
	c.seen[key] = out.Modseq
	return *out
}

func bitNames(bits uint8) string {
	var names []string
	for bit := 0; bit < 4; bit++ {
		if bits>>bit&1 == 1 {
			names = append(names, fmt.Sprintf("$b%d", bit))
		}
	}
	return strings.Join(names, " ")
}

// cas stores if the message is as this client has seen it last.
func (c *flagsClient) cas(key string, uid uint32, in check.FlagIn) Result {
	since := c.seen[key]
	if since == 0 {
		out, err := c.fetch(key, uid)
		if err != nil {
			return c.notDone(err)
		}
		since = out.Modseq
	}
	reply, err := c.imap.Do(client.WriteTimeout, fmt.Sprintf(
		"UID STORE %d (UNCHANGEDSINCE %d) FLAGS (%s)", uid, since, in.Value))
	if err == nil && strings.HasPrefix(reply.Code, "MODIFIED") {
		c.seen[key] = 0
		return c.done(history.Fail, check.FlagOut{Since: since, Modified: true}, "modified")
	}
	result := c.result(reply, err)
	if result.Type == history.OK {
		out := c.stored(key, reply, uid, in)
		out.Since = since
		result.V = out
	}
	return result
}
