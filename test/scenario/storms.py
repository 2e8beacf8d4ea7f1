#!/usr/bin/env python3
"""Clients that leave at every moment, stops under load, starts that fail.

Whatever the clients do, murderd must neither crash nor leak (run it with a
build of --enable-asan), must stop in time, and must find its data whole.
"""

import concurrent.futures
import json
import os
import random
import socket
import subprocess
import threading
import time

import murder
from murder import PASSWORD, message, ok

test = murder.Tests()
SECONDS = float(os.environ.get("STORM_SECONDS", "6"))
SEED = int(os.environ.get("STORM_SEED", str(random.randrange(1 << 30))))


class Raw:
    """A connection that sends octets and never waits for an answer."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 10)
        self.sock.settimeout(1)  # then the node waits for this one to read

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            pass

    def cut(self, reset):
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 b"\1\0\0\0\0\0\0\0")
        self.sock.close()


def commands(rnd, number):
    """Pipelined commands of one session, as octets."""
    size = rnd.choice((200, 5000, 70000, 300000))
    text = message(number, size)
    # A message that does not fit any more is cut off in its middle.
    return [
        b"a SELECT INBOX\r\n",
        b"b LIST \"\" \"*\" RETURN (STATUS (MESSAGES UNSEEN SIZE))\r\n",
        b"c FETCH 1:* (FLAGS UID ENVELOPE BODYSTRUCTURE)\r\n",
        b"d FETCH 1:* (BODY.PEEK[])\r\n",
        b"e SEARCH TEXT \"line of message\"\r\n",
        b"f STORE 1:* +FLAGS (\\Seen k%d)\r\n" % (number % 5),
        b"g COPY 1:3 Other\r\n",
        b"h MOVE 1 Other\r\n",
        b"i APPEND INBOX {%d+}\r\n%s\r\n" % (len(text), text)
        if len(text) <= 4096 else
        b"i APPEND INBOX {%d}\r\n%s\r\n" % (len(text), text),
        b"j APPEND Other {40+}\r\n%s {40+}\r\n%s\r\n"
        % (b"x" * 40, b"y" * 40),
        b"k CREATE box%d\r\n" % number,
        b"l DELETE box%d\r\n" % (number - 3),
        b"m RENAME box%d boy%d\r\n" % (number - 1, number),
        b"n SETACL INBOX jane lr\r\n",
        b"o EXPUNGE\r\n",
        b"p IDLE\r\n",
        b"DONE\r\n",
        b"q NOOP\r\n",
        b"r STATUS Other (MESSAGES)\r\n",
        b"s UNSELECT\r\n",
        b"t SUBSCRIBE INBOX\r\n",
        b"u LOGOUT\r\n",
    ]


def imap_client(node, rnd, number):
    raw = Raw(node.imap_port)
    user = rnd.choice(("john", "jane"))
    raw.send(b"0 LOGIN %s %s\r\n" % (user.encode(),
                                     (PASSWORD % user).encode()))
    talk = commands(rnd, number)
    picked = [rnd.choice(talk) for _ in range(rnd.randrange(1, 12))]
    picked.insert(0, talk[0])
    octets = b"".join(picked)
    octets = octets[:rnd.randrange(len(octets) + 1)]
    raw.send(octets)
    time.sleep(rnd.choice((0, 0, 0.001, 0.01, 0.05)))
    raw.cut(rnd.random() < 0.5)


def lmtp_client(node, rnd, number):
    raw = Raw(node.lmtp_port)
    text = message(number, rnd.choice((100, 20000, 200000)))
    octets = (b"LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<john@x>\r\n"
              b"RCPT TO:<jane+Other>\r\nRCPT TO:<nobody>\r\nDATA\r\n" + text
              + b".\r\n" + b"MAIL FROM:<>\r\nRCPT TO:<jane>\r\n"
              + b"BDAT %d LAST\r\n" % len(text) + text + b"QUIT\r\n")
    raw.send(octets[:rnd.randrange(len(octets) + 1)])
    time.sleep(rnd.choice((0, 0, 0.001, 0.01, 0.05)))
    raw.cut(rnd.random() < 0.5)


def admin_client(node, rnd, number):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(os.path.join(node.data, "admin.sock"))
    body = message(number, rnd.choice((100, 100000)))
    octets = rnd.choice((
        b'{"v":1,"cmd":"status"}\n{"v":1,"cmd":"verify"}\n',
        b'{"v":1,"cmd":"sweep"}\n',
        b'{"v":1,"cmd":"user.list"}\n{"v":1,"cmd":"mailbox.list"}\n',
        b'{"v":1,"cmd":"import","args":{"name":"user.john.Import"}}\n'
        + (b'{"size":%d,"flags":["\\\\Seen","$Junk"]}\n' % len(body) + body)
        * 7 + b'{"end":true}\n',
        b'not json\n{"v":2,"cmd":"status"}\n[]\n{"v":1}\n',
    ))
    try:
        sock.sendall(octets[:rnd.randrange(len(octets) + 1)])
    except OSError:
        pass
    time.sleep(rnd.choice((0, 0.001, 0.02)))
    sock.close()


def storm(node, seconds, kinds, threads=6):
    """Clients of those kinds until the time is over; returns a stopper."""
    end = time.monotonic() + seconds

    def run(seed):
        rnd = random.Random(seed)
        number = seed % 1000
        while time.monotonic() < end:
            number += 1
            try:
                rnd.choice(kinds)(node, rnd, number)
            except OSError:
                time.sleep(0.02)

    workers = [threading.Thread(target=run, args=(SEED + i,))
               for i in range(threads)]
    for worker in workers:
        worker.start()
    return workers


def setup(node):
    for user in ("john", "jane"):
        node.user(user)
        imap = node.imap(user)
        ok(imap.create("Other"))
        for i in range(20):
            ok(imap.append("INBOX", None, None, message(i, 3000)))
        imap.logout()


def no_report(node):
    """Nothing of a sanitizer or of a panic is in the log."""
    text = open(node.log, errors="replace").read()
    for word in ("ERROR: AddressSanitizer", "runtime error:", "ERROR: Leak",
                 "WARNING: ThreadSanitizer", "PANIC"):
        if word in text:
            at = text.index(word)
            raise AssertionError("seed %d: %s" % (SEED, text[at:at + 6000]))


def finish(node):
    """Everybody is gone: the node is healthy, stops, starts, is whole."""
    time.sleep(0.2)
    assert node.process.poll() is None, open(node.log).read()[-6000:]
    with node.lmtp() as lmtp:
        lmtp.deliver("a@b", ["john"], message(1))
    node.verify()
    node.stop()
    no_report(node)
    node.start()
    node.verify()


@test
def clients_leave_at_every_moment():
    with murder.Node() as node:
        setup(node)
        for worker in storm(node, SECONDS,
                            (imap_client, imap_client, lmtp_client,
                             admin_client)):
            worker.join()
        finish(node)


@test
def stops_under_load():
    with murder.Node() as node:
        setup(node)
        for _ in range(4):
            workers = storm(node, 1.5, (imap_client, imap_client, lmtp_client,
                                        admin_client))
            time.sleep(random.Random(SEED).choice((0.3, 0.8, 1.2)))
            begun = time.monotonic()
            node.stop()
            assert time.monotonic() - begun < 12
            for worker in workers:
                worker.join()
            no_report(node)
            node.start()
            node.verify()


def start_fails(node, why):
    """murderd must refuse to start, say why, and end without a report."""
    with open(node.log, "wb"):
        pass
    with open(node.log, "ab") as log:
        status = subprocess.run(
            [os.path.join(murder.BUILD, "murderd"), "--config", node.config],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            timeout=30).returncode
    text = open(node.log, errors="replace").read()
    no_report(node)
    assert status == 1, (status, text)
    assert why in text, text


@test
def a_port_in_use_refuses_to_start():
    with murder.Node() as node:
        node.user("john")
        node.stop()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", node.lmtp_port))
            taken.listen()
            start_fails(node, "Address already in use")
            start_fails(node, "Address already in use")
        node.start()
        node.verify()


@test
def a_second_instance_refuses_to_start():
    with murder.Node() as node:
        start_fails(node, "another murderd runs on this directory")
        node.imap().logout()


@test
def a_damaged_identity_refuses_to_start():
    with murder.Node() as node:
        node.stop()
        path = os.path.join(node.data, "node")
        good = open(path).read()
        identity = json.loads(good)

        def without(**changes):
            return json.dumps(dict(identity, **changes))

        groups = identity["groups"]
        for bad in ("", "{", "[]", "{}", good[:40], good + "x",
                    without(version=2), without(groups=[]),
                    without(groups=groups[1:]), without(node=0),
                    without(groups=groups + groups[-1:]),
                    without(cluster="x"), without(name=""),
                    without(start=-1), without(groups=[{"group": 0}])):
            with open(path, "w") as out:
                out.write(bad)
            start_fails(node, "/node: ")
        with open(path, "w") as out:
            out.write(good)
        node.start()


def stop_during_init(delay):
    with murder.Node(init=False) as node:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(os.path.join(node.data, "admin.sock"))
        sock.sendall(b'{"v":1,"cmd":"init","args":{"name":"n1"}}\n')
        time.sleep(delay)
        node.stop()
        sock.close()
        no_report(node)
        node.start()
        node.user("john")
        node.imap("john").logout()
        no_report(node)


@test
def sigterm_during_init_leaves_a_node_that_can_be_initialised():
    delays = (0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(stop_during_init, delays))


@test
def a_long_list_comes_to_its_end():
    """Its answer is longer than the queue that a stream may have."""
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        sent = 0
        for i in range(1600):
            imap.send(b"c%d CREATE %s%d\r\n" % (i, b"x" * 190, i))
        while sent < 1600:
            sent += b" OK " in imap.readline()
        for _ in range(2):
            assert len(ok(imap.list())) == 1601
        assert len(ok(imap.list('""', '"*9"'))) == 160
        imap.logout()


def memory_mib(node):
    for line in open("/proc/%d/status" % node.process.pid):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) // 1024


class Flood:
    """Commands without end; their answers are not read."""

    def __init__(self, port, octets):
        self.raw = Raw(port)
        self.raw.sock.setblocking(False)
        self.octets = octets * 4000
        self.sent = 0

    def send(self):
        """Whether any was taken."""
        try:
            self.sent += self.raw.sock.send(self.octets)
        except BlockingIOError:
            return False
        assert self.sent < 40 << 20, "the node reads on and on"
        return True


@test
def clients_that_do_not_read_hold_no_memory():
    env = {"ASAN_OPTIONS": "quarantine_size_mb=1"}
    with murder.Node(env=env) as node:
        node.user("john")
        before = memory_mib(node)
        floods = [Flood(*args) for args in (
            (node.imap_port, b"a CAPABILITY\r\n"),
            (node.imap_port, b"a NOOP\r\n"),
            (node.lmtp_port, b"NOOP\r\n"),
            (node.lmtp_port, b"LHLO x\r\n"))]
        quiet = 0  # turns in which nobody takes anything, 10 ms each
        while quiet < 100:
            quiet = 0 if any([flood.send() for flood in floods]) else quiet + 1
            time.sleep(0.01)
        assert memory_mib(node) - before < 100
        for flood in floods:
            flood.raw.cut(True)
        finish(node)


@test
def a_copy_whose_maker_died_does_not_stand_in_the_way():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        ok(imap.create("Target"))
        text = message(1)
        for _ in range(4):
            many = b" ".join([b"{%d+}\r\n" % len(text) + text] * 900)
            imap.send(b"a APPEND INBOX " + many + b"\r\n")
            while not imap.readline().startswith(b"a "):
                pass
        for i in range(40):
            raw = Raw(node.imap_port)
            raw.send(b"0 LOGIN john %s\r\n1 SELECT INBOX\r\n2 COPY 1:* Target"
                     b"\r\n" % (PASSWORD % "john").encode())
            time.sleep(random.uniform(0, 0.01 + 0.01 * i))
            node.kill()
            raw.cut(True)
            node.start()
            imap = node.imap("john")
            imap.select("INBOX")
            end = time.monotonic() + 10
            while (answer := imap.copy("1:*", "Target"))[0] != "OK":
                assert time.monotonic() < end, answer
                time.sleep(0.2)
            with open(node.log, errors="replace") as log:
                if "was never finished" in log.read():
                    break
        else:
            raise AssertionError("no copy was ever left behind")
        node.verify()
        node.stop()
        no_report(node)
        node.start()


if __name__ == "__main__":
    print("# STORM_SEED=%d" % SEED, flush=True)
    test.run()
