"""A real murderd for scenarios: starts, asks, kills it.

    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")

Everything lives in a temporary directory and on free ports of 127.0.0.1.
$MURDER_BUILD names the build directory ("build" if it is unset).

With shim=True murderd has a disk that forgets: after kill(), power_cut() takes
back what was not synced (test/shim/shim.h).
"""

import imaplib
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("MURDER_BUILD", os.path.join(ROOT, "build"))
PASSWORD = "pass-%s-word"
START_S = 30
SHIM = os.path.join(BUILD, "test/shim/faultshim.so")

sys.path.insert(0, os.path.join(ROOT, "test/shim"))
sys.dont_write_bytecode = True
from powercut import PowerCut  # noqa: E402


def has_faults():
    """Whether the build has crash points, mutants and tuning."""
    with open(os.path.join(BUILD, "config.h"), encoding="utf-8") as file:
        return "#define ENABLE_FAULTS 1" in file.read()


def kind_of_build():
    """For tables of results."""
    kind = "ASan" if "asan" in preload() else "release"
    return kind + (" with faults" if has_faults() else "")


def preload():
    """LD_PRELOAD; the runtime of a sanitizer must stand in front."""
    done = subprocess.run(["ldd", os.path.join(BUILD, "murderd")],
                          capture_output=True, text=True, check=True)
    sanitizers = re.findall(r"lib[at]san\S* => (\S+)", done.stdout)
    return " ".join(sanitizers + [SHIM])


def foreign_ports():
    """Those that the kernel gives to no client; a listener may have them."""
    path = "/proc/sys/net/ipv4/ip_local_port_range"
    with open(path, encoding="ascii") as file:
        first, last = map(int, file.read().split())
    return [port for port in range(10000, 65536)
            if not first <= port <= last]


GIVEN = set()


def free_port():
    """By chance: other tests look for some at the same time."""
    for port in random.sample(foreign_ports(), 1000):
        if port in GIVEN:
            continue
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        GIVEN.add(port)
        return port
    raise AssertionError("no port is free")


class Lmtp:
    """An LMTP client that knows of one reply per recipient (RFC 2033)."""

    class Refused(AssertionError):
        """Before any octet of the message was sent."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 30)
        self.file = self.sock.makefile("rb")
        self.reply()
        self.command("LHLO localhost")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.file.close()  # it holds the socket open, too
        self.sock.close()

    def reply(self):
        while True:
            line = self.file.readline()
            if not line:
                raise EOFError("connection closed without a reply")
            if line[3:4] != b"-":
                return int(line[:3]), line[4:].decode().strip()

    def command(self, text):
        self.sock.sendall(text.encode() + b"\r\n")
        return self.reply()

    def expect(self, code, text):
        answer = self.command(text)
        if answer[0] != code:
            raise self.Refused(text, answer)

    def deliver(self, sender, recipients, text):
        """The last reply to each recipient: a dict of (code, text)."""
        answers = {}
        self.expect(250, "MAIL FROM:<%s>" % sender)
        for recipient in recipients:
            answers[recipient] = self.command("RCPT TO:<%s>" % recipient)
        accepted = [r for r in recipients if answers[r][0] == 250]
        if not accepted:
            self.command("RSET")
            return answers
        self.expect(354, "DATA")
        text = text.replace(b"\r\n.", b"\r\n..")
        self.sock.sendall(text + b".\r\n")
        for recipient in accepted:
            answers[recipient] = self.reply()
        return answers


class Node:
    def __init__(self, env=None, settings="", keep=False, shim=False,
                 init=True, hostname="localhost", name="n1", cluster=False,
                 login='plain_without_tls = true; delay = "10ms";'):
        self.folder = tempfile.mkdtemp(prefix="murder-")
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "log")
        self.config = os.path.join(self.folder, "murderd.conf")
        self.env = dict(os.environ, **(env or {}))
        if shim:
            self.env.update(LD_PRELOAD=preload(), MURDER_SHIM_DIR=self.data)
        self.process = None
        self.keep = keep
        self.init = init
        self.name = name
        others = ""
        if cluster:  # it may join others, and others may join it
            self.cluster_port = free_port()
            address = "127.0.0.1:%d" % self.cluster_port
            others = 'cluster = [ "%s" ];' % address
            settings += 'cluster_address = "%s";' % address
        if "store" not in settings:
            # a start reads a whole file of the log: slow with sanitizers
            settings += 'store = { wal_segment = "1M"; };'
        self.imap_port, self.imaps_port, self.lmtp_port = (
            free_port(), free_port(), free_port())
        with open(self.config, "w") as out:
            out.write("""data = "%s";
hostname = "%s";
listen = {
    imap = [ "127.0.0.1:%d" ];
    imaps = [ "127.0.0.1:%d" ];
    lmtp = [ "127.0.0.1:%d" ];
    %s
};
login = { %s };
%s
""" % (self.data, hostname, self.imap_port, self.imaps_port, self.lmtp_port,
       others, login, settings))

    # life

    def start(self, env=None, init=True):
        if not self.try_start(env, init):
            self.fail("murderd did not start")
        return self

    def try_start(self, env=None, init=True):
        """False if murderd ends before it is ready; it may not hang."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(BUILD, "murderd"), "--config", self.config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(self.env, **(env or {})))
        end = time.monotonic() + START_S
        while True:
            status, answer = self.try_ctl("status")
            if status == 0 and (not init or answer["initialised"]):
                break
            if status == 0 and self.try_ctl("init", self.name)[0] == 0:
                break
            # or an init that was cut off goes on by itself
            if self.process.poll() is not None:
                return False
            if time.monotonic() > end:
                self.fail("murderd hangs at its start")
            time.sleep(0.02)
        return not init or self.await_port(self.imap_port)

    def await_port(self, port):
        """False if murderd ends before it listens."""
        end = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            except OSError:
                if self.process.poll() is not None:
                    return False
                if time.monotonic() > end:
                    self.fail("nobody listens on port %d" % port)
                time.sleep(0.02)

    def stop(self):
        """A clean stop; the exit status must be 0."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self.process = None
        if status != 0:
            self.fail("murderd ended with status %d" % status)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def power_cut(self, mode, seed):
        """murderd is dead; what it has not synced is lost or torn."""
        return PowerCut(self.data, mode, seed).run()

    def await_log(self, text):
        end = time.monotonic() + START_S
        while True:
            with open(self.log, errors="replace") as log:
                if text in log.read():
                    return
            if time.monotonic() > end:
                self.fail("the log does not say: " + text)
            time.sleep(0.05)

    def fail(self, text):
        with open(self.log, errors="replace") as log:
            sys.stderr.write("".join(log.readlines()[-30:]))
        raise AssertionError(text)

    def __enter__(self):
        return self.start(init=self.init)

    def __exit__(self, kind, value, trace):
        try:
            if self.process and kind is None:
                self.stop()
            elif self.process:
                self.kill()
                sys.stderr.write(open(self.log, errors="replace").read()[-4000:])
        finally:
            if not self.keep:
                shutil.rmtree(self.folder, ignore_errors=True)

    # murderctl

    def run_ctl(self, *words, stdin=""):
        return subprocess.run(
            [os.path.join(BUILD, "murderctl"), "--socket",
             os.path.join(self.data, "admin.sock"), *words],
            input=stdin, capture_output=True, text=True, timeout=120)

    def ctl_text(self, *words, stdin=""):
        """What a person reads."""
        done = self.run_ctl(*words, stdin=stdin)
        if done.returncode != 0:
            self.fail("murderctl %s: status %d, %r" % (
                " ".join(words), done.returncode, done.stderr))
        return done.stdout

    def try_ctl(self, *words, stdin=""):
        done = self.run_ctl("--json", *words, stdin=stdin)
        try:
            answer = json.loads(done.stdout) if done.stdout.strip() else {}
        except ValueError:
            answer = {"text": done.stdout}
        answer.setdefault("stderr", done.stderr)
        return done.returncode, answer

    def ctl(self, *words, stdin=""):
        status, answer = self.try_ctl(*words, stdin=stdin)
        if status != 0:
            self.fail("murderctl %s: status %d, %r" % (" ".join(words), status,
                                                       answer))
        return answer

    def user(self, name):
        """Gives the mail group that the user has got."""
        return self.ctl("user", "add", name,
                        stdin=PASSWORD % name + "\n")["group"]

    def sweep(self):
        """Drops bodies; soon after a start it waits by itself."""
        return self.ctl("sweep")

    def settle_claims(self):
        """Until no MOVE to another group is left open: all of the log is
        applied, and what it has begun was carried out."""
        end = time.monotonic() + START_S
        while any(group.get("claims") or not group["leader"]
                  or group["applied_index"] < group["last_index"]
                  for group in self.ctl("status")["groups"]):
            if time.monotonic() > end:
                self.fail("a MOVE is left open")
            time.sleep(0.02)

    def verify(self):
        answer = self.ctl("verify")
        if answer["findings"] != 0:
            self.fail("verify: %r" % answer)
        return answer

    # clients

    def imap(self, user=None, tls=False):
        if tls:
            context = ssl._create_unverified_context()
            client = imaplib.IMAP4_SSL("127.0.0.1", self.imaps_port,
                                       ssl_context=context, timeout=30)
        else:
            client = imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=30)
        if user:
            client.login(user, PASSWORD % user)
        return client

    def lmtp(self):
        return Lmtp(self.lmtp_port)


class Tests:
    """Collects functions and reports them in TAP."""

    def __init__(self, wanted=None):
        self.tests = []
        self.wanted = sys.argv[1:] if wanted is None else wanted

    def __call__(self, function):
        self.tests.append(function)
        return function

    def run(self):
        import traceback
        failed = 0
        for test in self.tests:
            if self.wanted and test.__name__ not in self.wanted:
                continue
            try:
                test()
                print("ok", test.__name__, flush=True)
            except Exception:
                failed += 1
                traceback.print_exc()
                print("not ok", test.__name__, flush=True)
        sys.exit(1 if failed else 0)


def ok(answer):
    """The data of an imaplib answer, which must be OK."""
    kind, data = answer
    assert kind == "OK", answer
    return data


def message(number, size=0):
    """A message that can be told from others, with CRLF line ends."""
    text = ("From: john@example.org\r\nTo: jane@example.org\r\n"
            "Subject: message %d\r\nMessage-ID: <%d@example.org>\r\n"
            "Date: Tue, 24 Nov 2026 18:00:00 +0000\r\n\r\n" % (number, number))
    line = "line of message %d\r\n" % number
    text += line
    while len(text) < size:
        text += line
    return text.encode()
