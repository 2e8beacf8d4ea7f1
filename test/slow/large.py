#!/usr/bin/env python3
"""A 4 GiB mailbox of 100,000 messages: how fast it opens, what it costs.

    large.py [--results FILE] [MESSAGES [KIB]]

By default 100,000 messages of 42 KiB; needs 15 GiB of disk.

Imports, then measures SELECT (warm) and the private anonymous memory of
murderd while 10 clients FETCH everything. Prints a line for each figure and
fails where a goal of the issue is missed: SELECT < 50 ms, memory < 150 MiB.
"""

import argparse
import os
import socket
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../scenario"))
import ledger  # noqa: E402
import murder  # noqa: E402
from murder import message, ok  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--results", help="a table that gets a row")
parser.add_argument("messages", nargs="?", type=int, default=100000)
parser.add_argument("kib", nargs="?", type=int, default=42)
OPTIONS = parser.parse_args()
MESSAGES, KIB = OPTIONS.messages, OPTIONS.kib
CLIENTS = 10
SELECT_MS = 50
MEMORY_MIB = 150


def write_mbox(path):
    with open(path, "wb") as out:
        for i in range(MESSAGES):
            out.write(b"From x@example.org Tue Nov 24 18:00:00 2026\n")
            out.write(message(i, KIB * 1024).replace(b"\r\n", b"\n") + b"\n")


def anonymous_mib(pid):
    with open("/proc/%d/smaps_rollup" % pid) as rollup:
        for line in rollup:
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) / 1024
    return 0


def fetch_all(node, stop):
    """Reads as fast as it can, and throws it away."""
    sock = socket.create_connection(("127.0.0.1", node.imap_port))
    sock.sendall(b"a LOGIN john %s\r\nb EXAMINE INBOX\r\n"
                 b"c FETCH 1:* (FLAGS BODY.PEEK[])\r\n" %
                 (murder.PASSWORD % "john").encode())
    tail = b""
    while not stop.is_set() and b"\nc OK" not in tail:
        octets = sock.recv(1 << 20)
        if not octets:
            break
        tail = (tail + octets)[-100:]
    sock.close()


def main():
    with murder.Node() as node:
        node.user("john")
        mbox = os.path.join(node.folder, "mbox")
        write_mbox(mbox)
        begin = time.monotonic()
        answer = node.ctl("import", "--format", "mbox", "user.john", mbox)
        taken = time.monotonic() - begin
        os.unlink(mbox)
        assert answer["messages"] == MESSAGES
        print("import: %.0f messages/s, %.0f MiB/s" %
              (MESSAGES / taken, MESSAGES * KIB / 1024 / taken))
        imap = node.imap("john")
        times = []
        for _ in range(20):
            begin = time.monotonic()
            assert int(ok(imap.select("INBOX"))[0]) == MESSAGES
            times.append((time.monotonic() - begin) * 1000)
        select_ms = statistics.median(times[1:])
        print("select of %d messages: %.2f ms" % (MESSAGES, select_ms))
        stop = threading.Event()
        threads = [threading.Thread(target=fetch_all, args=(node, stop))
                   for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        worst = 0
        end = time.monotonic() + 60
        while time.monotonic() < end and any(t.is_alive() for t in threads):
            worst = max(worst, anonymous_mib(node.process.pid))
            time.sleep(0.1)
        stop.set()
        for thread in threads:
            thread.join()
        print("private anonymous memory while %d clients fetch: %.0f MiB" %
              (CLIENTS, worst))
        assert select_ms < SELECT_MS
        assert worst < MEMORY_MIB
    if OPTIONS.results:
        ledger.record(
            OPTIONS.results, "large", murder.kind_of_build(),
            "%d messages of %d KiB: SELECT %.2f ms, %.0f MiB of private "
            "anonymous memory while %d clients FETCH" % (
                MESSAGES, KIB, select_ms, worst, CLIENTS))


main()
