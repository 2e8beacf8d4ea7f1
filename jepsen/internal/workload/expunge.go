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

func init() { register(expungeLoad{}) }

// expungeLoad: messages come and go; what is gone never returns.
type expungeLoad struct{}

func (expungeLoad) Name() string            { return "expunge" }
func (expungeLoad) MinOKPerSecond() float64 { return 30 }

func (expungeLoad) Setup(ctx context.Context, e *Env) error {
	return addUsers(ctx, e, UsersMax)
}

func (expungeLoad) Checkers() []check.Checker {
	return []check.Checker{check.Func(check.Expunge), check.Func(check.Views),
		check.Func(check.WitnessExpunge)}
}

func (expungeLoad) Final(key string) gen.Op { return gen.Op{F: check.FFinal, K: key} }

type expungeGen struct {
	keys  *gen.Keys
	draws []*gen.Stream
	sent  []int
}

func (expungeLoad) Generator(s *gen.Seed, workers int) gen.Gen {
	g := &expungeGen{keys: gen.NewKeys(workers, gen.KeyWorkers), sent: make([]int, workers)}
	for i := 0; i < workers; i++ {
		g.draws = append(g.draws, s.Stream(fmt.Sprintf("expunge client %d", i)))
	}
	return g
}

func (g *expungeGen) Next(worker int) gen.Op {
	draws, key := g.draws[worker], g.keys.Next(worker)
	how := []string{"uid", "all", "close"}[draws.Pick(6, 2, 2)]
	switch draws.Pick(30, 35, 25, 10) {
	case 0:
		return gen.Op{F: check.FRead, K: key}
	case 1:
		g.sent[worker]++
		return gen.Op{F: check.FAppend, K: key, V: check.AppendIn{
			ID: fmt.Sprintf("%d.%d", worker, g.sent[worker]), Size: draws.Number(300, 3000),
		}}
	case 2:
		return gen.Op{F: check.FExpunge, K: key, V: check.ExpungeIn{How: how}}
	}
	return gen.Op{F: check.FResync, K: key}
}

// known is what a mailbox was like at some MODSEQ.
type known struct {
	validity, modseq string
	next             uint32
	exists           int
	uids             []uint32
}

type expungeClient struct {
	*session
	resync *session // a connection with QRESYNC
	before map[string]*known
}

func (expungeLoad) NewClient(e *Env, draws *gen.Stream, node *cluster.Node) Client {
	return &expungeClient{newSession(e, draws, node), newSession(e, draws, node),
		map[string]*known{}}
}

func (c *expungeClient) Close() {
	c.session.Close()
	c.resync.Close()
}

func (c *expungeClient) Invoke(_ context.Context, op gen.Op) Result {
	switch op.F {
	case check.FAppend:
		return c.append(op.K, op.V.(check.AppendIn))
	case check.FExpunge:
		return c.expunge(op.K, op.V.(check.ExpungeIn))
	case check.FResync:
		return c.sync(op.K)
	}
	out, err := c.read(op.K, op.F == check.FFinal)
	if err != nil {
		return c.notDone(err)
	}
	return c.done(history.OK, out, "")
}

// expunge marks a message by chance and has it expunged.
func (c *expungeClient) expunge(key string, in check.ExpungeIn) Result {
	out, err := c.read(key, false)
	if err == nil && len(out.Rows) == 0 {
		err = errors.New("the mailbox is empty")
	}
	if err != nil {
		return c.notDone(err)
	}
	uid := out.Rows[c.draws.Intn(len(out.Rows))].UID
	reply, err := c.imap.Do(client.WriteTimeout,
		fmt.Sprintf(`UID STORE %d +FLAGS.SILENT (\Deleted)`, uid))
	if result := c.result(reply, err); result.Type != history.OK {
		return named(result, uid)
	}
	command := map[string]string{"uid": fmt.Sprintf("UID EXPUNGE %d", uid),
		"all": "EXPUNGE", "close": "CLOSE"}[in.How]
	if in.How == "close" {
		c.selected = ""
	}
	reply, err = c.imap.Do(client.WriteTimeout, command)
	result := c.result(reply, err)
	if result.Type == history.Fail {
		result.Type = history.Info // it is marked: anybody's EXPUNGE takes it
	}
	return named(result, uid)
}

// named tells which message it was, whatever became of it.
func named(result Result, uid uint32) Result {
	result.V = check.ExpungeOut{UID: uid}
	return result
}

// errBusy: somebody changed the mailbox meanwhile, so nothing can be compared.
var errBusy = errors.New("the mailbox changed meanwhile")

// sync selects with what was known and compares.
func (c *expungeClient) sync(key string) Result {
	s := c.resync
	if err := s.enter(key); err != nil {
		return s.notDone(err)
	}
	before := c.before[key]
	now, vanished, err := s.selectQresync(key, before)
	if err != nil {
		if errors.Is(err, errBusy) {
			err = fmt.Errorf("not compared: %w", err)
		}
		return s.notDone(err)
	}
	c.before[key] = now
	if before == nil || before.validity != now.validity {
		return s.notDone(errors.New("nothing was known before"))
	}
	out := check.ResyncOut{Next: before.next, Known: before.uids, Vanished: vanished,
		Now: now.uids}
	fmt.Sscan(before.modseq, &out.Since)
	return s.done(history.OK, out, "")
}

func (s *session) selectQresync(key string, before *known) (*known, []uint32, error) {
	if s.selected == "" {
		if _, err := s.ask("ENABLE QRESYNC"); err != nil {
			return nil, nil, err
		}
	}
	command := "SELECT " + nameOf(key)
	if before != nil {
		command += fmt.Sprintf(" (QRESYNC (%s %s))", before.validity, before.modseq)
	}
	s.view = view{}
	reply, err := s.ask(command)
	if err != nil {
		return nil, nil, err
	}
	s.selected = key
	now, vanished := readSelect(reply)
	reply, err = s.ask("UID FETCH 1:* (UID)")
	if err != nil {
		return nil, nil, err
	}
	for _, u := range reply.Untagged {
		if u.Name != "FETCH" || len(u.Values) != 1 {
			return nil, nil, errBusy
		}
		now.uids = append(now.uids, uint32(client.Items(u.Values[0])["UID"].Num()))
	}
	if len(now.uids) != now.exists {
		return nil, nil, errBusy // UID FETCH says nothing of what is gone
	}
	return now, vanished, nil
}

// readSelect takes what SELECT says, and what vanished before it.
func readSelect(reply *client.Reply) (*known, []uint32) {
	now := &known{uids: []uint32{}}
	vanished := []uint32{}
	for _, u := range reply.Untagged {
		word, rest := cutWord(u.Code)
		switch word {
		case "UIDVALIDITY":
			now.validity = rest
		case "HIGHESTMODSEQ":
			now.modseq = rest
		case "UIDNEXT":
			fmt.Sscan(rest, &now.next)
		}
		if u.Name == "EXISTS" {
			now.exists = u.Number
		}
		if u.Name == "VANISHED" && len(u.Values) == 2 {
			uids, _ := client.ParseSet(u.Values[1].Text)
			vanished = append(vanished, uids...)
		}
	}
	return now, vanished
}

func cutWord(text string) (string, string) {
	if at := strings.Index(text, " "); at > 0 {
		return text[:at], text[at+1:]
	}
	return text, ""
}
