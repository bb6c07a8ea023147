# SPDX-License-Identifier: LGPL-2.1-or-later

"""Packets that stand for many: GSO, GRO, BIG TCP. Their counts must be those of the segments on the wire: for UDP
worked out by hand; for TCP, where the number of acknowledgements varies, those of the device."""

import fcntl
import os
import socket
import struct

import pytest
from agent import receive_bulk, send_bulk
from host import wait_until
from network import ADDRESSES, IP, IPV4, IPV6, TCP, UDP
from test_wire import CLASSES, DESTINATION, FAMILIES, HOP_BY_HOP, Ends, bound

UDP_SEGMENT, UDP_GRO = 103, 104  # linux/udp.h
BULK = 16 << 20
# So little is on its way at once that veth's ring of 256 packets does not overflow: what it drops is counted by the
# socket, and not by the device.
WINDOW = 200000
LARGEST_PLAIN = 65536 + 40  # no packet that is not BIG TCP is larger

GRO = pytest.mark.parametrize("gro", [False, True], ids=["plain", "gro"])


def connect(ends, family, prepare=None, window=WINDOW):
    listener = ends.far.socket(family, socket.SOCK_STREAM)
    near = ends.near.socket(family, socket.SOCK_STREAM)
    for s in (listener, near):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, window)
        if prepare:
            prepare(s)
    listener.bind((ends.addresses[1], 0))
    listener.listen(1)
    near.connect(listener.getsockname())
    far, _ = listener.accept()
    return near, far


def exchange(ends, near, far, up, down):
    """Both ways, and closed in a way that leaves every packet to a socket: none to a TIME_WAIT."""
    for sender, source, receiver, sink, n in (
        (ends.near, near, ends.far, far, up),
        (ends.far, far, ends.near, near, down),
    ):
        receiver.start(receive_bulk, sink, n)
        sender.call(send_bulk, source, n)
        assert receiver.result() == n

    near.shutdown(socket.SHUT_WR)
    assert ends.far.call(receive_bulk, far, None) == 0
    far.shutdown(socket.SHUT_WR)
    assert ends.near.call(receive_bulk, near, None) == 0


def expect_device(probe, cgroup, class_, sent, received):
    want = (*received, *sent)

    def same():
        return probe.read(cgroup)[class_] == want

    try:
        wait_until(same, "counters", bound=2)
    except AssertionError:
        assert probe.read(cgroup)[class_] == want
    assert probe.total(cgroup) == want


def transfer(wire, ends, probe, family, class_="internet", **kwargs):
    before = [wire.sent(i) for i in (0, 1)]
    near, far = connect(ends, family, **kwargs)
    exchange(ends, near, far, BULK, BULK // 4)

    def delta(i):
        return tuple(a - b for a, b in zip(wire.sent(i), before[i]))

    def all_acknowledged():
        # struct tcp_info begins with the state: 7 is TCP_CLOSE, and 6 TCP_TIME_WAIT shows as it.
        return near.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x07"

    wait_until(all_acknowledged, "the end of the connection")
    up, down = delta(0), delta(1)
    # The device saw what was meant to happen: each segment by itself.
    assert up[0] > BULK and up[1] > BULK // 9000
    expect_device(probe, ends.cgroups[0], class_, up, down)
    expect_device(probe, ends.cgroups[1], class_, down, up)
    return up, down


@GRO
@FAMILIES
@pytest.mark.parametrize("class_", ["internet", "local"])
def test_tcp_bulk(class_, family, gro, cgroup, own_wire, agent, probe):
    if gro:
        own_wire.set_gro()
    ends = Ends(class_, family, cgroup, own_wire, agent, probe)
    for c in ends.cgroups:
        probe.spy(c, 10000)

    transfer(own_wire, ends, probe, family, class_)

    ingress, egress = probe.spied()
    assert egress > 0, "no GSO packet passed"
    assert (ingress > 0) == gro
    probe.unforeign()


@FAMILIES
def test_tcp_bulk_on_loopback(family, cgroup, netns, agent, probe):
    netns.run("ethtool", "-K", "lo", "tso", "off", "gso", "off")

    class Loop:
        a = netns

    ends = Ends("loopback", family, cgroup, Loop, agent, probe)
    before = netns.device("lo")
    near, far = connect(ends, family)
    exchange(ends, near, far, BULK, BULK)
    wait_until(lambda: near.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x07", "its end")

    # Everything on the device was sent by one of the two, and received by the other.
    delta = tuple(a - b for a, b in zip(netns.device("lo"), before))
    one, other = (probe.read(c)["loopback"] for c in ends.cgroups)
    assert (one.egress_bytes + other.egress_bytes, one.egress_packets + other.egress_packets) == delta
    assert one[:2] == other[2:] and one[2:] == other[:2]


@GRO
@FAMILIES
def test_small_mss(family, gro, cgroup, own_wire, agent, probe):
    if gro:
        own_wire.set_gro()
    ends = Ends("internet", family, cgroup, own_wire, agent, probe)

    def prepare(s):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 600)

    up, _ = transfer(own_wire, ends, probe, family, prepare=prepare, window=80000)
    assert up[1] > BULK // 600


@FAMILIES
def test_no_timestamps(family, cgroup, own_wire, agent, probe):
    own_wire.set_gro()
    for end in own_wire.ends:
        end.sysctl("ipv4/tcp_timestamps", "0")
    ends = Ends("internet", family, cgroup, own_wire, agent, probe)

    transfer(own_wire, ends, probe, family)


@GRO
def test_tcp_with_extension_headers(gro, cgroup, own_wire, agent, probe):
    if gro:
        own_wire.set_gro()
    ends = Ends("internet", socket.AF_INET6, cgroup, own_wire, agent, probe)

    def prepare(s):
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, HOP_BY_HOP)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, DESTINATION)

    probe.spy(ends.cgroups[0], 10000)
    transfer(own_wire, ends, probe, socket.AF_INET6, prepare=prepare)
    assert probe.spied()[1] > 0, "no GSO packet passed"
    probe.unforeign()


@FAMILIES
def test_big_tcp(family, cgroup, own_wire, agent, probe):
    own_wire.set_gro()
    for end, device in zip(own_wire.ends, own_wire.devices):
        # With larger segments a window that lets BIG TCP grow is still few packets: see WINDOW.
        end.run("ip", "link", "set", device, "mtu", "9000", "gso_max_size", "185000", "gro_max_size", "185000")
        end.set_ipv4_big_tcp(device, 185000)
    ends = Ends("internet", family, cgroup, own_wire, agent, probe)
    for c in ends.cgroups:
        probe.spy(c, LARGEST_PLAIN)

    transfer(own_wire, ends, probe, family, window=600000)

    ingress, egress = probe.spied()
    assert egress > 0, "no BIG TCP packet was sent"
    assert ingress > 0, "no BIG TCP packet was received"
    probe.unforeign()


@CLASSES
@FAMILIES
def test_udp_segment_with_remainder(class_, family, cgroup, own_wire, agent, probe):
    ends = Ends(class_, family, cgroup, own_wire, agent, probe)
    far = bound(ends.far, family, socket.SOCK_DGRAM, ends.addresses[1])
    near = bound(ends.near, family, socket.SOCK_DGRAM, ends.addresses[0])
    near.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)

    near.sendto(bytes(12345), far.getsockname())
    assert [len(far.recv(2000)) for _ in range(13)] == 12 * [1000] + [345]

    size = 13 * (IP[family] + UDP) + 12345
    probe.expect(ends.cgroups[0], **{class_: (0, 0, size, 13)})
    probe.expect(ends.cgroups[1], **{class_: (size, 13, 0, 0)})


def test_udp_segment_with_extension_headers(cgroup, own_wire, agent, probe):
    ends = Ends("internet", socket.AF_INET6, cgroup, own_wire, agent, probe)
    far = bound(ends.far, socket.AF_INET6, socket.SOCK_DGRAM, ends.addresses[1])
    near = bound(ends.near, socket.AF_INET6, socket.SOCK_DGRAM, ends.addresses[0])
    near.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
    near.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, HOP_BY_HOP)

    try:
        near.sendto(bytes(2500), far.getsockname())
    except OSError:
        pytest.skip("this kernel refuses UDP_SEGMENT with extension headers")
    assert [len(far.recv(2000)) for _ in range(3)] == [1000, 1000, 500]

    size = 3 * (IPV6 + 8 + UDP) + 2500
    probe.expect(ends.cgroups[0], internet=(0, 0, size, 3))
    probe.expect(ends.cgroups[1], internet=(size, 3, 0, 0))


@FAMILIES
def test_udp_gro(family, cgroup, own_wire, agent, probe):
    own_wire.set_gro()
    ends = Ends("internet", family, cgroup, own_wire, agent, probe)
    far = bound(ends.far, family, socket.SOCK_DGRAM, ends.addresses[1])
    far.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    near = bound(ends.near, family, socket.SOCK_DGRAM, ends.addresses[0])
    near.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)

    near.sendto(bytes(12345), far.getsockname())
    received = [len(far.recv(65536))]
    assert received[0] > 1000, "nothing was aggregated"
    while sum(received) < 12345:
        received.append(len(far.recv(65536)))

    size = 13 * (IP[family] + UDP) + 12345
    probe.expect(ends.cgroups[0], internet=(0, 0, size, 13))
    probe.expect(ends.cgroups[1], internet=(size, 13, 0, 0))


# A tun device with virtio's header gives GSO packets whose gso_segs is 0: linux/if_tun.h, linux/virtio_net.h.
TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_USO4, TUN_F_USO6 = 0x01, 0x02, 0x04, 0x20, 0x40
NEEDS_CSUM, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4 = 1, 1, 4, 5


@pytest.fixture
def tun(netns):
    with netns.entered():
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR))
        fcntl.ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_USO4 | TUN_F_USO6)
        netns.ip(
            "link set tun0 up",
            *(f"addr add {pair[0]}/{24 if family == socket.AF_INET else 64} dev tun0"
              + (" nodad" if family == socket.AF_INET6 else "")
              for (_, family), pair in ADDRESSES.items()),
        )  # fmt: skip
        yield fd
    finally:
        os.close(fd)


def sum16(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def ip_packet(family, source, destination, protocol, payload, extension=b""):
    source, destination = socket.inet_pton(family, source), socket.inet_pton(family, destination)
    if family == socket.AF_INET6:
        first = 0 if extension else protocol
        length = len(extension) + len(payload)
        return struct.pack("!IHBB", 6 << 28, length, first, 64) + source + destination + extension + payload

    header = struct.pack("!BBHHHBBH", 0x45, 0, IPV4 + len(payload), 0, 0, 64, protocol, 0) + source + destination
    header = header[:10] + struct.pack("!H", 0xFFFF & ~sum16(header)) + header[12:]
    return header + payload


def inject(fd, packet, headers, transport, checksum_at, gso_type, gso_size):
    """headers: the length of all headers, transport: of those before the transport's."""
    virtio = struct.pack("<BBHHHH", NEEDS_CSUM, gso_type, headers, gso_size, transport, checksum_at)
    assert os.write(fd, virtio + packet) == len(virtio) + len(packet)


@pytest.mark.parametrize("extension", [b"", bytes((6,)) + HOP_BY_HOP[1:]], ids=["plain", "extension"])
@FAMILIES
def test_tcp_without_gso_segs(family, extension, cgroup, netns, tun, agent, probe):
    if family == socket.AF_INET:
        extension = b""
    assert probe.attach(cgroup) == 0
    s = agent(cgroup, netns).socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP)
    here, there = ADDRESSES["internet", family]

    header = struct.pack("!HHIIBBHHH", 1, 2, 0, 0, (8 * 4 // 4) << 4, 0x10, 1000, 0, 0) + bytes((1,)) * 12
    packet = ip_packet(family, there, here, socket.IPPROTO_TCP, header + bytes(10001), extension)
    transport = IP[family] + len(extension)
    gso_type = GSO_TCPV4 if family == socket.AF_INET else GSO_TCPV6
    inject(tun, packet, transport + len(header), transport, 16, gso_type, 1000)

    # The raw socket is given the whole of it (over IPv6 without the IP header).
    assert len(s.recv(20000)) == len(packet) - (transport if family == socket.AF_INET6 else 0)
    size = 11 * (transport + TCP + 12) + 10001
    probe.expect(cgroup, internet=(size, 11, 0, 0))


@FAMILIES
def test_udp_without_gso_segs(family, cgroup, netns, tun, agent, probe):
    assert probe.attach(cgroup) == 0
    here, there = ADDRESSES["local", family]
    s = bound(agent(cgroup, netns), family, socket.SOCK_DGRAM, here)
    s.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)

    datagram = struct.pack("!HHHH", 9, s.getsockname()[1], UDP + 5000, 0xFFFF) + bytes(5000)  # over IPv6 it must not be 0
    packet = ip_packet(family, there, here, socket.IPPROTO_UDP, datagram)
    inject(tun, packet, IP[family] + UDP, IP[family], 6, GSO_UDP_L4, 999)

    assert len(s.recv(20000)) == 5000
    size = 6 * (IP[family] + UDP) + 5000
    probe.expect(cgroup, local=(size, 6, 0, 0))


@FAMILIES
def test_sctp_header(family, cgroup, netns, tun, agent, probe):
    """SCTP's header, without SCTP in the kernel: a GSO packet whose protocol is SCTP, for a raw socket. (What SCTP
    itself builds has gso_size GSO_BY_FRAGS, and gso_segs tells how many they are.)"""
    assert probe.attach(cgroup) == 0
    here, there = ADDRESSES["internet", family]
    s = agent(cgroup, netns).socket(family, socket.SOCK_RAW, socket.IPPROTO_SCTP)

    packet = ip_packet(family, there, here, socket.IPPROTO_SCTP, struct.pack("!HHII", 1, 2, 0, 0) + bytes(3500))
    inject(tun, packet, IP[family] + 12, IP[family], 6, GSO_UDP_L4, 1000)

    assert len(s.recv(20000)) == len(packet) - (IPV6 if family == socket.AF_INET6 else 0)
    size = 4 * (IP[family] + 12) + 3500
    probe.expect(cgroup, internet=(size, 4, 0, 0))
