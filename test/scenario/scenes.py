#!/usr/bin/env python3
"""The scenes of test/unit/imap, played on a real server.

    scenes.py                          all of them
    scenes.py session_any/enable ...   these

The unit program exports each scene as JSON (test/unit/imap/scene_export.c):
what is given, and the script. One murderd serves all, one scene after another:
john, jane and their mail are made anew (scene_given.py), the script is played,
and what is said is compared (scene_words.py).
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback

import murder
import scene_given
from scene_client import Client, octets
from scene_words import Words, test as test_words

UNIT = os.path.join(murder.BUILD, "test/unit/imap/unit_imap")
EXPORT_S = 90
PASSWORD = "secret"
SILENCE_S = 0.002  # for what nobody expects to be said

# As scene_config has it. With one loop a session has heard of a change before
# another one is told that it is done; with more, only NOOP and its like wait.
NODE = {
    "hostname": "fe1.example.org",
    "login": 'delay = "10ms";',
    "settings": 'message_max = "1000000"; threads = { sessions = 1; };',
}

# What cannot be played, with the reason; each must be true of some scene.
LEFT_OUT = (
    ("an ask is made to fail",
     lambda scene: re.search("^2?# fail ", scene["script"], re.M)),
    ("much time would have to pass",
     lambda scene: re.search("^2?# wait [0-9]{5}", scene["script"], re.M)),
    ("no command disables a user yet",
     lambda scene: any(user["disabled"] for user in scene["users"])),
    ("a body is damaged",
     lambda scene: any(message["err"] for mailbox in scene["mailboxes"]
                       for message in mailbox["messages"])),
    ("a majority is missing",
     lambda scene: any(box["degraded"] for box in scene["mailboxes"])),
    ("io/ cuts off who talks during a handshake (tls.py)",
     lambda scene: "P: a002 STARTTLS" in scene["script"]),
    ("nobody acts for others yet",
     lambda scene: scene["test"] == "admin_acts_for_john"),
)


def read_lines(path, process):
    """What the process writes, until it ends."""
    end = time.monotonic() + EXPORT_S
    text = ""
    with open(path, encoding="ascii") as file:
        while True:
            ended = process.poll() is not None
            text += file.readline()
            if text.endswith("\n"):
                yield text
                text = ""
            elif ended:
                assert not text, text
                return
            else:
                assert time.monotonic() < end, "the export takes too long"
                time.sleep(0.05)


def export():
    """All scenes; the first ones are played while the last are written."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "scenes")
        with open(path, "w", encoding="ascii"):
            pass
        process = subprocess.Popen(
            [UNIT, "--filter", "session_[!o]*/*", "--quiet"],
            env=dict(os.environ, SCENE_EXPORT=path),
            stdin=subprocess.DEVNULL, stdout=sys.stderr)
        try:
            for line in read_lines(path, process):
                scene = json.loads(line)
                yield dict(scene, name=scene["suite"] + "/" + scene["test"])
            assert process.returncode == 0, process.returncode
        finally:
            process.kill()
            process.wait()


def expand(line):
    """<NUL>, <n*x>, and <> at the end (scene.h)."""
    end = "" if line.endswith("<>") else "\r\n"
    line = line.removesuffix("<>").replace("<NUL>", "\0")
    return re.sub(r"<(\d+)\*(.)>", lambda match: match[2] * int(match[1]),
                  line) + end


class Differs(Exception):
    pass


class Play:
    def __init__(self, node, scene):
        self.node = node
        self.scene = scene
        self.words = Words()
        self.clients = [None, None]
        self.expected = [b"", b""]
        self.text = b""     # what P lines have put together

    def run(self):
        scene_given.make(self.node, self.scene, self.words)
        lines = self.scene["script"].split("\n")[:-1]
        for number, line in enumerate(lines, 1):
            mark, rest = re.match("2?(#|[CPS]:) (.*)", line, re.S).groups()
            who = int(line[0] == "2")
            if mark == "S:":
                self.expected[who] += octets(rest) + b"\r\n"
                continue
            self.check(number)
            if mark == "#":
                self.verb(who, *rest.split(" ", 1))
            else:
                self.say(who, mark, rest)
        self.check("the end")
        self.end()

    def close(self):
        for client in self.clients:
            if client:
                client.close()

    # what clients do

    def start(self, who, user="john"):
        if self.clients[who] is None:
            self.clients[who] = Client(self.node)
            self.clients[who].login(user, PASSWORD)
        return self.clients[who]

    def say(self, who, mark, line):
        client = self.start(who)
        self.text += octets(expand(line))
        if mark == "P:":
            return
        client.say(self.words.asked(client, self.text))
        self.text = b""

    def verb(self, who, verb, rest=""):
        if verb == "login":
            self.start(who, rest)
        elif verb in ("greet", "plain"):
            self.clients[who] = Client(self.node, verb == "greet")
            self.clients[who].user = "john"
        elif verb in ("select", "qresync"):
            self.select(who, rest, verb == "qresync")
        elif verb == "tls":
            self.clients[who].start_tls()
        elif verb == "closed":
            if not self.clients[who].ends():
                raise Differs("it is not closed: %r" % self.clients[who].heard)
        else:
            assert verb in ("wait", "limit"), verb

    def select(self, who, name, qresync):
        client = self.start(who)
        select = 'SELECT "%s"' % name
        self.words.asked(client, b"s " + octets(select))
        client.run(*["ENABLE QRESYNC"] * qresync, select)

    # what they hear

    def check(self, where):
        for who, expected in enumerate(self.expected):
            client = self.clients[who]
            self.expected[who] = b""
            if not client or not expected:
                continue
            said = client.hear(expected)
            if not self.words.same(client, expected, said):
                raise Differs("client %d before line %s:\n"
                              "--- expected\n%s--- said\n%s---" % (
                                  who + 1, where, expected.decode("latin-1"),
                                  said.decode("latin-1")))

    def end(self):
        """Nothing was said that nobody expects."""
        for client in self.clients:
            if client and not client.closed:
                client.more(time.monotonic() + SILENCE_S)
                if client.heard:
                    raise Differs("more is said: %r" % client.heard)


class Scenes:
    """Plays them and counts."""

    def __init__(self, node, wanted, title):
        self.node = node
        self.title = title
        self.wanted = wanted
        self.names = set()
        self.shared = []  # between users
        self.failed = 0
        self.left_out = {}

    def is_left_out(self, scene):
        reasons = [reason for reason, rule in LEFT_OUT if rule(scene)]
        for reason in reasons:
            self.left_out.setdefault(reason, []).append(scene["name"])
        return bool(reasons)

    def take(self, scene):
        name = scene["name"]
        if self.wanted and name not in self.wanted:
            return
        assert name not in self.names, name + " has two scenes"
        self.names.add(name)
        if self.is_left_out(scene):
            return
        self.play(scene, name)
        if "Other Users" in scene["script"]:
            self.shared.append(scene)

    def play(self, scene, name):
        play = Play(self.node, scene)
        try:
            play.run()
            print("ok %s/%s" % (self.title, name), flush=True)
        except Exception as why:
            self.failed += 1
            if isinstance(why, Differs):
                print(why)
            else:
                traceback.print_exc(file=sys.stdout)
            print("not ok %s/%s" % (self.title, name), flush=True)
        play.close()
        scene_given.unmake(self.node, scene)

    def report(self):
        for reason, names in self.left_out.items():
            print("# %d left out, as %s: %s"
                  % (len(names), reason, " ".join(names)))
        left_out = {name for names in self.left_out.values() for name in names}
        print("# %d scenes, %d of them left out"
              % (len(self.names), len(left_out)))
        for reason, _ in LEFT_OUT:
            assert self.wanted or reason in self.left_out, (
                "no scene is left out, as " + reason)
        assert self.names - left_out, "nothing was played"


def main(title="scenes", look=lambda node: None):
    """`look` is told of each node when all was played on it."""
    test_words()
    print("ok %s/words" % title)
    with murder.Node(**NODE) as node:
        scenes = Scenes(node, set(sys.argv[1:]), title)
        for scene in export():
            scenes.take(scene)
        look(node)
        node.verify()
    # John's mail and jane's are in two groups, and now in one.
    settings = NODE["settings"] + " mail_groups = 1;"
    with murder.Node(**dict(NODE, settings=settings)) as scenes.node:
        for scene in scenes.shared:
            scenes.play(scene, scene["name"] + "_in_one_group")
        look(scenes.node)
        scenes.node.verify()
    scenes.report()
    sys.exit(1 if scenes.failed else 0)


if __name__ == "__main__":
    main()
