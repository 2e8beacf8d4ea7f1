#!/usr/bin/env python3
"""A full disk: new mail is refused, nothing is lost, and it ends with it.

Needs root: the data lie on a small tmpfs.
"""

import os
import subprocess
import sys
import time

import murder
from murder import message, ok

test = murder.Tests()

SIZE_MIB = 48
SETTINGS = """store = { space_min = "4M"; wal_segment = "1M"; wal_keep = "2M";
map_size = "1G"; };
mail_groups = 1;
"""


TUNE = {"MURDER_TUNE": "body_segment=1000000,wal_space_ms=200,upkeep_ms=500"}


class SmallDisk(murder.Node):
    def __init__(self):
        super().__init__(settings=SETTINGS, env=TUNE)
        os.mkdir(self.data)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm" % SIZE_MIB,
                        "murder-test", self.data], check=True)

    def __exit__(self, *exception):
        keep, self.keep = self.keep, True
        try:
            super().__exit__(*exception)
        finally:
            subprocess.run(["umount", self.data], check=True)
            self.keep = keep
            if not keep:
                subprocess.run(["rm", "-r", self.folder], check=True)

    def fill(self, leave=0):
        """Somebody else's file takes what is free."""
        free = os.statvfs(self.data)
        octets = free.f_bavail * free.f_frsize - leave
        with open(os.path.join(self.data, "elsewhere"), "wb") as out:
            os.posix_fallocate(out.fileno(), 0, max(octets, 1))

    def make_room(self):
        os.unlink(os.path.join(self.data, "elsewhere"))


def append_until_refused(imap, numbers, size):
    """What was taken, and the refusal."""
    taken = []
    for number in numbers:
        kind, data = imap.append("INBOX", None, None, message(number, size))
        if kind != "OK":
            return taken, data
        taken.append(number)
    raise AssertionError("the disk is not full")


def append_until_taken(imap, number, size):
    """How much is free is looked at from time to time."""
    end = time.monotonic() + 20
    while imap.append("INBOX", None, None, message(number, size))[0] != "OK":
        assert time.monotonic() < end, "the disk stays full"
        time.sleep(0.1)
    return number


def expect_mail(node, numbers, size):
    imap = node.imap("john")
    assert ok(imap.select("INBOX")) == [b"%d" % len(numbers)]
    for at, number in enumerate(numbers, 1):
        data = ok(imap.fetch(str(at), "(BODY.PEEK[])"))
        assert data[0][1] == message(number, size), number
    imap.logout()


@test
def appends_fill_the_disk():
    size = 300000
    with SmallDisk() as node:
        node.user("john")
        imap = node.imap("john")
        taken, refusal = append_until_refused(imap, range(1000), size)
        assert len(taken) > 50, taken
        assert b"[UNAVAILABLE]" in refusal[0] or b"[OVERQUOTA]" in \
            refusal[0], refusal
        # the rest works: reading, logging in, asking
        expect_mail(node, taken, size)
        assert node.ctl("status")["initialised"]
        # what is taken away makes room
        ok(imap.select("INBOX"))
        half = len(taken) // 2
        ok(imap.store("1:%d" % half, "+FLAGS.SILENT", r"(\Deleted)"))
        ok(imap.expunge())
        node.sweep()
        first = append_until_taken(imap, 1000, size)
        more, _ = append_until_refused(imap, range(1001, 2000), size)
        more = [first] + more
        assert len(more) > 10, more
        imap.logout()
        expect_mail(node, taken[half:] + more, size)
        node.stop()
        node.start()
        expect_mail(node, taken[half:] + more, size)
        node.verify()


def await_log(node, text):
    end = time.monotonic() + 20
    while True:
        with open(node.log, errors="replace") as log:
            if text in log.read():
                return
        assert time.monotonic() < end, text
        time.sleep(0.05)


@test
def below_the_limit_everything_new_is_refused():
    size = 20000
    with SmallDisk() as node:
        node.user("john")
        imap = node.imap("john")
        for number in range(10):
            ok(imap.append("INBOX", None, None, message(number, size)))
        ok(imap.create("Other"))
        ok(imap.select("INBOX"))
        node.fill(leave=3 << 20)  # space_min is 4M
        await_log(node, "below the limit")
        for answer in (
                imap.append("INBOX", None, None, message(100, size)),
                imap.append("INBOX", None, None, message(100, 1000000)),
                imap.copy("1", "Other"), imap.create("New")):
            assert answer[0] == "NO" and b"[UNAVAILABLE]" in answer[1][0], \
                answer
        with node.lmtp() as lmtp:
            answer = lmtp.deliver("x@example.org", ["john"],
                                  message(200, size))["john"]
            assert 400 <= answer[0] < 500, answer
        expect_mail(node, range(10), size)
        ok(imap.store("10", "+FLAGS", r"(\Deleted)"))
        ok(imap.expunge())
        expect_mail(node, range(9), size)
        node.make_room()
        await_log(node, "above the limit")
        ok(imap.append("INBOX", None, None, message(9, size)))
        ok(imap.copy("1", "Other"))
        imap.logout()
        expect_mail(node, range(10), size)
        node.verify()


@test
def a_disk_without_an_octet_left_loses_nothing():
    """Then murderd may end, but what it acknowledged is there afterwards."""
    size = 20000
    with SmallDisk() as node:
        node.user("john")
        imap = node.imap("john")
        taken = []
        for number in range(10):
            ok(imap.append("INBOX", None, None, message(number, size)))
            taken.append(number)
        node.fill()
        try:
            for number in range(10, 200):
                kind, _ = imap.append("INBOX", None, None,
                                      message(number, size))
                if kind == "OK":
                    taken.append(number)
        except (imap.abort, OSError):
            pass
        node.kill()
        node.make_room()
        node.start()
        imap = node.imap("john")
        count = int(ok(imap.select("INBOX"))[0])
        # one more may be there that nobody heard of
        assert count - len(taken) in (0, 1), (count, taken)
        ok(imap.append("INBOX", None, None, message(1000, size)))
        data = ok(imap.fetch("1:%d" % len(taken), "(BODY.PEEK[])"))
        assert [item[1] for item in data[::2]] == [
            message(number, size) for number in taken]
        imap.logout()
        node.verify()


if os.getuid() != 0:
    print("needs root to mount a tmpfs")
    sys.exit(77)
test.run()
