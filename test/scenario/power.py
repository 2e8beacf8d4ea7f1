#!/usr/bin/env python3
"""Power cuts under load: what was acknowledged is there once, with its UID.

    power.py [ROUNDS] [--results FILE]    default 2; `make power ROUNDS=20`

ROUNDS times murderd is killed and everything that it has not synced is lost,
and ROUNDS times it is torn: each sector and name is on the disk or not, by
chance (test/shim/powercut.py). The load and the judge are those of kill.py.
Files of the log are small, and in every second round checkpoints, snapshots
and sweeps come often, so that the power goes in the middle of these too.

Every second time murderd starts again before the power goes: what the first
process left in the kernel unsynced is read, seen and built upon by the second.
"""

import argparse
import random
import time

import ledger
import murder

SMALL = """store = { wal_segment = "256K"; wal_keep = "1"; };"""
OFTEN = ("checkpoint_age_ms=300,checkpoint_dirty=1000000,snapshot_entries=100,"
         "upkeep_ms=500,sweep_ms=1500,sweep_first_ms=1500,"
         "body_segment=1000000")
TUNE = ({"MURDER_TUNE": OFTEN}, {"MURDER_TUNE": ""})

parser = argparse.ArgumentParser()
parser.add_argument("rounds", nargs="?", type=int, default=2)
parser.add_argument("--results", help="a table that gets a row")
OPTIONS = parser.parse_args()
test = murder.Tests([])


def one_round(node, load, mode, number):
    """The line that tells of it."""
    chance = random.Random("%s %s %d" % (ledger.seed(), mode, number))
    load.start(node)
    time.sleep(chance.uniform(0.5, 2))
    node.kill()
    load.join()
    if (number % 2 == 0) == (mode == "lose"):
        node.start()
        load.judge(node)
        node.kill()
    cut = node.power_cut(mode, chance.random())
    node.start(env=TUNE[number % 2])
    there = load.judge(node)
    node.verify()
    return "%s; %s, %d there, %d steps" % (cut, load.ledger.numbers(), there,
                                           load.steps())


@test
def nothing_acknowledged_is_lost_or_doubled():
    load = ledger.Load()
    with murder.Node(env=TUNE[0], shim=True, settings=SMALL) as node:
        load.add_users(node)
        for number in range(OPTIONS.rounds):
            for mode in ("lose", "tear"):
                print("# round %d: %s" % (number + 1, one_round(
                    node, load, mode, number)), flush=True)
        node.stop()
        node.power_cut("lose", 0)
        node.start()
        load.judge(node)
        node.verify()
    if OPTIONS.results:
        ledger.record(
            OPTIONS.results, "power cuts", murder.kind_of_build(),
            "%d rounds all lost, %d torn: %s, %d steps; nothing lost or "
            "doubled" % (OPTIONS.rounds, OPTIONS.rounds,
                         load.ledger.numbers(), load.steps()))


test.run()
