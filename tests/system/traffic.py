# SPDX-License-Identifier: LGPL-2.1-or-later

"""Runs inside the container: datagrams of a known size, a known number of them, there and back.

traffic.py serve PORT                      echoes what arrives; tells systemd when it is ready
traffic.py send ADDRESS PORT COUNT SIZE    sends one after the other, each when the last has come back
"""

import os
import socket
import sys


def notify_ready():
    address = os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(b"READY=1", address)


def serve(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("0.0.0.0", port))
        notify_ready()
        while True:
            data, address = s.recvfrom(65536)
            s.sendto(data, address)


def send(address, port, count, size):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        s.connect((address, port))
        for _ in range(count):
            s.send(bytes(size))
            if len(s.recv(65536)) != size:
                sys.exit("Another datagram came back")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        send(sys.argv[2], *map(int, sys.argv[3:]))
