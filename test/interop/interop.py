"""What the programs here share: nodes of ../scenario/murder.py, foreign tools.

    import interop
    from interop import murder
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "scenario"))

import murder  # noqa: E402

COMMAND_S = 60


def run(*words, status=0, **options):
    """Runs a foreign program in the C locale; its standard output."""
    env = {**os.environ, "LC_ALL": "C.UTF-8", **options.pop("env", {})}
    for name in list(env):
        if name.endswith("SAN_OPTIONS"):
            del env[name]  # for the daemon only
    done = subprocess.run(words, capture_output=True, env=env,
                          timeout=options.pop("timeout", COMMAND_S), **options)
    if status is not None and done.returncode != status:
        sys.stderr.write(done.stdout.decode(errors="replace")[-4000:])
        sys.stderr.write(done.stderr.decode(errors="replace")[-4000:])
        raise AssertionError("%s: status %d" % (words[0], done.returncode))
    return done.stdout


def certificate(node):
    """The self-signed certificate of a node: clients verify it."""
    return os.path.join(node.data, "tls", "cert.pem")


def messages(node, user, mailbox):
    """[(flags, octets)] of a mailbox, in the order of UIDs."""
    client = node.imap(user)
    client.select('"%s"' % mailbox, readonly=True)
    found = []
    kind, data = client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")
    assert kind == "OK", data
    for item in data:
        if isinstance(item, tuple):
            flags = item[0].split(b"FLAGS (", 1)[1].split(b")", 1)[0]
            found.append((frozenset(flags.decode().split()) - {"\\Recent"},
                          item[1]))
    client.logout()
    return found
