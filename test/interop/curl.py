#!/usr/bin/env python3
"""curl: imaps URLs as the quickstart prints them; uploads and searches."""

import glob
import os

import interop
from interop import murder
from murder import PASSWORD, message, ok

test = murder.Tests()

SAMPLE = os.path.join(murder.ROOT, "share", "sample")


def curl(node, path, *options, user="john", **more):
    return interop.run(
        "curl", "--silent", "--show-error", "--cacert",
        interop.certificate(node), "--user",
        "%s:%s" % (user, PASSWORD % user), *options,
        "imaps://localhost:%d/%s" % (node.imaps_port, path), **more)


def load(node):
    """What ./quickstart does to a new node."""
    plain = os.path.join(SAMPLE, "plain.eml")
    others = sorted(set(glob.glob(os.path.join(SAMPLE, "*.eml"))) - {plain})
    for user in ("john", "jane"):
        node.user(user)
        node.ctl("import", "user." + user, plain, *others)
        node.ctl("import", "user.%s.Archive" % user, plain)
    node.ctl("mailbox", "acl", "user.jane.Archive", "john", "lrs")
    with open(plain, "rb") as file:
        return file.read().replace(b"\n", b"\r\n")


@test
def the_first_message_of_the_quickstart_is_the_sample():
    with murder.Node() as node:
        plain = load(node)
        assert curl(node, "INBOX;MAILINDEX=1") == plain
        assert curl(node, "INBOX;UID=1") == plain
        assert curl(node, "INBOX;MAILINDEX=1;SECTION=HEADER.FIELDS%20(Subject)"
                    ).startswith(b"Subject: ")
        assert curl(node, "Other%20Users/jane/Archive;MAILINDEX=1") == plain
        curl(node, "Other%20Users/jane;MAILINDEX=1", status=67)
        node.verify()


@test
def a_wrong_password_and_a_foreign_certificate_are_told():
    with murder.Node() as node:
        node.user("john")
        curl(node, "INBOX", "--user", "john:wrong", status=67)
        interop.run("curl", "--silent", "--user",
                    "john:" + PASSWORD % "john",
                    "imaps://localhost:%d/INBOX" % node.imaps_port, status=60)


@test
def starttls_is_used_when_it_is_asked_for():
    with murder.Node() as node:
        node.user("john")
        out = interop.run(
            "curl", "--silent", "--show-error", "--ssl-reqd", "--cacert",
            interop.certificate(node), "--user", "john:" + PASSWORD % "john",
            "imap://localhost:%d/" % node.imap_port)
        assert b"INBOX" in out, out


@test
def an_upload_is_appended_and_found():
    with murder.Node() as node:
        node.user("john")
        path = os.path.join(node.folder, "letter")
        for number in range(3):
            with open(path, "wb") as out:
                out.write(message(number, 500000 if number == 1 else 0))
            curl(node, "INBOX", "--upload-file", path)
        assert curl(node, "INBOX;MAILINDEX=2") == message(1, 500000)
        found = curl(node, "INBOX?SUBJECT%20%22message%201%22")
        assert found.split() == [b"*", b"SEARCH", b"2"], found
        out = curl(node, "INBOX", "--request", "FETCH 3 (UID ENVELOPE)")
        assert b'("message 2"' not in out and b'"message 2"' in out, out
        imap = node.imap("john")
        assert ok(imap.select("INBOX")) == [b"3"]
        imap.logout()


test.run()
