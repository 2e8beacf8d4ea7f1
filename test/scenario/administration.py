#!/usr/bin/env python3
"""murderctl: each command, as text and as JSON, and what it refuses."""

import os
import pty
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
        assert "1 connection on 3 listeners" in out, out
        assert out.count("leader") == 5, out
        refused(node, "init", "n2", why="before")
        for words in ((), ("nonsense",), ("user", "add"), ("user",),
                      ("status", "now"), ("import", "user.john")):
            status, out, err = ctl(node, *words)
            assert status == 2 and "usage:" in err, (words, status)
        imap.logout()


@test
def results_as_text():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        ok(imap.append("INBOX", None, None, message(1)))
        imap.logout()
        node.ctl("mailbox", "acl", "user.john", "anyone", "lr")
        out = ctl(node, "mailbox", "list")[1]
        assert out.startswith("user.john ") and "  anyone lr" in out, out
        out = ctl(node, "verify")[1]
        assert out.startswith("1 message, 1 body, "), out
        assert out.endswith("\neverything is as it must be\n"), out
        out = ctl(node, "sweep")[1]
        assert out.startswith("0 bodies dropped, 0 "), out
        out = ctl(node, "status")[1]
        assert "\n1 body, " in out, out
        # the socket is found by the data directory, too
        done = subprocess.run(
            [os.path.join(murder.BUILD, "murderctl"), "--config",
             "/dev/null", "--data", node.data, "user", "list"],
            capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "john" in done.stdout, done


@test
def arguments_that_cannot_be():
    with murder.Node() as node:
        for words, why in (
                (("--format", "zip", "import", "user.john", "x"), "zip"),
                (("--nonsense", "status"), "usage:")):
            status, _, err = ctl(node, *words)
            assert status == 2 and why in err, (words, status, err)
        done = subprocess.run(
            [os.path.join(murder.BUILD, "murderctl"), "--config",
             node.config, "mailbox", "create", b"user.\xff"],
            capture_output=True, timeout=60)
        assert done.returncode == 2 and b"not UTF-8" in done.stderr, done


def at_a_terminal(node, *words, answers=()):
    """What it shows on a terminal of its own, and its exit status."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(os.path.join(murder.BUILD, "murderctl"),
                 ["murderctl", "--config", node.config, *words])
    shown = b""
    answers = list(answers)
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # it has closed its end
            piece = b""
        if not piece:
            break
        shown += piece
        if answers and shown.endswith(b": "):
            os.write(terminal, answers.pop(0) + b"\n")
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, shown


@test
def a_terminal_is_asked_twice_and_shows_no_password():
    with murder.Node() as node:
        status, shown = at_a_terminal(node, "user", "add", "john",
                                      answers=[b"secret", b"secret"])
        assert status == 0 and b"Again: " in shown, shown
        assert b"secret" not in shown, shown
        node.imap().login("john", "secret")
        status, shown = at_a_terminal(node, "user", "passwd", "john",
                                      answers=[b"secret", b"other"])
        assert status == 1 and b"the two differ" in shown, shown
        node.imap().login("john", "secret")


@test
def a_terminal_sees_how_far_it_is():
    with murder.Node() as node:
        node.user("john")
        folder = os.path.join(node.folder, "mail")
        os.mkdir(folder)
        for i in range(64):
            with open(os.path.join(folder, "%02d" % i), "wb") as file:
                file.write(message(i, 3000))
        status, shown = at_a_terminal(node, "import", "user.john", folder)
        assert status == 0 and b"64 messages imported" in shown, shown
        assert b"#" in shown and b"48 messages" in shown, shown
        status, shown = at_a_terminal(node, "verify")
        assert status == 0 and b"groups" in shown, shown


@test
def a_daemon_that_goes_midway_leaves_it_unknown():
    with murder.Node() as node:
        node.user("john")
        folder = os.path.join(node.folder, "mail")
        os.mkdir(folder)
        for i in range(2000):
            with open(os.path.join(folder, "%04d" % i), "wb") as file:
                file.write(message(i, 20000))
        child = subprocess.Popen(
            [os.path.join(murder.BUILD, "murderctl"), "--config",
             node.config, "import", "user.john", folder],
            stderr=subprocess.PIPE, text=True)
        while not node.ctl("status")["bodies"]["bodies"] > 200:
            pass
        node.kill()
        err = child.communicate(timeout=60)[1]
        assert child.returncode == 3 and "is unknown" in err, err
        node.start()
        node.verify()


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
