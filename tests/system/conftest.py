# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

import container
from machine import SERVICE, Machine, install

HERE = Path(__file__).parent


def pytest_addoption(parser):
    parser.addoption("--root-suite", default="bookworm", help="the suite of Debian to test in")


def pytest_configure():
    if os.geteuid() != 0:
        in_ci = bool(os.environ.get("CI"))
        pytest.exit("The system tests need root", returncode=1 if in_ci else 77)
    if "CGACCTD_BUILD_DIR" not in os.environ:
        pytest.exit("CGACCTD_BUILD_DIR= names the build directory: run `meson test --suite system`", returncode=1)
    container.enter_private_mounts()
    # So that what was begun is undone when meson's time is up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def directory():
    """For mounts; when it is gone, so is everything else on the host."""
    container.remove_stale()
    path = Path(tempfile.mkdtemp(prefix=container.OUR_PREFIX))
    yield path
    left = container.leftovers()
    shutil.rmtree(path)
    assert not left, f"Left on the host: {left}"


@pytest.fixture(scope="session")
def debian(request):
    return container.debian_root(request.config.getoption("--root-suite"))


@pytest.fixture(scope="session")
def installed(directory):
    """A layer with what `meson install` installs, and the tests' own files."""
    layer = directory / "installed"
    install(layer)
    (layer / "usr/local/bin").mkdir(parents=True)
    shutil.copy(HERE / "traffic.py", layer / "usr/local/bin")
    return layer


@pytest.fixture
def bare_machine(directory, debian):
    """Booted, without the daemon."""
    with Machine("bare", [debian], directory) as machine:
        machine.boot()
        yield machine


@pytest.fixture
def machine(directory, debian, installed):
    """Booted, the daemon installed and configured to tell everything soon, but not started."""
    with Machine("main", [installed, debian], directory) as machine:
        machine.configure()
        machine.boot()
        yield machine
        if machine.leader:
            print(machine.out("journalctl", "--no-pager", f"--unit={SERVICE}"))  # shown if the test failed


@pytest.fixture
def running(machine):
    """The same, the daemon running."""
    machine.run("systemctl", "enable", "--now", SERVICE)
    return machine
