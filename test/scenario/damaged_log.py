#!/usr/bin/env python3
"""A damaged log stops the start: by name, and nothing is changed."""

import glob
import os

import murder
from damage import change, expect_mail, filled, find, start_fails

test = murder.Tests()


@test
def a_damaged_record_of_the_log_stops_the_start():
    with murder.Node() as node:
        filled(node)
        node.kill()
        path, at = find(os.path.join(node.data, "wal"), b"keyword2")
        change(path, at, b"KEYWORD2")
        text = start_fails(node)
        assert path in text, text
        # nothing was changed: mended, it starts
        change(path, at, b"keyword2")
        node.start()
        for user in ("john", "jane"):
            expect_mail(node, user)
        node.verify()


@test
def a_missing_file_of_the_log_stops_the_start():
    with murder.Node(settings='store = { wal_segment = "64K"; };') as node:
        filled(node, 60)
        node.kill()
        files = sorted(glob.glob(os.path.join(node.data, "wal", "*")))
        path, _ = find(os.path.join(node.data, "wal"), b"keyword40")
        assert path not in (files[0], files[-1]), (path, files)
        os.rename(path, node.folder + "/away")
        text = start_fails(node)
        assert os.path.join(node.data, "wal") in text, text
        os.rename(node.folder + "/away", path)
        node.start()
        for user in ("john", "jane"):
            expect_mail(node, user, 60)


@test
def a_torn_tail_of_the_log_is_cut_off():
    with murder.Node() as node:
        filled(node)
        node.kill()
        path, at = find(os.path.join(node.data, "wal"), b"keyword")
        with open(path, "rb") as file:
            octets = file.read()
        end = len(octets.rstrip(b"\0")) + 4096
        change(path, end // 4096 * 4096, b"\x5a" * 100)
        node.start()
        for user in ("john", "jane"):
            expect_mail(node, user)
        node.verify()


@test
def a_damaged_identity_stops_the_start():
    with murder.Node() as node:
        filled(node)
        node.stop()
        path = os.path.join(node.data, "node")
        with open(path, "rb") as file:
            whole = file.read()
        for text in (b"", whole[:len(whole) // 2], b"\xff" * 100,
                     whole.replace(b"1", b"7", 1)):
            with open(path, "wb") as out:
                out.write(text)
            assert "node" in start_fails(node)
        with open(path, "wb") as out:
            out.write(whole)
        node.start()
        expect_mail(node, "john")


test.run()
