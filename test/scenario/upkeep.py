#!/usr/bin/env python3
"""Verify, sweep, clean stops: what is stored stays whole and no more."""

import os
import random
import time

import murder
from murder import message, ok

test = murder.Tests()


def sweep(node):
    """Until nothing is left to drop: a sweep may be under way already."""
    end = time.monotonic() + 20
    while True:
        status, answer = node.try_ctl("sweep")
        if status == 0:
            return answer
        assert time.monotonic() < end, answer
        time.sleep(0.1)


@test
def a_sweep_drops_what_nobody_refers_to():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        ok(imap.create("Copy"))
        for i in range(20):
            ok(imap.append("INBOX", None, None, message(i, 5000)))
        ok(imap.append("INBOX", None, None, message(0, 5000)))  # again
        assert sweep(node)["bodies"] == 0
        assert node.ctl("status")["bodies"]["bodies"] == 20
        ok(imap.select("INBOX"))
        ok(imap.copy("1:5", "Copy"))
        ok(imap.store("1:*", "+FLAGS.SILENT", r"(\Deleted)"))
        assert len(ok(imap.expunge())) == 21
        node.verify()
        answer = sweep(node)
        assert answer["bodies"] == 15, answer
        status = node.ctl("status")["bodies"]
        assert status["bodies"] == 5 and status["holds"] == 0, status
        ok(imap.select("Copy"))
        for i in range(5):
            data = ok(imap.fetch(str(i + 1), "(BODY[])"))
            assert data[0][1] == message(i, 5000)
        # what was dropped can come again
        ok(imap.append("INBOX", None, None, message(15, 5000)))
        ok(imap.select("INBOX"))
        assert ok(imap.fetch("1", "(BODY[])"))[0][1] == message(15, 5000)
        imap.logout()
        assert node.verify()["bodies"] == 6


@test
def a_sweep_amid_appends_drops_nothing_of_them():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        for i in range(40):
            ok(imap.append("INBOX", None, None, message(i, 3000)))
            if i % 4 == 0:
                node.try_ctl("sweep")
        ok(imap.select("INBOX"))
        data = ok(imap.fetch("1:*", "(BODY.PEEK[])"))
        assert [item[1] for item in data[::2]] == [
            message(i, 3000) for i in range(40)]
        imap.logout()
        node.verify()


@test
def a_stop_amid_sessions_loses_nothing():
    """Sessions hear BYE; the next start needs no repair."""
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        for i in range(50):
            ok(imap.append("INBOX", None, None, message(i, 2000)))
        ok(imap.select("INBOX"))
        imap.send(b"i IDLE\r\n")
        assert imap.readline().startswith(b"+ ")
        node.stop()
        assert b"BYE" in imap.readline()
        assert os.path.exists(os.path.join(node.data, "clean"))
        node.start()
        assert not os.path.exists(os.path.join(node.data, "clean"))
        imap = node.imap("john")
        assert ok(imap.select("INBOX")) == [b"50"]
        imap.logout()
        node.verify()


@test
def murderctl_stop_is_a_clean_stop():
    with murder.Node() as node:
        node.user("john")
        node.ctl("stop")
        assert node.process.wait(30) == 0
        assert os.path.exists(os.path.join(node.data, "clean"))
        node.start()
        node.imap("john").logout()


@test
def many_restarts():
    with murder.Node() as node:
        node.user("john")
        seed = random.randrange(1 << 32)
        choice = random.Random(seed)
        for i in range(6):
            imap = node.imap("john")
            ok(imap.append("INBOX", None, None, message(i)))
            if choice.random() < 0.5:
                node.kill()
            else:
                imap.logout()
                node.stop()
            node.start()
        imap = node.imap("john")
        assert ok(imap.select("INBOX")) == [b"6"], seed
        imap.logout()
        assert node.ctl("status")["starts"] == 7
        node.verify()


@test
def a_damaged_body_is_found_and_others_are_read():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        for i in range(10):
            ok(imap.append("INBOX", None, None, message(i, 3000)))
        imap.logout()
        node.stop()
        bodies = os.path.join(node.data, "bodies")
        done = 0
        for base, _, names in os.walk(bodies):
            for name in names:
                path = os.path.join(base, name)
                with open(path, "r+b") as file:
                    octets = file.read()
                    at = octets.find(b"line of message 4\r\n")
                    if at >= 0 and "seg" in path + "seg":
                        file.seek(at + 3)
                        file.write(b"X")
                        done += 1
        node.start()
        imap = node.imap("john")
        ok(imap.select("INBOX"))
        status, answer = node.try_ctl("verify")
        if done:
            assert status == 1 and answer["findings"] >= 1, answer
        for i in range(10):
            if i != 4:
                data = ok(imap.fetch(str(i + 1), "(BODY.PEEK[])"))
                assert data[0][1] == message(i, 3000)
        imap.logout()


test.run()
