"""A client of a scene: says lines, and waits for what is expected."""

import re
import socket
import ssl
import time

PATIENCE_S = 20
TLS = ssl._create_unverified_context()


def octets(text):
    return text.encode("latin-1")


class Client:
    """One connection; what it hears is kept until it is taken."""

    def __init__(self, node, tls=True):
        port = node.imaps_port if tls else node.imap_port
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.heard = b""
        self.closed = False
        self.user = None
        self.selected = None
        if tls:
            self.start_tls()
        greeting = self.line()
        assert greeting.startswith(b"* OK ["), greeting

    def start_tls(self):
        assert not self.heard, self.heard
        self.sock = TLS.wrap_socket(self.sock)

    def close(self):
        self.sock.close()

    def say(self, text):
        self.sock.settimeout(PATIENCE_S)
        try:
            self.sock.sendall(text)
        except OSError:
            pass  # what is heard says why

    def more(self, end):
        """False: there is no more, or not in time."""
        left = end - time.monotonic()
        if self.closed or left <= 0:
            return False
        self.sock.settimeout(left)
        try:
            some = self.sock.recv(65536)
        except TimeoutError:
            return False
        except OSError:
            some = b""
        self.closed = not some
        self.heard += some
        return not self.closed

    def line(self):
        end = time.monotonic() + PATIENCE_S
        while b"\r\n" not in self.heard:
            assert self.more(end), self.heard
        line, _, self.heard = self.heard.partition(b"\r\n")
        return line

    def hear(self, expected):
        """As many lines as are expected, or up to the same tagged answer."""
        end = time.monotonic() + PATIENCE_S
        tag = re.match(rb"[^ *+]+ (?=OK|NO|BAD)",
                       expected.split(b"\r\n")[-2])
        last = tag and re.compile(rb"^" + re.escape(tag[0]) +
                                  rb"(OK|NO|BAD) .*\r\n", re.M)
        while (self.heard.count(b"\r\n") < expected.count(b"\r\n") and
               not (last and last.search(self.heard)) and self.more(end)):
            pass
        said, self.heard = self.heard, b""
        return said

    def ends(self):
        """Whether the server closes without another word."""
        end = time.monotonic() + PATIENCE_S
        while self.more(end):
            pass
        return self.closed and not self.heard

    def run(self, *commands):
        """Says all, then looks at the answers, which must be OK."""
        self.say(octets("".join("%d %s\r\n" % item
                                for item in enumerate(commands))))
        answers = []
        for number, command in enumerate(commands):
            untagged = []
            line = self.line().decode("latin-1")
            while not line.startswith("%d " % number):
                untagged.append(line)
                line = self.line().decode("latin-1")
            assert line.startswith("%d OK" % number), (command, line)
            answers.append(untagged)
        return answers

    def login(self, user, password):
        self.run("LOGIN %s %s" % (user, password))
        self.user = user
