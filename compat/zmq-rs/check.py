"""One side of each conversation is libzmq, by way of pyzmq, the other zmq.rs."""

import os
import sys
from pathlib import Path

import zmq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.checking import Program, check, done, programs

COUNT = 2000
LIMIT_MS = 30_000
# What libzmq is, and what zmq.rs is to it.
PAIRS = [
    ("REP", "REQ"), ("REQ", "REP"), ("DEALER", "ROUTER"), ("ROUTER", "DEALER"),
    ("PULL", "PUSH"), ("PUSH", "PULL"), ("SUB", "PUB"), ("PUB", "SUB"),
]


def message(n):
    return [b"%d" % n, bytes([n % 256]) * (n * 37 % 5000)]


def ask(socket):
    for n in range(COUNT):
        socket.send_multipart(message(n))
        assert socket.recv_multipart() == message(n), n


def echo(socket):
    for n in range(COUNT):
        got = socket.recv_multipart()
        assert got[-2:] == message(n), n
        socket.send_multipart(got)


def send(socket):
    for n in range(COUNT):
        socket.send_multipart(message(n))


def receive(socket):
    first = int(socket.recv_multipart()[0])
    for n in range(first + 1, first + COUNT):
        assert socket.recv_multipart() == message(n), n


def publish(socket, peer):
    """Until the peer has what it wants, not faster than it takes it."""
    n = 0
    while peer.queue.empty():
        socket.send_multipart(message(n))
        socket.poll(1)
        n += 1


PARTS = {"REP": echo, "ROUTER": echo, "REQ": ask, "DEALER": ask, "PULL": receive, "SUB": receive}


def converse(ours, theirs, endpoint, who_binds):
    context = zmq.Context()
    socket = context.socket(getattr(zmq, ours))
    socket.linger, socket.rcvtimeo, socket.sndtimeo = 0, LIMIT_MS, LIMIT_MS
    if ours == "SUB":
        socket.subscribe(b"")
    if who_binds == "libzmq":
        socket.bind(endpoint)
        where = socket.last_endpoint.decode()
        peer = Program(os.environ["PEER"], theirs, "connect", where, str(COUNT))
        peer.line("at ")
    else:
        first = endpoint.replace("*", "0")
        peer = Program(os.environ["PEER"], theirs, "bind", first, str(COUNT))
        socket.connect(peer.line("at ").split()[1])
    try:
        if ours == "PUB":
            publish(socket, peer)
        else:
            PARTS.get(ours, send)(socket)
        if theirs != "PUB":
            peer.line("done")
    finally:
        peer.process.kill()
        context.destroy(linger=0)


with programs() as folder:
    serial = 0
    for transport in ("tcp", "ipc"):
        for ours, theirs in PAIRS:
            for who_binds in ("libzmq", "zmq.rs"):
                serial += 1
                endpoint = {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/{serial}"}
                with check(f"{transport}: {ours} to {theirs} of zmq.rs, {who_binds} binds"):
                    converse(ours, theirs, endpoint[transport], who_binds)
done()
