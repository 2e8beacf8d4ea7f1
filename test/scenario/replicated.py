#!/usr/bin/env python3
"""Three nodes: what one is given all have, and any of them may die."""

import time

import cluster
import murder
from murder import message, ok

test = murder.Tests()


def count(imap):
    return int(ok(imap.select("INBOX"))[0])


@test
def mail_that_one_node_is_given_is_read_at_another():
    with cluster.Cluster(3) as nodes:
        nodes.user("john")
        with nodes[0].lmtp() as lmtp:
            for i in range(5):
                answers = lmtp.deliver("a@example.org", ["john"], message(i))
                assert answers["john"][0] == 250, answers
        ok(nodes[1].imap("john").append("INBOX", None, None, message(9)))
        for node in nodes:
            imap = node.imap("john")
            assert count(imap) == 6
            data = ok(imap.fetch("1:*", "(BODY.PEEK[])"))
            texts = [part[1] for part in data if isinstance(part, tuple)]
            assert texts[5] == message(9)
            imap.logout()


@test
def a_session_sees_what_another_node_did():
    with cluster.Cluster(3) as nodes:
        nodes.user("john")
        one = nodes[0].imap("john")
        two = nodes[2].imap("john")
        assert count(two) == 0
        for i in range(10):
            ok(one.append("INBOX", None, None, message(i)))
            ok(two.noop())
            assert count(two) == i + 1
        ok(one.select("INBOX"))
        ok(one.store("1:3", "+FLAGS", r"(\Flagged)"))
        assert ok(two.search(None, "FLAGGED")) == [b"1 2 3"]


@test
def any_node_may_die_and_comes_back():
    with cluster.Cluster(3) as nodes:
        nodes.user("john")
        sent = 0
        for victim in range(3):
            node = nodes[victim]
            others = [n for n in nodes if n is not node]
            sessions = [n.imap("john") for n in others]
            node.kill()
            for i in range(5):
                for imap in sessions:
                    ok(imap.append("INBOX", None, None, message(sent)))
                    sent += 1
            for imap in sessions:
                assert count(imap) == sent
                imap.logout()
            node.start()
            nodes.settle()
            imap = node.imap("john")
            assert count(imap) == sent
            data = ok(imap.fetch("1:*", "(BODY.PEEK[])"))
            texts = [part[1] for part in data if isinstance(part, tuple)]
            assert texts == [message(i) for i in range(sent)]
            imap.logout()
        for node in nodes:
            node.verify()


@test
def idle_at_one_node_hears_of_another():
    with cluster.Cluster(3) as nodes:
        nodes.user("john")
        imap = nodes[2].imap("john")
        assert count(imap) == 0
        imap.send(b"i1 IDLE\r\n")
        assert imap.readline().startswith(b"+")
        began = time.monotonic()
        with nodes[0].lmtp() as lmtp:
            lmtp.deliver("a@example.org", ["john"], message(1))
        line = imap.readline()
        assert line == b"* 1 EXISTS\r\n", line
        assert time.monotonic() - began < 5


test.run()
