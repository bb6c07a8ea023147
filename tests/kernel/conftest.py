# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import signal

import pytest
from agent import Agent
from daemon import Daemon
from host import Mounts, make_scratch, missing_privilege
from network import Netns, Wire
from probe import Probe


def pytest_sessionstart(session):
    # So that what was made is removed too where a timeout ends the run.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(config, items):
    reason = missing_privilege()
    if not reason:
        return
    if os.environ.get("CI") or os.environ.get("CGACCTD_TEST_REQUIRED"):
        pytest.exit(f"these tests need root and a real kernel: {reason}", returncode=1)
    for item in items:
        item.add_marker(pytest.mark.skip(reason=f"needs root and a real kernel: {reason}"))


@pytest.fixture(scope="session")
def mounts():
    m = Mounts()
    yield m
    m.close()


@pytest.fixture(scope="session")
def scratch():
    """The cgroup that all others are made in."""
    cgroup = make_scratch()
    yield cgroup
    cgroup.remove()


@pytest.fixture
def cgroup(scratch, request):
    """One for each test."""
    made = scratch.make(f"test-{request.node.nodeid.rpartition('::')[2].translate({ord('/'): '-'})[:80]}")
    yield made
    made.remove()


@pytest.fixture(scope="module")
def probe(mounts):
    """The programs, loaded with the default prefixes."""
    p = Probe.load(mounts.pin_directory())
    yield p
    p.close()


@pytest.fixture
def agent(cgroup):
    """Makes agents."""
    agents = []

    def make(cgroup_=None, netns=None):
        agents.append(Agent(cgroup_, netns))
        return agents[-1]

    yield make
    for a in agents:
        a.close()


@pytest.fixture(scope="module")
def wire():
    w = Wire()
    yield w
    w.close()


@pytest.fixture
def own_wire():
    """One whose settings the test may change."""
    w = Wire()
    yield w
    w.close()


@pytest.fixture
def netns():
    n = Netns()
    yield n
    n.close()


@pytest.fixture
def daemon(mounts, cgroup, tmp_path):
    """Starts the daemon, with what the configuration shall hold."""
    daemons = []

    def start(config=""):
        daemons.append(Daemon(str(tmp_path), cgroup, mounts.pin_directory(), config))
        return daemons[-1]

    yield start
    for d in daemons:
        d.close()
