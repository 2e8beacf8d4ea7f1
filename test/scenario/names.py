#!/usr/bin/env python3
"""Mailbox names: the namespace settings, special characters, the tree."""

import murder
from murder import message, ok

test = murder.Tests()


def listed(imap, *words):
    """[(attributes, separator, name)] of a LIST."""
    found = []
    for line in ok(imap.list(*words)):
        if line:
            attributes, _, rest = line.partition(b") ")
            separator, _, name = rest.partition(b" ")
            found.append((set(attributes.strip(b"(").decode().split()),
                          separator.strip(b'"').decode(),
                          name.strip(b'"').decode()))
    return found


def names(imap, *words):
    return sorted(name for _, _, name in listed(imap, *words))


@test
def standard_namespace_with_dots():
    settings = 'namespace = { altnamespace = false; separator = "."; };'
    with murder.Node(settings=settings) as node:
        node.user("john")
        node.user("jane")
        imap = node.imap("john")
        assert ok(imap.namespace()) == [
            b'(("INBOX." ".")) (("user." ".")) (("" "."))']
        ok(imap.create("INBOX.Sent"))
        ok(imap.create("INBOX.Work.2026"))
        assert imap.create("Sent")[0] == "NO"
        assert imap.create("INBOX.a/b")[0] == "NO"
        assert set(names(imap)) - {"INBOX.Work"} == {
            "INBOX", "INBOX.Sent", "INBOX.Work.2026"}
        assert names(imap, '""', '"INBOX.%"') == ["INBOX.Sent", "INBOX.Work"]
        assert all(separator == "." for _, separator, _ in listed(imap))
        ok(imap.append("INBOX.Sent", None, None, message(1)))
        jane = node.imap("jane")
        ok(jane.create("INBOX.Plans"))
        ok(jane.setacl("INBOX.Plans", "john", "lr"))
        assert "user.jane.Plans" in names(imap)
        ok(imap.select("user.jane.Plans", readonly=True))
        node.ctl("mailbox", "create", "shared.news")
        node.ctl("mailbox", "acl", "shared.news", "anyone", "lr")
        assert "shared.news" in names(imap)
        with node.lmtp() as lmtp:
            answers = lmtp.deliver("x@example.org", ["john+Sent"], message(2))
        assert answers["john+Sent"][0] == 250, answers
        assert ok(imap.select("INBOX.Sent")) == [b"2"]
        for client in (imap, jane):
            client.logout()
        node.verify()


@test
def the_settings_change_only_what_is_seen():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        ok(imap.create('"Work/A.B"'))
        ok(imap.append('"Work/A.B"', None, None, message(1)))
        imap.logout()
        node.stop()
        with open(node.config, "a") as out:
            out.write('namespace = { altnamespace = false; '
                      'separator = "."; };\n')
        node.start()
        imap = node.imap("john")
        found = [name for name in names(imap) if name.startswith("INBOX.Work.")]
        assert len(found) == 1, names(imap)
        assert ok(imap.select('"%s"' % found[0])) == [b"1"]
        imap.logout()


@test
def a_deleted_name_leaves_its_children():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        ok(imap.create("A/B/C"))
        ok(imap.append("A/B/C", None, None, message(1)))
        assert "A/B/C" in names(imap)
        ok(imap.create("X"))
        ok(imap.create("X/Y"))
        ok(imap.append("X", None, None, message(2)))
        ok(imap.delete("X"))
        # a name that only has children is told by % (RFC 9051 section 6.3.9)
        above = [attributes for attributes, _, name
                 in listed(imap, '""', '"%"') if name == "X"]
        assert len(above) == 1, listed(imap, '""', '"%"')
        assert above[0] & {"\\Noselect", "\\NonExistent"}, above
        assert imap.select("X")[0] == "NO"
        ok(imap.delete("X/Y"))
        assert not {"X", "X/Y"} & set(names(imap))
        # UIDVALIDITY is never the same again (RFC 9051 section 2.3.1.1)
        ok(imap.select("A/B/C"))
        first = imap.response("UIDVALIDITY")[1]
        ok(imap.unselect())
        ok(imap.delete("A/B/C"))
        ok(imap.create("A/B/C"))
        assert ok(imap.select("A/B/C")) == [b"0"]
        assert imap.response("UIDVALIDITY")[1] != first
        assert imap.delete("INBOX")[0] == "NO"
        imap.logout()
        node.verify()


@test
def a_rename_takes_the_tree_along():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        for name in ("Old", "Old/Deep", "Old/Deep/er"):
            ok(imap.create(name))
            ok(imap.append(name, None, None, message(1)))
        ok(imap.subscribe("Old/Deep"))
        other = node.imap("john")
        ok(other.select("Old/Deep"))
        ok(imap.rename("Old", "New"))
        assert names(imap) == ["INBOX", "New", "New/Deep", "New/Deep/er"]
        # whoever has it open goes on
        assert ok(other.fetch("1", "(BODY[])"))[0][1] == message(1)
        ok(other.append("New/Deep", None, None, message(2)))
        assert ok(other.noop())
        assert ok(other.search(None, "ALL")) == [b"1 2"]
        assert imap.rename("New", "New/Deep/Loop")[0] == "NO"
        assert imap.rename("Absent", "Other")[0] == "NO"
        ok(imap.create("Taken"))
        assert imap.rename("New", "Taken")[0] == "NO"
        # INBOX is emptied, not moved (RFC 9051 section 6.3.6)
        ok(imap.append("INBOX", None, None, message(3)))
        ok(imap.rename("INBOX", "Archive"))
        assert ok(imap.select("INBOX")) == [b"0"]
        assert ok(imap.select("Archive")) == [b"1"]
        for client in (imap, other):
            client.logout()
        node.verify()


@test
def special_uses_are_listed():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        kind, data = imap._simple_command("CREATE", "Sent", "(USE (\\Sent))")
        assert kind == "OK", data
        assert {"\\Sent"} <= next(attributes for attributes, _, name
                                  in listed(imap) if name == "Sent")
        imap.logout()


test.run()
