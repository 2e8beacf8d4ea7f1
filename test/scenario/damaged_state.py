#!/usr/bin/env python3
"""Damaged tables park their group, damaged bodies are refused."""

import os
import shutil
import signal
import struct

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


def root_page(path, table):
    """Of table 0, the freed pages, or 1, the names of the tables."""
    with open(path, "rb") as file:
        metas = [file.read(4096), file.read(4096)]
    # struct MDB_meta behind a head of 16 octets: mm_dbs[].md_root, mm_txnid
    _, root = max((struct.unpack_from("<Q", meta, 144)[0],
                   struct.unpack_from("<Q", meta, 80 + 48 * table)[0])
                  for meta in metas)
    return root * 4096


def damage_root(folder):
    """LMDB does not tell of it but ends: a branch that has one child only."""
    path = os.path.join(folder, "data.mdb")
    # mp_flags: P_BRANCH; mp_lower: behind one pointer
    change(path, root_page(path, 1) + 10, struct.pack("<HH", 1, 18))


def damage_free_list(folder):
    """Who looks for a free page reads far behind the end of the file."""
    path = os.path.join(folder, "data.mdb")
    page = root_page(path, 0)
    with open(path, "rb") as file:
        file.seek(page)
        octets = file.read(4096)
    flags, lower = struct.unpack_from("<HH", octets, 10)
    assert flags == 2 and lower > 16, (flags, lower)
    for at in struct.unpack_from("<%dH" % ((lower - 16) // 2), octets, 16):
        # behind the node's head and its key: how many numbers follow
        change(path, page + at + 16, struct.pack("<Q", 1 << 22))


def starts_die(node):
    """Each is killed by a signal; the damage stays as it is."""
    for _ in range(3):
        node.try_start(init=False)
        assert node.process.wait(30) in (-signal.SIGABRT, -signal.SIGBUS)
    node.process = None


@test
def a_group_that_kills_at_its_opening_or_writing_is_parked():
    for damage in (damage_root, damage_free_list):
        with murder.Node() as node:
            groups = filled(node)
            node.stop()
            folder = os.path.join(node.data, "g%d" % groups["john"])
            shutil.copytree(folder, node.folder + "/good")
            damage(folder)
            starts_die(node)
            node.start(init=False)
            node.await_port(node.imap_port)
            status = {group["group"]: group
                      for group in node.ctl("status")["groups"]}
            why = status[groups["john"]]["parked_why"]
            assert "three times" in why, status
            assert not status[groups["jane"]]["parked"], status
            expect_mail(node, "jane")
            node.imap("john").logout()
            node.stop()
            # with its files as they were, it serves again
            shutil.rmtree(folder)
            os.rename(node.folder + "/good", folder)
            node.start()
            expect_mail(node, "john")
            node.verify()


@test
def an_index_of_bodies_that_kills_at_its_opening_is_made_again():
    with murder.Node() as node:
        filled(node)
        node.stop()
        folder = os.path.join(node.data, "bodies", "index")
        damage_root(folder)
        starts_die(node)
        node.start()
        for user in ("john", "jane"):
            expect_mail(node, user)
        node.verify()


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
