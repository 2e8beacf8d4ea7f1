#!/usr/bin/env python3
"""swaks: LMTP as a mail server speaks it."""

import os

import interop
from interop import murder
from murder import PASSWORD, message, ok

test = murder.Tests()


def swaks(node, recipients, *options, **more):
    return interop.run(
        "swaks", "--protocol", "LMTP", "--server", "127.0.0.1:%d"
        % node.lmtp_port, "--from", "sender@example.org", "--to",
        ",".join(recipients), "--helo", "mx.example.org", *options, **more)


def subjects(node, user, mailbox="INBOX"):
    return [octets.partition(b"Subject: ")[2].partition(b"\r\n")[0]
            for _, octets in interop.messages(node, user, mailbox)]


@test
def a_message_reaches_all_recipients():
    with murder.Node() as node:
        node.user("john")
        node.user("jane")
        imap = node.imap("john")
        ok(imap.create("lists"))
        imap.logout()
        swaks(node, ["john@localhost", "jane@localhost",
                     "john+lists@localhost"],
              "--header", "Subject: for all", "--body", "one\\n.two\\n..")
        assert subjects(node, "john") == [b"for all"]
        assert subjects(node, "jane") == [b"for all"]
        assert subjects(node, "john", "lists") == [b"for all"]
        octets = interop.messages(node, "john", "INBOX")[0][1]
        assert octets.startswith(
            b"Return-Path: <sender@example.org>\r\n"), octets[:200]
        assert b"\r\none\r\n.two\r\n..\r\n" in octets, octets
        node.verify()


@test
def an_unknown_recipient_is_refused_the_others_are_served():
    with murder.Node() as node:
        node.user("john")
        out = swaks(node, ["nobody@localhost", "john@localhost"],
                    "--header", "Subject: half", status=None)
        assert b"550 5.1.1" in out, out
        assert subjects(node, "john") == [b"half"]


@test
def starttls_and_attachments_of_swaks_arrive():
    with murder.Node() as node:
        node.user("john")
        path = os.path.join(node.folder, "part")
        with open(path, "wb") as out:
            out.write(os.urandom(300000))
        swaks(node, ["john@localhost"], "--tls", "--header",
              "Subject: with a part", "--attach", "@" + path)
        imap = node.imap("john")
        ok(imap.select("INBOX"))
        data = ok(imap.fetch("1", "(BINARY[2])"))
        with open(path, "rb") as file:
            assert data[0][1] == file.read()
        imap.logout()


test.run()
