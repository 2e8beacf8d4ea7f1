#!/usr/bin/env python3
"""Access lists between users, and what a change does to open sessions."""

import murder
from murder import message, ok

test = murder.Tests()


@test
def a_shared_folder_is_seen_by_whom_it_is_shared_with():
    with murder.Node() as node:
        for user in ("john", "jane", "rook"):
            node.user(user)
        jane = node.imap("jane")
        ok(jane.create("Project"))
        ok(jane.append("Project", None, None, message(1)))
        ok(jane.setacl("Project", "john", "lrs"))
        john = node.imap("john")
        names = b" ".join(ok(john.list()))
        assert b'"Other Users/jane/Project"' in names, names
        assert ok(john.select('"Other Users/jane/Project"')) == [b"1"]
        assert john.append('"Other Users/jane/Project"', None, None,
                           message(2))[0] == "NO"
        rook = node.imap("rook")
        assert b"jane" not in b" ".join(ok(rook.list()))
        assert rook.select('"Other Users/jane/Project"')[0] == "NO"
        for client in (jane, john, rook):
            client.logout()


@test
def a_right_that_is_taken_away_ends_the_session():
    with murder.Node() as node:
        node.user("john")
        node.user("jane")
        jane = node.imap("jane")
        ok(jane.create("Project"))
        ok(jane.setacl("Project", "john", "lrs"))
        john = node.imap("john")
        ok(john.select('"Other Users/jane/Project"'))
        ok(jane.setacl("Project", "john", '""'))
        try:
            for _ in range(100):
                john.noop()
            raise AssertionError("the session goes on")
        except john.abort:
            pass
        jane.logout()


@test
def names_that_are_hidden_do_not_show_by_their_refusals():
    with murder.Node() as node:
        node.user("john")
        node.user("jane")
        john, jane = node.imap("john"), node.imap("jane")
        ok(john.create("a/b"))
        ok(john.delete("a"))  # a name without a mailbox, above a/b
        for command, rest in (("DELETE", ""), ("RENAME", " new"),
                              ("SELECT", ""), ("STATUS", " (MESSAGES)"),
                              ("GETACL", ""), ("MYRIGHTS", ""),
                              ("SUBSCRIBE", "")):
            answers = set()
            for name in ("john/a", "john/a/b", "john/none", "nobody/none"):
                jane.send(b'x %s "Other Users/%s"%s\r\n' % (
                    command.encode(), name.encode(), rest.encode()))
                answers.add(jane.readline())
            assert len(answers) == 1, answers
            assert b"x NO" in answers.pop()


test.run()
