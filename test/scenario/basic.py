#!/usr/bin/env python3
"""One node and one client: log in, append, fetch, search, store, expunge."""

import os

import murder
from murder import message, ok

test = murder.Tests()


@test
def a_message_comes_back_as_it_was_appended():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john", tls=True)
        text = message(1, 5000)
        ok(imap.append("INBOX", r"(\Seen)", None, text))
        assert ok(imap.select("INBOX")) == [b"1"]
        data = ok(imap.fetch("1", "(FLAGS BODY[])"))
        assert data[0][1] == text, data
        assert rb"\Seen" in data[0][0] + data[1], data
        imap.logout()


@test
def flags_search_and_expunge():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        for i in range(5):
            ok(imap.append("INBOX", None, None, message(i)))
        ok(imap.select("INBOX"))
        assert ok(imap.search(None, 'SUBJECT "message 3"')) == [b"4"]
        ok(imap.store("2:3", "+FLAGS", r"(\Deleted $Junk)"))
        assert ok(imap.search(None, "KEYWORD $Junk")) == [b"2 3"]
        assert ok(imap.expunge()) == [b"3", b"2"]
        assert ok(imap.uid("SEARCH", "ALL")) == [b"1 4 5"]
        imap.logout()
        node.verify()


@test
def a_restart_loses_nothing():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        for i in range(20):
            ok(imap.append("INBOX", None, None, message(i, 2000)))
        ok(imap.create("Sent"))
        imap.logout()
        node.stop()
        node.start()
        imap = node.imap("john")
        assert ok(imap.select("INBOX")) == [b"20"]
        names = [line.split(b" ")[-1] for line in ok(imap.list())]
        assert sorted(names) == [b"INBOX", b"Sent"], names
        imap.logout()
        node.kill()
        node.start()
        imap = node.imap("john")
        assert ok(imap.select("INBOX")) == [b"20"]
        for i in range(20):
            data = ok(imap.fetch(str(i + 1), "(BODY[])"))
            assert data[0][1] == message(i, 2000)
        imap.logout()
        node.verify()


@test
def large_messages_are_imported_whole():
    with murder.Node() as node:
        node.user("john")
        folder = os.path.join(node.folder, "mail")
        os.mkdir(folder)
        for i in range(4):
            with open(os.path.join(folder, str(i)), "wb") as out:
                out.write(message(i, 700000))
        answer = node.ctl("import", "user.john", folder)
        assert answer["messages"] == 4, answer
        imap = node.imap("john")
        ok(imap.select("INBOX"))
        for i in range(4):
            data = ok(imap.fetch(str(i + 1), "(BODY[])"))
            assert data[0][1] == message(i, 700000), i
        imap.logout()


@test
def mail_is_delivered_over_lmtp():
    with murder.Node() as node:
        node.user("john")
        node.user("jane")
        imap = node.imap("john")
        ok(imap.create("lists"))
        everybody = ["john", "jane", "john+lists", "nobody"]
        with node.lmtp() as lmtp:
            answers = lmtp.deliver("x@example.org", everybody, message(7))
            codes = [answers[who][0] for who in everybody]
            assert codes == [250, 250, 250, 550], answers
        for user, name in (("john", "INBOX"), ("john", "lists"),
                           ("jane", "INBOX")):
            client = node.imap(user)
            assert ok(client.select(name)) == [b"1"], (user, name)
            data = ok(client.fetch("1", "(BODY[])"))
            assert data[0][1].endswith(message(7)), data
            assert data[0][1].startswith(b"Return-Path: <x@example.org>\r\n")
            client.logout()
        imap.logout()
        node.verify()


test.run()
