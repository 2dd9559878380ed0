# SPDX-License-Identifier: Apache-2.0
"""
ZMTP 3.0 over a unix socket by hand, for peers that libzmq would not let be: who never reads, who says
half a greeting, who never ends a message.
"""
import socket
import struct

GREETING = (b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
MORE, LONG, COMMAND = 1, 2, 4


def prop(name, value):
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


READY = b"\x05READY" + prop(b"Socket-Type", b"DEALER") + prop(b"Identity", b"")


def frame(body, flags=0):
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | LONG]) + struct.pack(">Q", len(body)) + body


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
    s.sendall(GREETING + frame(READY, COMMAND))
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
