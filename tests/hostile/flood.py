"""Clients that hold on to what the server gives them, as a program of its own so that the tests' interpreter stays free.

Usage: flood.py PORT COUNT HEAD SIZE    waits for a line of input, opens COUNT connections, sends HEAD (a text with \\n for line ends) and SIZE bytes on
each as far as they are taken, prints "N taken, M answered" and holds them until its input ends. Never reads an answer, but for
its first bytes.
"""

import selectors
import socket
import sys
import time

FILLER = b"x" * (256 * 1024)
PATIENCE_S = 1
PACE_S = 0.0005


def dial(port, count):
    connections = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setblocking(False)
        connections.append(connection)
        time.sleep(PACE_S)  # the flood is what they hold, not that they come all at once
    return connections


def send_all(connections, head, size):
    """Sends until every connection is done, is refused or takes nothing for a while; returns how many took all."""
    left = {connection: (head, size) for connection in connections}
    selector = selectors.DefaultSelector()
    for connection in connections:
        selector.register(connection, selectors.EVENT_WRITE)
    taken = 0
    until = time.monotonic() + PATIENCE_S
    while left and time.monotonic() < until:
        for key, _ in selector.select(timeout=0.5):
            connection = key.fileobj
            first, rest = left[connection]
            try:
                sent = connection.send(first or FILLER[: min(rest, len(FILLER))])
            except OSError:
                sent = None
            if sent and first:
                first = first[sent:]
            elif sent:
                rest -= sent
            left[connection] = (first, rest)
            if sent is None or not (first or rest):
                taken += sent is not None
                selector.unregister(connection)
                del left[connection]
    return taken


def is_answered(connection):
    try:
        return connection.recv(16, socket.MSG_PEEK).startswith(b"HTTP/1.1")
    except OSError:
        return False


def main():
    port, count, head, size = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    if not sys.stdin.readline():
        return  # not wanted any more
    connections = dial(port, count)
    taken = send_all(connections, head.replace("\\n", "\r\n").encode(), size)
    print(f"{taken} taken, {sum(map(is_answered, connections))} answered", flush=True)
    sys.stdin.read()


main()
