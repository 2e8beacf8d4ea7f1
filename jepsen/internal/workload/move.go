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

func init() { register(moveLoad{}) }

// moveLoad is a bank of tokens: 64 messages in 8 mailboxes of 4 users, so of
// several groups. Tokens move; there is always one of each.
type moveLoad struct{}

const (
	bankUsers = 4
	bankBoxes = 2 // of each user
	bankKey   = "bank"
	banker    = "u0" // has all rights in the mailboxes of the others
)

func (moveLoad) Name() string            { return "move" }
func (moveLoad) MinOKPerSecond() float64 { return 15 }

func (moveLoad) Checkers() []check.Checker {
	return []check.Checker{check.Func(check.Move)}
}

func (moveLoad) Final(string) gen.Op { return gen.Op{F: check.FBankRead, K: bankKey} }

// box names a mailbox as the banker sees it.
func box(n int) string {
	user, name := n/bankBoxes, fmt.Sprintf("b%d", n%bankBoxes)
	if user == 0 {
		return name
	}
	return fmt.Sprintf("Other Users/u%d/%s", user, name)
}

func boxes() []string {
	var all []string
	for n := 0; n < bankUsers*bankBoxes; n++ {
		all = append(all, box(n))
	}
	return all
}

func (moveLoad) Setup(ctx context.Context, e *Env) error {
	if err := addUsers(ctx, e, bankUsers); err != nil {
		return err
	}
	first := e.Cluster.Nodes[0]
	for n := 0; n < bankUsers*bankBoxes; n++ {
		name := fmt.Sprintf("user.u%d.b%d", n/bankBoxes, n%bankBoxes)
		if _, err := first.Ctl(ctx, "", "mailbox", "create", name); err != nil {
			return err
		}
		if n < bankBoxes {
			continue
		}
		if _, err := first.Ctl(ctx, "", "mailbox", "acl", name, banker, "lrswipkxtea"); err != nil {
			return err
		}
	}
	return fillBank(e, first)
}

func fillBank(e *Env, node *cluster.Node) error {
	s := newSession(e, gen.NewSeed(0).Stream("bank"), node)
	s.patient = true
	defer s.Close()
	if err := s.open(banker); err != nil {
		return err
	}
	for i := 0; i < check.Tokens; i++ {
		reply, err := s.imap.DoLiteral(client.WriteTimeout,
			fmt.Sprintf("APPEND %q", box(i%(bankUsers*bankBoxes))),
			client.Message(check.Token(i), 400))
		if err != nil {
			return err
		}
		if !reply.OK() {
			return fmt.Errorf("token %d: %s", i, reply.Text)
		}
	}
	return nil
}

type moveGen struct{ draws []*gen.Stream }

func (moveLoad) Generator(s *gen.Seed, workers int) gen.Gen {
	g := &moveGen{}
	for i := 0; i < workers; i++ {
		g.draws = append(g.draws, s.Stream(fmt.Sprintf("move client %d", i)))
	}
	return g
}

func (g *moveGen) Next(worker int) gen.Op {
	draws := g.draws[worker]
	from := draws.Intn(bankUsers * bankBoxes)
	to := draws.Intn(bankUsers * bankBoxes)
	if draws.Chance(0.5) { // within the user
		to = from/bankBoxes*bankBoxes + (from+1)%bankBoxes
	}
	if to == from {
		to = (from + 1) % (bankUsers * bankBoxes)
	}
	in := check.MoveIn{From: box(from), To: box(to)}
	switch draws.Pick(60, 35, 5) {
	case 0:
		return gen.Op{F: check.FMove, K: bankKey, V: in}
	case 1:
		return gen.Op{F: check.FPair, K: bankKey, V: in}
	}
	return gen.Op{F: check.FBankRead, K: bankKey}
}

type moveClient struct{ *session }

func (moveLoad) NewClient(e *Env, draws *gen.Stream, node *cluster.Node) Client {
	return &moveClient{newSession(e, draws, node)}
}

func (c *moveClient) Invoke(_ context.Context, op gen.Op) Result {
	switch op.F {
	case check.FMove:
		return c.move(op.V.(check.MoveIn))
	case check.FPair:
		return c.pair(op.V.(check.MoveIn))
	}
	out := check.BankOut{Boxes: map[string][]check.Row{}}
	for _, name := range boxes() {
		rows, err := c.list(name)
		if err != nil {
			return c.notDone(err)
		}
		out.Boxes[name] = rows
	}
	return c.done(history.OK, out, "")
}

// list selects a mailbox and gives what is in it.
func (c *moveClient) list(name string) ([]check.Row, error) {
	if err := c.open(banker); err != nil {
		return nil, err
	}
	if _, err := c.ask(fmt.Sprintf("SELECT %q", name)); err != nil {
		return nil, err
	}
	reply, err := c.ask("UID FETCH 1:* (UID MODSEQ BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
	if err != nil {
		return nil, err
	}
	out := check.ReadOut{Rows: []check.Row{}}
	takeRows(reply, false, &out)
	return out.Rows, nil
}

func (c *moveClient) pair(in check.MoveIn) Result {
	var out check.PairOut
	rows, err := c.list(in.From)
	if err != nil {
		return c.notDone(err)
	}
	out.From = ids(rows)
	if rows, err = c.list(in.To); err != nil {
		return c.notDone(err)
	}
	out.To = ids(rows)
	return c.done(history.OK, out, "")
}

func ids(rows []check.Row) []string {
	found := []string{}
	for _, row := range rows {
		found = append(found, row.ID)
	}
	return found
}

// move moves a token by chance.
func (c *moveClient) move(in check.MoveIn) Result {
	rows, err := c.list(in.From)
	if err == nil && len(rows) == 0 {
		err = errors.New("the mailbox is empty")
	}
	if err != nil {
		return c.notDone(err)
	}
	row := rows[c.draws.Intn(len(rows))]
	reply, err := c.imap.Do(client.WriteTimeout, fmt.Sprintf("UID MOVE %d %q", row.UID, in.To))
	result := c.result(reply, err)
	out := check.MoveOut{Token: row.ID}
	if result.Type == history.OK {
		out.UID = copyUID(reply)
		if out.UID == 0 { // somebody else was faster: nothing was moved
			result.Type, result.Why = history.Fail, "nothing was moved"
		}
	}
	result.V = out
	return result
}

// copyUID of the answer or of an untagged OK before it (RFC 6851 4.3).
func copyUID(reply *client.Reply) uint32 {
	codes := []string{reply.Code}
	for _, u := range reply.Untagged {
		codes = append(codes, u.Code)
	}
	for _, code := range codes {
		if words := client.CodeWords(code); len(words) == 4 && strings.EqualFold(words[0], "COPYUID") {
			if uids, err := client.ParseSet(words[3]); err == nil && len(uids) == 1 {
				return uids[0]
			}
		}
	}
	return 0
}
