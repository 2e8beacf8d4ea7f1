#!/usr/bin/env python3
"""Starts after clean stops and after kill -9, mixed."""

import random

import murder
from murder import message, ok

test = murder.Tests()


@test
def many_restarts():
    with murder.Node() as node:
        node.user("john")
        seed = random.randrange(1 << 32)
        choice = random.Random(seed)
        for i in range(6):
            imap = node.imap("john")
            ok(imap.append("INBOX", None, None, message(i)))
            if choice.random() < 0.5:
                node.kill()
            else:
                imap.logout()
                node.stop()
            node.start()
        imap = node.imap("john")
        assert ok(imap.select("INBOX")) == [b"6"], seed
        imap.logout()
        assert node.ctl("status")["starts"] == 7
        node.verify()


test.run()
