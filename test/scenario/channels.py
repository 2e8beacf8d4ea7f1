#!/usr/bin/env python3
"""The scenes, played on a node that reads all mail over channels.

    channels.py                        all of them
    channels.py session_any/enable ... these

The node behaves as one without a replica of any mail group and finds the
nearest one, itself, at the other end of a link to itself (server/loopback.h).
Whoever talks to it must not see a difference: each scene has the same answers.
"""

import os

import scenes


def look(node):
    """Nothing was read otherwise."""
    channels = node.ctl("status")["channels"]
    assert channels["seats"] > 0, channels
    print("# %d channels" % channels["seats"])


if __name__ == "__main__":
    os.environ["MURDER_TUNE"] = "channels=1"
    scenes.main("channels", look)
