#!/usr/bin/env python3
"""murderctl: each command, as text and as JSON, and what it refuses."""

import os
import socket
import subprocess

import murder
from murder import PASSWORD, message, ok

test = murder.Tests()


def ctl(node, *words, stdin=""):
    """Without --json: (status, output, errors)."""
    done = subprocess.run(
        [os.path.join(murder.BUILD, "murderctl"), "--config", node.config,
         *words], input=stdin, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def refused(node, *words, stdin="", why):
    """Both forms say why it was not done."""
    status, out, err = ctl(node, *words, stdin=stdin)
    assert status == 1 and out == "" and why in err, (words, out, err)
    status, answer = node.try_ctl(*words, stdin=stdin)
    assert status == 1 and not answer["ok"], (words, answer)
    assert why in answer["text"], (words, answer)


@test
def users():
    with murder.Node() as node:
        assert ctl(node, "user", "list") == (0, "no users\n", "")
        assert node.ctl("user", "list")["users"] == []
        assert ctl(node, "user", "add", "jane", stdin="secret\n")[0] == 0
        node.user("john")
        refused(node, "user", "add", "john", stdin="other\n", why="exist")
        refused(node, "user", "add", "a b/c", stdin="other\n", why="invalid")
        status, _, err = ctl(node, "user", "add", "jim", stdin="\n")
        assert status == 1 and "password is empty" in err, err
        status, _, err = ctl(node, "user", "add", "jim")
        assert status == 1 and "no password" in err, err
        # the beginning of a password is another one
        status, _, err = ctl(node, "user", "add", "jim",
                             stdin="x" * 2000 + "\n")
        assert status == 1 and "too long" in err, err
        found = node.ctl("user", "list")["users"]
        assert [user["name"] for user in found] == ["jane", "john"], found
        out = ctl(node, "user", "list")[1]
        assert [line.split()[0] for line in out.splitlines()] == [
            "user", "jane", "john"], out
        # the old password is good until the new one is
        imap = node.imap("john")
        node.ctl("user", "passwd", "john", stdin="new one\n")
        ok(imap.noop())
        other = node.imap()
        try:
            other.login("john", PASSWORD % "john")
        except other.error as error:
            assert "AUTHENTICATIONFAILED" in str(error), error
        else:
            raise AssertionError("the old password was taken")
        ok(other.login("john", "new one"))
        refused(node, "user", "passwd", "nobody", stdin="x\n", why="no")
        # a user that goes takes the mailboxes along
        ok(other.create("Work"))
        node.ctl("user", "remove", "john")
        assert [box["name"] for box in
                node.ctl("mailbox", "list")["mailboxes"]] == ["user.jane"]
        gone = node.imap()
        try:
            gone.login("john", "new one")
        except gone.error:
            pass
        else:
            raise AssertionError("a user who is removed could log in")
        refused(node, "user", "remove", "john", why="no")
        node.verify()


@test
def mailboxes():
    with murder.Node() as node:
        node.user("john")
        node.ctl("mailbox", "create", "user.john.Work")
        node.ctl("mailbox", "create", "user.john.Work.Deep")
        refused(node, "mailbox", "create", "user.john.Work", why="exist")
        refused(node, "mailbox", "create", "user.nobody.Work", why="")
        node.ctl("mailbox", "rename", "user.john.Work", "user.john.Play")
        found = [box["name"] for box
                 in node.ctl("mailbox", "list", "user.john")["mailboxes"]]
        assert found == ["user.john", "user.john.Play",
                         "user.john.Play.Deep"], found
        imap = node.imap("john")
        ok(imap.append("Play", None, None, message(1)))
        node.ctl("mailbox", "acl", "user.john.Play", "anyone", "lr")
        assert node.ctl("mailbox", "acl", "user.john.Play")["acl"][
            "anyone"] == "lr"
        assert "anyone lr\n" in ctl(node, "mailbox", "acl",
                                    "user.john.Play")[1]
        refused(node, "mailbox", "acl", "user.john.Play", "anyone", "%",
                why="right")
        node.ctl("mailbox", "acl", "user.john.Play", "anyone")
        node.ctl("mailbox", "acl", "user.john.Play", "anyone", "")
        assert "anyone" not in node.ctl("mailbox", "acl",
                                        "user.john.Play")["acl"]
        node.ctl("mailbox", "delete", "user.john.Play.Deep")
        node.ctl("mailbox", "delete", "user.john.Play")
        refused(node, "mailbox", "delete", "user.john.Play", why="no")
        assert imap.select("Play")[0] == "NO"
        imap.logout()
        node.verify()


@test
def status_and_usage():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        ok(imap.append("INBOX", None, None, message(1)))
        answer = node.ctl("status")
        assert answer["initialised"] and answer["name"] == "n1", answer
        assert answer["network"] == {"listeners": 3, "connections": 1}, answer
        assert len(answer["groups"]) == 5, answer
        assert all(group["leader"] and not group["parked"]
                   for group in answer["groups"]), answer
        status, out, err = ctl(node, "status")
        assert status == 0 and err == "", err
        assert "1 connections on 3 listeners" in out, out
        assert out.count("leader") == 5, out
        refused(node, "init", "n2", why="before")
        for words in ((), ("nonsense",), ("user", "add"), ("user",),
                      ("status", "now"), ("import", "user.john")):
            status, out, err = ctl(node, *words)
            assert status == 2 and "usage:" in err, (words, status)
        imap.logout()


@test
def without_a_daemon():
    with murder.Node() as node:
        node.stop()
        status, _, err = ctl(node, "status")
        assert status == 1 and "no murderd answers there" in err, err


@test
def the_socket_is_for_its_owner_only():
    with murder.Node() as node:
        path = os.path.join(node.data, "admin.sock")
        assert os.stat(path).st_mode & 0o077 == 0, oct(os.stat(path).st_mode)
        if os.getuid() == 0:
            done = subprocess.run(
                ["setpriv", "--reuid", "65534", "--clear-groups",
                 os.path.join(murder.BUILD, "murderctl"), "--socket", path,
                 "status"], capture_output=True, text=True, timeout=60)
            assert done.returncode == 1 and done.stdout == "", done


@test
def nonsense_on_the_socket_is_answered():
    with murder.Node() as node:
        for text in (b"no JSON\n", b"{}\n", b'{"v":1}\n', b"[1]\n",
                     b'{"v":2,"cmd":"status","args":{}}\n',
                     b'{"v":1,"cmd":"nothing","args":{}}\n',
                     b'{"v":1,"cmd":"user.add","args":{"name":7}}\n',
                     b'{"v":1,"cmd":"mailbox.acl","args":[]}\n'):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(30)
                sock.connect(os.path.join(node.data, "admin.sock"))
                sock.sendall(text)
                line = sock.makefile().readline()
                assert '"ok":false' in line.replace(" ", ""), (text, line)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(os.path.join(node.data, "admin.sock"))
            try:
                sock.sendall(b"x" * 3000000)
                sock.makefile().read()
            except ConnectionError:
                pass
        node.ctl("status")


test.run()
