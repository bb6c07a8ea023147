# SPDX-License-Identifier: LGPL-2.1-or-later

"""The probe's other end: see probe.c."""

import collections
import errno
import json
import os
import select
import subprocess

from host import BOUND, wait_until

Slot = collections.namedtuple("Slot", "ingress_bytes ingress_packets egress_bytes egress_packets")
NOTHING = Slot(0, 0, 0, 0)
CLASSES = ("internet", "local", "loopback")

DEFAULT_LOCAL = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7",  # private
    "169.254.0.0/16", "fe80::/10",  # link-local
    "100.64.0.0/10",  # shared
    "224.0.0.0/4", "255.255.255.255/32", "ff00::/8",  # multicast and broadcast
)  # fmt: skip


def program_path(variable, name):
    """What meson says, else what lies in the build directory beside the sources."""
    path = os.environ.get(variable)
    if path:
        return path
    here = os.path.dirname(os.path.abspath(__file__))
    build = os.environ.get("CGACCTD_BUILD_DIR", os.path.join(here, "..", "..", "build"))
    return os.path.join(build, name)


class Probe:
    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [program_path("CGACCTD_PROBE", "tests/kernel/probe"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.answer(0)

    @classmethod
    def load(cls, pin_directory, local=DEFAULT_LOCAL):
        probe = cls("load", pin_directory, *local)
        probe.pin_directory = pin_directory
        return probe

    @classmethod
    def map(cls, path):
        return cls("map", path)

    def answer(self, *expected):
        readable, _, _ = select.select([self.process.stdout], [], [], BOUND)
        assert readable, "the probe does not answer"
        line = self.process.stdout.readline()
        assert line, "the probe died"
        answer = json.loads(line)
        assert not expected or answer["result"] in expected, f"the probe says {answer}"
        return answer

    def command(self, *words):
        words = [w.hex() if isinstance(w, bytes) else str(w) for w in words]
        self.process.stdin.write(" ".join(words).encode() + b"\n")
        self.process.stdin.flush()
        return self.answer()

    def attach(self, cgroup):
        result = self.command("attach", cgroup.path)["result"]
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return result

    def detach(self, cgroup):
        assert self.command("detach", cgroup.id)["result"] == 0

    def read(self, cgroup):
        """By class; None if the kernel has no counters for it."""
        answer = self.command("read", cgroup if isinstance(cgroup, int) else cgroup.id)
        assert answer["result"] in (0, 1), f"the probe says {answer}"
        return None if answer["result"] else {c: Slot(*answer[c]) for c in CLASSES}

    def total(self, cgroup):
        """Over all classes; None as above."""
        counters = self.read(cgroup)
        return counters and Slot(*map(sum, zip(*counters.values())))

    def links(self):
        """The ids of the cgroups that count into the map, once for each direction."""
        answer = self.command("links")
        assert answer["result"] == 0
        return sorted(answer["links"])

    def foreign(self, parent, name, n, kind):
        """Makes a cgroup with so many foreign programs on it. A daemon of the host's may be faster than an exclusive
        one: then again."""
        path = os.path.join(parent.path, name)

        def attached():
            result = self.command("foreign", path, n, kind)["result"]
            if result == -errno.EPERM:
                os.rmdir(path)
                return False
            assert result == 0, os.strerror(-result)
            return True

        wait_until(attached, "a cgroup before anyone else")
        return parent.make(name)

    def unforeign(self):
        self.command("unforeign")

    def spy(self, cgroup, length):
        assert self.command("spy", cgroup.path, length)["result"] == 0

    def spied(self):
        answer = self.command("spied")
        assert answer["result"] == 0
        return answer["ingress"], answer["egress"]

    def expect(self, cgroup, **classes):
        """The counters become exactly these, each class's being four numbers; what is not named stays zero."""
        want = {c: Slot(*classes.get(c, NOTHING)) for c in CLASSES}
        try:
            wait_until(lambda: self.read(cgroup) == want, "counters", bound=2)
        except AssertionError:
            assert self.read(cgroup) == want

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        # Under a sanitizer this is where it tells of leaks.
        assert self.process.wait(BOUND) == 0, "the probe failed at its end"
