// Package client speaks IMAP and LMTP line by line.
//
// It is no library for programs that want mail: it knows which octet was
// handed to the kernel last, because what a lost connection means depends on
// that (fault-testing.md 2).
package client

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"murder/jepsen/internal/history"
)

// How long an answer may take.
const (
	WriteTimeout = 5 * time.Second
	ReadTimeout  = 2 * time.Second
	DialTimeout  = 2 * time.Second
)

// Limits against a server that has gone mad.
const (
	responseMax = 64 << 20
	untaggedMax = 200000 // responses to one command
)

// Lost is a connection that ended before a tagged answer.
type Lost struct {
	Sent bool // the last octet of the command was handed to the kernel
	Err  error
}

func (l *Lost) Error() string {
	if l.Sent {
		return "after the command: " + l.Err.Error()
	}
	return "before the end of the command: " + l.Err.Error()
}

func (l *Lost) Unwrap() error { return l.Err }

// Reply is a tagged answer and what came before it.
type Reply struct {
	Status   string // OK, NO, BAD
	Code     string // what stands in the brackets
	Text     string
	Untagged []Untagged
}

// OK is whether it says so.
func (r *Reply) OK() bool { return r.Status == "OK" }

// Untagged is one response of the server.
type Untagged struct {
	Number int    // of "* 3 EXISTS"; else -1
	Name   string // FETCH, EXISTS, OK
	Code   string
	Values []Value
}

// Outcome is what an operation's end means.
func Outcome(reply *Reply, err error) (history.Type, string) {
	var lost *Lost
	switch {
	case errors.As(err, &lost) && lost.Sent:
		return history.Info, err.Error()
	case err != nil:
		return history.Fail, err.Error()
	case reply.OK():
		return history.OK, ""
	}
	return history.Fail, strings.TrimSpace(reply.Status + " [" + reply.Code + "] " + reply.Text)
}

// IMAP is one connection. For one goroutine.
type IMAP struct {
	conn net.Conn
	in   *bufio.Reader
	tags int
	dead bool
	// See takes each untagged response when it comes, if it is set.
	See func(*Untagged)
}

// NewIMAP reads the greeting of a fresh connection and logs in.
func NewIMAP(conn net.Conn, user, password string) (*IMAP, error) {
	c := &IMAP{conn: conn, in: bufio.NewReader(conn)}
	conn.SetDeadline(time.Now().Add(DialTimeout))
	line, err := c.response()
	if err == nil && !strings.HasPrefix(string(line), "* OK") {
		err = fmt.Errorf("greeting: %s", line)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	reply, err := c.Do(WriteTimeout, fmt.Sprintf("LOGIN %s %s", user, password))
	if err == nil && !reply.OK() {
		err = fmt.Errorf("login: %s", reply.Text)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// Close ends the connection without a word.
func (c *IMAP) Close() {
	c.dead = true
	c.conn.Close()
}

// Dead is whether the connection is of no more use.
func (c *IMAP) Dead() bool { return c.dead }

// Do sends a command and reads to its tagged answer. An error is a *Lost.
func (c *IMAP) Do(timeout time.Duration, command string) (*Reply, error) {
	tag := c.tag()
	c.conn.SetDeadline(time.Now().Add(timeout))
	if err := c.send(tag + " " + command + "\r\n"); err != nil {
		return nil, c.lost(false, err)
	}
	return c.answer(tag)
}

// nonSyncMax is the largest literal that may come unasked (RFC 7888, LITERAL-).
const nonSyncMax = 4096

// DoLiteral sends a command that ends with a literal.
func (c *IMAP) DoLiteral(timeout time.Duration, command string, literal []byte) (*Reply, error) {
	tag := c.tag()
	c.conn.SetDeadline(time.Now().Add(timeout))
	if len(literal) <= nonSyncMax {
		text := fmt.Sprintf("%s %s {%d+}\r\n%s\r\n", tag, command, len(literal), literal)
		if err := c.send(text); err != nil {
			return nil, c.lost(false, err)
		}
		return c.answer(tag)
	}
	if err := c.send(fmt.Sprintf("%s %s {%d}\r\n", tag, command, len(literal))); err != nil {
		return nil, c.lost(false, err)
	}
	reply, err := c.read(tag, true)
	if err != nil {
		return nil, c.lost(false, err)
	}
	if reply != nil {
		return reply, nil // refused before any octet of it
	}
	if err := c.send(string(literal) + "\r\n"); err != nil {
		return nil, c.lost(false, err)
	}
	return c.answer(tag)
}

func (c *IMAP) tag() string {
	c.tags++
	return "a" + strconv.Itoa(c.tags)
}

func (c *IMAP) send(text string) error {
	if c.dead {
		return net.ErrClosed
	}
	_, err := io.WriteString(c.conn, text)
	return err
}

func (c *IMAP) lost(sent bool, err error) error {
	c.Close()
	return &Lost{Sent: sent, Err: err}
}

func (c *IMAP) answer(tag string) (*Reply, error) {
	reply, err := c.read(tag, false)
	if err != nil {
		return nil, c.lost(true, err)
	}
	return reply, nil
}

// read gives the tagged answer, or nil for a continuation that is waited for.
func (c *IMAP) read(tag string, continuation bool) (*Reply, error) {
	reply := &Reply{}
	for {
		line, err := c.response()
		if err != nil {
			return nil, err
		}
		text := string(line)
		switch {
		case strings.HasPrefix(text, "+"):
			if continuation {
				return nil, nil
			}
			return nil, fmt.Errorf("unexpected continuation")
		case strings.HasPrefix(text, tag+" "):
			reply.Status, reply.Code, reply.Text = splitStatus(text[len(tag)+1:])
			return reply, nil
		case !strings.HasPrefix(text, "* "):
			return nil, fmt.Errorf("no response: %.100q", text)
		}
		untagged, err := parseUntagged(line[2:])
		if err != nil {
			return nil, err
		}
		if len(reply.Untagged) == untaggedMax {
			return nil, fmt.Errorf("more than %d responses", untaggedMax)
		}
		if c.See != nil {
			c.See(untagged)
		}
		reply.Untagged = append(reply.Untagged, *untagged)
	}
}

// splitStatus takes "OK [CODE arg] text" apart.
func splitStatus(line string) (status, code, text string) {
	status, text = cut(line, " ")
	if strings.HasPrefix(text, "[") {
		if end := strings.Index(text, "]"); end > 0 {
			code, text = text[1:end], strings.TrimPrefix(text[end+1:], " ")
		}
	}
	return status, code, text
}

func cut(text, at string) (string, string) {
	if i := strings.Index(text, at); i >= 0 {
		return text[:i], text[i+len(at):]
	}
	return text, ""
}

// response reads one with its literals, without the last CRLF.
func (c *IMAP) response() ([]byte, error) {
	var all []byte
	for {
		line, err := c.in.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		all = append(all, line...)
		if len(all) > responseMax {
			return nil, fmt.Errorf("a response of more than %d octets", responseMax)
		}
		size, ok := literalAt(all)
		if !ok {
			return all[:len(all)-2], nil
		}
		if size > responseMax {
			return nil, fmt.Errorf("a literal of %d octets", size)
		}
		start := len(all)
		all = append(all, make([]byte, size)...)
		if _, err := io.ReadFull(c.in, all[start:]); err != nil {
			return nil, err
		}
	}
}

// literalAt is the size in "{n}\r\n" at the end of a line.
func literalAt(line []byte) (int, bool) {
	text := string(line[max0(len(line)-16):])
	if !strings.HasSuffix(text, "}\r\n") {
		return 0, false
	}
	open := strings.LastIndex(text, "{")
	if open < 0 {
		return 0, false
	}
	size, err := strconv.Atoi(text[open+1 : len(text)-3])
	return size, err == nil && size >= 0
}

func max0(n int) int {
	if n < 0 {
		return 0
	}
	return n
}
