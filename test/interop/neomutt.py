#!/usr/bin/env python3
"""neomutt: keys that it is given, on a terminal that nobody looks at."""

import os
import pty
import select
import time

import interop
from interop import murder
from murder import PASSWORD, message, ok

test = murder.Tests()

TALK_S = 20

CONFIG = """
set imap_user = "john"
set imap_pass = "{password}"
set folder = "imaps://localhost:{port}/"
set spool_file = "+INBOX"
set record = "+Sent"
set certificate_file = "{certificate}"
set ssl_force_tls = yes
set header_cache = "{home}/headers"
set message_cachedir = "{home}/bodies"
set imap_condstore = yes
set imap_qresync = yes
set imap_keepalive = 10
set sort = "mailbox-order"
set quit = yes
set resolve = no
set delete = yes
set move = no
set confirm_append = no
set confirm_create = no
set mark_old = no
set mail_check_stats = yes
set wait_key = no
set sendmail = "/bin/true"
set editor = "/bin/true"
set abort_unmodified = no
set realname = "John Rook"
set from = "john@example.org"
set send_charset = "utf-8"
set timeout = 1
mailboxes =INBOX =Copies
"""


class Mutt:
    def __init__(self, node):
        self.home = os.path.join(node.folder, "mutt")
        self.config = os.path.join(self.home, "rc")
        os.mkdir(self.home)
        with open(self.config, "w") as out:
            out.write(CONFIG.format(
                home=self.home, password=PASSWORD % "john",
                port=node.imaps_port, certificate=interop.certificate(node)))

    def words(self, *words):
        return ["neomutt", "-n", "-F", self.config, *words]

    def env(self):
        env = {name: value for name, value in os.environ.items()
               if not name.endswith("SAN_OPTIONS")}
        return dict(env, HOME=self.home, TERM="xterm", LC_ALL="C.UTF-8",
                    COLUMNS="120", LINES="40")

    def press(self, keys, *words):
        """Runs it with these keys; what it has drawn, once it has ended."""
        self.pid, terminal = pty.fork()
        if self.pid == 0:
            words = self.words("-e", "push '%s'" % keys, *words)
            os.execvpe(words[0], words, self.env())
        drawn = b""
        end = time.monotonic() + TALK_S
        while time.monotonic() < end:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                piece = b""
            if not piece:
                break
            drawn += piece
        else:
            os.kill(self.pid, 9)
        _, status = os.waitpid(self.pid, 0)
        os.close(terminal)
        assert status == 0, (status, drawn[-3000:])
        return drawn


def flags(node, mailbox="INBOX"):
    """Subject -> flags."""
    return {octets.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode():
            flags for flags, octets
            in interop.messages(node, "john", mailbox)}


@test
def messages_are_listed_and_read():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        for i in range(30):
            ok(imap.append("INBOX", None, None, message(i, 4000)))
        mutt = Mutt(node)
        path = os.path.join(node.folder, "piped")
        drawn = mutt.press("<first-entry><next-entry><pipe-message>cat >%s"
                           "<enter><display-message><exit><quit>" % path)
        for i in range(20):
            assert b"message %d" % i in drawn, i
        with open(path, "rb") as file:
            assert file.read().replace(b"\n", b"\r\n").endswith(
                message(1, 4000).partition(b"\r\n\r\n")[2])
        assert flags(node)["message 1"] == {"\\Seen"}
        assert flags(node)["message 2"] == set()
        # with a header cache: CONDSTORE or QRESYNC tells what has changed
        ok(imap.select("INBOX"))
        ok(imap.store("3", "+FLAGS", r"(\Deleted)"))
        ok(imap.expunge())
        ok(imap.append("INBOX", None, None, message(100)))
        drawn = mutt.press("<last-entry><display-message><exit><quit>")
        assert b"message 100" in drawn
        assert flags(node)["message 100"] == {"\\Seen"}
        imap.logout()
        node.verify()


@test
def flags_are_changed_and_messages_deleted():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        for i in range(6):
            ok(imap.append("INBOX", None, None, message(i)))
        imap.logout()
        Mutt(node).press(
            "<first-entry><set-flag>!<next-entry><set-flag>r"
            "<sync-mailbox>"
            "<jump>4<enter><delete-message>"
            "<tag-pattern>~s \"message 5\"<enter>"
            "<tag-prefix><delete-message><sync-mailbox>"
            "<first-entry><clear-flag>!<set-flag>N<next-entry>"
            "<sync-mailbox><quit>")
        assert flags(node) == {
            "message 0": set(), "message 1": {"\\Answered", "\\Seen"},
            "message 2": set(), "message 4": set()}, flags(node)
        node.verify()


@test
def messages_are_copied_and_moved():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        for i in range(5):
            ok(imap.append("INBOX", None, None, message(i)))
        ok(imap.create("Moved"))
        imap.logout()
        Mutt(node).press(
            "<tag-pattern>~s \"message [12]\"<enter>"
            "<tag-prefix><copy-message>=Copies<enter>"
            "<untag-pattern>.<enter>"
            "<jump>4<enter><save-message>=Moved<enter>"
            "<sync-mailbox>"
            "<change-folder>=Copies<enter>"
            "<first-entry><set-flag>!<sync-mailbox><quit>")
        assert sorted(flags(node)) == ["message 0", "message 1", "message 2",
                                       "message 4"], flags(node)
        copies = flags(node, "Copies")
        assert sorted(copies) == ["message 1", "message 2"], copies
        assert "\\Flagged" in copies["message 1"], copies
        assert list(flags(node, "Moved")) == ["message 3"]
        node.verify()


@test
def what_is_sent_is_kept():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        ok(imap.create("Sent"))
        mutt = Mutt(node)
        part = os.path.join(node.folder, "part.bin")
        with open(part, "wb") as out:
            out.write(bytes(range(256)) * 400)
        mutt.press("<mail>jane@example.org<enter>kept \u2603<enter>"
                   "<attach-file>%s<enter><send-message><quit>" % part)
        ok(imap.select("Sent"))
        data = ok(imap.fetch("1", "(FLAGS BINARY[2])"))
        assert data[0][1] == bytes(range(256)) * 400
        assert b"\\Seen" in data[0][0], data[0][0]
        imap.logout()


@test
def new_mail_is_seen_while_it_runs():
    """IDLE, or polling: what comes is listed without a key."""
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        ok(imap.append("INBOX", None, None, message(0)))
        mutt = Mutt(node)
        with open(mutt.config, "a") as out:
            out.write("set imap_idle = yes\nset mail_check = 1\n")
        pid, terminal = pty.fork()
        if pid == 0:
            words = mutt.words()
            os.execvpe(words[0], words, mutt.env())
        drawn = b""
        sent = False
        end = time.monotonic() + TALK_S
        while b"message 77" not in drawn and time.monotonic() < end:
            if select.select([terminal], [], [], 0.2)[0]:
                drawn += os.read(terminal, 65536)
            elif b"message 0" in drawn and not sent:
                ok(imap.append("INBOX", None, None, message(77)))
                sent = True
        os.kill(pid, 15)
        os.waitpid(pid, 0)
        os.close(terminal)
        assert b"message 77" in drawn, drawn[-2000:]
        imap.logout()


test.run()
