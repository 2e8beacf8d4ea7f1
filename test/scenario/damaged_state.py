#!/usr/bin/env python3
"""Damaged tables park their group, damaged bodies are refused."""

import glob
import os
import shutil

import murder
from damage import change, expect_mail, filled, find
from murder import message, ok

test = murder.Tests()


@test
def a_group_that_is_damaged_is_parked_and_others_serve():
    with murder.Node() as node:
        groups = filled(node, 100)
        node.stop()
        folder = os.path.join(node.data, "g%d" % groups["john"])
        for path in glob.glob(os.path.join(folder, "*")):
            size = os.path.getsize(path)
            if "lock" not in path and size > 8192:
                change(path, 8192, os.urandom(size - 8192))
        node.start(init=False)
        node.await_port(node.imap_port)
        expect_mail(node, "jane", 100)
        imap = node.imap("john")
        for _ in range(3):  # what meets the damage may answer, then it parks
            kind, data = imap.select("INBOX")
            if kind == "OK":
                kind, data = imap.append("INBOX", None, None, message(1))
        assert kind == "NO" and b"[UNAVAILABLE]" in data[0], (kind, data)
        status = {group["group"]: group
                  for group in node.ctl("status")["groups"]}
        assert status[groups["john"]]["parked"], status
        assert status[groups["john"]]["parked_why"], status
        assert not status[groups["jane"]]["parked"], status
        code, answer = node.try_ctl("verify")
        assert code == 1 and answer["findings"] > 0, answer
        expect_mail(node, "jane", 100)
        imap.logout()


@test
def a_group_that_is_gone_is_not_made_anew():
    with murder.Node() as node:
        groups = filled(node)
        node.stop()
        folder = os.path.join(node.data, "g%d" % groups["john"])
        os.rename(folder, node.folder + "/away")
        node.start(init=False)
        node.await_port(node.imap_port)
        expect_mail(node, "jane")
        imap = node.imap("john")
        kind, data = imap.select("INBOX")
        if kind == "OK":
            # made anew from a log that goes back to its beginning
            assert data == [b"10"], data
        else:
            assert b"[UNAVAILABLE]" in data[0], data
        imap.logout()
        node.stop()
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(node.folder + "/away", folder)
        node.start()
        expect_mail(node, "john")


@test
def a_damaged_body_is_refused_and_told():
    with murder.Node() as node:
        filled(node)
        node.stop()
        path, at = find(os.path.join(node.data, "bodies"),
                        b"line of message 4\r\n")
        change(path, at, b"LINE")
        node.start()
        imap = node.imap("john")
        ok(imap.select("INBOX"))
        for i in range(10):
            kind, data = imap.fetch(str(i + 1), "(BODY.PEEK[])")
            if i == 4:
                assert kind == "NO" and b"[CORRUPTION]" in data[0], data
                assert b"LINE" not in str(imap.untagged_responses).encode()
                imap.untagged_responses.clear()
            else:
                assert ok((kind, data))[0][1] == message(i, 3000)
        code, answer = node.try_ctl("verify")
        assert code == 1 and answer["findings"] >= 1, answer
        imap.logout()
        # mended, as from a backup: the index, which has forgotten it, is
        # a cache that may be removed
        node.stop()
        change(path, at, b"line")
        shutil.rmtree(os.path.join(node.data, "bodies", "index"))
        node.start()
        expect_mail(node, "john")
        node.verify()


test.run()
