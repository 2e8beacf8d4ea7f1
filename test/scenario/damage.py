"""What the scenarios of damaged files share."""

import os

import murder
from murder import message, ok


def start_fails(node):
    """What murderd says before it ends with status 1."""
    size = os.path.getsize(node.log)
    try:
        node.start()
    except AssertionError:
        pass
    else:
        raise AssertionError("it starts")
    assert node.process.wait(30) == 1, node.process.returncode
    node.process = None
    with open(node.log, errors="replace") as log:
        log.seek(size)
        text = log.read()
    assert "PANIC" not in text, text
    return text


def change(path, at, octets):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(octets)


def find(folder, text):
    """(path, offset) of these octets in the last file that has them."""
    for base, _, names in os.walk(folder):
        for name in sorted(names, reverse=True):
            path = os.path.join(base, name)
            with open(path, "rb") as file:
                at = file.read().rfind(text)
            if at >= 0:
                return path, at
    raise AssertionError("%r is nowhere in %s" % (text, folder))


def filled(node, count=10):
    """Users in different groups, with some messages each."""
    groups = {}
    for user in ("john", "jane"):
        groups[user] = node.ctl("user", "add", user, stdin=murder.PASSWORD
                                % user + "\n")["group"]
        imap = node.imap(user)
        for i in range(count):
            ok(imap.append("INBOX", "(keyword%d)" % (i % 50), None,
                           message(i, 3000)))
        imap.logout()
    assert groups["john"] != groups["jane"]
    return groups


def expect_mail(node, user, count=10):
    imap = node.imap(user)
    assert ok(imap.select("INBOX")) == [b"%d" % count]
    data = ok(imap.fetch("1:*", "(BODY.PEEK[])"))
    assert [item[1] for item in data[::2]] == [
        message(i, 3000) for i in range(count)]
    imap.logout()
