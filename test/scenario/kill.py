#!/usr/bin/env python3
"""kill -9 under load: what was acknowledged is there once, with its UID.

    kill.py [ROUNDS] [--results FILE]    default 3; `make kill ROUNDS=20`

Each round: 64 connections append over IMAP, deliver over LMTP, mark and move;
after a while murderd is killed and started again, and everything is read back
(ledger.py). power.py does the same with a disk that forgets.
"""

import argparse
import random
import time

import ledger
import murder

parser = argparse.ArgumentParser()
parser.add_argument("rounds", nargs="?", type=int, default=3)
parser.add_argument("--results", help="a table that gets a row")
OPTIONS = parser.parse_args()
test = murder.Tests([])


@test
def nothing_acknowledged_is_lost_or_doubled():
    load = ledger.Load()
    with murder.Node() as node:
        load.add_users(node)
        for number in range(OPTIONS.rounds):
            load.start(node)
            time.sleep(random.uniform(0.5, 2))
            node.kill()
            load.join()
            node.start()
            there = load.judge(node)
            print("# round %d: %s, %d there, %d steps" % (
                number + 1, load.ledger.numbers(), there, load.steps()),
                flush=True)
        node.verify()
    if OPTIONS.results:
        ledger.record(OPTIONS.results, "kill -9", murder.kind_of_build(),
                      "%d rounds: %s, %d steps; nothing lost or doubled" % (
                          OPTIONS.rounds, load.ledger.numbers(),
                          load.steps()))


test.run()
