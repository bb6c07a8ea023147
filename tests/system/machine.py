# SPDX-License-Identifier: LGPL-2.1-or-later

"""A container with the daemon, and how to ask it."""

import json
import os
import subprocess
from collections import namedtuple

from container import Container, wait_for

SERVICE = "cgacctd.service"
PIN_FOLDER = "cgacctd"
PORT = 4000
UDP_HEADERS = 20 + 8  # IPv4 and UDP

# One end of a pair of interfaces is the container's, the other a network of its own. Documentation addresses
# (RFC 5737) are nobody's, and so of the internet as far as the daemon is concerned.
INTERNET = "203.0.113."
LOCAL = "10.99.0."

# No periodic records, as they come at times of their own; there are final ones, and all when the daemon stops.
SETTINGS = {
    "StatusIntervalSec": "200ms",
    "JournalIntervalSec": "infinity",
    "JournalThreshold": "0",
    "JournalRecords": "all",
}


Traffic = namedtuple("Traffic", "received received_packets sent sent_packets")
NOTHING = Traffic(0, 0, 0, 0)


def both_ways(count, size):
    """What an end counts of so many datagrams of this size, each of which came back."""
    moved = count * (UDP_HEADERS + size)
    return Traffic(moved, count, moved, count)


def total(*traffic):
    return Traffic(*(sum(figures) for figures in zip(*traffic)))


def traffic_of(record, prefix="CGACCT_"):
    """The figures of a journal record; what is zero may be left out of it."""
    fields = ("INGRESS_BYTES", "INGRESS_PACKETS", "EGRESS_BYTES", "EGRESS_PACKETS")
    return Traffic(*(int(record.get(prefix + field, 0)) for field in fields))


def classes_of(record):
    """The same by class, without those that moved nothing."""
    found = {name: traffic_of(record, f"CGACCT_{name.upper()}_") for name in ("internet", "local", "loopback")}
    return {name: traffic for name, traffic in found.items() if traffic != NOTHING}


def send_command(address, count, size):
    return ["/usr/bin/python3", "/usr/local/bin/traffic.py", "send", address, str(PORT), str(count), str(size)]


def install(destination):
    """What a user does, but into a directory."""
    build = os.environ["CGACCTD_BUILD_DIR"]
    argv = ["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", destination]
    subprocess.run(argv, stdin=subprocess.DEVNULL, check=True)


class Machine(Container):
    def configure(self, **settings):
        lines = [f"{name}={value}" for name, value in (SETTINGS | settings).items()]
        self.write("/etc/cgacctd.conf", "\n".join(["[Cgacctd]", *lines, ""]))

    def show(self, unit, *properties):
        lines = self.out("systemctl", "show", unit, f"--property={','.join(properties)}").splitlines()
        shown = dict(line.split("=", 1) for line in lines)
        return shown[properties[0]] if len(properties) == 1 else shown

    # Units

    def unit(self, name, *command, properties=()):
        """Runs a unit to its end; what the command prints is lost."""
        self.start_unit(name, *command, properties=properties, options=["--wait"])

    def start_unit(self, name, *command, properties=(), options=()):
        flags = [f"--property={p}" for p in (*properties, "StandardOutput=null", "StandardError=journal")]
        self.run("systemd-run", "--quiet", f"--unit={name}", *options, *flags, *command)

    def serve(self, name, *properties):
        command = ["/usr/bin/python3", "/usr/local/bin/traffic.py", "serve", str(PORT)]
        self.start_unit(name, *command, properties=["Type=notify", *properties])

    def send(self, name, address, count, size, *properties):
        """A unit that sends so many datagrams of this size and gets each back. What it is to be counted with."""
        self.unit(name, *send_command(address, count, size), properties=properties)
        return both_ways(count, size)

    def add_peer(self):
        """A network namespace "peer" behind a pair of interfaces; our addresses end in 1, the peer's in 2."""
        ip = ["ip", "-netns", "peer"]
        self.run("ip", "netns", "add", "peer")
        self.run("ip", "link", "add", "to-peer", "type", "veth", "peer", "to-us", "netns", "peer")
        for prefix in INTERNET, LOCAL:
            self.run("ip", "address", "add", f"{prefix}1/24", "dev", "to-peer")
            self.run(*ip, "address", "add", f"{prefix}2/24", "dev", "to-us")
        self.run("ip", "link", "set", "to-peer", "up")
        self.run(*ip, "link", "set", "to-us", "up")

    # Pins

    def cgroup_path(self, path):
        """The directory on the host of a cgroup, as the container names it."""
        return self.cgroup / "payload" / path.lstrip("/")

    def count_cgroups(self):
        return 1 + sum(1 for path in self.cgroup_path("/").rglob("*") if path.is_dir())

    def pins(self):
        """The names of what the daemon has pinned."""
        return {path.name for path in (self.bpffs / PIN_FOLDER).rglob("*") if path.is_file()}

    def is_attached(self, path):
        number = self.cgroup_path(path).stat().st_ino
        return {f"{number}-ingress", f"{number}-egress"} <= self.pins()

    # The journal

    def journal(self, *arguments):
        out = self.out("journalctl", "--sync") + self.out("journalctl", "--output=json", "--no-pager", *arguments)
        return [json.loads(line) for line in out.splitlines()]

    def messages(self, *arguments):
        return [record["MESSAGE"] for record in self.journal(*arguments)]

    def wait_message(self, text, times=1):
        def told():
            return sum(text in message for message in self.messages(f"--unit={SERVICE}")) >= times

        wait_for(f"'{text}' in the journal", told)

    def records(self, cgroup, *matches):
        """What the daemon told of this cgroup."""
        return self.journal(f"--unit={SERVICE}", f"CGACCT_CGROUP={cgroup}", *matches)

    def wait_final(self, cgroup):
        """The final record of this cgroup, of which there is one."""
        found = wait_for(f"the final record of {cgroup}", lambda: self.records(cgroup, "CGACCT_FINAL=1"))
        assert len(found) == 1
        return found[0]

    def stop_daemon(self):
        """With all totals that were not told yet in the journal."""
        self.run("systemctl", "stop", SERVICE)

    def last_record(self, cgroup):
        return self.records(cgroup)[-1]
