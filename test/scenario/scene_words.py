"""What a scene says and what a real server says: the same words?

Values that differ by nature are mapped one to one for the length of a scene:
UIDVALIDITY, MAILBOXID, and mod-sequences of mailboxes whose history was made
with other ones, in whose order the map stays. So a wrong value is found as soon
as it comes twice, or out of order.
"""

import bisect
import re
import time

# of an APPEND that names no date (fake_store.h)
FAKE_DATE = b'"17-Jul-1996 02:44:25 -0700"'
NOW_S = 600  # such a date is not older than a scene can be

NAME = rb'("(?:[^"\\]|\\.)*"|[^ \r\n]+)'
SELECT = re.compile(rb"^[^ \r\n]+ (?:SELECT|EXAMINE) " + NAME, re.M | re.I)
STATUS = re.compile(rb"^\* STATUS " + NAME)

# In what the server says.
VALUE = re.compile(
    rb"(?P<validity>(?<=UIDVALIDITY )\d+|(?<=\[APPENDUID )\d+"
    rb"|(?<=\[COPYUID )\d+)"
    rb"|(?P<id>(?<=MAILBOXID \()[^)]*)"
    rb"|(?P<modseq>(?<=MODSEQ \()\d+|(?<=MODSEQ )\d+)"
    rb'|(?P<date>(?<=INTERNALDATE )"[^"]*")'
    rb'|(?P<version>(?<="version" )"[^"]*")'
    rb"|(?P<capability>(?<=\[CAPABILITY )[^]]*)")

# In what clients say.
QRESYNC = re.compile(rb"(?<=QRESYNC \()(\d+) (\d+)")
SINCE = re.compile(rb"(?<=CHANGEDSINCE )\d+|(?<= MODSEQ )\d+|(?<= all )\d+")


class Same:
    """One to one, between what the scene says and what the server says."""

    def __init__(self):
        self.real = {}
        self.fake = {}

    def learn(self, fake, real):
        """False: it contradicts what is known."""
        return (self.real.setdefault(fake, real) == real and
                self.fake.setdefault(real, fake) == fake)

    def to_real(self, fake):
        return self.real.get(fake, fake)


class Ordered:
    """The same for numbers, in whose order the map stays."""

    def __init__(self):
        self.pairs = []  # (fake, real), both strictly rising

    def learn(self, fake, real):
        at = bisect.bisect_left(self.pairs, (fake, 0))
        if at < len(self.pairs) and self.pairs[at][0] == fake:
            return self.pairs[at][1] == real
        if at > 0 and self.pairs[at - 1][1] >= real:
            return False
        if at < len(self.pairs) and self.pairs[at][1] <= real:
            return False
        self.pairs.insert(at, (fake, real))
        return True

    def is_same(self):
        return all(fake == real for fake, real in self.pairs)

    def to_real(self, fake):
        """The number that lies behind the same changes."""
        at = bisect.bisect_right(self.pairs, (fake, float("inf")))
        if fake == 0:
            return 0
        if at == 0:
            return max(self.pairs[0][1] - 1, 1)
        if at == len(self.pairs) and fake > self.pairs[-1][0]:
            return max(fake, self.pairs[-1][1])
        return self.pairs[at - 1][1]


def key(user, name):
    """Of a mailbox, as its owner names it."""
    name = name.decode("latin-1").strip('"')
    if name.startswith("Other Users/"):
        user, _, name = name.partition("/")[2].partition("/")
    return user, "INBOX" if name.upper() == "INBOX" else name


class Words:
    """The maps of one scene."""

    def __init__(self):
        self.validities = Same()
        self.ids = Same()
        self.modseqs = {}  # by key, where they are not the same

    def asked(self, client, text):
        """What a client of the scene says, in the server's numbers."""
        for name in SELECT.findall(text):
            client.selected = key(client.user, name)
        modseqs = self.modseqs.get(client.selected)
        text = QRESYNC.sub(lambda match: b"%s %s" % (
            self.validities.to_real(match[1]),
            self.since(modseqs, match[2])), text)
        return SINCE.sub(lambda match: self.since(modseqs, match[0]), text)

    @staticmethod
    def since(modseqs, number):
        return (b"%d" % modseqs.to_real(int(number))) if modseqs else number

    def same(self, client, expected, said):
        """Whether the server has said what the scene expects."""
        expected = expected.split(b"\r\n")
        said = said.split(b"\r\n")
        return len(expected) == len(said) and all(
            self.same_line(client, *pair) for pair in zip(expected, said))

    def same_line(self, client, expected, said):
        if VALUE.sub(b"?", expected) != VALUE.sub(b"?", said):
            return False
        status = STATUS.match(expected)
        box = client.selected
        if status:
            box = key(client.user, status[1])
        return all(fake.lastgroup == real.lastgroup and
                   getattr(self, "same_" + fake.lastgroup)(
                       fake.group(), real.group(), box)
                   for fake, real in zip(VALUE.finditer(expected),
                                         VALUE.finditer(said)))

    def same_validity(self, fake, real, _):
        return self.validities.learn(fake, real)

    def same_id(self, fake, real, _):
        return self.ids.learn(fake, real)

    def same_modseq(self, fake, real, box):
        modseqs = self.modseqs.get(box)
        return modseqs.learn(int(fake), int(real)) if modseqs else fake == real

    @staticmethod
    def same_date(fake, real, _):
        if fake == real:
            return True
        then = time.mktime(time.strptime(real.decode()[1:-7],
                                         "%d-%b-%Y %H:%M:%S"))
        return (fake == FAKE_DATE and
                -1 <= time.mktime(time.gmtime()) - then < NOW_S)

    @staticmethod
    def same_version(_fake, _real, _):
        return True

    @staticmethod
    def same_capability(_fake, _real, _):
        return True  # the command is compared


class Somebody:
    user = "john"
    selected = ("john", "INBOX")


def test():
    """It must be able to see a wrong answer."""
    words = Words()
    words.modseqs["john", "INBOX"] = Ordered()
    for fake, real, same in (
            (b"* OK [UIDVALIDITY 1] ok", b"* OK [UIDVALIDITY 77] ok", True),
            (b"* OK [UIDVALIDITY 2] ok", b"* OK [UIDVALIDITY 77] ok", False),
            (b"A1 OK [APPENDUID 1 5] ok", b"A1 OK [APPENDUID 77 5] ok", True),
            (b"A1 OK [APPENDUID 1 5] ok", b"A1 OK [APPENDUID 77 6] ok", False),
            (b"A1 OK [COPYUID 1 2 3] ok", b"A1 OK [COPYUID 78 2 3] ok", False),
            (b"* OK [MAILBOXID (F1)] id", b"* OK [MAILBOXID (M1)] id", True),
            (b"* OK [MAILBOXID (F2)] id", b"* OK [MAILBOXID (M1)] id", False),
            (b"* 1 FETCH (MODSEQ (9))", b"* 1 FETCH (MODSEQ (20))", True),
            (b"* 1 FETCH (MODSEQ (5))", b"* 1 FETCH (MODSEQ (21))", False),
            (b"* SEARCH 1 (MODSEQ 9)", b"* SEARCH 1 (MODSEQ 20)", True),
            (b"* SEARCH 1 (MODSEQ 9)", b"* SEARCH 1 (MODSEQ 22)", False),
            (b"* STATUS Sent (HIGHESTMODSEQ 9)",
             b"* STATUS Sent (HIGHESTMODSEQ 20)", False),
            (b"* 1 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")",
             b"* 1 FETCH (INTERNALDATE \" 1-Jan-2001 02:44:25 +0000\")", False),
            (b"A1 OK done", b"A1 NO done", False),
            (b"* 1 EXISTS\r\nA1 OK", b"A1 OK", False)):
        assert words.same(Somebody, fake, real) == same, (fake, real)
    assert words.asked(Somebody, b"a FETCH 1 (FLAGS) (CHANGEDSINCE 9)") == (
        b"a FETCH 1 (FLAGS) (CHANGEDSINCE 20)")
    assert words.asked(Somebody, b"a SELECT INBOX (QRESYNC (1 5 1:9))") == (
        b"a SELECT INBOX (QRESYNC (77 19 1:9))")
