#!/usr/bin/env python3
"""MOVE to another user's mailbox, in another group, and back, under kill -9.

    moves.py [ROUNDS] [--results FILE]    default 12; `make moves ROUNDS=100`

Each round: three movers carry the same messages to and fro, one marks them and
one expunges some; murderd dies, at random or at a step of MOVE, and starts
again. Then each message is there once, with its date and the flags that were
acknowledged; an expunged one is there once or not at all, and stays so.
"""

import argparse
import random
import re
import threading
import time

import ledger
import murder
from murder import message, ok

MESSAGES = 24
MOVERS = 3
POINTS = ("move_claimed", "move_held", "move_appended", "move_ended",
          "proposed", "apply_before_commit", "apply_after_commit",
          "answer_before_it_leaves", "body_before_answer")
FAR = '"Other Users/jane/Far"'
BOXES = ("INBOX", FAR)
DATE = '"%02d-Nov-2020 12:00:%02d +0100"'
PLAIN = frozenset(("\\Flagged", "$kept"))
LOAD_S = 3
GONE = ledger.GONE

parser = argparse.ArgumentParser()
parser.add_argument("rounds", nargs="?", type=int, default=12)
parser.add_argument("--results", help="a table that gets a row")
OPTIONS = parser.parse_args()
test = murder.Tests([])
murder.imaplib.Commands["MOVE"] = ("SELECTED",)


def date_of(number):
    return DATE % (1 + number % 28, number % 60)


class World:
    def __init__(self):
        self.lock = threading.Lock()
        self.next = 1
        self.there = set()     # numbers that were appended
        self.expunged = set()  # of them, by EXPUNGEs that were begun
        self.marks = {}        # number -> keywords that were acknowledged
        self.moves = 0         # of one message, acknowledged
        self.refused = 0
        self.failures = []

    def refill(self, imap):
        """Behind a start; nobody else is at work."""
        while len(self.there - self.expunged) < MESSAGES:
            number = self.next
            self.next += 1
            ok(imap.append("INBOX", "(\\Flagged $kept)", date_of(number),
                           message(number)))
            self.there.add(number)

    # clients; each on a connection of its own

    def mover(self, node):
        imap = node.imap("john")
        while True:
            at = random.randrange(2)
            ok(imap.select(BOXES[at]))
            there = [uid for uid, _, _ in ledger.read_messages(imap)]
            if not there:
                continue
            uids = random.sample(there, min(len(there),
                                            random.choice((1, 1, 2, 5))))
            kind, data = imap.uid("MOVE", ",".join(map(str, uids)),
                                  BOXES[1 - at])
            code = imap.response("COPYUID")[1][-1]
            with self.lock:
                if kind == "OK" and code:
                    self.moves += count_of(code.split()[-1].decode())
                elif kind != "OK":
                    assert b"INUSE" in data[0], data
                    self.refused += 1

    def marker(self, node):
        imap = node.imap("john")
        number = 0
        while True:
            ok(imap.select(random.choice(BOXES)))
            there = {uid: number for uid, number, _
                     in ledger.read_messages(imap)}
            if not there:
                continue
            uid = random.choice(list(there))
            number += 1
            word = "$m%d" % (number % 20)
            kind, data = imap.uid("STORE", str(uid), "+FLAGS", "(%s)" % word)
            if kind == "OK" and any(tells(part, uid, word) for part in data):
                with self.lock:
                    self.marks.setdefault(there[uid], set()).add(word)

    def expunger(self, node):
        imap = node.imap("john")
        while True:
            time.sleep(random.uniform(0, 0.4))
            ok(imap.select(random.choice(BOXES)))
            there = {uid: number for uid, number, _
                     in ledger.read_messages(imap)}
            if not there:
                continue
            uid = random.choice(list(there))
            with self.lock:
                self.expunged.add(there[uid])
            imap.uid("STORE", str(uid), "+FLAGS.SILENT", "(\\Deleted)")
            ok(imap.uid("EXPUNGE", str(uid)))

    def guard(self, job, node):
        try:
            job(node)
        except GONE:
            pass
        except Exception as error:  # told in the main thread
            self.failures.append(error)

    def run(self, node, seconds):
        """Until the node dies, of a fault or of our patience."""
        jobs = [self.mover] * MOVERS + [self.marker, self.expunger]
        threads = [threading.Thread(target=self.guard, args=(job, node))
                   for job in jobs]
        for thread in threads:
            thread.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end and node.process.poll() is None:
            time.sleep(0.02)
        died = node.process.poll() is not None
        node.kill()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs"
        if self.failures:
            raise self.failures[0]
        return died

    # after a death

    def judge(self, node):
        node.settle_claims()
        found = {}
        imap = node.imap("john")
        for box in BOXES:
            ok(imap.select(box, readonly=True))
            dates = dates_of(imap)
            for uid, number, flags in ledger.read_messages(imap):
                assert number not in found, "message %d is there twice: %r" % (
                    number, (found[number], (box, uid)))
                found[number] = box, uid
                self.check(number, flags, dates[uid])
        imap.logout()
        lost = self.there - self.expunged - found.keys()
        assert not lost, "lost: %r" % lost
        back = found.keys() - self.there
        assert not back, "expunged, and there again: %r" % back
        # what an EXPUNGE has not taken is a message as any other
        self.there = set(found)
        self.expunged &= self.there
        return len(found)

    def check(self, number, flags, date):
        missing = (PLAIN | self.marks.get(number, set())) - flags
        assert not missing, (number, missing, flags)
        assert date == date_of(number).strip('"').lstrip("0"), (number, date)


def tells(fetched, uid, word):
    """This message has this keyword; answers may tell of others, too."""
    if not fetched or not re.search(rb"\bUID %d\b" % uid, fetched):
        return False
    flags = re.search(rb"FLAGS \(([^)]*)\)", fetched)
    return bool(flags) and word.encode() in flags.group(1).split()


def count_of(uidset):
    count = 0
    for part in uidset.split(","):
        first, _, last = part.partition(":")
        count += int(last or first) - int(first) + 1
    return count


def dates_of(imap):
    """UID -> INTERNALDATE."""
    data = ok(imap.uid("FETCH", "1:*", "(UID INTERNALDATE)"))
    found = {}
    for part in data:
        if part:
            uid = int(re.search(rb"UID (\d+)", part).group(1))
            date = re.search(rb'INTERNALDATE "([^"]*)"', part).group(1)
            found[uid] = date.decode().strip().lstrip("0")
    return found


def prepare(node):
    """Users in different groups, and a mailbox that both may use."""
    groups = [node.user(name) for name in ("john", "jane")]
    assert groups[0] != groups[1], groups
    jane = node.imap("jane")
    ok(jane.create("Far"))
    ok(jane.setacl("Far", "john", "lrswite"))
    jane.logout()


def fault(number):
    """What ends a round: a step of MOVE in every second one."""
    if not murder.has_faults() or number % 2 == 0:
        return {}, random.uniform(0.3, LOAD_S)
    point = POINTS[number // 2 % len(POINTS)]
    return {"MURDER_CRASH_AT": "%s:%d" % (
        point, random.choice((1, 2, 5, 20)))}, LOAD_S


@test
def each_message_is_there_once_wherever_it_was():
    world = World()
    died = 0
    with murder.Node() as node:
        prepare(node)
        for number in range(OPTIONS.rounds):
            imap = node.imap("john")
            world.refill(imap)
            imap.logout()
            env, seconds = fault(number)
            if env:
                node.stop()
                if not node.try_start(env=env):
                    node.start()  # it died in its start already
            died += world.run(node, seconds)
            node.start()
            there = world.judge(node)
            print("# round %d: %s: %d moved, %d in use, %d there" % (
                number + 1, env.get("MURDER_CRASH_AT", "kill"), world.moves,
                world.refused, there), flush=True)
        node.verify()
    assert world.moves > OPTIONS.rounds, "too few were moved"
    if OPTIONS.results:
        ledger.record(
            OPTIONS.results, "moves", murder.kind_of_build(),
            "%d rounds, %d of them ended by a step: %d messages moved across "
            "groups, %d refused as in use; nothing lost or doubled" % (
                OPTIONS.rounds, died, world.moves, world.refused))



@test
def rfc_6851_examples_hold_across_groups():
    """Sections 3.3 and 4.3: COPYUID, then the expunges, then OK."""
    with murder.Node() as node:
        prepare(node)
        imap = node.imap("john")
        for number in range(1, 6):
            ok(imap.append("INBOX", None, None, message(number)))
        ok(imap.select("INBOX"))
        imap.send(b'a UID MOVE 2:3 %s\r\n' % FAR.encode())
        lines = read_to(imap, b"a ")
        assert re.fullmatch(rb"\* OK \[COPYUID \d+ 2:3 1:2\].*", lines[0])
        assert lines[1:3] == [b"* 3 EXPUNGE", b"* 2 EXPUNGE"], lines
        assert lines[3].startswith(b"a OK"), lines
        # nothing matches: nothing is moved
        imap.send(b'b UID MOVE 42:69 %s\r\n' % FAR.encode())
        assert read_to(imap, b"b ")[-1].startswith(b"b OK")
        # no such mailbox
        imap.send(b'c MOVE 1 "Other Users/jane/None"\r\n')
        assert read_to(imap, b"c ")[-1].startswith(b"c NO"), lines
        # with QRESYNC: VANISHED
        imap.send(b'd ENABLE QRESYNC\r\n')
        read_to(imap, b"d ")
        imap.send(b'e UID MOVE 4 %s\r\n' % FAR.encode())
        lines = read_to(imap, b"e ")
        assert b"* VANISHED 4" in lines, lines
        assert b"HIGHESTMODSEQ" in lines[-1], lines
        imap.logout()
        node.verify()


def read_to(imap, tag):
    lines = []
    while True:
        lines.append(imap.readline().rstrip(b"\r\n"))
        if lines[-1].startswith(tag):
            return lines


test.run()
