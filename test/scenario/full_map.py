#!/usr/bin/env python3
"""Tables above their fill limit: only what frees space is taken."""

import os

import murder
from murder import message, ok

test = murder.Tests()

SETTINGS = """store = { map_size = "16M"; fill_limit = 10; wal_segment = "1M"; };
mail_groups = 1;
"""


def fill(imap, count):
    """Copies INBOX until that is refused; the refusal."""
    for _ in range(200):
        kind, data = imap.copy("1:%d" % count, "Copies")
        if kind != "OK":
            return data[0]
    raise AssertionError("never full")


@test
def above_the_limit_mail_can_be_read_and_removed():
    count = 400
    with murder.Node(settings=SETTINGS) as node:
        node.user("john")
        folder = os.path.join(node.folder, "mail")
        os.mkdir(folder)
        for i in range(count):
            with open(os.path.join(folder, "%04d" % i), "wb") as out:
                out.write(message(i))
        node.ctl("import", "user.john", folder)
        imap = node.imap("john")
        ok(imap.create("Copies"))
        ok(imap.select("INBOX"))
        refusal = fill(imap, count)
        assert b"[UNAVAILABLE]" in refusal, refusal
        kind, data = imap.append("INBOX", None, None, message(1))
        assert kind == "NO" and b"[UNAVAILABLE]" in data[0], data
        with node.lmtp() as lmtp:
            answer = lmtp.deliver("x@example.org", ["john"],
                                  message(2))["john"]
            assert 400 <= answer[0] < 500, answer
        data = ok(imap.fetch("7", "(BODY.PEEK[])"))
        assert data[0][1] == message(6)
        # making room works, after a start too
        imap.logout()
        node.stop()
        node.start()
        imap = node.imap("john")
        ok(imap.select("Copies"))
        ok(imap.store("1:*", "+FLAGS.SILENT", r"(\Deleted)"))
        ok(imap.expunge())
        ok(imap.append("INBOX", None, None, message(count)))
        assert ok(imap.select("INBOX")) == [b"%d" % (count + 1)]
        imap.logout()
        node.verify()


test.run()
