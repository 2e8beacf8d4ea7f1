"""What is given in a scene, made on a real server.

UIDs are the same as in the scene: messages that nobody needs are appended, and
expunged, where there is a gap. So is the order of changes; if the mod-sequences
are not, Words gets a map of them.
"""

import json
import re
import socket
import time

from scene_client import Client, octets
from scene_words import Ordered, key

FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
DRAFT = 1 << FLAGS.index("\\Draft")
USES = ("\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent",
        "\\Trash", "\\Important")
ALL_RIGHTS = "lrswipkxteacd"
FILLER = "X: \r\n\r\n"
FILLERS = 32  # appended at once; more are copies
COPIES = 256  # of one COPY, which takes no more UIDs than it needs


def admin(node, command, **args):
    """A command of murderctl, without its process."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(node.data + "/admin.sock")
        sock.sendall(json.dumps({"v": 1, "cmd": command, "args": args}).encode()
                     + b"\n")
        answer = json.loads(sock.makefile().readline())
    assert answer["ok"], (command, args, answer)


def words_of(bits, words):
    return [word for at, word in enumerate(words) if bits >> at & 1]


def literal(text):
    return "{%d+}\r\n%s" % (len(text), text)


def internal_date(message):
    moment = time.gmtime(message["date_s"] + message["zone_min"] * 60)
    zone = message["zone_min"]
    return '"%2d-%s %s%02d%02d"' % (
        moment.tm_mday, time.strftime("%b-%Y %H:%M:%S", moment),
        "-" if zone < 0 else "+", *divmod(abs(zone), 60))


class Box:
    """One mailbox; its owner is logged in as `client`."""

    def __init__(self, client, given, user):
        self.client = client
        self.given = given
        self.user = user
        self.name = '"%s"' % given["name"]
        self.modseqs = Ordered()

    def create(self):
        uses = words_of(self.given["special_use"], USES)
        if self.given["name"] != "INBOX":
            self.client.run("CREATE " + self.name +
                            (" (USE (%s))" % " ".join(uses) if uses else ""))

    def make(self):
        if self.given["uidnext"] > 1:
            self.client.run("SELECT " + self.name)
            self.append_all()
            self.order()
            self.client.run("UNSELECT")
        own = {"identifier": self.user["name"], "rights": ALL_RIGHTS}
        self.client.run(*["SETACL %s %s %s" % (
            self.name, acl["identifier"], re.sub("[cd]", "", acl["rights"]))
            for acl in self.given["acl"] if acl != own])

    # UIDs

    def append(self, message):
        flags = words_of(message["flags"], FLAGS) + message["keywords"]
        if message["seen"] >> self.user["index"] & 1:
            flags.append("\\Seen")
        return "APPEND %s (%s) %s %s" % (
            self.name, " ".join(flags), internal_date(message),
            literal(message["octets"]))

    def fill(self, first, end):
        """Messages that nobody needs, with UIDs from `first` up to `end`."""
        done = first + min(end - first, FILLERS)
        self.client.run("APPEND %s %s" % (
            self.name, " ".join([literal(FILLER)] * (done - first))))
        while done < end:
            count = min(end - done, done - first, COPIES)
            self.client.run("UID COPY %d:%d %s" % (
                first, first + count - 1, self.name))
            done += count

    def drop(self, uids):
        self.client.run("UID STORE %s +FLAGS.SILENT (\\Deleted)" % uids,
                        "UID EXPUNGE " + uids)

    def append_all(self):
        messages = {message["uid"]: message
                    for message in self.given["messages"]}
        gone = {vanished["uid"] for vanished in self.given["vanished"]}
        uid = 1
        while uid < self.given["uidnext"]:
            first = uid
            commands = []
            while uid in messages:
                commands.append(self.append(messages[uid]))
                uid += 1
            self.client.run(*commands)
            while uid in gone:
                self.fill(uid, uid + 1)
                uid += 1
            gap = uid
            while (uid < self.given["uidnext"] and uid not in messages
                   and uid not in gone):
                uid += 1
            if uid > gap:
                self.fill(gap, uid)
                self.drop("%d:%d" % (gap, uid - 1))
            assert uid > first

    # mod-sequences

    def highest(self):
        (line,), = self.client.run("STATUS %s (HIGHESTMODSEQ)" % self.name)[-1:]
        return int(re.search(r"HIGHESTMODSEQ (\d+)", line)[1])

    def real(self):
        """Mod-sequences of all messages, by UID."""
        found = {}
        for line in self.client.run("UID FETCH 1:* (MODSEQ)")[0]:
            match = re.search(r"FETCH \(UID (\d+) MODSEQ \((\d+)\)", line)
            if match:
                found[int(match[1])] = int(match[2])
        return found

    def touch(self, messages):
        """They change last, and are as before."""
        drafts = {message["flags"] & DRAFT for message in messages}
        uids = ",".join(str(message["uid"]) for message in messages)
        assert len(drafts) == 1, "cannot be made"
        for sign in "-+" if drafts.pop() else "+-":
            self.client.run("UID STORE %s %sFLAGS.SILENT (\\Draft)"
                            % (uids, sign))

    def order(self):
        """Changes what has to have changed behind something else."""
        changes = {}
        for kind in ("messages", "vanished"):
            for item in self.given[kind]:
                changes.setdefault(item["modseq"], {}).setdefault(
                    kind, []).append(item)
        real = self.real()
        # What fills a gap has gone before all that a scene knows to be gone.
        last, dirty = 0, bool(self.given["vanished"])
        for modseq, change in sorted(changes.items()):
            uids = [item["uid"] for item in change.get("messages", ())]
            now = {real[uid] for uid in uids}
            top = (modseq == self.given["modseq"] and
                   now != {self.highest()})
            dirty |= "vanished" in change or top or len(now) != 1
            if not dirty and min(now) > last:
                last = now.pop()
                continue
            dirty = True
            if uids:
                self.touch(change["messages"])
            for item in change.get("vanished", ()):
                self.drop(str(item["uid"]))
            last = self.highest()
            assert self.modseqs.learn(modseq, last)

    # what is known of it afterwards

    def learn(self, words, line):
        """From a STATUS of all."""
        found = dict(re.findall(r"([A-Z]+) \(?([^ ()]+)", line))
        given = self.given
        assert int(found["UIDNEXT"]) == given["uidnext"], line
        assert int(found["MESSAGES"]) == len(given["messages"]), line
        assert words.validities.learn(b"%d" % given["uidvalidity"],
                                      found["UIDVALIDITY"].encode())
        assert words.ids.learn(given["id"].encode(),
                               found["MAILBOXID"].encode())
        assert self.modseqs.learn(given["modseq"], int(found["HIGHESTMODSEQ"]))
        if given["messages"]:
            self.client.run("EXAMINE " + self.name)
            real = self.real()
            for message in given["messages"]:
                assert self.modseqs.learn(message["modseq"],
                                          real[message["uid"]]), message
        if not self.modseqs.is_same():
            name = key(given["owner"], octets(given["name"]))
            words.modseqs[name] = self.modseqs


def with_superiors(name):
    """CREATE makes them all."""
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def make_mail(node, user, mailboxes, words):
    client = Client(node)
    client.login(user["name"], user["password"])
    boxes = [Box(client, given, user) for given in mailboxes]
    there = set()
    for box in boxes:
        if box.given["name"] not in there:
            box.create()
        there.update(with_superiors(box.given["name"]))
        box.make()
    for name in user["subscribed"]:
        if name not in there:
            client.run('CREATE "%s"' % name)
        there.update(with_superiors(name))
        client.run('SUBSCRIBE "%s"' % name)
    there -= {box.given["name"] for box in boxes}
    client.run(*['DELETE "%s"' % name for name in sorted(there)])
    lines = client.run(*[
        "STATUS %s (MESSAGES UIDNEXT UIDVALIDITY MAILBOXID HIGHESTMODSEQ)"
        % box.name for box in boxes])
    for box, line in zip(boxes, lines):
        box.learn(words, line[-1])
    client.close()


def shift_dates(scene):
    """Of scenes that ask how long ago it is."""
    if not re.search("YOUNGER|OLDER", scene["script"]):
        return
    for mailbox in scene["mailboxes"]:
        for message in mailbox["messages"]:
            message["date_s"] += int(time.time()) - scene["now_s"]


def make(node, scene, words):
    shift_dates(scene)
    for user in scene["users"]:
        admin(node, "user.add", name=user["name"], password=user["password"])
    for user in scene["users"]:
        make_mail(node, user, [box for box in scene["mailboxes"]
                               if box["owner"] == user["name"]], words)


def unmake(node, scene):
    for user in scene["users"]:
        admin(node, "user.remove", name=user["name"])
