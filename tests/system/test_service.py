# SPDX-License-Identifier: LGPL-2.1-or-later

"""The service does what systemctl asks of it."""

import json
import subprocess

import pytest

from container import wait_for
from machine import SERVICE, install, traffic_of

DAEMON = "/usr/sbin/cgacctd"
# Hundreds of datagrams may wait for journald before a sender has to.
FILL_JOURNAL = """
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setblocking(False)
while True:
    try:
        s.sendto(b"MESSAGE=fill\\n", "/run/systemd/journal/socket")
    except BlockingIOError:
        break
"""


def attached_programs(machine):
    """The names of the programs that are attached anywhere in the machine's cgroups."""
    argv = ["bpftool", "--json", "cgroup", "tree", machine.cgroup]
    out = subprocess.run(argv, stdout=subprocess.PIPE, check=True, env={"PATH": "/usr/sbin:/usr/bin"}).stdout
    return {program["name"] for cgroup in json.loads(out) for program in cgroup["programs"]}


def assert_nothing_left(machine):
    assert machine.pins() == set()
    assert not {name for name in attached_programs(machine) if name.startswith("acct_")}


def test_install(bare_machine):
    m = bare_machine
    m.write("/etc/systemd/system-preset/99-default.preset", "disable *\n")
    install(m.root)
    m.run("systemctl", "daemon-reload")
    m.run("journalctl", "--update-catalog")
    assert m.out("systemd-analyze", "verify", "--man=no", SERVICE) == ""
    m.run("systemctl", "preset", SERVICE)
    assert m.out("systemctl", "is-enabled", SERVICE) == "enabled\n"
    m.run("systemctl", "start", SERVICE)
    assert m.is_attached("/")
    assert m.out(DAEMON, "--version").startswith("cgacctd ")


def test_security(running):
    # In tenths.
    running.run("systemd-analyze", "security", "--no-pager", "--threshold=15", SERVICE)


def test_start_and_stop(running):
    m = running
    assert m.show(SERVICE, "ActiveState", "SubState") == {"ActiveState": "active", "SubState": "running"}
    # Ready means that every cgroup is attached to.
    assert all(m.is_attached(f"/{slice}") for slice in ("", "init.scope", "system.slice", f"system.slice/{SERVICE}"))
    assert {name for name in attached_programs(m) if name.startswith("acct_")}

    m.run("systemctl", "stop", SERVICE)
    assert m.show(SERVICE, "ActiveState", "Result") == {"ActiveState": "inactive", "Result": "success"}
    assert_nothing_left(m)


def test_boot(machine):
    m = machine
    m.run("systemctl", "enable", SERVICE)
    m.stop()
    m.boot()
    times = [
        int(m.show(unit, "ActiveEnterTimestampMonotonic"))
        for unit in ("local-fs.target", SERVICE, "network-pre.target")
    ]
    assert all(times) and times == sorted(times)

    m.power_off()
    assert_nothing_left(m)


def test_restart(running):
    m = running
    pid = m.show(SERVICE, "MainPID")
    m.run("systemctl", "restart", SERVICE)
    assert m.show(SERVICE, "ActiveState") == "active"
    assert m.show(SERVICE, "MainPID") != pid
    assert m.is_attached("/system.slice")


def test_crash(running):
    m = running
    pid = m.show(SERVICE, "MainPID")
    m.run("systemctl", "kill", "--signal=KILL", SERVICE)

    def restarted():
        shown = m.show(SERVICE, "ActiveState", "MainPID")
        return shown["ActiveState"] == "active" and shown["MainPID"] != pid

    wait_for("the restart", restarted)
    assert m.show(SERVICE, "NRestarts") == "1"
    assert m.is_attached("/system.slice")


def test_reload(running):
    m = running
    pid = m.show(SERVICE, "MainPID")
    m.serve("server")
    m.start_unit("before", "/bin/sleep", "infinity")
    wait_for("the attach", lambda: m.is_attached("/system.slice/before.service"))

    m.configure(Exclude="/system.slice/before* /system.slice/after*", JournalRecords="none", LogLevel="debug")
    m.run("systemctl", "reload", SERVICE)
    m.wait_message("The configuration was reloaded.")

    # Exclude=: for those that were there and those that come.
    m.start_unit("after", "/bin/sleep", "infinity")
    m.start_unit("other", "/bin/sleep", "infinity")
    wait_for("the attach", lambda: m.is_attached("/system.slice/other.service"))
    wait_for("the detach", lambda: not m.is_attached("/system.slice/before.service"))
    assert not m.is_attached("/system.slice/after.service")

    # JournalRecords=
    m.send("untold", "127.0.0.1", 1, 100)
    wait_for("the end", lambda: not m.cgroup_path("/system.slice/untold.service").exists())
    m.configure(JournalIntervalSec="1s")
    m.run("systemctl", "reload", SERVICE)
    m.wait_message("The configuration was reloaded.", 2)
    sent = m.send("told", "127.0.0.1", 1, 200)
    assert traffic_of(m.wait_final("/system.slice/told.service"), "IP_METRIC_") == sent
    assert m.records("/system.slice/untold.service", "CGACCT_FINAL=1") == []

    # JournalIntervalSec=
    wait_for("a record of what runs", lambda: m.records("/system.slice/server.service"))

    assert m.show(SERVICE, "MainPID", "ActiveState") == {"MainPID": pid, "ActiveState": "active"}


def test_reload_of_what_cannot_change(running):
    m = running
    m.configure(PinDirectory="/sys/fs/bpf/elsewhere", Nonsense="1", MaxDepth="deep")
    m.run("systemctl", "reload", SERVICE)
    m.wait_message("The configuration was reloaded.")
    log = "\n".join(m.messages(f"--unit={SERVICE}"))
    assert "PinDirectory= cannot change while the daemon runs" in log
    assert "/etc/cgacctd.conf:7" in log and "Nonsense" in log
    assert "/etc/cgacctd.conf:8" in log and "MaxDepth=deep" in log
    assert m.is_attached("/system.slice")


def test_stuck_journal(running):
    m = running
    pid = m.show(SERVICE, "MainPID")
    m.serve("server")
    m.run("systemctl", "kill", "--kill-who=main", "--signal=STOP", "systemd-journald.service")
    m.run("python3", "-c", FILL_JOURNAL)

    m.start_unit("late", "/bin/sleep", "infinity")
    wait_for("the attach", lambda: m.is_attached("/system.slice/late.service"), timeout=5)
    wait_for("the status", lambda: f" {m.count_cgroups()} cgroups" in m.show(SERVICE, "StatusText"), timeout=5)
    sent = m.send("client", "127.0.0.1", 10, 100)

    m.run("systemctl", "kill", "--kill-who=main", "--signal=CONT", "systemd-journald.service")
    record = m.wait_final("/system.slice/client.service")
    assert traffic_of(record, "IP_METRIC_") == sent
    assert m.show(SERVICE, "MainPID", "NRestarts") == {"MainPID": pid, "NRestarts": "0"}


@pytest.mark.parametrize(
    "properties, arguments, code, text",
    [
        ([], [], 6, "Another instance"),
        (["User=nobody"], [], 4, "as root"),
        (["CapabilityBoundingSet=CAP_NET_ADMIN"], [], 4, "Missing capability CAP_BPF"),
        (["CapabilityBoundingSet=CAP_BPF"], [], 4, "Missing capability CAP_NET_ADMIN"),
        ([], ["--pin-dir=/tmp/pins"], 6, "not on a BPF file system"),
        ([], ["--cgroup-root=/tmp"], 6, "not a cgroup2 file system"),
        ([], ["--nonsense"], 2, "--nonsense"),
        ([], ["--pin-dir=relative"], 2, "an absolute path"),
    ],
)
def test_refusals(running, properties, arguments, code, text):
    """One line that names what is wrong."""
    flags = [f"--property={p}" for p in properties]
    argv = ["systemd-run", "--quiet", "--wait", "--pipe", *flags, DAEMON, *arguments]
    result = running.run(*argv, check=False)
    assert result.returncode == code, result.stderr
    assert text in result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert running.is_attached("/")


def test_no_restart_where_it_cannot_help(machine):
    m = machine
    m.configure(PinDirectory="/tmp/pins")
    assert m.run("systemctl", "start", SERVICE, check=False).returncode != 0
    assert m.show(SERVICE, "ActiveState", "NRestarts") == {"ActiveState": "failed", "NRestarts": "0"}
    assert any("not on a BPF file system" in line for line in m.messages(f"--unit={SERVICE}"))


def test_configuration_is_tested(machine):
    m = machine
    m.configure(MaxDepth="7")
    assert "MaxDepth=7\n" in m.out(DAEMON, "--test-config")

    m.write("/etc/cgacctd.conf.d/50-site.conf", "[Cgacctd]\nMaxDepth=deep\n")
    result = m.run(DAEMON, "--test-config", check=False)
    assert result.returncode == 1
    assert "/etc/cgacctd.conf.d/50-site.conf:2" in result.stderr
    assert "MaxDepth=7\n" in result.stdout
