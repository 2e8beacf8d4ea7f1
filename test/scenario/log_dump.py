#!/usr/bin/env python3
"""murderctl log dump: each committed command once, and nothing secret."""

import hashlib
import json
import socket

import murder
from murder import PASSWORD, message, ok

test = murder.Tests()


def dump(node):
    """The lines; the last one says how many commands there are."""
    text = node.ctl_text("--json", "log", "dump")
    lines = [json.loads(line) for line in text.splitlines()]
    commands = [line for line in lines if "kind" in line]
    assert lines[-1] == {"end": len(commands)}, lines[-1]
    for secret in (PASSWORD % "john", "salt", "stored_key", "server_key"):
        assert secret not in text, secret
    return lines, commands


def check_places(lines, commands):
    """Indexes of a group rise by one from the first to the last one told."""
    begins = {line["begin"]["group"]: line["begin"] for line in lines
              if "begin" in line}
    for group, begin in begins.items():
        indexes = sorted({command["index"] for command in commands
                          if command["group"] == group})
        assert indexes == list(range(begin["first"], begin["commit"] + 1))
        assert begin["first"] == 1, begin
    assert 0 in begins and len(begins) == 5, begins


def hashes(commands):
    return [one["hash"] for command in commands
            for one in command.get("messages", ())]


@test
def what_was_acknowledged_is_told_once():
    with murder.Node(settings="""store = { wal_segment = "256K";
                                           wal_keep = "1T"; };""") as node:
        node.user("john")
        texts = [message(number, 30000 if number % 10 == 0 else 0)
                 for number in range(60)]
        imap = node.imap("john")
        for text in texts:
            ok(imap.append("INBOX", None, None, text))
        ok(imap.select())
        ok(imap.uid("STORE", "3,5", "FLAGS", r"(\Deleted $k1)"))
        ok(imap.uid("EXPUNGE", "3,5"))
        wanted = sorted(hashlib.sha256(text).hexdigest() for text in texts)
        for _ in range(2):
            lines, commands = dump(node)
            check_places(lines, commands)
            assert sorted(hashes(commands)) == wanted
            store, = [c for c in commands if c["kind"] == "STORE"]
            assert store["uids"] == "3,5" and store["keywords"] == ["$k1"]
            assert store["flags"] == ["\\Deleted"], store
            expunge, = [c for c in commands if c["kind"] == "EXPUNGE"]
            assert expunge["uids"] == "3,5", expunge
            names = [c["name"] for c in commands if c["kind"] == "USER_ADD"]
            assert names == ["john"], names
            node.kill()  # and what a start reads is the same
            node.start()
        node.stop()
        node.start()
        assert sorted(hashes(dump(node)[1])) == wanted


@test
def a_node_without_a_cluster_has_nothing_to_tell():
    with murder.Node(init=False) as node:
        status, answer = node.try_ctl("log", "dump")
        assert status == 1 and "init" in answer["text"], answer


@test
def who_goes_away_midway_leaves_nothing_behind():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        for number in range(40):
            ok(imap.append("INBOX", None, None, message(number)))
        for waits in (False, True, True):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(node.data + "/admin.sock")
                sock.sendall(b'{"v":1,"cmd":"log.dump"}\n')
                if waits:
                    assert sock.recv(1000).startswith(b"{")
        dump(node)


test.run()
