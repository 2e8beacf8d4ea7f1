#!/usr/bin/env python3
"""A node without mail of its own: its clients see no difference."""

import cluster
import murder
from murder import message, ok

test = murder.Tests()


class Frontend(cluster.Cluster):
    """Some nodes with mail, and one that has none."""

    def __init__(self, backends, **options):
        super().__init__(backends + 1, **options)
        self.front = self.nodes[-1]

    def join(self, node):
        roles = "master,frontend"
        if node is not self.front:
            roles += ",backend"
        token = self.living()[0].ctl("token", "create", "--roles", roles,
                                     node.name)["token"]
        node.start(init=False)
        node.ctl("join", token)
        node.await_port(node.imap_port)

    def unsettled(self):
        """Groups of mail are not on the frontend."""
        for group in self.status()["cluster_groups"]:
            has = {replica["node"] for replica in group["replicas"]
                   if replica["is"] == replica["wanted"] and replica["open"]}
            wanted = len(self.nodes)
            if group["group"] != 0:
                wanted = min(wanted - 1, 3)
            if not group["leader"] or len(has) != wanted:
                return "group %d: %r" % (group["group"], group)
        return None


def deliver(node, count, user="john", first=0):
    with node.lmtp() as lmtp:
        for i in range(first, first + count):
            answers = lmtp.deliver("a@example.org", [user], message(i))
            assert answers[user][0] == 250, answers


def has_no_mail(node):
    groups = [group["group"] for group in node.ctl("status")["groups"]]
    assert groups == [0], groups


@test
def mail_is_read_and_changed():
    with Frontend(1) as nodes:
        nodes.user("john")
        deliver(nodes[0], 5)
        has_no_mail(nodes.front)
        imap = nodes.front.imap("john")
        assert ok(imap.select("INBOX")) == [b"5"]
        data = ok(imap.fetch("1:*", "(BODY.PEEK[])"))
        texts = [part[1] for part in data if isinstance(part, tuple)]
        assert len(texts) == 5
        for i, text in enumerate(texts):
            assert text.endswith(message(i)), text
        ok(imap.store("2:3", "+FLAGS", r"(\Deleted $x)"))
        assert ok(imap.search(None, "KEYWORD $x")) == [b"2 3"]
        assert ok(imap.expunge()) == [b"3", b"2"]
        ok(imap.create("Sent"))
        ok(imap.copy("1:*", "Sent"))
        status = ok(imap.status("Sent", "(MESSAGES UIDNEXT)"))
        assert b"MESSAGES 3 UIDNEXT 4" in status[0], status
        ok(imap.select("Sent"))
        assert ok(imap.search(None, "ALL")) == [b"1 2 3"]
        # The others see the same.
        other = nodes[0].imap("john")
        assert ok(other.select("INBOX")) == [b"3"]
        assert ok(other.select("Sent")) == [b"3"]


@test
def a_session_hears_what_happens_elsewhere():
    with Frontend(1) as nodes:
        nodes.user("john")
        deliver(nodes[0], 1)
        imap = nodes.front.imap("john")
        assert ok(imap.select("INBOX")) == [b"1"]
        imap.send(b"i IDLE\r\n")
        assert imap.readline().startswith(b"+ ")
        deliver(nodes[0], 1, first=1)
        line = imap.readline()
        assert line == b"* 2 EXISTS\r\n", line
        imap.send(b"DONE\r\n")
        line = imap.readline()
        while line.startswith(b"*"):
            line = imap.readline()
        assert line.startswith(b"i OK"), line


@test
def mail_is_given_to_a_node_without_any():
    with Frontend(1) as nodes:
        nodes.user("john")
        deliver(nodes.front, 3)
        imap = nodes.front.imap("john")
        ok(imap.append("INBOX", r"(\Flagged)", None, message(9)))
        assert ok(imap.select("INBOX")) == [b"4"]
        data = ok(imap.fetch("4", "(FLAGS BODY.PEEK[])"))
        assert data[0][1] == message(9), data
        assert nodes.front.ctl("status")["bodies"]["bodies"] == 0
        other = nodes[0].imap("john")
        assert ok(other.select("INBOX")) == [b"4"]
        nodes[0].verify()


@test
def another_replica_takes_over():
    with Frontend(3) as nodes:
        nodes.user("john")
        deliver(nodes[0], 4)
        imap = nodes.front.imap("john")
        assert ok(imap.select("INBOX")) == [b"4"]
        for victim in nodes.nodes[:3]:
            victim.kill()
            data = ok(imap.fetch("1:4", "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
            assert len([p for p in data if isinstance(p, tuple)]) == 4, data
            ok(imap.store("1", "+FLAGS", r"(\Answered)"))
            ok(imap.noop())
            victim.start()
            nodes.settle()


test.run()
