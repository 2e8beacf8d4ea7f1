#!/usr/bin/env python3
"""Many clients fetch much at once, some of them slowly: all get everything."""

import socket
import threading
import time

import murder
from murder import message, ok

test = murder.Tests()
MESSAGES = 150
SIZE = 60000


def fetch_all(node, results, number, pause_s):
    with socket.create_connection(("127.0.0.1", node.imap_port), 60) as sock:
        sock.sendall(b"a LOGIN john %s\r\nb EXAMINE INBOX\r\n"
                     b"c FETCH 1:* (FLAGS BODY.PEEK[])\r\n" %
                     (murder.PASSWORD % "john").encode())
        octets = 0
        tail = b""
        while b"\nc OK" not in tail:
            piece = sock.recv(1 << 18)
            if not piece:
                break
            octets += len(piece)
            tail = (tail + piece)[-100:]
            time.sleep(pause_s)
        results[number] = octets if b"\nc OK" in tail else 0


@test
def many_clients_fetch_everything_at_once():
    with murder.Node() as node:
        node.user("john")
        imap = node.imap("john")
        for i in range(MESSAGES):
            ok(imap.append("INBOX", None, None, message(i, SIZE)))
        imap.logout()
        results = [0] * 12
        threads = [threading.Thread(target=fetch_all, args=(
            node, results, i, 0.02 if i % 4 == 0 else 0))
            for i in range(len(results))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert min(results) > MESSAGES * SIZE, results
        assert len(set(results)) == 1, results


test.run()
