# SPDX-License-Identifier: LGPL-2.1-or-later

"""The whole daemon: starting, stopping, attaching in spite of others."""

import os
import signal
import socket

from daemon import run_to_end
from network import IPV4, UDP
from probe import program_path

SIZE = IPV4 + UDP + 100


def send(agent, where, netns, n=1):
    s = agent(where, netns).socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(n):
        s.sendto(bytes(100), ("203.0.113.2", 9))


def test_start_and_stop(cgroup, wire, agent, daemon):
    before = cgroup.make("before")
    d = daemon()
    after = cgroup.make("after")
    d.wait_pinned({cgroup.id, before.id, after.id})
    assert d.n_watches() == 3

    send(agent, before, wire.a)
    send(agent, after, wire.a, 2)

    d.probe.expect(before, internet=(0, 0, SIZE, 1))
    d.probe.expect(after, internet=(0, 0, 2 * SIZE, 2))
    d.probe.expect(cgroup, internet=(0, 0, 3 * SIZE, 3))
    d.wait_for("Accounting 3 cgroups: received 0B, sent 384B")
    d.stop()


def test_interrupt_stops_too(daemon):
    d = daemon()
    d.process.send_signal(signal.SIGINT)
    assert d.process.wait(10) == 0
    assert os.listdir(d.folder) == []


def test_a_killed_daemon_is_cleaned_up_after(cgroup, daemon):
    child = cgroup.make("child")
    d = daemon()
    d.wait_pinned({cgroup.id, child.id})
    d.process.kill()
    d.process.wait()
    d.probe.close()
    os.rmdir(child.path)

    d.start()

    d.wait_pinned({cgroup.id})
    d.wait_for("[Rr]emoved 5 pins|[Aa]dopted")
    d.stop()


def test_foreign_exclusive_program(cgroup, wire, agent, probe, daemon):
    """Said once, with path and reason; attached as soon as it is out of the way."""
    closed = probe.foreign(cgroup, b"closed", 1, "exclusive")
    below = closed.make("below")
    try:
        d = daemon()
        d.wait_pinned({cgroup.id})
        d.wait_for("1 cgroup: .*2 not attached")
        (line,) = d.lines("Cannot attach")
        assert "/closed:" in line and "BPF_F_ALLOW_MULTI" in line
        late = cgroup.make("late")
        d.wait_attached(late)
    finally:
        probe.unforeign()

    d.wait_pinned({cgroup.id, closed.id, below.id, late.id})
    send(agent, below, wire.a)
    d.probe.expect(closed, internet=(0, 0, SIZE, 1))
    d.wait_for(r"4 cgroups: received 0B, sent 128B$")
    assert len(d.lines("Cannot attach")) == 1
    d.stop()


def test_sixty_four_programs(cgroup, probe, daemon):
    full = probe.foreign(cgroup, b"full", 64, "multi")
    below = full.make("below")
    try:
        d = daemon()
        d.wait_pinned({cgroup.id, below.id})
        (line,) = d.wait_for("Cannot attach")
        assert "/full:" in line and "64" in line
    finally:
        probe.unforeign()

    d.wait_pinned({cgroup.id, full.id, below.id})
    assert len(d.lines("Cannot attach")) == 1
    d.stop()


def test_exclude_and_reload(cgroup, wire, agent, daemon):
    """What is excluded is not attached, and is when it is not excluded any more; no byte counts twice for that."""
    hidden = cgroup.make("hidden")
    below = hidden.make("below")
    shown = cgroup.make("shown")
    d = daemon("Exclude=/hidden\n")
    d.wait_pinned({cgroup.id, shown.id})
    assert d.n_watches() == 2
    send(agent, below, wire.a)
    d.probe.expect(cgroup, internet=(0, 0, SIZE, 1))

    d.reload("")
    d.wait_pinned({cgroup.id, hidden.id, below.id, shown.id})
    send(agent, below, wire.a)
    d.probe.expect(hidden, internet=(0, 0, SIZE, 1))

    d.reload("Exclude=/hidden\n")
    d.wait_pinned({cgroup.id, shown.id})
    assert d.n_watches() == 2
    send(agent, below, wire.a)
    d.reload("")
    d.wait_pinned({cgroup.id, hidden.id, below.id, shown.id})
    send(agent, below, wire.a)
    d.probe.expect(cgroup, internet=(0, 0, 4 * SIZE, 4))
    below.remove()

    # The first run ended when it was excluded. The second goes on from there: it is the same cgroup.
    first, second = d.wait_for("^/hidden/below: .* in its run ", 2)
    assert "sent 128B in its run" in first and "(total 0B, 128B)" in first
    assert "sent 256B in its run" in second and "(total 0B, 256B)" in second
    d.stop()


def test_local_prefixes_change_by_reload(cgroup, wire, agent, daemon):
    d = daemon("Local=203.0.113.0/24\n")
    send(agent, cgroup, wire.a)
    d.probe.expect(cgroup, local=(0, 0, SIZE, 1))

    d.reload("Local=\n")

    send(agent, cgroup, wire.a)
    d.probe.expect(cgroup, local=(0, 0, SIZE, 1), internet=(0, 0, SIZE, 1))


def test_second_instance(cgroup, daemon):
    d = daemon()
    result = run_to_end(*d.arguments)
    assert result.returncode != 0
    assert "Another instance" in result.stderr and d.pin_directory in result.stderr
    assert len(result.stderr.splitlines()) == 1
    d.wait_pinned({cgroup.id})
    d.stop()


def test_instances_beside_each_other(cgroup, wire, agent, daemon):
    one, two = daemon(), daemon()
    send(agent, cgroup, wire.a)
    one.probe.expect(cgroup, internet=(0, 0, SIZE, 1))
    two.probe.expect(cgroup, internet=(0, 0, SIZE, 1))
    one.stop()
    send(agent, cgroup, wire.a)
    two.probe.expect(cgroup, internet=(0, 0, 2 * SIZE, 2))
    two.stop()


def test_no_cgroup2(mounts, tmp_path):
    result = run_to_end(f"--cgroup-root={tmp_path}", f"--pin-dir={mounts.pin_directory()}")
    assert result.returncode == 6
    assert str(tmp_path) in result.stderr and "cgroup2" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_no_bpffs(cgroup, tmp_path):
    folder = tmp_path / "pins"
    result = run_to_end("--cgroup-root=" + os.fsdecode(cgroup.path), f"--pin-dir={folder}")
    assert result.returncode == 6
    assert str(folder) in result.stderr and "mount -t bpf" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not folder.exists()


def test_not_root(cgroup, mounts):
    # By its descriptor: others may not be allowed to reach the build directory.
    fd = os.open(program_path("CGACCTD_DAEMON", "daemon/cgacctd"), os.O_RDONLY)
    try:
        result = run_to_end(
            "--cgroup-root=" + os.fsdecode(cgroup.path), f"--pin-dir={mounts.pin_directory()}",
            executable=f"/proc/self/fd/{fd}", pass_fds=[fd], user=65534, group=65534, extra_groups=[], cwd="/",
        )  # fmt: skip
    finally:
        os.close(fd)
    assert result.returncode == 4
    assert "CAP_BPF" in result.stderr and "root" in result.stderr
    assert len(result.stderr.splitlines()) == 1
