package client

import (
	"bufio"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"murder/jepsen/internal/history"
)

// serve answers a client by a script: what it is to hear, what it says then.
// An answer of "" is silence, "!" ends the connection.
func serve(t *testing.T, script ...string) net.Conn {
	t.Helper()
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		in := bufio.NewReader(there)
		fmt.Fprint(there, "* OK ready\r\n")
		for i := 0; i+1 < len(script); i += 2 {
			line, err := in.ReadString('\n')
			if err != nil || !strings.Contains(line, script[i]) {
				return
			}
			if script[i+1] == "!" {
				return
			}
			fmt.Fprint(there, script[i+1])
		}
		in.ReadString('\n')
	}()
	t.Cleanup(func() { here.Close() })
	return here
}

func login(t *testing.T, script ...string) *IMAP {
	t.Helper()
	script = append([]string{"LOGIN", "a1 OK in\r\n"}, script...)
	c, err := NewIMAP(serve(t, script...), "u", "p")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func expect(t *testing.T, reply *Reply, err error, want history.Type) {
	t.Helper()
	if kind, why := Outcome(reply, err); kind != want {
		t.Errorf("%s (%s), not %s", kind, why, want)
	}
}

// The table of fault-testing.md 2.
func TestOutcomes(t *testing.T) {
	tests := []struct {
		name   string
		script []string
		want   history.Type
	}{
		{"tagged OK", []string{"NOOP", "a2 OK done\r\n"}, history.OK},
		{"tagged NO", []string{"NOOP", "a2 NO [OVERQUOTA] full\r\n"}, history.Fail},
		{"tagged BAD", []string{"NOOP", "a2 BAD what\r\n"}, history.Fail},
		{"lost after the command", []string{"NOOP", "!"}, history.Info},
		{"BYE after the command", []string{"NOOP", "* BYE bye\r\n", "", "!"}, history.Info},
		{"silence", []string{"NOOP", ""}, history.Info},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := login(t, test.script...)
			reply, err := c.Do(50*time.Millisecond, "NOOP")
			expect(t, reply, err, test.want)
			if err != nil && !c.Dead() {
				t.Error("the connection is used again")
			}
		})
	}
}

func TestWhatWasNotSentToItsEndHasNotHappened(t *testing.T) {
	c := login(t)
	c.conn.Close()
	reply, err := c.Do(time.Second, "NOOP")
	expect(t, reply, err, history.Fail)
	reply, err = c.Do(time.Second, "NOOP")
	expect(t, reply, err, history.Fail)
}

func TestALiteralThatIsNotAskedForHasNotBeenSent(t *testing.T) {
	big := make([]byte, nonSyncMax+1)
	c := login(t, "APPEND", "!")
	reply, err := c.DoLiteral(time.Second, "APPEND x", big)
	expect(t, reply, err, history.Fail)
	c = login(t, "APPEND", "a2 NO [TOOBIG] no\r\n")
	reply, err = c.DoLiteral(time.Second, "APPEND x", big)
	expect(t, reply, err, history.Fail)
	small := []byte("x")
	c = login(t, "APPEND", "", "x", "a2 OK [APPENDUID 7 9] done\r\n")
	reply, err = c.DoLiteral(time.Second, "APPEND x", small)
	expect(t, reply, err, history.OK)
	if err == nil && reply.Code != "APPENDUID 7 9" {
		t.Errorf("%q", reply.Code)
	}
}

func TestUntaggedDataAreParsed(t *testing.T) {
	c := login(t, "FETCH", "* 3 FETCH (UID 7 MODSEQ (12) FLAGS (\\Seen $v1) "+
		"BODY[HEADER.FIELDS (MESSAGE-ID)] {7}\r\na)\r\n\r\n\")\r\n"+
		"* VANISHED (EARLIER) 1:3,9\r\n* OK [UIDVALIDITY 5] x\r\na2 OK done\r\n")
	reply, err := c.Do(time.Second, "FETCH")
	if err != nil {
		t.Fatal(err)
	}
	items := Items(reply.Untagged[0].Values[0])
	if items["UID"].Num() != 7 || items["MODSEQ"].Num() != 12 ||
		!reflect.DeepEqual(items["FLAGS"].Texts(), []string{"\\Seen", "$v1"}) ||
		items["BODY[HEADER.FIELDS (MESSAGE-ID)]"].Text != "a)\r\n\r\n\"" {
		t.Errorf("%+v", items)
	}
	uids, err := ParseSet(reply.Untagged[1].Values[1].Text)
	if err != nil || !reflect.DeepEqual(uids, []uint32{1, 2, 3, 9}) {
		t.Errorf("%v %v", uids, err)
	}
	if reply.Untagged[2].Code != "UIDVALIDITY 5" {
		t.Errorf("%+v", reply.Untagged[2])
	}
}

func TestMessagesHaveTheirIDAndSize(t *testing.T) {
	for _, size := range []int{1, 300, 5000} {
		text := Message("3.17", size)
		if len(text) < size || MessageID(string(text)) != "3.17" {
			t.Errorf("%d: %q", size, text[:200])
		}
		if string(Message("3.17", len(text))) != string(text) {
			t.Errorf("%d: its own size gives another message", size)
		}
	}
	if string(Message("a", 300)) == string(Message("b", 300)) {
		t.Error("two messages are equal")
	}
}

func TestLMTP(t *testing.T) {
	tests := []struct {
		name, after string
		want        history.Type
	}{
		{"delivered", "250 2.1.5 ok\r\n", history.OK},
		{"refused", "451 later\r\n", history.Fail},
		{"lost after the dot", "!", history.Info},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn := lmtpServer(t, test.after)
			reply, err := Deliver(conn, "a@b", "u", []byte("line\r\n"))
			expect(t, reply, err, test.want)
		})
	}
}

func lmtpServer(t *testing.T, after string) net.Conn {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		in := bufio.NewReader(there)
		fmt.Fprint(there, "220 hello\r\n")
		for _, answer := range []string{"250-x\r\n250 y\r\n", "250 ok\r\n", "250 ok\r\n",
			"354 go\r\n", "", after} {
			if _, err := in.ReadString('\n'); err != nil || answer == "!" {
				return
			}
			fmt.Fprint(there, answer)
		}
	}()
	return here
}
