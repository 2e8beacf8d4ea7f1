package client

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Deliver sends one message to one recipient on a fresh connection (RFC 2033).
// A refusal is a Reply with NO; an error is a *Lost.
func Deliver(conn net.Conn, from, to string, message []byte) (*Reply, error) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(WriteTimeout))
	in := bufio.NewReader(conn)
	if _, _, err := lmtpReply(in); err != nil {
		return nil, &Lost{Err: err}
	}
	for _, line := range []string{
		"LHLO jepsen", "MAIL FROM:<" + from + ">", "RCPT TO:<" + to + ">", "DATA",
	} {
		code, text, err := lmtpAsk(conn, in, line)
		if err != nil {
			return nil, &Lost{Err: err}
		}
		if code >= 400 {
			return &Reply{Status: "NO", Text: text}, nil
		}
	}
	data := bytes.ReplaceAll(message, []byte("\r\n."), []byte("\r\n.."))
	if _, err := conn.Write(append(data, ".\r\n"...)); err != nil {
		return nil, &Lost{Err: err}
	}
	code, text, err := lmtpReply(in)
	if err != nil {
		return nil, &Lost{Sent: true, Err: err}
	}
	if code != 250 {
		return &Reply{Status: "NO", Text: text}, nil
	}
	return &Reply{Status: "OK", Text: text}, nil
}

func lmtpAsk(conn net.Conn, in *bufio.Reader, line string) (int, string, error) {
	if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
		return 0, "", err
	}
	return lmtpReply(in)
}

// lmtpReply reads one, of several lines maybe.
func lmtpReply(in *bufio.Reader) (int, string, error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return 0, "", err
		}
		line = strings.TrimRight(line, "\r\n")
		if len(line) < 3 {
			return 0, "", fmt.Errorf("no reply: %q", line)
		}
		if len(line) > 3 && line[3] == '-' {
			continue
		}
		code, err := strconv.Atoi(line[:3])
		return code, line, err
	}
}
