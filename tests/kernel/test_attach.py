# SPDX-License-Identifier: LGPL-2.1-or-later

"""Attaching and reading: whose traffic it is, which class, and what stands in the way."""

import errno
import os
import socket

import pytest
from host import wait_until
from network import IPV4, IPV6, UDP
from probe import Probe, Slot


def send(agent, where, netns, address, size, family=socket.AF_INET):
    a = agent(where, netns)
    s = a.socket(family, socket.SOCK_DGRAM)
    s.sendto(bytes(size), (address, 9))


def test_totals_are_inclusive(cgroup, wire, agent, probe):
    """Three levels, with siblings."""
    middle = cgroup.make("middle")
    one, two = middle.make("one"), middle.make("two")
    for c in (cgroup, middle, one, two):
        assert probe.attach(c) == 0

    for where, size in ((cgroup, 1), (middle, 20), (one, 300), (two, 1000)):
        send(agent, where, wire.a, "203.0.113.2", size)

    header = IPV4 + UDP
    probe.expect(one, internet=(0, 0, header + 300, 1))
    probe.expect(two, internet=(0, 0, header + 1000, 1))
    probe.expect(middle, internet=(0, 0, 3 * header + 1320, 3))
    probe.expect(cgroup, internet=(0, 0, 4 * header + 1321, 4))


def test_the_socket_decides(cgroup, wire, agent, probe):
    """A socket counts where it was made, wherever its process goes."""
    one, two = cgroup.make("one"), cgroup.make("two")
    for c in (one, two):
        assert probe.attach(c) == 0
    a = agent(one, wire.a)
    s = a.socket(socket.AF_INET, socket.SOCK_DGRAM)
    two.take(a.pid)

    s.sendto(bytes(5), ("203.0.113.2", 9))

    probe.expect(one, internet=(0, 0, IPV4 + UDP + 5, 1))
    probe.expect(two)


def test_detached_counts_stand_still(cgroup, wire, agent, probe):
    """The storage is the cgroup's as long as there is the cgroup, and another attach goes on with it."""
    size = IPV4 + UDP + 5
    assert probe.attach(cgroup) == 0
    send(agent, cgroup, wire.a, "203.0.113.2", 5)
    probe.expect(cgroup, internet=(0, 0, size, 1))

    probe.detach(cgroup)
    wait_until(lambda: cgroup.id not in probe.links(), "the links go")
    send(agent, cgroup, wire.a, "203.0.113.2", 5)
    assert probe.attach(cgroup) == 0
    send(agent, cgroup, wire.a, "203.0.113.2", 5)

    probe.expect(cgroup, internet=(0, 0, 2 * size, 2))


def test_own_prefixes(mounts, cgroup, wire, agent):
    """Sixteen of each family, of lengths that are no multiples of 8; the last of each matters too."""
    fillers = [f"192.0.2.{16 * i}/29" for i in range(14)] + [f"2001:db8:{i:x}:1::/61" for i in range(1, 15)]
    local = [*fillers, "203.0.113.0/31", "198.51.100.77/32", "2001:db8::/127", "fd00:77:0:0:8000::/66"]
    probe = Probe.load(mounts.pin_directory(), local)
    try:
        assert probe.attach(cgroup) == 0
        wire.a.ip("route replace 198.51.100.0/24 dev va", "route replace fd00:77:0:0:8000::/66 dev va")
        # In a prefix, and beside one: on either side of /31, /32, /127 and /66.
        for address in ("203.0.113.1", "198.51.100.77"):
            send(agent, cgroup, wire.a, address, 1)
        for address in ("203.0.113.2", "198.51.100.76", "10.77.0.2"):
            send(agent, cgroup, wire.a, address, 10)
        for address in ("fd00:77::8000:0:0:5", "fd00:77::bfff:0:0:5"):
            send(agent, cgroup, wire.a, address, 1, socket.AF_INET6)
        for address in ("2001:db8::2", "fd00:77::2", "fd00:77::4000:0:0:5"):
            send(agent, cgroup, wire.a, address, 10, socket.AF_INET6)

        # 203.0.113.1 is our own address, and goes by the loopback device.
        probe.expect(
            cgroup,
            loopback=(0, 0, IPV4 + UDP + 1, 1),
            local=(0, 0, IPV4 + 2 * IPV6 + 3 * (UDP + 1), 3),
            internet=(0, 0, 3 * IPV4 + 3 * IPV6 + 6 * (UDP + 10), 6),
        )
    finally:
        probe.close()


@pytest.mark.parametrize("address,family", [("203.0.113.2", socket.AF_INET), ("2001:db8::2", socket.AF_INET6)])
@pytest.mark.parametrize("local,class_", [((), "internet"), (("0.0.0.0/0", "::/0"), "local")], ids=["none", "all"])
def test_no_prefix_and_the_widest(local, class_, address, family, mounts, cgroup, wire, agent):
    probe = Probe.load(mounts.pin_directory(), local)
    try:
        assert probe.attach(cgroup) == 0
        send(agent, cgroup, wire.a, address, 1, family)
        size = (IPV4 if family == socket.AF_INET else IPV6) + UDP + 1
        probe.expect(cgroup, **{class_: (0, 0, size, 1)})
    finally:
        probe.close()


def refused(probe, cgroup):
    """The error of attaching, which leaves nothing behind."""
    with pytest.raises(OSError) as refusal:
        probe.attach(cgroup)
    wait_until(lambda: cgroup.id not in probe.links(), "no link is left")
    assert not [n for n in os.listdir(os.path.join(probe.pin_directory, "v1")) if n.startswith(f"{cgroup.id}-")]
    return refusal.value.errno


def test_a_foreign_exclusive_program_refuses(cgroup, probe):
    """One that was attached without BPF_F_ALLOW_MULTI."""
    closed = probe.foreign(cgroup, b"closed", 1, "exclusive")
    below = closed.make("below")
    try:
        assert refused(probe, closed) == errno.EPERM
        assert refused(probe, below) == errno.EPERM
    finally:
        probe.unforeign()

    assert probe.attach(closed) == 0


def test_sixty_four_programs_refuse(cgroup, probe):
    full = probe.foreign(cgroup, b"full", 64, "multi")
    try:
        assert refused(probe, full) == errno.E2BIG
    finally:
        probe.unforeign()

    assert probe.attach(full) == 0


def test_a_failed_egress_takes_ingress_back(cgroup, probe, mounts):
    """The second pin is in the way: the first link must not stay."""
    # The name of the egress pin is taken by another object: that of another cgroup, given this one's name.
    other = cgroup.make("other")
    assert probe.attach(other) == 0
    folder = os.path.join(probe.pin_directory, "v1")
    os.rename(f"{folder}/{other.id}-egress", f"{folder}/{cgroup.id}-egress")
    try:
        with pytest.raises(OSError) as refusal:
            probe.attach(cgroup)
        assert refusal.value.errno == errno.EEXIST
        assert not os.path.exists(f"{folder}/{cgroup.id}-ingress")
        wait_until(lambda: cgroup.id not in probe.links(), "the link goes")
    finally:
        os.unlink(f"{folder}/{cgroup.id}-egress")


def test_beside_others(cgroup, wire, agent, probe):
    """Programs that allow others, on the same cgroup: all count."""
    shared = probe.foreign(cgroup, b"shared", 3, "multi")
    try:
        assert probe.attach(shared) == 0
        send(agent, shared, wire.a, "203.0.113.2", 5)
        probe.expect(shared, internet=(0, 0, IPV4 + UDP + 5, 1))
    finally:
        probe.unforeign()


def test_mode_000(cgroup, wire, agent, probe):
    os.chmod(cgroup.path, 0)
    try:
        assert probe.attach(cgroup) == 0  # by an O_PATH descriptor, as always
        send(agent, cgroup, wire.a, "203.0.113.2", 5)
        probe.expect(cgroup, internet=(0, 0, IPV4 + UDP + 5, 1))
    finally:
        os.chmod(cgroup.path, 0o755)


def test_a_removed_cgroup_lingers_with_its_socket(cgroup, wire, agent, probe):
    """Its counters stay readable, and go on, as long as a socket of it lives."""
    gone = cgroup.make("gone")
    assert probe.attach(gone) == 0
    a = agent(gone, wire.a)
    s = a.socket(socket.AF_INET, socket.SOCK_DGRAM)
    cgroup.take(a.pid)
    os.rmdir(gone.path)

    s.sendto(bytes(5), ("203.0.113.2", 9))

    assert probe.total(gone) == Slot(0, 0, IPV4 + UDP + 5, 1)
    s.close()
    wait_until(lambda: probe.read(gone) is None, "the storage goes")
    probe.detach(gone)
