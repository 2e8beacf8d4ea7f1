#!/usr/bin/env python3
"""imapflow: the library of many mail services in JavaScript.

npm installs it, as package-lock.json pins it, into a directory of this run.
"""

import os
import shutil
import subprocess

import interop
from interop import murder

FILES = ("package.json", "package-lock.json", "imapflow.js")


def install(folder):
    """Once more if the registry did not answer."""
    for name in FILES:
        shutil.copy(os.path.join(interop.HERE, name), folder)
    for left in (1, 0):
        try:
            interop.run("npm", "ci", "--prefer-offline", "--no-audit",
                        "--no-fund", "--ignore-scripts", cwd=folder)
            return
        except (AssertionError, subprocess.TimeoutExpired):
            if not left:
                raise


def main():
    with murder.Node() as node:
        install(node.folder)
        for user in ("john", "jane"):
            node.user(user)
        env = {"IMAP_PORT": str(node.imap_port),
               "IMAPS_PORT": str(node.imaps_port),
               "IMAP_CERTIFICATE": interop.certificate(node),
               "IMAP_PASSWORD": murder.PASSWORD % "john"}
        out = interop.run("node", "imapflow.js", cwd=node.folder, env=env,
                          status=None).decode(errors="replace")
        print(out, end="", flush=True)
        node.verify()
        return 0 if "\nok " in "\n" + out and "\nnot ok " not in out else 1


raise SystemExit(main())
