#!/usr/bin/env python3
"""Other people's mailboxes and shared folders: what their lists allow."""

import imaplib

import murder
from murder import message, ok

test = murder.Tests()
imaplib.Commands["MOVE"] = ("SELECTED",)


def names(imap, pattern='"*"'):
    """What LIST tells, without \\NoSelect and \\NonExistent."""
    found = []
    for line in ok(imap.list('""', pattern)):
        if line and b"\\No" + b"select" not in line \
                and b"\\NonExistent" not in line:
            found.append(line.rpartition(b' "/" ')[2].strip(b'"').decode())
    return sorted(found)


def three_users(node):
    for name in ("john", "jane", "jim"):
        node.user(name)
    return [node.imap(name) for name in ("john", "jane", "jim")]


def seen(imap):
    return ok(imap.search(None, "SEEN"))[0].split()


def move(imap, number, target):
    """The users may live in different groups."""
    ok(imap._simple_command("MOVE", number, target))


@test
def a_mailbox_is_visible_to_whom_it_is_shared_with():
    with murder.Node() as node:
        john, jane, jim = three_users(node)
        ok(jane.create("Plans"))
        ok(jane.append("Plans", None, None, message(1)))
        assert names(john) == ["INBOX"]
        ok(jane.setacl("Plans", "john", "lr"))
        assert names(john) == ["INBOX", "Other Users/jane/Plans"]
        assert names(jim) == ["INBOX"]
        assert names(john, '"Other Users/%"') == []
        assert names(john, '"Other Users/jane/%"') == [
            "Other Users/jane/Plans"]

        shared = '"Other Users/jane/Plans"'
        assert ok(john.status(shared, "(MESSAGES)"))
        assert ok(john.myrights(shared))[0].endswith(b" lr")
        assert ok(john.select(shared, readonly=True)) == [b"1"]
        assert ok(john.fetch("1", "(BODY.PEEK[])"))[0][1] == message(1)
        ok(john.unselect())
        for refused in (
                john.append(shared, None, None, message(2)),
                john.create('"Other Users/jane/Plans/New"'),
                john.delete(shared), john.rename(shared, "Mine"),
                john.setacl(shared, "john", "lrswipkxtea"),
                john.getacl(shared)):
            assert refused[0] == "NO" and b"NOPERM" in refused[1][0], refused
        # to jim it does not exist, nor can he tell it from one that does not
        answers = [jim.status(name, "(MESSAGES)") for name in
                   (shared, '"Other Users/jane/Absent"',
                    '"Other Users/nobody/Plans"')]
        assert len({(kind, data[0]) for kind, data in answers}) == 1, answers
        assert answers[0][0] == "NO", answers
        assert jim.select(shared)[0] == "NO"

        ok(jane.deleteacl("Plans", "john"))
        assert names(john) == ["INBOX"]
        assert john.select(shared)[0] == "NO"
        for imap in (john, jane, jim):
            imap.logout()
        node.verify()


@test
def rights_decide_what_may_be_done():
    with murder.Node() as node:
        john, jane, jim = three_users(node)
        ok(jane.create("Team"))
        ok(jane.setacl("Team", "john", "lrswi"))
        ok(jane.setacl("Team", "jim", "lrswite"))
        shared = '"Other Users/jane/Team"'
        ok(john.append(shared, r"(\Flagged)", None, message(1)))
        ok(john.append(shared, None, None, message(2)))
        ok(john.select(shared))
        ok(john.store("1", "+FLAGS", r"(\Answered)"))
        kind, data = john.store("1", "+FLAGS", r"(\Deleted)")
        flags = ok(john.fetch("1", "(FLAGS)"))[0]
        assert b"Deleted" not in flags, flags
        ok(jim.select(shared))
        ok(jim.store("1", "+FLAGS", r"(\Deleted)"))
        assert ok(jim.expunge()) == [b"1"]
        ok(jane.select("Team"))
        assert ok(jane.search(None, "ALL")) == [b"1"]
        # copies and moves between users
        ok(john.noop())
        ok(john.copy("1", "INBOX"))
        move(jim, "1", "INBOX")
        ok(jane.noop())
        assert ok(jane.search(None, "ALL")) == [b""]
        for imap in (john, jim):
            assert ok(imap.select("INBOX")) == [b"1"]
            assert ok(imap.fetch("1", "(BODY[])"))[0][1] == message(2)
        for imap in (john, jane, jim):
            imap.logout()
        node.verify()


@test
def everybody_has_a_seen_of_their_own():
    with murder.Node() as node:
        john, jane, jim = three_users(node)
        ok(jane.create("News"))
        ok(jane.setacl("News", "anyone", "lrs"))
        for i in range(3):
            ok(jane.append("News", None, None, message(i)))
        shared = '"Other Users/jane/News"'
        ok(jane.select("News"))
        ok(jane.store("1", "+FLAGS", r"(\Seen)"))
        for imap in (john, jim):
            ok(imap.select(shared))
            assert seen(imap) == []
        ok(john.fetch("2", "(BODY[])"))
        assert seen(john) == [b"2"]
        assert seen(jim) == []
        ok(jane.noop())
        assert seen(jane) == [b"1"]
        assert b"UNSEEN 2" in ok(john.status(shared, "(UNSEEN)"))[0]
        assert b"UNSEEN 3" in ok(jim.status(shared, "(UNSEEN)"))[0]
        for imap in (john, jane, jim):
            imap.logout()
        node.verify()


@test
def negative_rights_take_away():
    with murder.Node() as node:
        john, jane, jim = three_users(node)
        ok(jane.create("Most"))
        ok(jane.setacl("Most", "anyone", "lr"))
        ok(jane.setacl("Most", "-jim", "lr"))
        assert names(john) == ["INBOX", "Other Users/jane/Most"]
        assert names(jim) == ["INBOX"]
        for imap in (john, jane, jim):
            imap.logout()


@test
def shared_folders_belong_to_nobody():
    with murder.Node() as node:
        john, jane, jim = three_users(node)
        node.ctl("mailbox", "create", "shared.news")
        node.ctl("mailbox", "create", "shared.news.old")
        # whoever is logged in may read what is made
        assert names(john) == ["INBOX", "Shared Folders/shared",
                               "Shared Folders/shared/news",
                               "Shared Folders/shared/news/old"]
        for name in ("shared", "shared.news.old"):
            node.ctl("mailbox", "acl", name, "anyone", "")
        node.ctl("mailbox", "acl", "shared.news", "anyone", "lr")
        node.ctl("mailbox", "acl", "shared.news", "john", "lrswipkxtea")
        assert names(jane) == ["INBOX", "Shared Folders/shared/news"]
        shared = '"Shared Folders/shared/news"'
        ok(john.append(shared, None, None, message(1)))
        ok(jane.select(shared, readonly=True))
        assert ok(jane.fetch("1", "(BODY.PEEK[])"))[0][1] == message(1)
        assert jane.append(shared, None, None, message(2))[0] == "NO"
        # an administrator of it makes folders, and gives what he has
        ok(john.create('"Shared Folders/shared/news/new"'))
        assert "Shared Folders/shared/news/new" in names(jane)
        ok(john.setacl(shared, "jim", "lrs"))
        assert ok(jim.myrights(shared))[0].endswith(b" lrs")
        ok(john.subscribe(shared))
        assert ok(john.lsub()) == [b'() "/" "Shared Folders/shared/news"']
        for imap in (john, jane, jim):
            imap.logout()
        node.verify()


@test
def rights_that_go_end_the_session_that_has_it_open():
    with murder.Node() as node:
        john, jane, jim = three_users(node)
        ok(jane.create("Plans"))
        ok(jane.setacl("Plans", "john", "lrs"))
        ok(john.select('"Other Users/jane/Plans"'))
        ok(jane.setacl("Plans", "john", "l"))
        try:
            kind, data = john.noop()
            assert kind == "NO", (kind, data)
        except john.abort:
            pass  # BYE
        for imap in (jane, jim):
            imap.logout()


test.run()
