# SPDX-License-Identifier: LGPL-2.1-or-later

"""What the tests borrow from the host, and give back: mounts of their own, cgroups of their own."""

import ctypes
import os
import signal
import subprocess
import tempfile
import time

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000

BOUND = 20  # seconds; for whatever should happen at once

SCRATCH_PREFIX = "cgacctd-test-"

libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))


def unshare(flags):
    check(libc.unshare(flags))


def setns(fd, kind):
    check(libc.setns(fd, kind))


def wait_until(condition, what, bound=BOUND):
    """Waits for the condition to hold and returns what it said."""
    end = time.monotonic() + bound
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {bound} s in vain: {what}")
        time.sleep(0.002)


def find_cgroup2():
    """The mount point of the cgroup2 hierarchy, None if there is none."""
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        for line in f:
            left, right = line.split(" - ")
            if right.split()[0] == "cgroup2":
                return left.split()[4]
    return None


def missing_privilege():
    """Why these tests cannot run here, None if they can."""
    if os.geteuid() != 0:
        return "not root"
    if not find_cgroup2():
        return "no cgroup2 hierarchy is mounted"
    return None


class Mounts:
    """A mount namespace of our own, with a bpffs in it: both go with this process."""

    def __init__(self):
        unshare(CLONE_NEWNS)
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        self.directory = tempfile.TemporaryDirectory(prefix="cgacctd-test-")
        self.bpffs = os.path.join(self.directory.name, "bpf")
        self.number = 0
        os.mkdir(self.bpffs)
        subprocess.run(["mount", "-t", "bpf", "-o", "mode=700", "none", self.bpffs], check=True)

    def pin_directory(self):
        """A name that is free."""
        self.number += 1
        return os.path.join(self.bpffs, f"pins-{self.number}")

    def close(self):
        subprocess.run(["umount", "--lazy", self.bpffs], check=True)
        self.directory.cleanup()


def open_path(path):
    """Also where it is longer than PATH_MAX."""
    fd = os.open("/", os.O_PATH | os.O_DIRECTORY)
    for name in path.strip(b"/").split(b"/"):
        below = os.open(name, os.O_PATH | os.O_DIRECTORY, dir_fd=fd)
        os.close(fd)
        fd = below
    return fd


class Cgroup:
    def __init__(self, path):
        self.path = os.fsencode(path)
        fd = open_path(self.path)
        self.id = os.fstat(fd).st_ino
        os.close(fd)

    def make(self, name):
        """The child by this name; made if it is not there."""
        fd = open_path(self.path)
        try:
            os.mkdir(os.fsencode(name), dir_fd=fd)
        except FileExistsError:
            pass
        finally:
            os.close(fd)
        return Cgroup(os.path.join(self.path, os.fsencode(name)))

    def take(self, pid):
        """Moves the process into it."""
        fd = open_path(self.path)
        try:
            procs = os.open("cgroup.procs", os.O_WRONLY, dir_fd=fd)
            os.write(procs, str(pid).encode())
            os.close(procs)
        finally:
            os.close(fd)

    def ids(self):
        """Its own and those of all below."""
        return {os.fstat(fd).st_ino for _, _, _, fd in os.fwalk(self.path)}

    def remove(self):
        """Removes it with all below. Who is inside is killed."""
        try:
            for _, names, _, fd in os.fwalk(self.path, topdown=False):
                for name in names:
                    remove_one(name, fd)
            remove_one(self.path, None)
        except FileNotFoundError:
            pass


def kill_all(name, dir_fd):
    fd = os.open(os.path.join(name, b"cgroup.procs"), os.O_RDONLY, dir_fd=dir_fd)
    with open(fd, "rb") as f:
        for pid in f.read().split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass


def remove_one(name, dir_fd):
    name = os.fsencode(name)

    def removed():
        try:
            os.rmdir(name, dir_fd=dir_fd)
        except OSError:
            kill_all(name, dir_fd)
            return False
        return True

    wait_until(removed, f"rmdir {name!r}")


def make_scratch():
    """A cgroup for one run of the tests. What a killed run left is removed first."""
    mount = find_cgroup2()
    for name in os.listdir(mount):
        pid = name.removeprefix(SCRATCH_PREFIX)
        if pid != name and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            Cgroup(os.path.join(mount, name)).remove()

    path = os.path.join(mount, SCRATCH_PREFIX + str(os.getpid()))
    os.mkdir(path)
    return Cgroup(path)
