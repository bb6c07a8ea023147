# SPDX-License-Identifier: LGPL-2.1-or-later

"""A process in a cgroup and a network namespace that acts for a test: a packet counts for the cgroup in which its
socket was made, so sockets must be made there."""

import multiprocessing
import os
import signal
import socket

from host import BOUND, CLONE_NEWNET, setns

CHUNK = bytes(1 << 20)


class Remote:
    """A socket in an agent. Its methods run there."""

    def __init__(self, agent, number):
        self._agent = agent
        self._number = number

    def __getattr__(self, method):
        if method.startswith("_"):
            raise AttributeError(method)
        return lambda *args: self._agent.call(call_method, self, method, *args)

    def __reduce__(self):
        return Handle, (self._number,)


class Handle:
    """What a Remote is on its way."""

    def __init__(self, number):
        self.number = number


def call_method(sock, method, *args):
    return getattr(sock, method)(*args)


def send_bulk(sock, n):
    while n > 0:
        n -= sock.send(CHUNK[:n])


def receive_bulk(sock, n):
    """Reads n bytes, or to the end if n is None; returns how many it read."""
    total = 0
    while n is None or total < n:
        data = sock.recv(1 << 20 if n is None else min(n - total, 1 << 20))
        if not data:
            break
        total += len(data)
    return total


def send_many(sock, count, data, address, cpu=None):
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    for _ in range(count):
        sock.sendto(data, address)


class Agent:
    def __init__(self, cgroup=None, netns=None):
        self.connection, theirs = multiprocessing.Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._run(theirs, cgroup, netns)
            finally:
                os._exit(1)
        theirs.close()
        self.result()  # it has joined

    def _run(self, connection, cgroup, netns):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sockets = []
        try:
            if cgroup:
                cgroup.take(0)
            if netns:
                setns(netns.fd, CLONE_NEWNET)
            # Nothing of the test's may stay open for as long as this process lives.
            os.closerange(3, connection.fileno())
            os.closerange(connection.fileno() + 1, 4096)
            connection.send((True, None))
            while True:
                function, args = connection.recv()
                connection.send(self._execute(sockets, function, args))
        except (EOFError, OSError):
            os._exit(0)

    @staticmethod
    def _execute(sockets, function, args):
        def give(value):
            if isinstance(value, tuple):
                return tuple(give(v) for v in value)
            if isinstance(value, socket.socket):
                value.settimeout(BOUND)
                sockets.append(value)
                return Handle(len(sockets) - 1)
            return value

        args = [sockets[a.number] if isinstance(a, Handle) else a for a in args]
        try:
            return True, give(function(*args))
        except Exception as e:  # whatever it is, the test shall see it
            return False, e

    def _take(self, value):
        if isinstance(value, tuple):
            return tuple(self._take(v) for v in value)
        return Remote(self, value.number) if isinstance(value, Handle) else value

    def start(self, function, *args):
        self.connection.send((function, args))

    def result(self, bound=BOUND):
        """Of what was started."""
        assert self.connection.poll(bound), "the agent does not answer"
        good, value = self.connection.recv()
        if not good:
            raise value
        return self._take(value)

    def call(self, function, *args):
        self.start(function, *args)
        return self.result()

    def socket(self, family, kind, protocol=0):
        return self.call(socket.socket, family, kind, protocol)

    def close(self):
        """Ends the process, and waits for it."""
        if self.pid > 0:
            self.connection.close()
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0
