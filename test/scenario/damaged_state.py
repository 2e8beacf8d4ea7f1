#!/usr/bin/env python3
"""Damaged tables park their group, damaged bodies are refused."""

import os
import shutil

import murder
from damage import change, expect_mail, filled, find
from murder import message, ok

test = murder.Tests()


def damage_pages(folder):
    """All but the two meta pages lost."""
    path = os.path.join(folder, "data.mdb")
    change(path, 8192, bytes(os.path.getsize(path) - 8192))


def damage_row(folder):
    path, at = find(folder, b"keyword7")
    change(path, at, b"KEYWORD7")


def expect_damage(node, number):
    """status says how often, and where last."""
    for group in node.ctl("status")["groups"]:
        if group["group"] == number:
            assert group["damaged"] > 0, group
            assert "table" in group["damaged_last"], group
            assert group["damaged_last"] in node.ctl_text("status")


@test
def a_group_that_is_damaged_is_refused_and_others_serve():
    for damage in (damage_pages, damage_row):
        with murder.Node() as node:
            groups = filled(node, 20)
            node.stop()
            damage(os.path.join(node.data, "g%d" % groups["john"]))
            node.start(init=False)
            node.await_port(node.imap_port)
            expect_mail(node, "jane", 20)
            imap = node.imap("john")
            # what has not to do with a damaged row may still be served
            answers = [imap.select("INBOX")]
            if damage is damage_pages:
                answers.append(imap.append("INBOX", None, None, message(1)))
            for kind, data in answers:
                assert kind == "NO" and b"[UNAVAILABLE]" in data[0], answers
            status = {group["group"]: group
                      for group in node.ctl("status")["groups"]}
            assert not status[groups["jane"]]["parked"], status
            if damage is damage_pages:
                assert status[groups["john"]]["parked_why"], status
            else:
                expect_damage(node, groups["john"])
            assert status[groups["jane"]]["damaged"] == 0, status
            code, answer = node.try_ctl("verify")
            assert code == 1 and answer["findings"] > 0, answer
            if damage is damage_pages:
                code, answer = node.try_ctl("sweep")
                assert code == 1 and "parked" in answer["text"], answer
            expect_mail(node, "jane", 20)
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
        bodies = node.ctl("status")["bodies"]
        assert bodies["damaged"] == 1, bodies
        assert bodies["damaged_last"].startswith("segment "), bodies
        assert bodies["damaged_last"] in node.ctl_text("status")
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
