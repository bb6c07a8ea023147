# SPDX-License-Identifier: LGPL-2.1-or-later

"""The whole daemon, run as on a terminal, on a cgroup of the test's as the root of its hierarchy."""

import os
import re
import signal
import subprocess

from host import BOUND, wait_until
from probe import Probe, program_path

CONFIG = """[Cgacctd]
StatusIntervalSec=100ms
JournalIntervalSec=infinity
JournalRecords=all
JournalThreshold=0
"""


def environment():
    """Nothing of a service manager that these tests themselves may run under."""
    hide = ("NOTIFY_SOCKET", "JOURNAL_STREAM", "WATCHDOG_USEC", "WATCHDOG_PID")
    return {k: v for k, v in os.environ.items() if k not in hide}


def run_to_end(*arguments, **kwargs):
    """For what ends by itself."""
    return subprocess.run(
        [program_path("CGACCTD_DAEMON", "daemon/cgacctd"), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=BOUND, env=environment(), check=False, **kwargs,
    )  # fmt: skip


class Daemon:
    def __init__(self, directory, root, pin_directory, config=""):
        self.root = root
        self.pin_directory = pin_directory
        self.folder = os.path.join(pin_directory, "v1")
        self.config_file = os.path.join(directory, "cgacctd.conf")
        self.log_file = os.path.join(directory, "log")
        self.configure(config)
        self.arguments = (
            "--cgroup-root=" + os.fsdecode(root.path), "--pin-dir=" + pin_directory, "--config=" + self.config_file,
        )  # fmt: skip
        self.probe = None
        self.start()

    def configure(self, config):
        with open(self.config_file, "w", encoding="utf-8") as f:
            f.write(CONFIG + config)

    def start(self):
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                [program_path("CGACCTD_DAEMON", "daemon/cgacctd"), *self.arguments], stderr=log, env=environment()
            )
        self.wait_for("Accounting .* cgroups? below ")
        self.probe = Probe.map(os.path.join(self.folder, "map"))

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="surrogateescape") as f:
            return f.read()

    def lines(self, pattern):
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def wait_for(self, pattern, n=1, bound=BOUND):
        """For n lines of the log that match; returns them."""

        def found():
            assert self.process.poll() is None, f"the daemon is gone:\n{self.log()}"
            lines = self.lines(pattern)
            return lines if len(lines) >= n else None

        return wait_until(found, f"{pattern!r} in the log", bound)

    def pinned(self):
        """The ids of the cgroups with both pins, and of those with one."""
        names = [n.split("-") for n in os.listdir(self.folder) if n != "map"]
        both = {int(i) for i, d in names if d == "ingress"} & {int(i) for i, d in names if d == "egress"}
        return both, {int(i) for i, _ in names} - both

    def wait_pinned(self, ids, bound=BOUND):
        """Until exactly these are attached."""
        try:
            wait_until(lambda: self.pinned() == (ids, set()), "pins", bound)
        except AssertionError:
            assert self.pinned() == (ids, set())

    def wait_attached(self, cgroup, bound=BOUND):
        name = os.path.join(self.folder, f"{cgroup.id}-egress")
        wait_until(lambda: os.path.exists(name), f"{cgroup.path!r} is attached", bound)

    def proc(self, name):
        return f"/proc/{self.process.pid}/{name}"

    def n_descriptors(self):
        return len(os.listdir(self.proc("fd")))

    def n_watches(self):
        n = 0
        for fd in os.listdir(self.proc("fdinfo")):
            try:
                with open(self.proc(f"fdinfo/{fd}"), encoding="ascii") as f:
                    n += sum(line.startswith("inotify ") for line in f)
            except FileNotFoundError:
                pass  # a directory's, that was open for a moment
        return n

    def resident_kib(self):
        with open(self.proc("status"), encoding="utf-8") as f:
            return int(re.search(r"VmRSS:\s*(\d+)", f.read())[1])

    def reload(self, config):
        n = len(self.lines("configuration was reloaded"))
        self.configure(config)
        self.process.send_signal(signal.SIGHUP)
        self.wait_for("configuration was reloaded", n + 1)

    def stop(self):
        """As systemctl stop does: nothing may be left."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(BOUND) == 0, self.log()
        assert os.listdir(self.folder) == []
        wait_until(lambda: not self.probe.links(), "the links go")

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        if self.probe:
            self.probe.close()
