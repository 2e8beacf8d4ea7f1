#!/usr/bin/env python3
"""What murderd says before it serves: configuration, lock, listeners."""

import os
import re
import socket
import subprocess
import tempfile

import murder

test = murder.Tests()

BAD = """data = "nowhere";
hostname = 5;
listen = {
	imap = [ "127.0.0.1" ];
	pop3 = [ "127.0.0.1:110" ];
};
message_max = "64X";
login = { timeout = "soon"; plain_without_tls = "no"; };
namespace = { separator = ":"; };
mail_groups = 0;
log_level = "loud";
colour = "blue";
store = {
	wal_segment = "1000"; map_size = "1000T";
	space_min = "0";
};
idle_timeout = "100d";
"""


def murderd(*words):
    return subprocess.run([os.path.join(murder.BUILD, "murderd"), *words],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60)


def check(text):
    """The problems of a configuration, and the path they are told with."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "murderd.conf")
        with open(path, "w") as out:
            out.write(text)
        done = murderd("--config", path, "--check")
        lines = [line.replace(path, "FILE")
                 for line in done.stderr.splitlines()]
        if done.returncode != 0:
            assert murderd("--config", path).stderr == done.stderr
        return done.returncode, lines


@test
def every_mistake_is_told_with_its_line():
    status, lines = check(BAD)
    assert status == 1
    found = {}
    for line in lines:
        name, number, text = line.split(":", 2)
        assert name == "FILE", line
        found.setdefault(int(number), []).append(text.strip())
    assert sorted(found) == [1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 14, 15,
                             17], found
    assert len(found[8]) == 2, found
    assert found[5] == ['unknown setting "listen.pop3"'], found
    assert found[12] == ['unknown setting "colour"'], found
    assert found[14] == ['needs a size from "64K" to "1G"',
                         'needs a size from "16M" to "16T"'], found
    assert found[17] == ['needs a duration from "1s" to "7d"'], found
    assert "64M" in found[7][0] and "host:port" in found[4][0], found


@test
def a_broken_file_is_told_with_its_line():
    status, lines = check("data = \"/nowhere\";\nlisten = {\n imap = ;\n};\n")
    assert status == 1 and len(lines) == 1, lines
    assert lines[0].startswith("FILE:3: "), lines
    done = murderd("--config", "/nowhere/murderd.conf")
    assert done.returncode == 1
    assert "/nowhere/murderd.conf: No such file" in done.stderr, done.stderr


@test
def the_example_is_right():
    with open(os.path.join(murder.ROOT, "etc", "murderd.conf")) as file:
        text = file.read()
    done = murderd("--config", os.path.join(murder.ROOT, "etc",
                                            "murderd.conf"), "--check")
    assert (done.returncode, done.stderr) == (0, "")
    # all that is commented out may be written as it is
    shown = re.sub(r"^(\t?)#([a-z_]+ = .*;)", r"\1\2", text, flags=re.M)
    assert shown.count("#") < text.count("#") - 15
    done = check(shown)
    assert done == (0, []), done


@test
def a_second_daemon_on_the_same_data_refuses():
    with murder.Node() as node:
        node.user("john")
        other = os.path.join(node.folder, "other.conf")
        with open(other, "w") as out:
            out.write('data = "%s";\n'
                      'listen = { imap = "127.0.0.1:%d"; };\n'
                      % (node.data, murder.free_port()))
        done = murderd("--config", other)
        assert done.returncode == 1, done
        assert "locked by process %d" % node.process.pid in done.stderr, done
        assert "PANIC" not in done.stderr, done
        # nor does it take the socket of the first
        assert node.ctl("status")["initialised"]
        node.imap("john").logout()


@test
def a_port_that_is_taken_is_told():
    node = murder.Node()
    with socket.create_server(("127.0.0.1", node.imap_port)):
        node.start(init=False)
        status, answer = node.try_ctl("init", "n1")
        assert status == 1, answer
        assert str(node.imap_port) in answer["text"], answer
        node.stop()
        done = murderd("--config", node.config)
        assert done.returncode == 1, done
        assert "port %d" % node.imap_port in done.stderr, done
    with node:
        assert node.ctl("status")["initialised"]


@test
def certificates_that_do_not_fit_are_told():
    with murder.Node() as node:
        node.stop()
        tls = os.path.join(node.data, "tls")
        with open(os.path.join(tls, "cert.pem")) as file:
            cert = file.read()
        for text in ("", "no PEM\n", cert.replace("\nM", "\nN", 1)):
            with open(os.path.join(tls, "cert.pem"), "w") as out:
                out.write(text)
            done = murderd("--config", node.config)
            assert done.returncode == 1, done
            assert tls + "/cert.pem" in done.stderr, done
        with open(os.path.join(tls, "cert.pem"), "w") as out:
            out.write(cert)
        node.start()


@test
def a_data_directory_that_cannot_be_made_is_told():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "conf")
        with open(path, "w") as out:
            out.write('data = "%s/file/data";\n' % folder)
        open(os.path.join(folder, "file"), "w").close()
        done = murderd("--config", path)
        assert done.returncode == 1, done
        assert folder + "/file/data" in done.stderr, done


@test
def help_and_versions():
    for name in ("murderd", "murderctl"):
        program = os.path.join(murder.BUILD, name)
        for word in ("--help", "--version"):
            done = subprocess.run([program, word], capture_output=True,
                                  text=True, timeout=60)
            assert done.returncode == 0 and name in done.stdout, done
        done = subprocess.run([program, "--nonsense"], capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 2 and "usage:" in done.stderr, done


test.run()
