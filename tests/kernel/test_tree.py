# SPDX-License-Identifier: LGPL-2.1-or-later

"""The whole daemon: following a tree that changes, and its limits."""

import errno
import os
import signal
import socket

import pytest
from agent import receive_bulk, send_bulk
from host import wait_until
from network import ADDRESSES, IPV4, TCP, UDP
from test_gso import WINDOW
from test_wire import TIMESTAMPS

SIZE = IPV4 + UDP + 100
SO_SNDBUFFORCE = 32


def send(agent, where, netns, n=1):
    a = agent(where, netns)
    s = a.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(n):
        s.sendto(bytes(100), ("203.0.113.2", 9))
    return a


def format_bytes(n):
    """As systemd does, and the daemon."""
    unit = 0
    value = n
    while value >= 1024:
        value /= 1024
        unit += 1
    return f"{n}B" if unit == 0 else f"{int(value * 10) / 10}{'BKMGT'[unit]}"


def test_one_name_again_and_again(cgroup, daemon):
    d = daemon()
    for i in range(300):
        last = cgroup.make("name")
        if i < 299:
            os.rmdir(last.path)
    d.wait_pinned({cgroup.id, last.id})
    assert d.n_watches() == 2
    d.stop()


def test_nested_at_once(cgroup, daemon):
    d = daemon()
    for i in range(100):
        os.makedirs(os.path.join(os.fsdecode(cgroup.path), f"n{i}/a/b/c"))
    ids = cgroup.ids()
    assert len(ids) == 401
    d.wait_pinned(ids)
    wait_until(lambda: d.n_watches() == 401, "each is watched")
    d.stop()


def test_made_and_gone_within_milliseconds(cgroup, wire, agent, daemon):
    """Attached in time, and read in time: each final figure is exact."""
    d = daemon()
    for i in range(20):
        short = cgroup.make(f"short-{i}")
        d.wait_attached(short)
        send(agent, short, wire.a, i + 1).close()
        os.rmdir(short.path)

    for i in range(20):
        (line,) = d.wait_for(f"^/short-{i}: ")
        n = format_bytes((i + 1) * SIZE)
        assert f"received 0B, sent {n} in its run of" in line and f"(total 0B, {n})" in line
    d.probe.expect(cgroup, internet=(0, 0, 210 * SIZE, 210))
    d.wait_pinned({cgroup.id})
    assert d.n_watches() == 1
    d.stop()


def test_a_path_that_returns_adds_up(cgroup, wire, agent, daemon):
    d = daemon()
    for i in range(3):
        again = cgroup.make("again")
        d.wait_attached(again)
        send(agent, again, wire.a).close()
        os.rmdir(again.path)
        lines = d.wait_for("^/again: ", i + 1)
        assert "sent 128B in its run" in lines[i] and f"(total 0B, {128 * (i + 1)}B)" in lines[i]
    d.stop()


def test_megabytes_queued_to_a_slow_peer(cgroup, own_wire, agent, daemon):
    """They leave after their cgroup is gone, and count all the same."""
    d = daemon()
    gone = cgroup.make("gone")
    d.wait_attached(gone)
    near_address, far_address = ADDRESSES["internet", socket.AF_INET]
    before = [own_wire.sent(i) for i in (0, 1)]

    far = agent(None, own_wire.b)
    listener = far.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, WINDOW)
    listener.bind((far_address, 0))
    listener.listen(1)
    near = agent(gone, own_wire.a)
    s = near.socket(socket.AF_INET, socket.SOCK_STREAM)
    near.socket(socket.AF_INET, socket.SOCK_DGRAM)  # idle: the count stays readable until it is closed
    s.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20)
    s.connect(listener.getsockname())
    accepted, _ = listener.accept()
    near.call(send_bulk, s, 4 << 20)
    s.close()
    cgroup.take(near.pid)
    os.rmdir(gone.path)

    assert d.probe.total(gone).egress_bytes < 1 << 20
    far.start(receive_bulk, accepted, None)
    assert far.result() == 4 << 20

    def on_the_wire():
        return [tuple(a - b for a, b in zip(own_wire.sent(i), before[i])) for i in (0, 1)]

    wait_until(lambda: d.probe.total(gone)[2:] == on_the_wire()[0], "all that was sent is counted")
    last = d.probe.total(gone)
    sent, received = on_the_wire()
    assert sent[0] > 4 << 20
    # After the FIN is acknowledged a TIME_WAIT is left, which counts nowhere: window updates may still be for it.
    late = received[1] - last.ingress_packets
    assert late in (0, 1, 2) and received[0] - last.ingress_bytes == late * (IPV4 + TCP + TIMESTAMPS)

    near.close()
    wait_until(lambda: d.probe.total(gone) is None, "the last socket of it")
    (line,) = d.wait_for("^/gone: ")
    assert f"received {format_bytes(last.ingress_bytes)}, sent {format_bytes(sent[0])} in its run" in line
    d.wait_pinned({cgroup.id})
    d.stop()


def test_nothing_is_left_of_a_thousand(cgroup, daemon):
    d = daemon()

    def thousand():
        made = [cgroup.make(f"c{i}") for i in range(1000)]
        d.wait_pinned({cgroup.id, *(c.id for c in made)})
        for c in made:
            os.rmdir(c.path)
        d.wait_pinned({cgroup.id})

    thousand()
    descriptors, resident = d.n_descriptors(), d.resident_kib()
    for _ in range(2):
        thousand()

    assert d.n_descriptors() <= descriptors  # fewer, where the first count met one that is open for a moment
    assert d.n_watches() == 1
    wait_until(lambda: d.probe.links() == [cgroup.id] * 2, "the links go")
    if not os.environ.get("CGACCTD_TEST_SANITIZED"):  # which keeps what was freed
        assert d.resident_kib() < resident + 512
    d.stop()


def test_thousands_need_no_more_descriptors(cgroup, daemon):
    n = int(os.environ.get("CGACCTD_TEST_CGROUPS", "5000"))
    d = daemon(f"MaxCgroups={2 * n}\nMaxPerUnit=infinity\n")
    for i in range(20):
        cgroup.make(f"c{i}")
    d.wait_pinned(cgroup.ids())
    descriptors = d.n_descriptors()

    for i in range(20, n):
        cgroup.make(f"c{i}")

    d.wait_pinned(cgroup.ids(), bound=60)
    assert d.n_descriptors() <= descriptors  # fewer, where the first count met one that is open for a moment
    d.stop()


def test_queue_overflow(cgroup, wire, agent, daemon):
    """More events than the kernel keeps: the tree is compared with what is known."""
    d = daemon()
    old = cgroup.make("old")
    kept = cgroup.make("kept")
    d.wait_pinned({cgroup.id, old.id, kept.id})
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as f:
        limit = int(f.read())

    d.process.send_signal(signal.SIGSTOP)
    for i in range(limit // 2 + 1):
        cgroup.make(f"c{i % 7}-{i}").remove()
    os.rmdir(old.path)
    for i in range(30):
        os.makedirs(os.path.join(os.fsdecode(cgroup.path), f"n{i}/a/b"))
    d.process.send_signal(signal.SIGCONT)

    ids = cgroup.ids()
    assert len(ids) == 92 and old.id not in ids and kept.id in ids
    d.wait_pinned(ids)
    assert d.n_watches() == 92
    send(agent, kept, wire.a)
    d.probe.expect(kept, internet=(0, 0, SIZE, 1))
    d.stop()


def test_the_kernel_refuses_newlines(cgroup):
    """If it ever stops to, they belong into the next test."""
    with pytest.raises(OSError) as refusal:
        cgroup.make(b"new\nline")
    assert refusal.value.errno == errno.EINVAL


@pytest.mark.parametrize(
    "name,shown",
    [
        (b"\x1b[31m\t\\", r"/\\x1b\[31m\\x09\\x5c"),
        (b"\xff\xfe", r"/\\xff\\xfe"),
        (b"n" * 255, "/" + "n" * 255),
        (b"a b%s", "/a b%s"),
    ],
    ids=["control", "invalid-utf-8", "255", "format"],
)
def test_names(name, shown, cgroup, wire, agent, daemon):
    d = daemon()
    odd = cgroup.make(name)
    below = odd.make(name)
    d.wait_pinned({cgroup.id, odd.id, below.id})
    send(agent, below, wire.a).close()
    d.probe.expect(odd, internet=(0, 0, SIZE, 1))
    os.rmdir(below.path)
    os.rmdir(odd.path)
    d.wait_for(f"^{shown}: received 0B, sent 128B in its run")
    d.wait_pinned({cgroup.id})
    d.stop()


def test_mode_000(cgroup, wire, agent, daemon):
    d = daemon()
    closed = cgroup.make("closed")
    os.chmod(closed.path, 0)
    below = closed.make("below")
    os.chmod(below.path, 0)
    deeper = below.make("deeper")
    d.wait_pinned({cgroup.id, closed.id, below.id, deeper.id})
    send(agent, deeper, wire.a)
    d.probe.expect(closed, internet=(0, 0, SIZE, 1))
    d.stop()


def nest(cgroup, levels):
    chain = [cgroup]
    for i in range(levels):
        chain.append(chain[-1].make(f"level-{i:030}"))
    assert len(chain[-1].path) > 4096
    return chain


def test_200_levels(cgroup, wire, agent, daemon):
    d = daemon("MaxDepth=300\n")
    chain = nest(cgroup, 200)
    d.wait_pinned({c.id for c in chain})
    send(agent, chain[-1], wire.a)
    for c in chain:
        assert d.probe.total(c) == (0, 0, SIZE, 1)
    d.stop()


def test_max_depth_by_default(cgroup, wire, agent, daemon):
    d = daemon()
    chain = nest(cgroup, 200)
    d.wait_pinned({c.id for c in chain[:17]})
    send(agent, chain[-1], wire.a)
    d.probe.expect(chain[16], internet=(0, 0, SIZE, 1))
    (line,) = d.wait_for("is over MaxDepth=16")
    assert "level-" in line
    d.wait_for("Accounting 17 cgroups: .*over limit")
    d.stop()


def test_max_cgroups(cgroup, wire, agent, daemon):
    d = daemon("MaxCgroups=10\n")
    made = [cgroup.make(f"c{i}") for i in range(30)]
    d.wait_for("Accounting 10 cgroups: .*over limit")
    attached, half = d.pinned()
    assert len(attached) == 10 and cgroup.id in attached and not half
    refused = [c for c in made if c.id not in attached]
    send(agent, refused[0], wire.a).close()
    d.probe.expect(cgroup, internet=(0, 0, SIZE, 1))
    assert len(d.lines("is over MaxCgroups=10")) >= 1

    # Where there is room again, they get their turn.
    for c in made:
        if c.id in attached:
            os.rmdir(c.path)
    wait_until(lambda: len(d.pinned()[0] & {c.id for c in refused}) == 9, "nine others are attached")
    d.stop()


def test_max_per_unit(cgroup, wire, agent, daemon):
    d = daemon("MaxPerUnit=10\n")
    units = [cgroup.make("a.slice").make("many.service"), cgroup.make("few.service")]
    many = [units[0].make(f"c{i}") for i in range(30)]
    few = units[1].make("c")
    d.wait_attached(few)
    d.wait_for("over limit")
    (line,) = d.wait_for("is over MaxPerUnit=10")
    assert "/a.slice/many.service/" in line
    attached, half = d.pinned()
    assert units[0].id in attached and len(attached & {c.id for c in many}) == 10 and not half
    refused = next(c for c in many if c.id not in attached)
    send(agent, refused, wire.a).close()
    d.probe.expect(units[0], internet=(0, 0, SIZE, 1))
    d.stop()


def test_removed_subtree_with_traffic(cgroup, wire, agent, daemon):
    """Each level tells its own final total, and children's are within their parents'."""
    d = daemon()
    one = cgroup.make("one")
    two = one.make("two")
    d.wait_attached(two)
    send(agent, one, wire.a, 1).close()
    send(agent, two, wire.a, 2).close()
    one.remove()
    (line,) = d.wait_for("^/one: ")
    assert "sent 384B in its run" in line
    (line,) = d.wait_for("^/one/two: ")
    assert "sent 256B in its run" in line
    d.stop()
