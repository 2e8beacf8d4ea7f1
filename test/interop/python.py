#!/usr/bin/env python3
"""imaplib of Python: each of its commands, and what it has no command for."""

import datetime
import email
import email.policy
import imaplib
import re
import time

import interop
from interop import murder
from murder import message, ok

test = murder.Tests()


def letter(subject, body, sender="john@example.org"):
    mail = email.message.EmailMessage(policy=email.policy.SMTP)
    mail["From"] = sender
    mail["To"] = "jane@example.org"
    mail["Subject"] = subject
    mail["Date"] = datetime.datetime(2026, 11, 24, 18, 0,
                                     tzinfo=datetime.timezone.utc)
    mail.set_content(body)
    return mail.as_bytes()


class Session:
    """A node with john, logged in over TLS."""

    def __init__(self, *mailboxes):
        self.mailboxes = mailboxes

    def __enter__(self):
        self.node = murder.Node()
        self.node.start()
        self.node.user("john")
        imap = self.imap = self.node.imap("john", tls=True)
        for name in self.mailboxes:
            ok(imap.create(name))
        return self.node, imap

    def __exit__(self, *exception):
        try:
            if not exception[0]:
                self.imap.logout()
                self.node.verify()
        finally:
            self.node.__exit__(*exception)


def command(imap, name, *words):
    """A command that imaplib does not know."""
    imaplib.Commands.setdefault(name, ("AUTH", "SELECTED"))
    return ok(imap._simple_command(name, *words))


def gone(imap, count):
    """Which of `count` messages, by number, the EXPUNGEs since have taken."""
    left = list(range(1, count + 1))
    for number in imap.response("EXPUNGE")[1]:
        if number:
            del left[int(number) - 1]
    return sorted(set(range(1, count + 1)) - set(left))


@test
def every_command_of_imaplib():
    with Session("Work", "Work/Deep") as (_, imap):
        assert "IMAP4REV1" in imap.capabilities
        ok(imap.capability())
        ok(imap.noop())
        assert ok(imap.namespace()) == [
            b'(("" "/")) (("Other Users/" "/")) (("Shared Folders/" "/"))']
        ok(imap.subscribe("Work"))
        assert ok(imap.lsub()) == [b'() "/" Work']
        ok(imap.unsubscribe("Work"))
        assert ok(imap.lsub()) == [None]
        ok(imap.rename("Work/Deep", "Deep"))
        assert sorted(line.split()[-1] for line in ok(imap.list())) == [
            b"Deep", b"INBOX", b"Work"]
        ok(imap.delete("Deep"))
        when = datetime.datetime(2020, 2, 29, 12, 30, 0, 0,
                                 datetime.timezone.utc)
        ok(imap.append("INBOX", r"(\Seen Custom)", when, message(1)))
        assert re.fullmatch(rb"\d+ 1", imap.response("APPENDUID")[1][0])
        assert ok(imap.status("INBOX", "(MESSAGES UIDNEXT UNSEEN SIZE)")) == [
            b"INBOX (MESSAGES 1 UIDNEXT 2 UNSEEN 0 SIZE %d)"
            % len(message(1))]
        assert ok(imap.select("INBOX", readonly=True)) == [b"1"]
        assert imap.store("1", "+FLAGS", r"(\Deleted)")[0] == "NO"
        assert ok(imap.select("INBOX")) == [b"1"]
        ok(imap.check())
        data = ok(imap.fetch("1", "(UID FLAGS INTERNALDATE RFC822.SIZE)"))
        assert data == [b'1 (UID 1 FLAGS (\\Seen Custom) INTERNALDATE '
                        b'"29-Feb-2020 12:30:00 +0000" RFC822.SIZE %d)'
                        % len(message(1))], data
        data = ok(imap.fetch("1", "(RFC822.HEADER RFC822.TEXT)"))
        assert data[0][1] + data[1][1] == message(1)
        ok(imap.copy("1", "Work"))
        assert imap.copy("1", "Absent")[0] == "NO"
        assert (ok(imap.fetch("1", "BODY[]<5.10>"))[0][1]
                == message(1)[5:15])
        ok(imap.store("1", "FLAGS", r"\Deleted"))
        assert ok(imap.expunge()) == [b"1"]
        ok(imap.select("Work"))
        ok(imap.store("1", "+FLAGS.SILENT", r"(\Deleted)"))
        ok(imap.close())
        assert ok(imap.status("Work", "(MESSAGES)")) == [b"Work (MESSAGES 0)"]
        ok(imap.select("Work"))
        ok(imap.unselect())
        assert ok(imap.myrights("INBOX"))[0].startswith(b"INBOX lrs")
        ok(imap.setacl("INBOX", "anyone", "lr"))
        assert b"anyone lr" in ok(imap.getacl("INBOX"))[0]
        ok(imap.deleteacl("INBOX", "anyone"))
        assert b"anyone" not in ok(imap.getacl("INBOX"))[0]


@test
def search_reads_charsets_and_all_its_keys():
    with Session() as (_, imap):
        texts = [("plain", "one\n", "a@example.org"),
                 ("Grüße aus Köln", "Straße ☃\n", "b@example.org"),
                 ("日本語の件名", "本文です\n", "c@example.org")]
        for text in texts:
            ok(imap.append("INBOX", None, None, letter(*text)))
        ok(imap.append("INBOX", r"(\Seen \Answered Label)",
                       datetime.datetime(2001, 1, 1, tzinfo=datetime
                                         .timezone.utc), message(4, 9000)))
        ok(imap.select("INBOX"))

        def found(*criteria, charset=None, literal=None):
            if literal is not None:
                imap.literal = literal
            return [int(one) for one in
                    ok(imap.search(charset, *criteria))[0].split()]

        assert found("ALL") == [1, 2, 3, 4]
        assert found("SUBJECT", charset="UTF-8",
                     literal="grüße".encode()) == [2]
        assert found("BODY", charset="UTF-8",
                     literal="STRAßE".encode()) == [2]
        assert found("TEXT", charset="UTF-8", literal="☃".encode()) == [2]
        assert found("SUBJECT", charset="ISO-8859-1",
                     literal="Köln".encode("latin-1")) == [2]
        assert found("SUBJECT", charset="ISO-2022-JP",
                     literal="日本語".encode("iso-2022-jp")) == [3]
        assert found("SUBJECT", charset="US-ASCII", literal=b"PLAIN") == [1]
        kind, data = imap.search("X-NO-SUCH", "ALL")
        assert kind == "NO" and b"BADCHARSET" in data[0], data
        assert found("FROM b@example.org") == [2]
        assert found("OR FROM a@ FROM c@ UNSEEN") == [1, 3]
        assert found("SEEN KEYWORD Label UNKEYWORD Other") == [4]
        assert found("BEFORE 1-Jan-2002 SENTSINCE 24-Nov-2026") == [4]
        assert found("LARGER 8000") == [4]
        assert found("SMALLER 8000 NOT 1") == [2, 3]
        assert found("UID 2:3 2:*") == [2, 3]
        assert found("YOUNGER 3600") == [1, 2, 3]
        assert found("HEADER Message-ID 4@example") == [4]
        command(imap, "SEARCH", "RETURN (MIN MAX COUNT ALL) UNSEEN")
        answer = imap.response("ESEARCH")[1][0].partition(b") ")[2].split()
        assert dict(zip(answer[::2], answer[1::2])) == {
            b"MIN": b"1", b"MAX": b"3", b"COUNT": b"3", b"ALL": b"1:3"}


@test
def move_and_uidplus_tell_the_uids():
    with Session("To") as (_, imap):
        for i in range(6):
            ok(imap.append("INBOX", None, None, message(i)))
        ok(imap.select("INBOX"))
        ok(imap.copy("2:3", "To"))
        assert re.fullmatch(rb"\d+ 2:3 1:2",
                            imap.untagged_responses["COPYUID"][0])
        ok(imap.uid("MOVE", "4,6", "To"))
        assert re.fullmatch(rb"\d+ 4,6 3:4",
                            imap.response("COPYUID")[1][-1])
        assert gone(imap, 6) == [4, 6]
        command(imap, "MOVE", "1", "To")
        assert ok(imap.uid("SEARCH", "ALL")) == [b"2 3 5"]
        ok(imap.store("1:3", "+FLAGS.SILENT", r"(\Deleted)"))
        ok(imap.uid("EXPUNGE", "3:4"))
        assert ok(imap.uid("SEARCH", "ALL")) == [b"2 5"]
        ok(imap.select("To"))
        data = ok(imap.fetch("1:*", "(UID BODY.PEEK[])"))
        assert [item[1] for item in data[::2]] == [
            message(i) for i in (1, 2, 3, 5, 0)]


@test
def idle_tells_what_others_do():
    with Session() as (node, imap):
        for i in range(3):
            ok(imap.append("INBOX", None, None, message(i)))
        ok(imap.select("INBOX"))
        other = node.imap("john")
        ok(other.select("INBOX"))
        imap.send(b"I1 IDLE\r\n")
        assert imap.readline().startswith(b"+ ")

        def heard(want):
            line = imap.readline()
            assert re.fullmatch(want, line), line

        ok(other.append("INBOX", None, None, message(3)))
        heard(rb"\* 4 EXISTS\r\n")
        ok(other.store("2", "+FLAGS", r"(\Flagged)"))
        line = imap.readline()
        if line.endswith(b"RECENT\r\n"):
            line = imap.readline()
        assert line.startswith(b"* 2 FETCH (") and b"\\Flagged" in line, line
        ok(other.store("1", "+FLAGS", r"(\Deleted)"))
        line = imap.readline()
        assert line.startswith(b"* 1 FETCH (") and b"\\Deleted" in line, line
        ok(other.expunge())
        heard(rb"\* 1 EXPUNGE\r\n")
        imap.send(b"DONE\r\n")
        heard(rb"I1 OK .*\r\n")
        assert ok(imap.search(None, "ALL")) == [b"1 2 3"]
        other.logout()


@test
def a_session_that_does_not_look_keeps_its_numbers():
    with Session() as (node, imap):
        for i in range(5):
            ok(imap.append("INBOX", None, None, message(i)))
        ok(imap.select("INBOX"))
        other = node.imap("john")
        ok(other.select("INBOX"))
        ok(other.store("1:2", "+FLAGS", r"(\Deleted)"))
        ok(other.expunge())
        time.sleep(0.05)
        # FETCH by number never tells an EXPUNGE (RFC 9051 section 7.5.1)
        assert ok(imap.fetch("5", "(UID)")) == [b"5 (UID 5)"]
        assert gone(imap, 5) == []
        ok(imap.noop())
        assert gone(imap, 5) == [1, 2]
        assert ok(imap.fetch("3", "(UID)")) == [b"3 (UID 5)"]
        other.logout()


@test
def names_are_utf7_or_utf8():
    with Session() as (node, imap):
        ok(imap.create('"Entw&APw-rfe"'))
        assert b"Entw&APw-rfe" in b" ".join(ok(imap.list()))
        other = node.imap("john")
        ok(other.enable("UTF8=ACCEPT"))
        assert "Entwürfe".encode() in b" ".join(ok(other.list()))
        ok(other.select('"Entwürfe"'))
        other.logout()
        assert imap.create('"bad&name"')[0] in ("NO", "BAD")


@test
def many_messages_and_large_ones():
    with Session() as (_, imap):
        large = message(0, 12 * 1024 * 1024)
        ok(imap.append("INBOX", None, None, large))
        for i in range(1, 200):
            ok(imap.append("INBOX", None, None, message(i)))
        ok(imap.select("INBOX"))
        data = ok(imap.fetch("1:*", "(BODY.PEEK[])"))
        assert data[0][1] == large
        assert [item[1] for item in data[2::2]] == [
            message(i) for i in range(1, 200)]
        ok(imap.store("1:*", "+FLAGS.SILENT", r"(\Deleted)"))
        assert len(ok(imap.expunge())) == 200


test.run()
