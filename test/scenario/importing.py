#!/usr/bin/env python3
"""murderctl import: every form that mail comes in, with flags and dates."""

import imaplib
import io
import os
import subprocess
import tarfile

import murder
from murder import message, ok

test = murder.Tests()

DATE = 1700000000  # seconds
DATE_TEXT = b'"14-Nov-2023 22:13:20 +0000"'


def write(path, octets, date=DATE):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(octets)
    os.utime(path, (date, date))
    return path


def stored(node, mailbox="INBOX", user="john"):
    """[(flags, date, octets)] in the order of UIDs."""
    imap = node.imap(user)
    ok(imap.select(mailbox, readonly=True))
    found = []
    for item in ok(imap.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")):
        if isinstance(item, tuple):
            date = item[0].partition(b"INTERNALDATE ")[2][:28]
            flags = {flag.decode() for flag in imaplib.ParseFlags(item[0])}
            found.append((flags - {"\\Recent"}, date, item[1]))
    imap.logout()
    return found


def lf(octets):
    return octets.replace(b"\r\n", b"\n")


@test
def files_keep_their_order_and_date():
    with murder.Node() as node:
        node.user("john")
        paths = [write(os.path.join(node.folder, name), lf(message(i)))
                 for i, name in enumerate(("z", "a", "m"))]
        answer = node.ctl("import", "user.john", *paths)
        assert answer["messages"] == 3, answer
        assert stored(node) == [(set(), DATE_TEXT, message(i))
                                for i in range(3)]
        node.verify()


@test
def a_folder_gives_all_its_files():
    with murder.Node() as node:
        node.user("john")
        mail = os.path.join(node.folder, "mail")
        for i in range(250):
            write(os.path.join(mail, "%d" % (i % 3), "%03d" % i), message(i))
        assert node.ctl("import", "user.john.All", mail)["messages"] == 250
        assert ({octets for _, _, octets in stored(node, "All")}
                == {message(i) for i in range(250)})


@test
def a_maildir_brings_its_flags():
    with murder.Node() as node:
        node.user("john")
        mail = os.path.join(node.folder, "Maildir")
        os.makedirs(os.path.join(mail, "tmp"))
        write(os.path.join(mail, "cur", "1.a:2,"), lf(message(1)))
        write(os.path.join(mail, "cur", "2.a:2,DFPRST"), lf(message(2)))
        write(os.path.join(mail, "new", "3.a"), lf(message(3)))
        write(os.path.join(mail, "tmp", "4.a"), b"half a")
        write(os.path.join(mail, "dovecot.index"), b"no mail")
        assert node.ctl("import", "user.john", mail)["messages"] == 3
        assert stored(node) == [
            (set(), DATE_TEXT, message(1)),
            ({"\\Draft", "\\Flagged", "$Forwarded", "\\Answered", "\\Seen",
              "\\Deleted"}, DATE_TEXT, message(2)),
            (set(), DATE_TEXT, message(3))]


def maildir(path, folders):
    """A Maildir++ with one message, named as its folder, in each."""
    for number, folder in enumerate(folders):
        for name in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(path, folder, name))
        write(os.path.join(path, folder, "cur", "%d.a:2,S" % number),
              folder_message(folder))
    return path


def folder_message(folder):
    return b"Subject: " + (folder or "INBOX").encode() + b"\r\n\r\ntext\r\n"


def names(imap, command="LIST"):
    """What LIST or LSUB shows, without \\NonExistent and the like."""
    kind, data = imap.list() if command == "LIST" else imap.lsub()
    assert kind == "OK"
    return {line.split(b' "/" ')[1].strip(b'"').decode()
            for line in data if line}


@test
def folders_of_a_maildir_become_mailboxes_below():
    folders = ["", ".Sent", ".Sent.2024", ".Lists.c", ".Entw&APw-rfe"]
    with murder.Node() as node:
        node.user("john")
        mail = maildir(os.path.join(node.folder, "Maildir"), folders)
        # what is no mail
        write(os.path.join(mail, ".Trash", "stray"), b"no folder")
        write(os.path.join(mail, "sieve", "main.sieve"), b"no mail")
        answer = node.ctl("import", "user.john", mail)
        assert (answer["messages"], answer["mailboxes"]) == (5, 5), answer
        assert answer["refused"] == [], answer
        wanted = {"INBOX": "", "Sent": ".Sent", "Sent/2024": ".Sent.2024",
                  "Lists/c": ".Lists.c",
                  "Entw&APw-rfe": ".Entw&APw-rfe"}
        for mailbox, folder in wanted.items():
            assert stored(node, mailbox) == [
                ({"\\Seen"}, DATE_TEXT, folder_message(folder))], mailbox
        imap = node.imap("john")
        assert names(imap) == set(wanted) | {"Lists"}, names(imap)
        assert names(imap, "LSUB") >= set(wanted) - {"INBOX"}
        # again: what is there is filled, and its subscription is left alone
        ok(imap.unsubscribe("Sent"))
        assert node.ctl("import", "user.john", mail)["messages"] == 5
        assert len(stored(node, "Sent")) == 2
        assert "Sent" not in names(imap, "LSUB")
        imap.logout()
        node.verify()


@test
def folders_of_a_maildir_may_be_left_out():
    with murder.Node() as node:
        node.user("john")
        mail = maildir(os.path.join(node.folder, "Maildir"),
                       ["", ".Sent", ".Sent.2024"])
        answer = node.ctl("--no-folders", "import", "user.john", mail)
        assert (answer["messages"], answer["mailboxes"]) == (1, 1), answer
        assert [octets for _, _, octets in stored(node)] == [
            folder_message("")]
        # one of them, into any mailbox
        answer = node.ctl("import", "user.john.Old",
                          os.path.join(mail, ".Sent"))
        assert answer["messages"] == 1, answer
        imap = node.imap("john")
        assert names(imap) == {"INBOX", "Old"}
        imap.logout()


@test
def a_maildir_of_another_layout_is_not_flattened():
    with murder.Node() as node:
        node.user("john")
        mail = maildir(os.path.join(node.folder, "Maildir"), ["", "Sent"])
        status, answer = node.try_ctl("import", "user.john", mail)
        assert status == 1 and answer["messages"] == 1, answer
        assert os.path.join(mail, "Sent") in answer["stderr"], answer


@test
def a_folder_that_can_be_no_mailbox_is_told_and_the_rest_goes_on():
    with murder.Node() as node:
        node.user("john")
        mail = maildir(os.path.join(node.folder, "Maildir"),
                       ["", ".a..b", ".INBOX", ".x%", ".z"])
        status, answer = node.try_ctl("import", "user.john", mail)
        assert status == 1, answer
        assert (answer["messages"], answer["mailboxes"]) == (2, 2), answer
        assert [one["folder"] for one in answer["refused"]] == [
            ".INBOX", ".a..b", ".x%"], answer
        assert len(stored(node, "z")) == 1
        done = node.run_ctl("import", "user.john", mail)
        assert done.returncode == 1
        assert ".a..b" in done.stderr, done
        assert done.stdout == "2 messages imported into 2 mailboxes\n", done
        # no user, no mailbox: nothing goes on
        status, answer = node.try_ctl("import", "user.jane", mail)
        assert status == 1 and not answer["ok"], answer


@test
def keywords_of_a_maildir_are_kept():
    with murder.Node() as node:
        node.user("john")
        mail = os.path.join(node.folder, "Maildir")
        write(os.path.join(mail, "dovecot-keywords"),
              b"0 $Junk\n1 work\n2 no(atom\n")
        write(os.path.join(mail, "cur", "1.a:2,Sabcd"), message(1))
        write(os.path.join(mail, ".Sub", "dovecot-keywords"), b"0 other\n")
        write(os.path.join(mail, ".Sub", "cur", "2.a:2,a"), message(2))
        node.ctl("import", "user.john", mail)
        assert stored(node)[0][0] == {"\\Seen", "$Junk", "work"}
        assert stored(node, "Sub")[0][0] == {"other"}


@test
def what_was_imported_is_told_in_plain_words():
    with murder.Node() as node:
        node.user("john")
        folder = os.path.join(node.folder, "mail")
        write(os.path.join(folder, "a"), message(1))
        assert (node.ctl_text("import", "user.john", folder)
                == "1 message imported\n")
        write(os.path.join(folder, "b"), b"")
        assert (node.ctl_text("import", "user.john", folder)
                == "1 message imported, 1 empty one left out\n")
        write(os.path.join(folder, "c"), message(2))
        write(os.path.join(folder, "d"), b"")
        assert (node.ctl_text("import", "user.john", folder)
                == "2 messages imported, 2 empty ones left out\n")


@test
def an_mbox_is_cut_at_its_from_lines():
    quoted = (b"Subject: quotes\n\n>From here\n>>From there\n> From\n"
              b"no From\n")
    with murder.Node() as node:
        node.user("john")
        from_line = b"From john@example.org Tue Nov 14 22:13:20 2023\n"
        status = b"Status: RO\nX-Status: AF\n"
        path = write(os.path.join(node.folder, "mbox"),
                     from_line + status + lf(message(1)) + b"\n"
                     + from_line + quoted + b"\n"
                     + from_line + lf(message(3)) + b"\n", 0)
        answer = node.ctl("--format", "mbox", "import", "user.john", path)
        assert answer["messages"] == 3, answer
        assert stored(node) == [
            ({"\\Seen", "\\Answered", "\\Flagged"}, DATE_TEXT,
             b"Status: RO\r\nX-Status: AF\r\n" + message(1)),
            (set(), DATE_TEXT, b"Subject: quotes\r\n\r\nFrom here\r\n"
             b">From there\r\n> From\r\nno From\r\n"),
            (set(), DATE_TEXT, message(3))]


@test
def a_tar_brings_flags_and_dates():
    with murder.Node() as node:
        node.user("john")
        for name, mode in (("a.tar", "w"), ("b.tar.gz", "w:gz"),
                           ("c.tar.xz", "w:xz")):
            path = os.path.join(node.folder, name)
            with tarfile.open(path, mode) as tar:
                for i in range(3):
                    info = tarfile.TarInfo("mail/cur/%d.x:2,%s"
                                           % (i, "FS" if i == 1 else ""))
                    info.size = len(lf(message(i)))
                    info.mtime = DATE
                    tar.addfile(info, io.BytesIO(lf(message(i))))
            node.ctl("import", "user.john." + name[0], path)
            assert stored(node, name[0]) == [
                ({"\\Flagged", "\\Seen"} if i == 1 else set(), DATE_TEXT,
                 message(i)) for i in range(3)]


@test
def what_is_not_mail_is_told():
    with murder.Node() as node:
        node.user("john")
        folder = os.path.join(node.folder, "mail")
        write(os.path.join(folder, "a"), message(1))
        empty = write(os.path.join(folder, "b"), b"")
        # a From_ line in front of a message is not known to be the mbox's
        kept = b"From x Tue Nov 14 22:13:20 2023\r\n" + message(2)
        write(os.path.join(folder, "c"), kept)
        status, answer = node.try_ctl("import", "user.john", folder)
        assert status == 0, answer
        assert (answer["messages"], answer["empty"]) == (2, 1), answer
        assert empty in answer["stderr"], answer
        assert [octets for _, _, octets in stored(node)] == [message(1), kept]

        absent = os.path.join(node.folder, "absent")
        status, answer = node.try_ctl("import", "user.john", absent, folder)
        assert status == 1 and absent in answer["stderr"], answer
        assert answer["messages"] == 2, answer
        status, answer = node.try_ctl("--format", "mbox", "import",
                                      "user.john", os.path.join(folder, "a"))
        assert status == 1 and "not an mbox" in answer["stderr"], answer
        status, answer = node.try_ctl("import", "user..john", folder)
        assert status == 1 and not answer["ok"], answer
        status, answer = node.try_ctl("import", "user.jane", folder)
        assert status == 1 and not answer["ok"], answer
        assert len(stored(node)) == 4


@test
def one_that_is_too_large_ends_it_with_a_count():
    with murder.Node(settings='message_max = "1M";') as node:
        node.user("john")
        folder = os.path.join(node.folder, "mail")
        for i in range(150):
            write(os.path.join(folder, "%03d" % i), message(i))
        write(os.path.join(folder, "150"), message(150, 2000000))
        write(os.path.join(folder, "151"), message(151))
        status, answer = node.try_ctl("import", "user.john", folder)
        assert status == 1 and "100 messages" in answer["text"], answer
        assert len(stored(node)) == 100
        node.verify()


@test
def murderctl_may_be_killed_within_it():
    with murder.Node() as node:
        node.user("john")
        folder = os.path.join(node.folder, "mail")
        for i in range(2000):
            write(os.path.join(folder, "%04d" % i), message(i, 20000))
        child = subprocess.Popen(
            [os.path.join(murder.BUILD, "murderctl"), "--socket",
             os.path.join(node.data, "admin.sock"), "import", "user.john",
             folder], stdout=subprocess.DEVNULL)
        while not node.ctl("status")["bodies"]["bodies"] > 200:
            pass
        child.kill()
        child.wait()
        found = stored(node)
        assert len(found) % 100 == 0
        assert [octets for _, _, octets in found] == [
            message(i, 20000) for i in range(len(found))]
        node.verify()


test.run()
