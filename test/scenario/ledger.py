"""What clients were told, and whether the server still knows it.

    load = Load()
    load.start(node)
    ...the server dies...
    load.join()
    ...it starts again...
    load.judge(node)

A message whose APPEND or delivery was acknowledged is there once, with its UID
and its octets; one that was refused is not; one of which the client heard
nothing is there once or not at all, and stays so. Each Tidier has a user of its
own, and a mailbox of somebody else in another mail group, and does one thing at
a time: what it finds after a death is what it was told last, or that and the
one step that was under way.
"""

import copy
import hashlib
import os
import random
import re
import subprocess
import threading
import time

import murder
from murder import message

USERS = 8
SIZES = (300, 4096, 100000)
SAMPLE = 30  # old messages of each mailbox whose octets are read again
GONE = (OSError, EOFError, ValueError, murder.imaplib.IMAP4.error)
PAUSE_S = 0.02  # after a refusal


class Refused(Exception):
    """A tagged NO."""


def ok(answer):
    kind, data = answer
    if kind == "NO":
        raise Refused(data)
    assert kind == "OK", answer
    return data


def commit():
    """The name of this commit, or "0" outside of git."""
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", murder.ROOT, "rev-parse",
         "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "0"


def record(path, test, build, text):
    """Adds a row to the table in test/RESULTS.md."""
    with open(path, "a", encoding="utf-8") as out:
        out.write("| %s | %s | %s | %s | %s |\n" % (
            time.strftime("%Y-%m-%d"), commit(), test, build, text))


class Sent:
    """A message that a client has begun to send."""

    def __init__(self, number, user, size, is_delivery):
        self.number = number
        self.user = user
        self.size = size
        self.is_delivery = is_delivery
        self.uid = None

    def text(self):
        return message(self.number, self.size)

    def is_in(self, octets):
        if self.is_delivery:
            return octets.endswith(self.text())
        return octets == self.text()


class Ledger:
    """What the clients know; safe from any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.next = 0
        self.acknowledged = {}  # number -> Sent
        self.unknown = {}       # under way, or no answer came
        self.cut_off = 0        # how many of these there were at deaths
        self.read = {}      # user -> numbers whose octets were right
        self.mailboxes = {}  # user -> (UIDVALIDITY, UIDNEXT)
        self.seen = {}      # (user, uid) -> number, as readers saw it

    def begin(self, user, size, is_delivery=False):
        with self.lock:
            self.next += 1
            sent = Sent(self.next, user, size, is_delivery)
            self.unknown[self.next] = sent
            return sent

    def done(self, sent, uid=None):
        with self.lock:
            sent.uid = uid
            self.acknowledged[sent.number] = self.unknown.pop(sent.number)

    def refused(self, sent):
        with self.lock:
            del self.unknown[sent.number]

    def saw(self, user, pairs):
        with self.lock:
            for uid, number in pairs:
                known = self.seen.setdefault((user, uid), number)
                assert known == number, (user, uid, known, number)

    def numbers(self):
        return "%d acknowledged, %d cut off" % (len(self.acknowledged),
                                                self.cut_off)

    # after a death

    def deliver_again(self, node):
        """As a sender does who got no reply: it is stored once."""
        self.cut_off += len(self.unknown)
        again = [sent for sent in self.unknown.values() if sent.is_delivery]
        if not again:
            return
        with node.lmtp() as lmtp:
            for sent in again:
                answer = lmtp.deliver("x@example.org", [sent.user],
                                      sent.text())[sent.user]
                assert answer[0] == 250, (sent.number, answer)
                self.done(sent)

    def judge(self, node):
        """Reads everything back; returns how many messages are there."""
        found = {}
        for i in range(USERS):
            user = "user%d" % i
            imap = node.imap(user)
            self.check_mailbox(user, imap)
            pairs = [(uid, number) for uid, number, _ in read_messages(imap)]
            self.saw(user, pairs)
            for uid, number in pairs:
                found.setdefault(number, []).append((user, uid))
            self.check_octets(user, imap, found)
            imap.logout()
        self.check_found(found)
        self.check_seen(found)
        self.settle(found)
        return len(found)

    def check_mailbox(self, user, imap):
        ok(imap.select("INBOX", readonly=True))
        validity, following = (int(imap.untagged_responses[name][-1])
                               for name in ("UIDVALIDITY", "UIDNEXT"))
        before = self.mailboxes.get(user, (validity, 0))
        assert validity == before[0], (user, validity, before)
        assert following >= before[1], (user, following, before)
        self.mailboxes[user] = validity, following

    def check_octets(self, user, imap, found):
        """Of all that are new and of some that are not."""
        read = self.read.setdefault(user, set())
        mine = {number: there[0][1] for number, there in found.items()
                if there[0][0] == user}
        wanted = [number for number in mine if number not in read]
        old = sorted(read & mine.keys())
        wanted += random.sample(old, min(SAMPLE, len(old)))
        for number in wanted:
            sent = self.acknowledged.get(number) or self.unknown.get(number)
            assert sent, "message %d was refused and is there" % number
            data = ok(imap.uid("FETCH", str(mine[number]), "(BODY.PEEK[])"))
            octets = data[0][1] if data[0] else b""
            assert sent.is_in(octets), (
                "message %d has other octets: %d, %s" % (
                    number, len(octets), hashlib.sha256(octets).hexdigest()))
        read.update(wanted)

    def check_found(self, found):
        for number, sent in self.acknowledged.items():
            there = found.get(number, [])
            assert len(there) == 1, "acknowledged: %r, there: %r" % (
                vars(sent), there)
            assert there[0][0] == sent.user
            assert sent.uid in (None, there[0][1]), (vars(sent), there)
        for number, there in found.items():
            assert number in self.acknowledged or number in self.unknown, (
                "message %d was refused and is there" % number)
            assert len(there) == 1, (number, there)

    def check_seen(self, found):
        """What a reader has seen is there, under the UID that it saw."""
        there = {place: number for number, places in found.items()
                 for place in places}
        for place, number in self.seen.items():
            assert there.get(place) == number, (place, number,
                                                there.get(place))


    def settle(self, found):
        """Nothing is unknown any more: it is there and stays, or never is."""
        for number, sent in list(self.unknown.items()):
            if number in found:
                self.done(sent, found[number][0][1])
            else:
                self.refused(sent)


def read_messages(imap, first=1):
    """(UID, number, flags) of what is in the selected mailbox."""
    data = ok(imap.uid("FETCH", "%d:*" % first, "(UID FLAGS BODY.PEEK[HEADER."
                                                "FIELDS (Message-ID)])"))
    for part in data:
        if isinstance(part, tuple):
            uid = int(re.search(rb"UID (\d+)", part[0]).group(1))
            flags = re.search(rb"FLAGS \(([^)]*)\)", part[0]).group(1)
            number = int(re.search(rb"<(\d+)@", part[1]).group(1))
            yield uid, number, frozenset(flags.decode().split()) - {
                "\\Recent"}


# Clients


def append(node, ledger, user):
    imap = node.imap(user)
    while True:
        sent = ledger.begin(user, random.choice(SIZES))
        kind, data = imap.append("INBOX", None, None, sent.text())
        if kind != "OK":
            ledger.refused(sent)
            time.sleep(PAUSE_S)
            continue
        uid = re.search(rb"APPENDUID \d+ (\d+)", data[0])
        ledger.done(sent, int(uid.group(1)))


def deliver(node, ledger, user):
    lmtp = node.lmtp()
    while True:
        sent = ledger.begin(user, 4096, True)
        try:
            code, _ = lmtp.deliver("x@example.org", [user],
                                   sent.text())[user]
        except murder.Lmtp.Refused:
            code = 0
        if code == 250:
            ledger.done(sent)
        else:
            ledger.refused(sent)
            time.sleep(PAUSE_S)


def watch(node, ledger, user):
    imap = node.imap(user)
    ok(imap.select("INBOX", readonly=True))
    last = 0
    while True:
        ok(imap.noop())
        pairs = [(uid, number)
                 for uid, number, _ in read_messages(imap, last + 1)]
        ledger.saw(user, pairs)
        last = max([last] + [uid for uid, _ in pairs])
        time.sleep(0.05)


class Tidier:
    """Appends, marks, moves and expunges, one step at a time.

    A refusal ends it, unless it was told that there may be some.
    """

    KEYWORDS = ("$one", "$two", "\\Seen", "\\Flagged")

    def __init__(self, number):
        self.name = "tidy%d" % number
        self.far = '"Other Users/far%d"' % number
        # No two send the same octets: a body that one expunges is dead.
        self.next_number = (number + 1) * 1000000
        # mailbox -> number -> (uid, flags)
        self.state = {"INBOX": {}, self.far: {}}
        self.underway = None        # the state if the step was done
        self.steps = 0
        self.imap = None

    def add_users(self, node):
        """The other's mailbox is in another group."""
        group = node.user(self.name)
        name = self.far.split("/")[1].strip('"')
        while node.user(name) == group:
            node.ctl("user", "remove", name)
            node.user("filler%d" % random.randrange(10 ** 9))
        imap = node.imap(name)
        ok(imap.setacl("INBOX", self.name, "lrswite"))
        imap.logout()

    def run(self, node, may_be_refused):
        if self.underway:
            self.judge(node)
        self.imap = node.imap(self.name)
        while True:
            try:
                self.step()
            except Refused:
                self.underway = None
                if not may_be_refused:
                    raise
                time.sleep(PAUSE_S)

    def step(self):
        kinds = [self.append, self.append, self.mark, self.mark, self.move,
                 self.expunge, self.create, self.rename, self.delete]
        self.underway = copy.deepcopy(self.state)
        random.choice(kinds)(self.underway)
        self.state, self.underway = self.underway, None
        self.steps += 1

    def pick(self, state):
        """A mailbox with messages, selected, and one of these."""
        boxes = [box for box in state if state[box]]
        if not boxes:
            return None, None
        box = random.choice(boxes)
        ok(self.imap.select(box))
        return box, random.choice(list(state[box]))

    def append(self, state):
        box = random.choice(list(state))
        self.next_number += 1
        number = self.next_number
        state[box][number] = None, frozenset()
        data = ok(self.imap.append(box, None, None,
                                   message(number, random.choice(SIZES))))
        uid = re.search(rb"APPENDUID \d+ (\d+)", data[0])
        state[box][number] = int(uid.group(1)), frozenset()

    def mark(self, state):
        box, number = self.pick(state)
        if not box:
            return
        uid, flags = state[box][number]
        flag = random.choice(self.KEYWORDS)
        state[box][number] = uid, flags ^ {flag}
        ok(self.imap.uid("STORE", str(uid), "-FLAGS" if flag in flags
                         else "+FLAGS", "(%s)" % flag))

    def move(self, state):
        box, number = self.pick(state)
        if not box:
            return
        to = random.choice(list(state))
        if to == box:
            return
        uid, flags = state[box].pop(number)
        state[to][number] = None, flags
        ok(self.imap.uid("MOVE", str(uid), to))
        code = self.imap.response("COPYUID")[1][-1]
        state[to][number] = int(code.split()[-1]), flags

    def expunge(self, state):
        box, number = self.pick(state)
        if not box:
            return
        uid, flags = state[box][number]
        # two steps: the flag may be there without the second
        self.underway = state
        state[box][number] = uid, flags | {"\\Deleted"}
        ok(self.imap.uid("STORE", str(uid), "+FLAGS", "(\\Deleted)"))
        self.state = copy.deepcopy(state)
        del state[box][number]
        ok(self.imap.uid("EXPUNGE", str(uid)))

    def own(self, state):
        return [name for name in state if name.startswith("box")]

    def create(self, state):
        name = "box%d" % random.randrange(4)
        if name not in state:
            state[name] = {}
            ok(self.imap.create(name))

    def rename(self, state):
        names = self.own(state)
        to = "box%d" % random.randrange(4)
        if names and to not in state:
            name = random.choice(names)
            state[to] = state.pop(name)
            ok(self.imap.rename(name, to))

    def delete(self, state):
        names = self.own(state)
        if len(names) > 2:
            name = random.choice(names)
            del state[name]
            ok(self.imap.delete(name))

    # after a death

    def judge(self, node):
        self.imap = node.imap(self.name)
        found = {}
        for line in ok(self.imap.list()):
            flags, _, name = line.decode().partition(' "/" ')
            if "\\No" not in flags:
                found[name] = self.read(name)
        self.imap.logout()
        allowed = [state for state in (self.state, self.underway) if state]
        assert any(self.is_like(state, found) for state in allowed), (
            "%s: found %r, not %r" % (self.name, found, allowed))
        self.state, self.underway = found, None

    def read(self, name):
        ok(self.imap.select(name, readonly=True))
        there = {}
        for uid, number, flags in read_messages(self.imap):
            assert number not in there, (name, number)
            there[number] = uid, flags
        return there

    @staticmethod
    def is_like(state, found):
        return state.keys() == found.keys() and all(
            state[name].keys() == found[name].keys() and all(
                uid in (None, found[name][number][0])
                and flags == found[name][number][1]
                for number, (uid, flags) in state[name].items())
            for name in state)


def churn(node):
    """Fills segments of bodies, and leaves them to the sweep."""
    imap = node.imap("churn")
    number = random.randrange(10 ** 8, 10 ** 9)
    while True:
        for _ in range(10):
            number += 1
            ok(imap.append("INBOX", None, None, message(
                number, random.choice((30000, 30000, 200000)))))
        ok(imap.select("INBOX"))
        ok(imap.store("1:*", "+FLAGS.SILENT", "(\\Deleted)"))
        ok(imap.expunge())
        node.try_ctl("sweep")


class Load:
    """Many clients at once, until the server dies; then again, and again."""

    def __init__(self, appenders=44, deliverers=16, tidiers=4, watchers=2,
                 churners=0):
        self.ledger = Ledger()
        self.tidiers = [Tidier(i) for i in range(tidiers)]
        self.churners = churners
        self.kinds = ([append] * appenders + [deliver] * deliverers
                      + [watch] * watchers)
        self.threads = []
        self.failures = []

    def add_users(self, node):
        for i in range(USERS):
            node.user("user%d" % i)
        for tidier in self.tidiers:
            tidier.add_users(node)
        node.user("churn")

    def guard(self, may_be_refused, function, *args):
        try:
            function(*args)
        except GONE:
            pass
        except Exception as error:  # told by join, in the main thread
            if not may_be_refused or not isinstance(error, Refused):
                self.failures.append(error)

    def start(self, node, may_be_refused=False):
        jobs = [(kind, node, self.ledger, "user%d" % (i % USERS))
                for i, kind in enumerate(self.kinds)]
        jobs += [(tidier.run, node, may_be_refused)
                 for tidier in self.tidiers]
        jobs += [(churn, node)] * self.churners
        jobs = [(may_be_refused, *job) for job in jobs]
        self.failures = []
        self.threads = [threading.Thread(target=self.guard, args=job)
                        for job in jobs]
        for thread in self.threads:
            thread.start()

    def join(self):
        """The server is dead: its clients have noticed."""
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs"
        if self.failures:
            raise self.failures[0]

    def judge(self, node):
        node.settle_claims()
        self.ledger.deliver_again(node)
        there = self.ledger.judge(node)
        for tidier in self.tidiers:
            tidier.judge(node)
        return there

    def steps(self):
        return sum(tidier.steps for tidier in self.tidiers)


def seed():
    """Of this run; by default the commit says which sample is taken."""
    return os.environ.get("MURDER_SEED", commit())
