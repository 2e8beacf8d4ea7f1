#!/usr/bin/env python3
"""murderd dies in its most awkward moments, and comes back with everything.

    crash.py [--all] [--only KIND] [--results FILE] [CASE...]

    point   it ends at each CRASH_POINT of the sources, at its first, second
            and third pass
    kill    it is killed before the n-th call that changes the disk
    init    the same, while it is made and started for the first time
    memory  the n-th allocation fails: it ends with PANIC
    disk    the n-th write, sync, create ... fails or is short: it ends, or
            refuses, or goes on as if nothing was

A small load runs meanwhile (ledger.py). Afterwards, by seed, the power goes
too: what was not synced is lost, or torn, or nothing is. Then murderd starts
without faults, nothing that was acknowledged is lost or doubled, and verify
finds nothing. Without --all a sample is drawn by the commit; a case is named
KIND:WHAT, as printed. `make crash` runs all.

Some cases are not reached and are named: a start passes some points only once
or twice, and a run of LOAD_S may be over before the n-th call.
"""

import argparse
import glob
import os
import random
import re
import struct
import sys
import time

import ledger
import murder

SETTINGS = 'store = { wal_segment = "128K"; wal_keep = "1"; };'
TUNE = ("checkpoint_age_ms=200,checkpoint_dirty=300000,snapshot_entries=30,"
        "upkeep_ms=200,sweep_ms=1000000,sweep_first_ms=1000000,"
        "body_segment=262144,scan_batch=2")
PASSES = 3  # of each point
LOAD_S = 4  # a fault that is not met in this time was not reached
FELT_S = 1  # nor does one that lives so long with its fault die of it
CASES_A_NODE = 12  # then it has enough mail
SAMPLE = {"point": 5, "kill": 2, "init": 2, "memory": 2, "disk": 5}
CRASH_STATUS = 86  # base/fault.c
KILLED = -9
PANICKED = -6
REPORT = "ERROR: (Address|Leak)Sanitizer|runtime error:"
# A log is cut only when another node has written to it.
UNREACHABLE = {"truncate"}

parser = argparse.ArgumentParser()
parser.add_argument("--all", action="store_true")
parser.add_argument("--only", choices=sorted(SAMPLE))
parser.add_argument("--keep", action="store_true",
                    help="leave the data of what failed")
parser.add_argument("--results", help="a table that gets a row")
parser.add_argument("cases", nargs="*", metavar="CASE")
OPTIONS = parser.parse_args()


class Case:
    def __init__(self, kind, what, env, statuses, may_be_refused=False):
        self.kind = kind
        self.what = what
        self.env = env
        self.statuses = statuses  # how it may end; None: it may live on
        self.may_be_refused = may_be_refused

    def __str__(self):
        return "%s:%s" % (self.kind, self.what)


# Which cases there are


def points():
    found = set()
    for path in glob.glob(os.path.join(murder.ROOT, "src/*/*.c")):
        with open(path, encoding="utf-8") as file:
            found.update(re.findall(r'CRASH_POINT\("(\w+)"\)', file.read()))
    return sorted(found - UNREACHABLE)


def spread(last, count):
    """Numbers from 1 to `last`, closer together at the front."""
    return sorted({round(last ** (i / (count - 1))) for i in range(count)})


def point_cases():
    return [Case("point", "%s:%d" % (name, n),
                 {"MURDER_CRASH_AT": "%s:%d" % (name, n)}, {CRASH_STATUS})
            for name in points() for n in range(1, PASSES + 1)]


def kill_cases():
    return [Case("kill", str(n), {"MURDER_SHIM_FAIL": "any:*:%d:kill" % n},
                 {KILLED}) for n in spread(20000, 80)]


def init_cases():
    return [Case("init", str(n), {"MURDER_SHIM_FAIL": "any:*:%d:kill" % n},
                 {KILLED}) for n in range(1, 240)]


def memory_cases():
    return [Case("memory", str(n), {"MURDER_MEM_FAIL_AT": str(n)},
                 {PANICKED}) for n in spread(300000, 40)]


# OP:PATTERN, how often a run of LOAD_S has such a call at least, what happens
DISK = (
    ("write:wal/*", 500, "EIO ENOSPC torn short"),
    ("write:bodies/*.seg", 200, "EIO ENOSPC torn short"),
    ("write:*/data.mdb", 200, "EIO ENOSPC short"),
    ("write:*/checkpoint*", 20, "EIO ENOSPC torn short"),
    ("write:*", 3000, "EIO torn"),
    ("sync:wal/*", 200, "EIO"),
    ("sync:bodies/*.seg", 100, "EIO"),
    ("sync:*/data.mdb", 20, "EIO"),
    ("sync:*", 500, "EIO"),
    ("dirsync:*", 60, "EIO"),
    ("create:*", 60, "EIO ENOSPC"),
    ("allocate:*", 20, "EIO ENOSPC"),
    ("rename:*", 30, "EIO ENOSPC"),
    ("unlink:*", 30, "EIO"),
)


def disk_case(call, rule, what):
    env = {"MURDER_SHIM_FAIL": rule}
    # but LMDB takes a short write for a failed one
    if what == "short" and not call.endswith("data.mdb"):
        return Case("disk", rule, env, {None})
    return Case("disk", rule, env, {None, 1, PANICKED}, may_be_refused=True)


def disk_cases():
    cases = []
    for call, last, whats in DISK:
        for what in whats.split():
            for n in spread(last, 5):
                for stays in ("", "+") if what == "ENOSPC" else ("",):
                    rule = "%s:%d%s:%s" % (call, n, stays, what)
                    cases.append(disk_case(call, rule, what))
    return cases


def all_cases():
    return (point_cases() + kill_cases() + init_cases() + memory_cases()
            + disk_cases())


def chosen_cases(chance):
    cases = all_cases()
    if OPTIONS.cases:
        return [case for case in cases if str(case) in OPTIONS.cases]
    if OPTIONS.only:
        cases = [case for case in cases if case.kind == OPTIONS.only]
    if OPTIONS.all:
        return cases
    sample = []
    for kind, count in SAMPLE.items():
        mine = [case for case in cases if case.kind == kind]
        sample += chance.sample(mine, min(count, len(mine)))
    return sample


# One case


def was_felt(node):
    """Whether a rule of the shim has done what it says."""
    try:
        with open(node.data + ".undo/counts", "rb") as file:
            return struct.unpack("<QQ", file.read(16))[1] > 0
    except (FileNotFoundError, struct.error):
        return False


def forget_counts(node):
    """Those of an earlier process."""
    try:
        os.unlink(node.data + ".undo/counts")
    except FileNotFoundError:
        pass


def log_from(node, start):
    with open(node.log, errors="replace") as log:
        log.seek(start)
        return log.read()


def cut_power(node, chance):
    """Or not: then what was not synced is there, and still can be lost."""
    mode = chance.choice((None, "lose", "tear"))
    if mode:
        node.power_cut(mode, chance.random())


class Bed:
    """A node with its clients, for some cases."""

    def __init__(self):
        self.node = murder.Node(env={"MURDER_TUNE": TUNE}, shim=True,
                                settings=SETTINGS)
        self.load = ledger.Load(appenders=4, deliverers=2, tidiers=2,
                                watchers=1, churners=1)
        self.cases = 0

    def open(self):
        self.node.start()
        self.load.add_users(self.node)
        self.node.stop()
        return self

    def close(self):
        self.node.__exit__(None, None, None)

    def run(self, case, chance):
        """Whether the fault was felt."""
        self.cases += 1
        size = os.path.getsize(self.node.log)
        status = self.run_to_death(case)
        text = log_from(self.node, size)
        assert not re.search(REPORT, text), text
        felt = status is not None or was_felt(self.node)
        if felt:
            assert status in case.statuses, "exit status %s; %s" % (
                status, text[-3000:])
        if status == PANICKED and case.kind == "memory":
            assert "PANIC" in text and "memory" in text, text[-3000:]
        cut_power(self.node, chance)
        self.node.start()
        self.load.judge(self.node)
        self.node.verify()
        self.prepare_next(chance)
        return felt

    def run_to_death(self, case):
        """The exit status; None: it had to be killed."""
        forget_counts(self.node)
        if self.node.try_start(env=case.env):
            self.load.start(self.node, case.may_be_refused)
            self.wait_for_end(case)
        status = self.node.process.poll()
        self.node.kill()
        self.load.join()
        return status

    def wait_for_end(self, case):
        """It dies, or goes on for a while with the fault behind it."""
        end = time.monotonic() + LOAD_S
        waits = "+" not in case.what
        while time.monotonic() < end and self.node.process.poll() is None:
            if waits and was_felt(self.node):
                waits = False
                end = min(end, time.monotonic() + FELT_S)
            time.sleep(0.02)

    def prepare_next(self, chance):
        """The next case begins behind a clean stop, or behind a kill."""
        if chance.random() < 0.5:
            self.node.stop()
            return
        self.load.start(self.node)
        time.sleep(0.4)
        self.node.kill()
        self.load.join()


class InitBed:
    """A new node for each case, which dies before it has done much."""

    def open(self):
        return self

    def close(self):
        pass

    def run(self, case, chance):
        node = murder.Node(shim=True)
        try:
            node.try_start(env=case.env)
            felt = was_felt(node)
            status = node.process.poll()
            assert not felt or status == KILLED, status
            node.kill()
            cut_power(node, chance)
            node.start()
            node.user("john")
            imap = node.imap("john")
            murder.ok(imap.append("INBOX", None, None, murder.message(1)))
            imap.logout()
            node.verify()
            node.stop()
        finally:
            node.__exit__(None, None, None)
        return felt


def seed_of(case):
    return random.Random("%s %s" % (ledger.seed(), case))


class Run:
    def __init__(self):
        self.bed = None
        self.failed = 0
        self.felt = {}      # kind -> number of cases
        self.unfelt = {}    # kind -> cases

    def bed_for(self, case):
        wanted = InitBed if case.kind == "init" else Bed
        if type(self.bed) is not wanted or (
                wanted is Bed and self.bed.cases >= CASES_A_NODE):
            self.close()
            self.bed = wanted().open()
        return self.bed

    def close(self):
        if self.bed:
            self.bed.close()
        self.bed = None

    def one(self, case):
        start = time.monotonic()
        try:
            felt = self.bed_for(case).run(case, seed_of(case))
        except Exception as error:
            self.failed += 1
            print("# %s: %s: %s" % (case, type(error).__name__, error))
            print("not ok crash/%s" % case, flush=True)
            self.drop()
            return
        if felt:
            self.felt[case.kind] = self.felt.get(case.kind, 0) + 1
        else:
            self.unfelt.setdefault(case.kind, []).append(case.what)
        print("ok crash/%s%s (%.1f s)" % (
            case, "" if felt else " not reached",
            time.monotonic() - start), flush=True)

    def drop(self):
        """What a failure leaves is not built upon."""
        if isinstance(self.bed, Bed):
            print("#   " + "#   ".join(log_from(
                self.bed.node, 0).splitlines(True)[-40:]))
            if self.bed.node.process:
                self.bed.node.kill()
            if OPTIONS.keep:
                print("# kept: " + self.bed.node.folder)
            else:
                self.bed.close()
        self.bed = None

    def check_points(self):
        """Of all points each was reached: else this tests nothing."""
        passes = [what.split(":")[0] for what in self.unfelt.get("point", [])]
        for name in sorted(set(passes)):
            if passes.count(name) == PASSES:
                self.failed += 1
                print("not ok crash/point:%s was never reached" % name)

    def report(self):
        text = ", ".join("%d %s" % (count, kind)
                         for kind, count in self.felt.items())
        text += " felt"
        for kind, whats in self.unfelt.items():
            text += "; not reached: %s %s" % (kind, " ".join(whats))
        print("# " + text)
        if OPTIONS.results and OPTIONS.all and not self.failed:
            ledger.record(OPTIONS.results, "crash", murder.kind_of_build(),
                          text + "; nothing lost or doubled")


def main():
    if not murder.has_faults():
        print("built without --enable-faults")
        return 77
    run = Run()
    try:
        for case in chosen_cases(random.Random(ledger.seed())):
            run.one(case)
    finally:
        run.close()
    run.check_points()
    run.report()
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
