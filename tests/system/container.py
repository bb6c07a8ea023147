# SPDX-License-Identifier: LGPL-2.1-or-later

"""Debian with systemd as PID 1, in containers of systemd-nspawn that leave nothing behind."""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

CACHE = Path("/var/cache/cgacctd-tests")
NSPAWN_RUN = Path("/run/systemd/nspawn")
NAME_PREFIX = "cgacctd-system-"
OUR_PREFIX = f"{NAME_PREFIX}{os.getpid()}-"

# What the daemon needs, and what the tests use inside. Not procps, so that nothing of ours relies on it.
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "libpam-systemd",
    "libbpf1",
    "iproute2",
    "python3-minimal",
)

libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))


def enter_private_mounts():
    """Moves this process to a mount namespace of its own, so that no mount of ours outlives it."""
    CLONE_NEWNS = 0x00020000
    MS_REC, MS_PRIVATE = 0x4000, 0x40000
    checked(libc.unshare(CLONE_NEWNS))
    checked(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))


def wait_for(what, condition, timeout=30, interval=0.05):
    """Returns the first result of condition() that is true."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {timeout} s for {what}")
        time.sleep(interval)


def cgroup2_mount():
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        if rest.split()[0] == "cgroup2":
            return Path(fields.split()[4])
    raise RuntimeError("No cgroup2 file system is mounted: see cgroups(7)")


def debian_root(suite):
    """A directory with this suite of Debian, made once and never changed."""
    digest = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]
    root = CACHE / f"{suite}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for path in CACHE.glob(f"{suite}-*"):
            if path != root:  # of other packages, or half-made
                shutil.rmtree(path)
        if not root.exists():
            print(f"Making a root of Debian {suite} in {root} (once)", flush=True)
            partial = root.with_suffix(".partial")
            subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(PACKAGES)}", suite, partial],
                stdin=subprocess.DEVNULL,
                check=True,
            )
            partial.rename(root)
    return root


def remove_cgroup(path):
    """Removes the cgroup and all below; what still runs in it is killed."""

    def removed():
        if not path.exists():
            return True
        (path / "cgroup.kill").write_text("1")
        for directory, _, _ in os.walk(path, topdown=False):
            with contextlib.suppress(OSError):  # busy until the last process is reaped
                os.rmdir(directory)
        return not path.exists()

    wait_for(f"the removal of {path}", removed)


def leftovers():
    """What this run has left on the host."""
    found = [*cgroup2_mount().glob(f"{OUR_PREFIX}*"), *NSPAWN_RUN.glob(f"*/{OUR_PREFIX}*")]
    found += (line for line in Path("/proc/self/mountinfo").read_text().splitlines() if OUR_PREFIX in line)
    return [str(item) for item in found]


def remove_stale():
    """Removes what a run that was killed has left: cgroups, and directories in /run."""
    for path in [*cgroup2_mount().glob(f"{NAME_PREFIX}*"), *NSPAWN_RUN.glob(f"*/{NAME_PREFIX}*")]:
        pid = path.name[len(NAME_PREFIX) :].partition("-")[0]
        if Path(f"/proc/{pid}").exists():
            continue
        if (path / "cgroup.procs").exists():
            remove_cgroup(path)
        else:
            path.rmdir()


class Container:
    """One machine. Its disk lives as long as the object, through any number of boots.

    lower: directories that make up the disk, the topmost first; they are not changed.
    directory: an empty one, for mounts.
    """

    def __init__(self, name, lower, directory):
        self.name = OUR_PREFIX + name
        self.directory = Path(directory)
        self.root = self.directory / f"{self.name}.root"
        self.bpffs = self.directory / f"{self.name}.bpf"
        self.console = self.directory / f"{self.name}.console"
        self.cgroup = cgroup2_mount() / self.name
        self.lower = lower
        self.nspawn = None
        self.leader = None
        self.cleanup = contextlib.ExitStack()

    def __enter__(self):
        layer = self.directory / f"{self.name}.layer"
        with self.cleanup:  # undoes everything if anything fails, or we are interrupted
            self._mount("-t", "tmpfs", "none", layer)
            (layer / "upper").mkdir()
            (layer / "work").mkdir()
            lower = ":".join(str(path) for path in self.lower)
            options = f"lowerdir={lower},upperdir={layer}/upper,workdir={layer}/work"
            self._mount("-t", "overlay", "-o", options, "none", self.root)
            self.cleanup.callback(self.stop)
            self.cleanup = self.cleanup.pop_all()
        return self

    def __exit__(self, *_):
        self.cleanup.close()

    def _mount(self, *arguments):
        target = arguments[-1]
        target.mkdir()
        self.cleanup.callback(target.rmdir)
        subprocess.run(["mount", *arguments], check=True)
        self.cleanup.callback(subprocess.run, ["umount", target], check=True)

    def boot(self):
        """Boots, and waits until everything is started."""
        self.cgroup.mkdir()
        self.bpffs.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "bpf", "-o", "mode=700", "none", self.bpffs], check=True)
        with open(self.console, "ab") as console:
            self.nspawn = subprocess.Popen(
                [
                    "systemd-nspawn",
                    "--quiet",
                    f"--machine={self.name}",
                    f"--directory={self.root}",
                    "--register=no",
                    "--keep-unit",
                    "--private-network",
                    "--resolv-conf=off",
                    "--timezone=off",
                    "--link-journal=no",
                    "--console=read-only",
                    "--capability=CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON",
                    "--system-call-filter=bpf",
                    f"--bind={self.bpffs}:/sys/fs/bpf",
                    "--boot",
                ],
                env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=self._before_nspawn,
            )
        self.leader = wait_for("the container's PID 1", self._find_leader)
        wait_for("systemd's socket", Path(f"/proc/{self.leader}/root/run/systemd/private").exists)
        state = self.run("systemctl", "is-system-running", "--wait", check=False).stdout.strip()
        if state != "running":
            raise RuntimeError(f"{self.name} is {state}:\n" + self.out("systemctl", "--failed", "--no-pager"))

    def _before_nspawn(self):
        PR_SET_PDEATHSIG = 1
        checked(libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))
        (self.cgroup / "cgroup.procs").write_text("0")

    def _find_leader(self):
        if self.nspawn.poll() is not None:
            raise RuntimeError(f"systemd-nspawn failed:\n{self.console.read_text(errors='replace')}")
        children = Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children").read_text().split()
        for pid in children:
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                    return int(pid)
        return None

    def power_off(self):
        """Shuts down as a power button would; what the kernel holds of it is still there to look at."""
        if not self.nspawn:
            return
        self.nspawn.terminate()
        try:
            self.nspawn.wait(60)
        finally:
            self.nspawn.kill()
            self.nspawn.wait()
            self.nspawn = self.leader = None

    def stop(self):
        """Shuts down and leaves nothing but the disk."""
        self.power_off()
        remove_cgroup(self.cgroup)
        for path in NSPAWN_RUN.glob(f"*/{self.name}"):
            path.rmdir()
        if self.bpffs.is_mount():
            subprocess.run(["umount", self.bpffs], check=True)
        if self.bpffs.exists():
            self.bpffs.rmdir()

    def run(self, *argv, check=True, timeout=60):
        """Runs a command inside, but outside of all its cgroups: for asking. What is to be counted runs in units."""
        namespaces = ["-m", "-u", "-i", "-n", "-p", "-C", "--root", "--wd"]
        environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0"]
        result = subprocess.run(
            ["nsenter", "-t", str(self.leader), *namespaces, *environment, *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout,
        )
        if check and result.returncode != 0:
            raise AssertionError(f"{' '.join(argv)}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def out(self, *argv, **kwargs):
        return self.run(*argv, **kwargs).stdout

    def path(self, inside):
        """The path on the host of a file on the container's disk (not below /run, /proc, /sys or /tmp)."""
        return self.root / inside.lstrip("/")

    def write(self, inside, text):
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
