# SPDX-License-Identifier: LGPL-2.1-or-later

"""Network namespaces of our own, and a wire between two of them that carries nothing but what a test sends."""

import contextlib
import os
import socket
import struct
import subprocess

from host import CLONE_NEWNET, setns, unshare

ETHERNET = 14
IPV4, IPV6, UDP, TCP, ICMP = 20, 40, 8, 20, 8
IP = {socket.AF_INET: IPV4, socket.AF_INET6: IPV6}

# By class: what either end of the wire is called.
ADDRESSES = {
    ("local", socket.AF_INET): ("10.77.0.1", "10.77.0.2"),
    ("local", socket.AF_INET6): ("fd00:77::1", "fd00:77::2"),
    ("internet", socket.AF_INET): ("203.0.113.1", "203.0.113.2"),
    ("internet", socket.AF_INET6): ("2001:db8::1", "2001:db8::2"),
}
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
MAC = ("02:00:00:00:00:01", "02:00:00:00:00:02")

# linux/if_link.h; iproute2 knows them since 6.3.
IFLA_IFNAME, IFLA_GSO_IPV4_MAX_SIZE, IFLA_GRO_IPV4_MAX_SIZE = 3, 63, 64
RTM_NEWLINK, NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 16, 1, 4, 2


class Netns:
    def __init__(self):
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            unshare(CLONE_NEWNET)
            self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            setns(home, CLONE_NEWNET)
        finally:
            os.close(home)
        self.run("ip", "link", "set", "lo", "up")
        self.sysctl("ipv4/ping_group_range", "0 0")

    @contextlib.contextmanager
    def entered(self):
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        setns(self.fd, CLONE_NEWNET)
        try:
            yield
        finally:
            setns(home, CLONE_NEWNET)
            os.close(home)

    def run(self, *command, **kwargs):
        with self.entered():
            return subprocess.run(command, check=True, stdout=subprocess.PIPE, **kwargs).stdout

    def ip(self, *lines):
        self.run("ip", "-batch", "-", input="\n".join(lines).encode())

    def sysctl(self, name, value):
        with self.entered(), open("/proc/sys/net/" + name, "w", encoding="ascii") as f:
            f.write(value)

    def device(self, name):
        """What it sent: bytes as the device counts them, and packets."""
        with self.entered(), open("/proc/thread-self/net/dev", encoding="ascii") as f:
            for line in f:
                device, _, numbers = line.partition(":")
                if device.strip() == name:
                    numbers = numbers.split()
                    return int(numbers[8]), int(numbers[9])
        raise KeyError(name)

    def set_ipv4_big_tcp(self, device, size):
        """What `ip link set DEVICE gso_ipv4_max_size SIZE gro_ipv4_max_size SIZE` does."""

        def attribute(kind, value):
            padding = bytes(-len(value) % 4)
            return struct.pack("=HH", 4 + len(value), kind) + value + padding

        body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0)
        body += attribute(IFLA_IFNAME, device.encode() + b"\0")
        body += attribute(IFLA_GSO_IPV4_MAX_SIZE, struct.pack("=I", size))
        body += attribute(IFLA_GRO_IPV4_MAX_SIZE, struct.pack("=I", size))
        header = struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0)
        with self.entered(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
            s.send(header + body)
            answer = s.recv(4096)
        kind, error = struct.unpack_from("=H", answer, 4)[0], struct.unpack_from("=i", answer, 16)[0]
        assert kind == NLMSG_ERROR and error == 0, os.strerror(-error)

    def close(self):
        os.close(self.fd)


class Wire:
    """Two namespaces and a veth pair, "va" in the first and "vb" in the second. The neighbours are static and the
    devices without ARP, which for IPv6 means no neighbour discovery, no DAD and no multicast reports either: nothing
    is on the wire but the test's own packets. Segmentation is taken off the devices, so that they count segments;
    the sockets make GSO packets all the same."""

    def __init__(self):
        self.a, self.b = self.ends = Netns(), Netns()
        self.devices = ("va", "vb")
        self.gro = False
        self.a.run("ip", "link", "add", "va", "address", MAC[0], "type", "veth",
                   "peer", "name", "vb", "address", MAC[1], "netns", f"/proc/{os.getpid()}/fd/{self.b.fd}")  # fmt: skip
        for i in (0, 1):
            self._set_up(i)

    def _set_up(self, i):
        netns, device = self.ends[i], self.devices[i]
        netns.ip(f"link set {device} arp off addrgenmode none")
        netns.run("ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off", "tx-udp-segmentation", "off")
        netns.ip(
            f"link set {device} up",
            *(f"addr add {pair[i]}/{24 if family == socket.AF_INET else 64} dev {device}"
              + (" nodad" if family == socket.AF_INET6 else "")
              for (_, family), pair in ADDRESSES.items()),
            *(f"neigh replace {pair[1 - i]} lladdr {MAC[1 - i]} dev {device} nud permanent"
              for pair in ADDRESSES.values()),
        )  # fmt: skip

    def set_gro(self):
        """Both devices aggregate what they receive."""
        for netns, device in zip(self.ends, self.devices):
            netns.run("ethtool", "-K", device, "gro", "on")
        self.gro = True

    def sent(self, i):
        """Bytes at the IP layer and packets that end i put on the wire. With GRO the other end counts for it, after
        the Ethernet header is off (veth_get_stats64() and veth_xdp_rcv_skb() in drivers/net/veth.c)."""
        bytes_, packets = self.ends[i].device(self.devices[i])
        return (bytes_ if self.gro else bytes_ - ETHERNET * packets), packets

    def close(self):
        for netns in self.ends:
            netns.close()
