# SPDX-License-Identifier: LGPL-2.1-or-later

"""The figures that are published are those of the traffic there was."""

import re

from container import wait_for
from machine import INTERNET, LOCAL, SERVICE, both_ways, classes_of, send_command, total, traffic_of

UID = 1000


def test_exact_figures(running):
    m = running
    m.add_peer()
    m.serve("near")
    m.serve("far", "NetworkNamespacePath=/run/netns/peer")
    internet = m.send("internet", INTERNET + "2", 10, 1000, "Slice=traffic.slice")
    local = m.send("local", LOCAL + "2", 20, 500, "Slice=traffic.slice")
    loopback = m.send("loopback", "127.0.0.1", 30, 100, "Slice=traffic.slice")
    assert (internet, local, loopback) == (
        (10280, 10, 10280, 10),
        (10560, 20, 10560, 20),
        (3840, 30, 3840, 30),
    )

    for name, traffic in {"internet": internet, "local": local, "loopback": loopback}.items():
        record = m.wait_final(f"/traffic.slice/{name}.service")
        assert classes_of(record) == {name: traffic}
        assert traffic_of(record, "IP_METRIC_") == traffic
        assert record["CGACCT_UNIT"] == record["OBJECT_SYSTEMD_UNIT"] == f"{name}.service"
        assert record["CGACCT_SLICE"] == "traffic.slice"

    # Each packet has two ends in this machine, the servers' being in system.slice.
    once = {"internet": internet, "local": local, "loopback": loopback}
    twice = {name: total(traffic, traffic) for name, traffic in once.items()}
    m.stop_daemon()
    assert classes_of(m.last_record("/traffic.slice")) == once
    assert classes_of(m.last_record("/system.slice")) == once
    assert classes_of(m.last_record("/system.slice/far.service")) == {"internet": internet, "local": local}
    assert classes_of(m.last_record("/system.slice/near.service")) == {"loopback": loopback}
    assert classes_of(m.last_record("/")) == twice
    assert traffic_of(m.last_record("/traffic.slice")) == total(internet, local) == (20840, 30, 20840, 30)
    assert traffic_of(m.last_record("/")) == (41680, 60, 41680, 60)


def test_what_people_see(running):
    m = running
    m.run("journalctl", "--update-catalog")
    m.add_peer()
    m.serve("far", "NetworkNamespacePath=/run/netns/peer")
    m.send("client", INTERNET + "2", 100, 996)

    # In the unit's own log.
    m.wait_final("/system.slice/client.service")
    log = m.messages("--unit=client.service")
    text = r"client\.service: received 100\.0K, sent 100\.0K in its run of .* \(total 100\.0K, 100\.0K\)"
    assert [line for line in log if re.fullmatch(text, line)], log

    # In systemctl status; 200 KiB as both ends are here.
    def status():
        line = f'Status: "Accounting {m.count_cgroups()} cgroups: received 200.0K, sent 200.0K"'
        return line in m.out("systemctl", "status", "--no-pager", SERVICE)

    wait_for("the status line", status)

    # With an explanation.
    assert "Subject: " in m.out("journalctl", "--no-pager", "--catalog", "CGACCT_FINAL=1")


def test_unit_that_runs_again(running):
    """A path's total goes on, the final record is of one run."""
    m = running
    m.serve("server")
    first = m.send("client", "127.0.0.1", 10, 100)
    m.wait_final("/system.slice/client.service")
    second = m.send("client", "127.0.0.1", 7, 200)

    def finals():
        found = m.records("/system.slice/client.service", "CGACCT_FINAL=1")
        return found if len(found) == 2 else None

    one, two = wait_for("two final records", finals)
    assert traffic_of(one, "IP_METRIC_") == first
    assert traffic_of(two, "IP_METRIC_") == second
    assert classes_of(two) == {"loopback": total(first, second)}
    assert one["CGACCT_CGROUP_ID"] != two["CGACCT_CGROUP_ID"]


def test_no_traffic_no_record(running):
    m = running
    m.serve("server")
    m.unit("silent", "/bin/true")
    m.send("client", "127.0.0.1", 1, 100)
    m.wait_final("/system.slice/client.service")
    assert m.records("/system.slice/silent.service") == []


def test_unit_of_a_user(running):
    m = running
    m.write("/etc/sysusers.d/somebody.conf", f"u somebody {UID}\n")
    m.run("systemd-sysusers")
    m.run("systemctl", "start", f"user@{UID}.service")
    m.serve("server")
    as_user = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--init-groups"]
    environment = ["env", f"XDG_RUNTIME_DIR=/run/user/{UID}"]
    run = ["systemd-run", "--user", "--quiet", "--unit=app"]  # --wait would need a bus of the user's
    m.run(*as_user, *environment, *run, *send_command("127.0.0.1", 10, 1000))

    manager = f"/user.slice/user-{UID}.slice/user@{UID}.service"
    record = m.wait_final(f"{manager}/app.slice/app.service")
    assert traffic_of(record, "IP_METRIC_") == both_ways(10, 1000)
    assert record["CGACCT_UNIT"] == f"user@{UID}.service"
    assert record["CGACCT_SLICE"] == f"user-{UID}.slice"
    assert record["CGACCT_USER_UNIT"] == record["OBJECT_SYSTEMD_USER_UNIT"] == "app.service"
    assert record["CGACCT_OWNER_UID"] == record["OBJECT_SYSTEMD_OWNER_UID"] == str(UID)
    m.stop_daemon()
    assert classes_of(m.last_record(manager)) == {"loopback": both_ways(10, 1000)}
