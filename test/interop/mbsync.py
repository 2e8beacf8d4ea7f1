#!/usr/bin/env python3
"""mbsync (isync): a Maildir and the server are kept equal, both ways."""

import os
import re
import shutil

import interop
from interop import murder
from murder import message, ok

test = murder.Tests()

CONFIG = """
IMAPAccount murder
Host localhost
Port {port}
User john
Pass {password}
{tls} IMAPS
CertificateFile {certificate}
SystemCertificates no

IMAPStore far
Account murder

MaildirStore near
Path {mail}/
Inbox {mail}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
CopyArrivalDate yes
SyncState *
"""

LETTERS = {"S": "\\Seen", "F": "\\Flagged", "R": "\\Answered", "D": "\\Draft",
           "T": "\\Deleted", "P": "$Forwarded"}


class Side:
    """A Maildir tree and the mbsync that keeps it equal to john's mail."""

    def __init__(self, node, name):
        self.node = node
        self.mail = os.path.join(node.folder, name)
        self.config = self.mail + ".rc"
        os.mkdir(self.mail)
        with open(self.config, "w") as out:
            out.write(CONFIG.format(
                port=node.imaps_port, password=murder.PASSWORD % "john",
                certificate=interop.certificate(node), mail=self.mail,
                tls=tls_setting()))

    def sync(self):
        interop.run("mbsync", "-c", self.config, "-a",
                    env={"HOME": self.node.folder})

    def folder(self, name):
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(self.mail, name, part), exist_ok=True)
        return os.path.join(self.mail, name)

    def add(self, name, octets, letters=""):
        number = len(os.listdir(os.path.join(self.folder(name), "cur")))
        path = os.path.join(self.folder(name), "cur", "%d.add%d.here:2,%s"
                            % (1764000000 + number, number, letters))
        with open(path, "wb") as out:
            out.write(octets.replace(b"\r\n", b"\n"))

    def paths(self, name):
        for part in ("cur", "new"):
            base = os.path.join(self.mail, name, part)
            for entry in sorted(os.listdir(base)):
                yield os.path.join(base, entry)

    def find(self, name, text):
        for path in self.paths(name):
            with open(path, "rb") as file:
                if text in file.read():
                    return path
        raise AssertionError("%r is not in %s" % (text, name))

    def mark(self, name, text, letters):
        path = self.find(name, text)
        base = os.path.basename(path).split(":")[0]
        os.rename(path, os.path.join(self.mail, name, "cur",
                                     "%s:2,%s" % (base, letters)))

    def messages(self, name):
        found = []
        for path in self.paths(name):
            letters = path.partition(":2,")[2]
            with open(path, "rb") as file:
                text = re.sub(rb"X-TUID: .*\n", b"", file.read())
            found.append((frozenset(LETTERS[one] for one in letters),
                          text.replace(b"\n", b"\r\n")))
        return sorted(found, key=lambda one: one[1])

    def folders(self):
        return sorted(os.path.relpath(base, self.mail)
                      for base, parts, _ in os.walk(self.mail)
                      if "cur" in parts)


def tls_setting():
    """What the setting is called: SSLType until 1.4, TLSType since 1.5."""
    words = interop.run("mbsync", "--version").split()
    version = [int(part) for part in words[1].split(b".")[:2]]
    return "SSLType" if version < [1, 5] else "TLSType"


def far_folders(node):
    client = node.imap("john")
    names = []
    for line in ok(client.list()):
        attributes, name = re.fullmatch(rb'\((.*?)\) "/" (.*)', line).groups()
        if b"\\Noselect" not in attributes:
            names.append(name.strip(b'"').decode())
    client.logout()
    return sorted(names)


def far_messages(node, name):
    found = [(flags, re.sub(rb"X-TUID: .*\r\n", b"", octets))
             for flags, octets in interop.messages(node, "john", name)]
    return sorted(found, key=lambda one: one[1])


def expect_equal(node, side):
    assert side.folders() == far_folders(node), (side.folders(),
                                                 far_folders(node))
    for name in side.folders():
        assert side.messages(name) == far_messages(node, name), name


@test
def both_sides_are_equal_after_each_round():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        side = Side(node, "mail")

        # new messages and folders on both sides
        for i in range(10):
            ok(imap.append("INBOX", r"(\Seen)" if i % 2 else None, None,
                           message(i, 3000)))
        ok(imap.create("Far"))
        ok(imap.create("Far/Deep"))
        ok(imap.append("Far/Deep", r"(\Flagged \Answered)", None, message(20)))
        for i in range(30, 40):
            side.add("INBOX", message(i, 100000 if i == 35 else 0),
                     "FS" if i % 2 else "")
        side.add("Near", message(40), "D")
        side.add("Near/Below", message(41), "S")
        side.sync()
        assert far_folders(node) == ["Far", "Far/Deep", "INBOX", "Near",
                                     "Near/Below"]
        assert len(side.messages("INBOX")) == 20
        expect_equal(node, side)

        # flags on both sides, other ones of the same message too
        side.mark("INBOX", b"message 0\n", "FR")
        side.mark("INBOX", b"message 1\n", "")
        side.mark("INBOX", b"message 2\n", "F")
        ok(imap.select("INBOX"))
        for number, change in ((2, r"\Answered"), (3, r"\Seen")):
            found = ok(imap.search(None, 'SUBJECT "message %d"' % number))
            ok(imap.store(found[0].split()[0], "+FLAGS", change))
        side.sync()
        expect_equal(node, side)
        flags = {octets: flags for flags, octets in side.messages("INBOX")}
        assert flags[message(0, 3000)] == {"\\Flagged", "\\Answered"}
        assert flags[message(1, 3000)] == set()
        assert flags[message(2, 3000)] == {"\\Flagged", "\\Answered"}

        # deletes on both sides, a move on each
        os.unlink(side.find("INBOX", b"message 4\n"))
        side.mark("INBOX", b"message 5\n", "T")
        shutil.move(side.find("INBOX", b"message 6\n"),
                    os.path.join(side.mail, "Near/cur/moved.6.here:2,"))
        ok(imap.noop())
        for number in (30, 31):
            found = ok(imap.search(None, 'SUBJECT "message %d"' % number))
            ok(imap.store(found[0], "+FLAGS", r"\Deleted"))
        ok(imap.expunge())
        found = ok(imap.uid("SEARCH", 'SUBJECT "message 32"'))
        ok(imap.uid("MOVE", found[0], "Far"))
        side.sync()
        expect_equal(node, side)
        assert len(side.messages("INBOX")) == 14
        assert len(side.messages("Far")) == 1
        assert len(side.messages("Near")) == 2

        # nothing to do changes nothing
        before = [side.messages(name) for name in side.folders()]
        side.sync()
        assert before == [side.messages(name) for name in side.folders()]
        expect_equal(node, side)

        # a second Maildir gets all of it
        other = Side(node, "other")
        other.sync()
        expect_equal(node, other)
        imap.logout()
        node.verify()


@test
def a_folder_that_is_removed_here_goes_there():
    with murder.Node() as node:
        node.user("john")
        side = Side(node, "mail")
        side.add("Gone", message(1))
        side.add("Kept", message(2))
        side.sync()
        assert far_folders(node) == ["Gone", "INBOX", "Kept"]
        for path in list(side.paths("Gone")):
            os.unlink(path)
        side.sync()
        for name in ("cur", "new", "tmp"):
            os.rmdir(os.path.join(side.mail, "Gone", name))
        # mbsync removes the other side if its own has no cur any more
        side.sync()
        assert far_folders(node) == ["INBOX", "Kept"], far_folders(node)
        expect_equal(node, side)


test.run()
