#!/usr/bin/env python3
"""kill -9 under load: what was acknowledged is there once, with its UID.

    kill.py [ROUNDS]    default 3; the slow proof is `make kill ROUNDS=20`

Each round: 48 connections append over IMAP and 16 deliver over LMTP; after a
while murderd is killed and started again, and everything is read back. An
outcome that the client did not hear of may be there once or not at all.
"""

import random
import re
import sys
import threading
import time

import murder
from murder import message, ok

test = murder.Tests()
IMAP_CLIENTS = 48
LMTP_CLIENTS = 16
USERS = 8
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 3
sys.argv = [word for word in sys.argv if not word.isdigit()]


class Ledger:
    """What the clients know."""

    def __init__(self):
        self.lock = threading.Lock()
        self.next = 0
        self.acknowledged = {}  # number -> (user, uid or None)
        self.unknown = {}       # number -> user

    def begin(self, user):
        with self.lock:
            self.next += 1
            self.unknown[self.next] = user
            return self.next

    def done(self, number, uid):
        with self.lock:
            self.acknowledged[number] = (self.unknown.pop(number), uid)

    def refused(self, number):
        with self.lock:
            del self.unknown[number]


def appender(node, ledger, user):
    try:
        imap = node.imap(user)
        while True:
            number = ledger.begin(user)
            kind, data = imap.append("INBOX", None, None,
                                     message(number, random.choice(
                                         (300, 4096, 100000))))
            if kind != "OK":
                ledger.refused(number)
                continue
            uid = re.search(rb"APPENDUID \d+ (\d+)", data[0])
            ledger.done(number, int(uid.group(1)))
    except (OSError, EOFError, ValueError, node_gone):
        pass


def deliverer(node, ledger, user):
    try:
        lmtp = node.lmtp()
        while True:
            number = ledger.begin(user)
            code, _ = lmtp.deliver("x@example.org", [user],
                                   message(number, 4096))[user]
            if code == 250:
                ledger.done(number, None)
            elif code >= 400:
                ledger.refused(number)
    except (OSError, EOFError, ValueError, AssertionError):
        pass


def read_back(node, ledger):
    """{number: [(user, uid), ...]} of all mailboxes."""
    found = {}
    for i in range(USERS):
        user = "user%d" % i
        imap = node.imap(user)
        count = int(ok(imap.select("INBOX", readonly=True))[0])
        if count:
            data = ok(imap.fetch("1:*", "(UID BODY.PEEK[HEADER.FIELDS "
                                        "(Message-ID)])"))
            for part in data:
                if isinstance(part, tuple):
                    uid = int(re.search(rb"UID (\d+)", part[0]).group(1))
                    number = int(re.search(rb"<(\d+)@", part[1]).group(1))
                    found.setdefault(number, []).append((user, uid))
        imap.logout()
    return found


def judge(ledger, found):
    for number, (user, uid) in ledger.acknowledged.items():
        there = found.get(number, [])
        assert len(there) == 1, (number, user, uid, there)
        assert there[0][0] == user
        assert uid is None or there[0][1] == uid, (number, uid, there)
    for number, there in found.items():
        assert number in ledger.acknowledged or number in ledger.unknown, (
            "message %d was refused and is there" % number)
        assert len(there) == 1, (number, there)


def round_of(node, ledger):
    threads = []
    for i in range(IMAP_CLIENTS):
        threads.append(threading.Thread(
            target=appender, args=(node, ledger, "user%d" % (i % USERS))))
    for i in range(LMTP_CLIENTS):
        threads.append(threading.Thread(
            target=deliverer, args=(node, ledger, "user%d" % (i % USERS))))
    for thread in threads:
        thread.start()
    time.sleep(random.uniform(0.5, 2))
    node.kill()
    for thread in threads:
        thread.join()


node_gone = murder.imaplib.IMAP4.error  # and abort, which is one of them


@test
def nothing_acknowledged_is_lost_or_doubled():
    with murder.Node() as node:
        for i in range(USERS):
            node.user("user%d" % i)
        ledger = Ledger()
        for number in range(ROUNDS):
            round_of(node, ledger)
            node.start()
            found = read_back(node, ledger)
            judge(ledger, found)
            print("# round %d: %d acknowledged, %d unknown, %d there" %
                  (number + 1, len(ledger.acknowledged), len(ledger.unknown),
                   len(found)), flush=True)
        node.verify()


test.run()
