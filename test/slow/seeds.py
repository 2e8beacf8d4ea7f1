#!/usr/bin/env python3
"""Runs many random lives of raft and records what came of it.

    seeds.py rules|lives FROM TO [--results FILE]

The lives and their judge are in C (seeds.c, test/unit/raft); MURDER_BUILD is
the folder of the build.
"""

import argparse
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "scenario"))

import ledger  # noqa: E402
import murder  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("what", choices=("rules", "lives"))
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("--results", help="a table that gets a row")
    options = parser.parse_args()
    program = os.path.join(os.environ["MURDER_BUILD"], "test/slow/seeds")
    done = subprocess.run(
        [program, options.what, str(options.first), str(options.last)],
        stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="")
    if done.returncode != 0:
        return 1
    if options.results:
        ledger.record(options.results, "raft " + options.what,
                      murder.kind_of_build(), done.stdout.splitlines()[-1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
