#!/usr/bin/env python3
"""Real mail: all of it imports, and every message comes back as it was.

Reads $MURDER_CORPUS, or unpacks ../shared/corpus beside the repository.
"""

import collections
import glob
import hashlib
import os
import re
import subprocess
import sys

import murder
from murder import ok

test = murder.Tests()


def corpus(folder):
    """The folder of the corpus, or None."""
    found = os.environ.get("MURDER_CORPUS")
    if found:
        return found
    archives = glob.glob(os.path.join(murder.ROOT, "../shared/corpus/*.zst"))
    for archive in archives:
        unpacked = subprocess.run(["zstd", "-dc", archive], check=True,
                                  capture_output=True).stdout
        subprocess.run(["tar", "x", "-C", folder], input=unpacked, check=True)
    return folder if archives else None


def stored(octets):
    """What a message becomes: each LF not after CR is CRLF."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", octets)


def digests(folder):
    found = collections.Counter()
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                octets = file.read()
            if octets:
                found[hashlib.sha256(stored(octets)).digest()] += 1
    return found


@test
def every_message_comes_back_as_it_was():
    with murder.Node() as node:
        node.user("john")
        folder = os.path.join(node.folder, "corpus")
        os.mkdir(folder)
        mail = corpus(folder)
        wanted = digests(mail)
        status, answer = node.try_ctl("import", "--format", "message",
                                      "user.john", mail)
        assert status == 0, answer
        assert answer["messages"] == sum(wanted.values()), answer
        assert answer["empty"] >= 0
        imap = node.imap("john")
        count = int(ok(imap.select("INBOX", readonly=True))[0])
        found = collections.Counter()
        for first in range(1, count + 1, 200):
            data = ok(imap.fetch("%d:%d" % (first, min(first + 199, count)),
                                 "(BODY.PEEK[])"))
            for part in data:
                if isinstance(part, tuple):
                    found[hashlib.sha256(part[1]).digest()] += 1
        assert found == wanted, (len(found), len(wanted))
        imap.logout()
        node.verify()


if not (os.environ.get("MURDER_CORPUS") or
        glob.glob(os.path.join(murder.ROOT, "../shared/corpus/*.zst"))):
    print("no corpus of real mail: MURDER_CORPUS is not set")
    sys.exit(77)
test.run()
