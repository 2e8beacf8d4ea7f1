package workload

import (
	"fmt"
	"strings"

	"murder/jepsen/internal/check"
	"murder/jepsen/internal/client"
	"murder/jepsen/internal/cluster"
	"murder/jepsen/internal/gen"
	"murder/jepsen/internal/history"
)

// session is an IMAP connection that is opened when it is needed, to a node by
// chance, and the mailbox that it has selected.
type session struct {
	env      *Env
	draws    *gen.Stream
	fixed    *cluster.Node // or nil
	patient  bool          // nothing is broken: every answer comes
	imap     *client.IMAP
	node     *cluster.Node
	number   int
	user     string
	selected string
	codes    map[string]string // of the SELECT: UIDVALIDITY, MAILBOXID, ..
	view     view
}

func newSession(e *Env, draws *gen.Stream, node *cluster.Node) *session {
	return &session{env: e, draws: draws, fixed: node, patient: node != nil}
}

func (s *session) Close() {
	if s.imap != nil {
		s.imap.Close()
		s.imap = nil
	}
}

func (s *session) pick() *cluster.Node {
	if s.fixed != nil {
		return s.fixed
	}
	return s.env.Cluster.Nodes[s.draws.Intn(len(s.env.Cluster.Nodes))]
}

// open makes sure that there is a connection of that user. Whatever fails
// here, the operation was not begun.
func (s *session) open(user string) error {
	if s.imap != nil && !s.imap.Dead() && s.user == user {
		return nil
	}
	s.Close()
	s.node = s.pick()
	s.number = s.env.nextConn()
	s.selected = ""
	conn, err := s.env.Cluster.Dial(s.node, cluster.IMAPPort, client.DialTimeout)
	if err != nil {
		return err
	}
	s.imap, err = client.NewIMAP(conn, user, cluster.Password)
	if err != nil {
		return err
	}
	s.user = user
	s.imap.See = s.view.see
	return nil
}

// split a key: "u1/k7" is the mailbox k7 of u1.
func split(key string) (user, mailbox string) {
	at := strings.Index(key, "/")
	return key[:at], key[at+1:]
}

// enter opens the key's user and makes sure that its mailbox exists.
func (s *session) enter(key string) error {
	user, mailbox := split(key)
	if err := s.open(user); err != nil {
		return err
	}
	return s.env.ensure(key, func() error { return s.create(mailbox) })
}

func (s *session) create(mailbox string) error {
	reply, err := s.imap.Do(client.WriteTimeout, "CREATE "+mailbox)
	if err != nil {
		return err
	}
	if !reply.OK() && !strings.HasPrefix(reply.Code, "ALREADYEXISTS") {
		return fmt.Errorf("CREATE: %s", reply.Text)
	}
	return nil
}

// selectKey enters the key and has its mailbox selected.
func (s *session) selectKey(key string) error {
	if err := s.enter(key); err != nil {
		return err
	}
	if s.selected == key {
		return nil
	}
	_, mailbox := split(key)
	s.selected = ""
	s.view = view{}
	reply, err := s.imap.Do(client.ReadTimeout, "SELECT "+mailbox+" (CONDSTORE)")
	if err != nil {
		return err
	}
	if !reply.OK() {
		return fmt.Errorf("SELECT: %s %s", reply.Code, reply.Text)
	}
	s.codes = map[string]string{}
	for _, u := range reply.Untagged {
		words := strings.SplitN(u.Code, " ", 2)
		if len(words) == 2 {
			s.codes[words[0]] = words[1]
		}
	}
	if strings.HasPrefix(reply.Code, "READ-ONLY") {
		return fmt.Errorf("SELECT: read-only")
	}
	s.selected = key
	return nil
}

// result of a write.
func (s *session) result(reply *client.Reply, err error) Result {
	kind, why := client.Outcome(reply, err)
	return s.done(kind, nil, why)
}

// done tells where it was done.
func (s *session) done(kind history.Type, v interface{}, why string) Result {
	r := Result{Type: kind, V: v, Why: why, Conn: s.number}
	if s.node != nil {
		r.Node = s.node.Name
	}
	return r
}

// notDone is of what was not even begun, and of reads without an answer.
func (s *session) notDone(err error) Result {
	return s.done(history.Fail, nil, err.Error())
}

// read is NOOP, STATUS and FETCH: FETCH shows what the session knew at its
// last point of synchronisation. With `bodies` the octets, too.
func (s *session) read(key string, bodies bool) (*check.ReadOut, error) {
	if err := s.selectKey(key); err != nil {
		return nil, err
	}
	if _, err := s.ask("NOOP"); err != nil {
		return nil, err
	}
	_, mailbox := split(key)
	out := &check.ReadOut{Rows: []check.Row{}}
	reply, err := s.ask("STATUS " + mailbox + " (UIDNEXT UIDVALIDITY HIGHESTMODSEQ)")
	if err != nil {
		return nil, err
	}
	takeStatus(reply, out)
	out.MailboxID = strings.Trim(s.codes["MAILBOXID"], "()")
	what := "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
	if bodies {
		what = "BODY.PEEK[]"
	}
	reply, err = s.ask("UID FETCH 1:* (UID MODSEQ " + what + ")")
	if err != nil {
		return nil, err
	}
	takeRows(reply, bodies, out)
	out.View = s.view.wrong
	return out, nil
}

// ask sends a command that changes nothing; anything but OK is an error.
func (s *session) ask(command string) (*client.Reply, error) {
	timeout := client.ReadTimeout
	if s.patient {
		timeout = finalTimeout
	}
	reply, err := s.imap.Do(timeout, command)
	if err != nil {
		return nil, err
	}
	if !reply.OK() {
		return nil, fmt.Errorf("%s: %s %s", command, reply.Code, reply.Text)
	}
	return reply, nil
}

func takeStatus(reply *client.Reply, out *check.ReadOut) {
	for _, u := range reply.Untagged {
		if u.Name != "STATUS" || len(u.Values) < 2 {
			continue
		}
		items := client.Items(u.Values[1])
		out.Next = uint32(items["UIDNEXT"].Num())
		out.Validity = uint32(items["UIDVALIDITY"].Num())
		out.Modseq = items["HIGHESTMODSEQ"].Num()
	}
}

func takeRows(reply *client.Reply, bodies bool, out *check.ReadOut) {
	for _, u := range reply.Untagged {
		if u.Name != "FETCH" || len(u.Values) != 1 {
			continue
		}
		items := client.Items(u.Values[0])
		text := items["BODY[HEADER.FIELDS (MESSAGE-ID)]"].Text
		if bodies {
			text = items["BODY[]"].Text
		}
		if text == "" {
			continue // unasked: somebody has changed flags
		}
		row := check.Row{
			UID: uint32(items["UID"].Num()), Modseq: items["MODSEQ"].Num(),
			ID: client.MessageID(text),
		}
		if bodies {
			row.Hash = client.Digest([]byte(text))
			row.Good = strings.HasSuffix(text,
				string(client.Message(row.ID, len(text)-strings.Index(text, "From: jepsen@"))))
		}
		out.Rows = append(out.Rows, row)
	}
}
