package workload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"murder/jepsen/internal/check"
	"murder/jepsen/internal/client"
	"murder/jepsen/internal/cluster"
	"murder/jepsen/internal/gen"
	"murder/jepsen/internal/history"
)

// goIMAPClient does the operations of append by an independent client library.
// It cannot say which octet went out last: an append without an answer is one
// of unknown end, always.
type goIMAPClient struct {
	*session // for LMTP and for making mailboxes
	lib      *imapclient.Client
	conn     cluster.Conn
	on       *cluster.Node
	number   int
	user     string
	selected string
}

func newGoIMAPClient(e *Env, draws *gen.Stream) Client {
	return &goIMAPClient{session: newSession(e, draws, nil)}
}

func (c *goIMAPClient) Close() {
	c.session.Close()
	c.drop()
}

// drop ends the library's connection.
func (c *goIMAPClient) drop() {
	if c.lib != nil {
		c.conn.Close()
		c.lib.Close()
		c.lib = nil
	}
}

// within ends the connection if f takes longer: then f fails.
func (c *goIMAPClient) within(limit time.Duration, f func() error) error {
	conn := c.conn
	timer := time.AfterFunc(limit, func() { conn.Close() })
	defer timer.Stop()
	return f()
}

func (c *goIMAPClient) open(user string) error {
	if c.lib != nil && c.user == user {
		return nil
	}
	c.drop()
	c.on = c.pick()
	c.number = c.env.nextConn()
	conn, err := c.env.Cluster.Dial(c.on, cluster.IMAPPort, client.DialTimeout)
	if err != nil {
		return err
	}
	c.conn, c.user, c.selected = conn, user, ""
	c.lib = imapclient.New(conn, nil)
	err = c.within(client.WriteTimeout, func() error {
		return c.lib.Login(user, cluster.Password).Wait()
	})
	if err != nil {
		c.drop()
	}
	return err
}

func (c *goIMAPClient) ended(kind history.Type, v interface{}, why string) Result {
	r := Result{Type: kind, V: v, Why: why, Conn: c.number}
	if c.on != nil {
		r.Node = c.on.Name
	}
	return r
}

func (c *goIMAPClient) Invoke(_ context.Context, op gen.Op) Result {
	if op.F == check.FDeliver {
		return c.deliver(op.K, op.V.(check.AppendIn))
	}
	user, mailbox := split(op.K)
	err := c.session.enter(op.K)
	if err == nil {
		err = c.open(user)
	}
	if err != nil {
		return c.ended(history.Fail, nil, err.Error())
	}
	if op.F == check.FAppend {
		return c.appendByLibrary(mailbox, op.V.(check.AppendIn))
	}
	return c.readByLibrary(op.K, mailbox)
}

func (c *goIMAPClient) appendByLibrary(mailbox string, in check.AppendIn) Result {
	var data *imap.AppendData
	text := client.Message(in.ID, in.Size)
	err := c.within(client.WriteTimeout, func() (err error) {
		command := c.lib.Append(mailbox, int64(len(text)), nil)
		if _, err = command.Write(text); err != nil {
			command.Close()
			_, refused := command.Wait()
			return worseOf(refused, err)
		}
		if err = command.Close(); err != nil {
			return err
		}
		data, err = command.Wait()
		return err
	})
	var refusal *imap.Error
	switch {
	case errors.As(err, &refusal) && refusal.Type != imap.StatusResponseTypeBye:
		return c.ended(history.Fail, nil, err.Error())
	case err != nil:
		c.drop()
		return c.ended(history.Info, nil, err.Error())
	}
	return c.ended(history.OK, check.AppendOut{UID: uint32(data.UID),
		Validity: data.UIDValidity}, "")
}

// worseOf prefers the server's own words.
func worseOf(said, seen error) error {
	if said != nil {
		return said
	}
	return seen
}

func (c *goIMAPClient) readByLibrary(key, mailbox string) Result {
	out := &check.ReadOut{Rows: []check.Row{}}
	err := c.within(3*client.ReadTimeout, func() error { return c.collect(mailbox, out) })
	if err != nil {
		c.drop()
		return c.ended(history.Fail, nil, err.Error())
	}
	return c.ended(history.OK, out, "")
}

var headerSection = &imap.FetchItemBodySection{
	Specifier: imap.PartSpecifierHeader, HeaderFields: []string{"Message-ID"}, Peek: true,
}

func (c *goIMAPClient) collect(mailbox string, out *check.ReadOut) error {
	if c.selected != mailbox {
		_, err := c.lib.Select(mailbox, &imap.SelectOptions{CondStore: true}).Wait()
		if err != nil {
			return err
		}
		c.selected = mailbox
	}
	if err := c.lib.Noop().Wait(); err != nil {
		return err
	}
	status, err := c.lib.Status(mailbox, &imap.StatusOptions{UIDNext: true, UIDValidity: true,
		HighestModSeq: true}).Wait()
	if err != nil {
		return err
	}
	out.Next, out.Validity, out.Modseq = uint32(status.UIDNext), status.UIDValidity,
		status.HighestModSeq
	messages, err := c.lib.Fetch(imap.UIDSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{UID: true,
		ModSeq: true, BodySection: []*imap.FetchItemBodySection{headerSection}}).Collect()
	if err != nil {
		return err
	}
	for _, message := range messages {
		header := message.FindBodySection(headerSection)
		if header == nil {
			return fmt.Errorf("UID %d has no header", message.UID)
		}
		out.Rows = append(out.Rows, check.Row{UID: uint32(message.UID), Modseq: message.ModSeq,
			ID: client.MessageID(string(header))})
	}
	return nil
}
