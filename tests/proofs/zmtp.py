# SPDX-License-Identifier: Apache-2.0
"""
ZMTP 3 by hand, and peers over a unix socket that libzmq would not let be: who never reads, who says half
a greeting, who never ends a message.
"""
import socket
import struct

MORE, LONG, COMMAND = 1, 2, 4


def frame(body, flags=0):
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | LONG]) + struct.pack(">Q", len(body)) + body


def greeting(mechanism=b"NULL", major=3, minor=1, server=0):
    return b"\xff" + b"\0" * 8 + b"\x7f" + bytes([major, minor]) + mechanism.ljust(20, b"\0")[:20] \
        + bytes([server]) + b"\0" * 31


def command(name, body=b""):
    return frame(bytes([len(name)]) + name + body, COMMAND)


def ready(kind=b"DEALER", **properties):
    body = b""
    for key, value in {"Socket-Type": kind, "Identity": b"", **properties}.items():
        name = key.replace("_", "-").encode()
        body += bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
    return command(b"READY", body)


GREETING = greeting(minor=0) # of who knows no more than 3.0


def announced(size, flags=0):
    """The head of a frame of `size` bytes that are yet to come."""
    return bytes([flags | LONG]) + struct.pack(">Q", size)


def connect(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect(path) # waits where too many want to at once
    s.settimeout(60)
    return s


def meet(path):
    """
    A connection that has shaken hands, and reads nothing more. Who says more before the other side is
    ready is thrown out by libzmq.
    """
    s = connect(path)
    s.sendall(GREETING + ready())
    receive(s, len(GREETING))
    receive(s, receive(s, 2)[1]) # READY, a short frame
    return s


def receive(s, size):
    got = b""
    while len(got) < size:
        more = s.recv(size - len(got))
        if not more:
            raise ConnectionError("closed during the handshake")
        got += more
    return got
