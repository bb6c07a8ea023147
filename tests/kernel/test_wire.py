# SPDX-License-Identifier: LGPL-2.1-or-later

"""Bytes and packets of single packets, worked out by hand from the sizes of the headers."""

import socket
import struct

import pytest
from agent import send_many
from network import ADDRESSES, ICMP, IP, IPV4, IPV6, LOOPBACK, TCP, UDP

FAMILIES = pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["ipv4", "ipv6"])
CLASSES = pytest.mark.parametrize("class_", ["internet", "local", "loopback"])

TIMESTAMPS = 12  # two NOPs and the option
SYN_OPTIONS = 20  # MSS 4, SACK permitted 2, timestamps 10, NOP 1, window scale 3
HOP_BY_HOP = bytes((0, 0, 1, 4, 0, 0, 0, 0))  # padding
DESTINATION = bytes((0, 1, 0x1E, 12, *bytes(12)))  # an option for experiments (RFC 4727), to be skipped


class Ends:
    """A cgroup and an agent in it at either end: of the wire, or of one namespace's loopback."""

    def __init__(self, class_, family, cgroup, wire, agent, probe):
        self.cgroups = [cgroup.make(name) for name in ("near", "far")]
        for c in self.cgroups:
            assert probe.attach(c) == 0
        if class_ == "loopback":
            self.addresses = (LOOPBACK[family],) * 2
            namespaces = (wire.a, wire.a)
        else:
            self.addresses = ADDRESSES[class_, family]
            namespaces = wire.ends
        self.near, self.far = (agent(c, n) for c, n in zip(self.cgroups, namespaces))


def bound(agent, family, kind, address, protocol=0):
    s = agent.socket(family, kind, protocol)
    s.bind((address, 0))
    return s


@CLASSES
@FAMILIES
def test_udp(class_, family, cgroup, wire, agent, probe):
    ends = Ends(class_, family, cgroup, wire, agent, probe)
    far = bound(ends.far, family, socket.SOCK_DGRAM, ends.addresses[1])
    near = bound(ends.near, family, socket.SOCK_DGRAM, ends.addresses[0])

    sizes = (0, 1, 999, 1400)
    for size in sizes:
        near.sendto(bytes(size), far.getsockname())
        data, sender = far.recvfrom(2000)
        assert len(data) == size
    far.sendto(bytes(77), sender)
    assert near.recv(2000) == bytes(77)

    there = 4 * (IP[family] + UDP) + sum(sizes)
    back = IP[family] + UDP + 77
    probe.expect(ends.cgroups[0], **{class_: (back, 1, there, 4)})
    probe.expect(ends.cgroups[1], **{class_: (there, 4, back, 1)})


@FAMILIES
def test_fragments_count_as_one(family, cgroup, wire, agent, probe):
    ends = Ends("internet", family, cgroup, wire, agent, probe)
    far = bound(ends.far, family, socket.SOCK_DGRAM, ends.addresses[1])
    near = bound(ends.near, family, socket.SOCK_DGRAM, ends.addresses[0])
    before = wire.sent(0)

    near.sendto(bytes(5000), far.getsockname())
    assert len(far.recv(6000)) == 5000

    assert wire.sent(0)[1] - before[1] == 4  # of at most 1,480 bytes
    size = IP[family] + UDP + 5000
    probe.expect(ends.cgroups[0], internet=(0, 0, size, 1))
    probe.expect(ends.cgroups[1], internet=(size, 1, 0, 0))


@CLASSES
@FAMILIES
def test_icmp_echo(class_, family, cgroup, wire, agent, probe):
    ends = Ends(class_, family, cgroup, wire, agent, probe)
    protocol, request = (socket.IPPROTO_ICMP, 8) if family == socket.AF_INET else (socket.IPPROTO_ICMPV6, 128)
    s = ends.near.socket(family, socket.SOCK_DGRAM, protocol)  # the kernel fills in checksum and identifier

    for i in range(3):
        s.sendto(struct.pack("!BBHHH", request, 0, 0, 0, i) + bytes(56), (ends.addresses[1], 0))
        assert len(s.recv(1000)) == ICMP + 56

    size = 3 * (IP[family] + ICMP + 56)
    probe.expect(ends.cgroups[0], **{class_: (size, 3, size, 3)})
    probe.expect(ends.cgroups[1])  # the kernel answered, and no socket


def test_ingress_counts_once_for_each_socket(cgroup, wire, agent, probe):
    ends = Ends("internet", socket.AF_INET, cgroup, wire, agent, probe)
    idle = [ends.near.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) for _ in range(5)]
    s = ends.near.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)

    for i in range(10):
        s.sendto(struct.pack("!BBHHH", 8, 0, 0, 0, i) + bytes(56), (ends.addresses[1], 0))
        s.recv(1000)

    size = IPV4 + ICMP + 56
    probe.expect(ends.cgroups[0], internet=(60 * size, 60, 10 * size, 10))
    assert len(idle) == 5


@CLASSES
@FAMILIES
def test_tcp_handshake(class_, family, cgroup, wire, agent, probe):
    ends = Ends(class_, family, cgroup, wire, agent, probe)
    listener = bound(ends.far, family, socket.SOCK_STREAM, ends.addresses[1])
    listener.listen(1)
    near = ends.near.socket(family, socket.SOCK_STREAM)
    near.connect(listener.getsockname())
    listener.accept()

    syn = IP[family] + TCP + SYN_OPTIONS
    ack = IP[family] + TCP + TIMESTAMPS
    probe.expect(ends.cgroups[0], **{class_: (syn, 1, syn + ack, 2)})
    probe.expect(ends.cgroups[1], **{class_: (syn + ack, 2, syn, 1)})


@CLASSES
def test_mapped_socket_is_ipv4(class_, cgroup, wire, agent, probe):
    ends = Ends(class_, socket.AF_INET, cgroup, wire, agent, probe)
    far = bound(ends.far, socket.AF_INET, socket.SOCK_DGRAM, ends.addresses[1])
    near = ends.near.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    near.bind(("::", 0))

    near.sendto(bytes(100), ("::ffff:" + ends.addresses[1], far.getsockname()[1]))
    far.sendto(bytes(50), far.recvfrom(1000)[1])
    assert near.recv(1000) == bytes(50)

    probe.expect(ends.cgroups[0], **{class_: (IPV4 + UDP + 50, 1, IPV4 + UDP + 100, 1)})


def test_udp_with_extension_headers(cgroup, wire, agent, probe):
    ends = Ends("internet", socket.AF_INET6, cgroup, wire, agent, probe)
    far = bound(ends.far, socket.AF_INET6, socket.SOCK_DGRAM, ends.addresses[1])
    near = ends.near.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    near.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, HOP_BY_HOP)
    near.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, DESTINATION)

    near.sendto(bytes(100), far.getsockname())
    assert far.recv(1000) == bytes(100)

    size = IPV6 + 8 + 16 + UDP + 100
    probe.expect(ends.cgroups[0], internet=(0, 0, size, 1))
    probe.expect(ends.cgroups[1], internet=(size, 1, 0, 0))


def test_multicast_and_broadcast_are_local(cgroup, wire, agent, probe):
    ends = Ends("local", socket.AF_INET, cgroup, wire, agent, probe)
    s = bound(ends.near, socket.AF_INET, socket.SOCK_DGRAM, ends.addresses[0])
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(ends.addresses[0]))

    s.sendto(bytes(10), ("239.1.2.3", 9))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"va")
    s.sendto(bytes(10), ("255.255.255.255", 9))

    probe.expect(ends.cgroups[0], local=(0, 0, 2 * (IPV4 + UDP + 10), 2))


def test_two_cpus_lose_nothing(cgroup, netns, agent, probe):
    assert probe.attach(cgroup) == 0
    sink = bound(agent(None, netns), socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1")
    address = sink.getsockname()
    senders = [agent(cgroup, netns) for _ in range(4)]
    sockets = [a.socket(socket.AF_INET, socket.SOCK_DGRAM) for a in senders]

    n, size = 50000, 32
    for i, (a, s) in enumerate(zip(senders, sockets)):
        a.start(send_many, s, n, bytes(size), address, i % 2)
    for a in senders:
        a.result()

    total = n * len(senders)
    probe.expect(cgroup, loopback=(0, 0, total * (IPV4 + UDP + size), total))
