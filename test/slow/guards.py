#!/usr/bin/env python3
"""Do power.py and moves.py find anything? Broken builds and lying disks must
fall to them.

    guards.py [--rounds N] [--results FILE] [NAME...]    default 5 rounds

M.. are mutants, mistakes that a build with --enable-faults can be told to make
(MUTANT in the sources); the others are disks that say that a sync has worked.
Without any of them both must pass, or falling says nothing.
"""

import argparse
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../scenario"))
import ledger  # noqa: E402
import murder  # noqa: E402

MUTANT, DISK = "MURDER_MUTANT", "MURDER_SHIM_FAIL"
GUARDS = {
    "M29": (MUTANT, "M29", "END comes before the target's result"),
    "M30": (MUTANT, "M30", "an append has no op id of its claim"),
    "M06": (MUTANT, "M06", "the log is not synced"),
    "M07": (MUTANT, "M07", "the log is synced after the acknowledgement"),
    "M41": (MUTANT, "M41", "directories are not synced"),
    "M43": (MUTANT, "M43", "a checkpoint does not pin its pages"),
    "M46": (MUTANT, "M46", "the metas are not put back after kill -9"),
    "M49": (MUTANT, "M49", "the index of bodies is trusted at the start"),
    "log": (DISK, "sync:wal/*:1+:limbo", "syncs of the log lie"),
    "bodies": (DISK, "sync:bodies/*.seg:1+:limbo", "syncs of bodies lie"),
    "maps": (DISK, "sync:*/data.mdb:1+:limbo", "syncs of the state lie"),
    "names": (DISK, "dirsync:*:1+:limbo", "syncs of directories lie"),
}
# What falls to moves.py, the others fall to power.py.
MOVES = {"M29", "M30"}


def passes(program, rounds, **env):
    return subprocess.run(
        [os.path.join(HERE, "../scenario", program), str(rounds)],
        env=dict(os.environ, **env), check=False,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", help="a table that gets a row")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    if not murder.has_faults():
        print("built without --enable-faults")
        return 77
    for program, rounds in (("power.py", options.rounds),
                            ("moves.py", 4 * options.rounds)):
        if not passes(program, rounds):
            print("not ok guard/none: %s fails by itself" % program)
            return 1
    alive = []
    for name in options.names or GUARDS:
        variable, value, text = GUARDS[name]
        start = time.monotonic()
        moves = name in MOVES
        if passes("moves.py" if moves else "power.py",
                  4 * options.rounds if moves else options.rounds,
                  **{variable: value}):
            alive.append(name)
        print("%s guard/%s (%s, %d s)" % (
            "not ok" if name in alive else "ok", name, text,
            time.monotonic() - start), flush=True)
    if options.results and not options.names and not alive:
        ledger.record(options.results, "guards", murder.kind_of_build(),
                      "%d of %d broken builds and disks were found out within "
                      "%d rounds of each kind" % (len(GUARDS), len(GUARDS),
                                                  options.rounds))
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
