#!/usr/bin/env python3
"""TLS: certificates, STARTTLS, what is refused in the clear, SIGHUP."""

import imaplib
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import time
import warnings

import murder
from murder import PASSWORD, message, ok

test = murder.Tests()


def node_of_production():
    """A node that does not take passwords in the clear."""
    node = murder.Node()
    with open(node.config) as file:
        text = file.read()
    with open(node.config, "w") as out:
        out.write(text.replace("plain_without_tls = true",
                               "plain_without_tls = false"))
    return node


def trusting(node):
    """Verifies that the server has this node's certificate."""
    return ssl.create_default_context(
        cafile=os.path.join(node.data, "tls", "cert.pem"))


def serial(node):
    """Of the certificate that a new connection is shown."""
    context = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", node.imaps_port), 30) as sock:
        with context.wrap_socket(sock) as tls:
            return tls.getpeercert(binary_form=True)


def make_pair(node, cert="cert.pem", key="key.pem"):
    tls = os.path.join(node.data, "tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", os.path.join(tls, key),
         "-out", os.path.join(tls, cert)], check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def await_log(node, text, count=1):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with open(node.log, errors="replace") as log:
            if log.read().count(text) >= count:
                return
        time.sleep(0.02)
    node.fail("the log does not say %r" % text)


@test
def passwords_in_the_clear_are_refused():
    with node_of_production() as node:
        node.user("john")
        imap = imaplib.IMAP4("127.0.0.1", node.imap_port, timeout=30)
        assert "LOGINDISABLED" in imap.capabilities
        assert "STARTTLS" in imap.capabilities
        assert not any(name.startswith("AUTH=")
                       for name in imap.capabilities), imap.capabilities
        for refused in (
                lambda: imap.login("john", PASSWORD % "john"),
                lambda: imap.authenticate(
                    "PLAIN", lambda _: b"\0john\0" + (PASSWORD % "john")
                    .encode())):
            try:
                refused()
            except imaplib.IMAP4.error as error:
                assert "PRIVACYREQUIRED" in str(error), error
            else:
                raise AssertionError("a password in the clear was taken")
        imap.starttls(trusting(node))
        assert "LOGINDISABLED" not in imap.capabilities
        assert "STARTTLS" not in imap.capabilities
        assert "AUTH=PLAIN" in imap.capabilities
        imap.login("john", PASSWORD % "john")
        ok(imap.append("INBOX", None, None, message(1, 100000)))
        ok(imap.select("INBOX"))
        assert ok(imap.fetch("1", "(BODY[])"))[0][1] == message(1, 100000)
        imap.logout()


@test
def commands_before_tls_are_forgotten():
    """What is sent in one piece with STARTTLS is not taken as TLS's."""
    with node_of_production() as node:
        node.user("john")
        sock = socket.create_connection(("127.0.0.1", node.imap_port), 30)
        file = sock.makefile("rb")
        file.readline()
        sock.sendall(b"1 STARTTLS\r\n2 NOOP\r\n")
        answers = file.read()
        assert b"2 OK" not in answers, answers
        sock.close()


@test
def the_certificate_of_the_first_start_is_kept():
    with node_of_production() as node:
        first = serial(node)
        mode = os.stat(os.path.join(node.data, "tls", "key.pem")).st_mode
        assert mode & 0o777 == 0o600, oct(mode)
        with socket.create_connection(("127.0.0.1", node.imaps_port)) as sock:
            with trusting(node).wrap_socket(
                    sock, server_hostname="localhost") as tls:
                assert tls.version() in ("TLSv1.3", "TLSv1.2")
        node.stop()
        node.start()
        assert serial(node) == first


@test
def old_versions_of_tls_are_refused():
    with node_of_production() as node:
        context = ssl._create_unverified_context()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection(("127.0.0.1", node.imaps_port)) as sock:
            try:
                context.wrap_socket(sock)
            except (ssl.SSLError, ConnectionError):
                pass
            else:
                raise AssertionError("TLS 1.1 was taken")


@test
def a_hangup_brings_new_certificates():
    with node_of_production() as node:
        node.user("john")
        first = serial(node)
        imap = node.imap("john", tls=True)
        make_pair(node)
        assert serial(node) == first
        node.process.send_signal(signal.SIGHUP)
        await_log(node, "certificates reloaded")
        second = serial(node)
        assert second != first
        ok(imap.noop())  # what is up stays up
        # a key that does not match changes nothing
        make_pair(node, cert="other.pem")
        node.process.send_signal(signal.SIGHUP)
        await_log(node, "certificates were not reloaded")
        assert serial(node) == second
        imap.logout()


@test
def lmtp_offers_starttls():
    with node_of_production() as node:
        node.user("john")
        lmtp = smtplib.LMTP("127.0.0.1", node.lmtp_port)
        lmtp.ehlo("mx.example.org")
        assert lmtp.has_extn("starttls")
        assert lmtp.starttls(context=ssl._create_unverified_context())[0] \
            == 220
        lmtp.ehlo("mx.example.org")
        assert not lmtp.has_extn("starttls")
        assert not lmtp.sendmail("x@example.org", ["john@localhost"],
                                 message(1))
        lmtp.quit()
        imap = node.imap("john", tls=True)
        assert ok(imap.select("INBOX")) == [b"1"]
        imap.logout()


test.run()
