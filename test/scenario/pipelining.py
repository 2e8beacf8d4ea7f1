#!/usr/bin/env python3
"""Clients that do not wait for answers, or that leave in the middle."""

import socket
import ssl
import time

import murder
from murder import PASSWORD, message, ok

test = murder.Tests()


def connect(node, tls):
    """A logged in connection: (socket, file to read from)."""
    port = node.imaps_port if tls else node.imap_port
    sock = socket.create_connection(("127.0.0.1", port), 30)
    if tls:
        sock = ssl._create_unverified_context().wrap_socket(sock)
    file = sock.makefile("rb")
    file.readline()
    sock.sendall(b"in LOGIN john %s\r\n" % (PASSWORD % "john").encode())
    assert file.readline().startswith(b"in OK")
    return sock, file


def append(tag, octets):
    return b"%d APPEND INBOX {%d+}\r\n%b\r\n" % (tag, len(octets), octets)


def pipelined(node, tls):
    sock, file = connect(node, tls)
    expected = []
    for size in (0, 5000, 20000, 200000):
        texts = [message(i, size) for i in range(8)]
        sock.sendall(b"".join(append(i, text)
                              for i, text in enumerate(texts)))
        for i in range(len(texts)):
            line = file.readline()
            assert line.startswith(b"%d OK [APPENDUID" % i), (size, line)
        expected += texts
    sock.close()
    imap = node.imap("john")
    ok(imap.select("INBOX"))
    data = ok(imap.fetch("1:*", "(BODY[])"))
    assert [item[1] for item in data[::2]] == expected
    imap.logout()


@test
def appends_are_taken_in_order():
    for tls in (False, True):
        with murder.Node() as node:
            node.user("john")
            pipelined(node, tls)


@test
def all_kinds_of_commands_are_answered_in_order():
    with murder.Node() as node:
        node.user("john")
        sock, file = connect(node, True)
        sock.sendall(append(0, message(0)) + b"1 SELECT INBOX\r\n"
                     b"2 STORE 1 +FLAGS (\\Seen)\r\n"
                     b"3 SEARCH SEEN\r\n4 FETCH 1 (FLAGS BODY[TEXT])\r\n"
                     b"5 COPY 1 INBOX\r\n" + append(6, message(6))
                     + b"7 UID EXPUNGE 1\r\n8 NOOP\r\n9 LOGOUT\r\n")
        answers = file.read().split(b"\r\n")
        tagged = [line[:4] for line in answers if line[:1].isdigit()]
        assert tagged == [b"%d OK" % i for i in range(10)], answers
        assert b"* SEARCH 1" in answers, answers
        sock.close()


@test
def a_client_may_leave_within_an_append():
    """Whatever was on its way then is dropped, and nothing else."""
    with murder.Node() as node:
        node.user("john")
        text = message(1, 300000)
        for sent in (0, 1, 1000, 100000, len(text) - 1, len(text)):
            sock, _ = connect(node, False)
            sock.sendall(b"1 APPEND INBOX {%d+}\r\n" % len(text)
                         + text[:sent])
            time.sleep(0.05)  # into the server
            sock.close()
        imap = node.imap("john")
        assert ok(imap.select("INBOX")) == [b"0"]
        ok(imap.append("INBOX", None, None, text))
        ok(imap.noop())
        assert ok(imap.search(None, "ALL")) == [b"1"]
        imap.logout()
        node.verify()


test.run()
