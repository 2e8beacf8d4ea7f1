#!/usr/bin/env python3
"""Verify, sweep, clean stops: what is stored stays whole and no more."""

import os
import socket
import time

import murder
from murder import message, ok

test = murder.Tests()


@test
def a_sweep_drops_what_nobody_refers_to():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        ok(imap.create("Copy"))
        for i in range(20):
            ok(imap.append("INBOX", None, None, message(i, 5000)))
        ok(imap.append("INBOX", None, None, message(0, 5000)))  # again
        assert node.sweep()["bodies"] == 0
        assert node.ctl("status")["bodies"]["bodies"] == 20
        ok(imap.select("INBOX"))
        ok(imap.copy("1:5", "Copy"))
        ok(imap.store("1:*", "+FLAGS.SILENT", r"(\Deleted)"))
        assert len(ok(imap.expunge())) == 21
        node.verify()
        answer = node.sweep()
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
def a_sweep_right_after_a_start_waits_for_the_groups():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        ok(imap.append("INBOX", None, None, message(1, 5000)))
        ok(imap.select("INBOX"))
        ok(imap.store("1", "+FLAGS.SILENT", r"(\Deleted)"))
        ok(imap.expunge())
        imap.logout()
        for end, bodies in ((node.stop, 1), (node.kill, 0)):
            end()
            # so long it would take until somebody asks without being asked
            node.start(env={"MURDER_TUNE": "upkeep_ms=3600000"})
            assert node.sweep()["bodies"] == bodies
        node.verify()


@test
def the_first_sweep_comes_soon_after_a_start():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        ok(imap.append("INBOX", None, None, message(1, 5000)))
        ok(imap.select("INBOX"))
        ok(imap.store("1", "+FLAGS.SILENT", r"(\Deleted)"))
        ok(imap.expunge())
        imap.logout()
        node.stop()
        # 300 ms after the start, then no more for as long as this runs
        node.start(env={"MURDER_TUNE": "upkeep_ms=50,sweep_ms=7200000,"
                                       "sweep_first_ms=300"})
        node.await_log("sweep: 1 bodies dropped")


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
def a_stop_is_quick_whatever_clients_do():
    """BYE goes out; who neither reads it nor hangs up is cut soon."""
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        for i in range(8):
            ok(imap.append("INBOX", None, None, message(i, 1000000)))
        # one idles and never hangs up, in clear and under TLS
        idle = [node.imap("john"), node.imap("john", tls=True)]
        for client in idle:
            ok(client.select("INBOX"))
            client.send(b"i IDLE\r\n")
            assert client.readline().startswith(b"+ ")
        # one asks for much and reads nothing
        deaf = node.imap("john")
        ok(deaf.select("INBOX"))
        deaf.send(b"f FETCH 1:8 (BODY.PEEK[])\r\n")
        # one has sent half a message, one says nothing at all
        half = node.imap("john")
        half.send(b"a APPEND INBOX {1000}\r\n")
        assert half.readline().startswith(b"+ ")
        half.send(b"Subject: half\r\n")
        lmtp = socket.create_connection(("127.0.0.1", node.lmtp_port), 30)
        assert lmtp.recv(1000).startswith(b"220 ")
        mute = socket.create_connection(("127.0.0.1", node.imaps_port), 30)
        assert deaf.sock.recv(1000)  # it has begun
        begun = time.monotonic()
        node.stop()
        took = time.monotonic() - begun
        assert took < 3, took
        for client in idle:
            line = client.readline()
            assert b"BYE" in line, line
            assert client.readline() == b""
        assert b"BYE" in half.readline()
        said = b"".join(iter(lambda: lmtp.recv(1000), b""))
        assert said.startswith(b"421 "), said
        mute.close()
        assert os.path.exists(os.path.join(node.data, "clean"))
        node.start()
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


test.run()
