#!/usr/bin/env python3
"""The admin socket: bad requests, what comes behind them, who leaves early."""

import json
import os
import socket

import murder
from murder import message

test = murder.Tests()


class Admin:
    def __init__(self, node):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(os.path.join(node.data, "admin.sock"))
        self.file = self.sock.makefile("rb")

    def send(self, octets):
        try:
            self.sock.sendall(octets)
        except OSError:
            pass

    def lines(self):
        """All answers up to the end of the connection."""
        answers = []
        try:
            for line in self.file:
                answers.append(json.loads(line))
        except ConnectionResetError:
            pass
        return answers


def users(node):
    return sorted(user["name"] for user in node.ctl("user", "list")["users"])


INJECTED = (b'{"v":1,"cmd":"user.add","args":{"name":"mallory",'
            b'"password":"injected"}}\n' b'{"v":1,"cmd":"stop"}\n')


def refused_import(head, name="user.john.Import"):
    """A request for an import that is going to fail, and a hostile message."""
    return (b'{"v":1,"cmd":"import","args":{"name":"%s"}}\n' % name.encode()
            + head + INJECTED * 3)


@test
def octets_behind_a_refused_import_are_no_requests():
    with murder.Node() as node:
        node.user("john")
        for octets in (refused_import(b'{"size":99999999999}\n'),
                       refused_import(b'not json\n'),
                       refused_import(b'{"size":-1}\n'),
                       refused_import(b'', name="user.nobody.Import"),
                       refused_import(b'', name="..no name"),
                       b'{"v":1,"cmd":"import"}\n' + INJECTED,
                       b'{"v":1,"cmd":"imports"}\n' + INJECTED,
                       b'{"v":9,"cmd":"import"}\n' + INJECTED,
                       b'[]\n' + INJECTED, b'\0\n' + INJECTED):
            admin = Admin(node)
            admin.send(octets)
            answers = admin.lines()
            assert [answer for answer in answers
                    if answer.get("ok") is False], (octets, answers)
            assert not [answer for answer in answers if answer.get("ok")], \
                (octets, answers)
        assert users(node) == ["john"]


@test
def octets_behind_an_import_before_init_are_no_requests():
    with murder.Node() as node:
        node.stop()
        for name in os.listdir(node.data):
            if name in ("node", "clean"):
                os.unlink(os.path.join(node.data, name))
        node.start(init=False)
        admin = Admin(node)
        admin.send(refused_import(b""))
        answers = admin.lines()
        assert len(answers) == 1 and not answers[0]["ok"], answers
        status, _ = node.try_ctl("status")
        assert status == 0


@test
def several_requests_of_one_connection_are_answered_in_order():
    with murder.Node() as node:
        admin = Admin(node)
        admin.send(b'{"v":1,"cmd":"status"}\n'
                   b'{"v":1,"cmd":"user.add","args":{"name":"john",'
                   b'"password":"x-y-z"}}\n{"v":1,"cmd":"user.list"}\n'
                   b'{"v":1,"cmd":"nonsense"}\n')
        answers = admin.lines()
        assert [answer["ok"] for answer in answers] == [True, True, True,
                                                        False], answers
        assert answers[2]["result"]["users"][0]["name"] == "john"


@test
def a_line_that_is_too_long_ends_the_connection():
    with murder.Node() as node:
        admin = Admin(node)
        admin.send(b'{"v":1,"cmd":"' + b"x" * (2 << 20))
        assert admin.lines() == []
        assert node.try_ctl("status")[0] == 0


@test
def flags_of_an_import_that_are_no_keywords_are_refused():
    with murder.Node() as node:
        node.user("john")
        text = message(1)
        for flag in ("a b", "x)", "\\Recent", "\\Odd", "", "a\r\nb", "x" * 500,
                     "k\u00e4fer"):
            admin = Admin(node)
            head = json.dumps({"size": len(text), "flags": [flag]})
            admin.send(b'{"v":1,"cmd":"import","args":{"name":"user.john"}}\n'
                       + head.encode() + b"\n" + text + b'{"end":true}\n')
            assert admin.lines()[-1]["ok"] is False, flag
        admin = Admin(node)
        head = json.dumps({"size": len(text), "flags": ["$Junk", "\\Seen",
                                                         "$junk"]})
        admin.send(b'{"v":1,"cmd":"import","args":{"name":"user.john"}}\n'
                   + head.encode() + b"\n" + text
                   + b'{"end":true}\n{"v":1,"cmd":"none"}\n')
        assert admin.lines()[-2]["ok"] is True
        imap = node.imap("john")
        imap.select("INBOX")
        flags = imap.fetch("1", "(FLAGS)")[1][0]
        assert b"\\Seen" in flags and flags.lower().count(b"$junk") == 1, flags


if __name__ == "__main__":
    test.run()
