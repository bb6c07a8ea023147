#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Data flows one way through the daemon, and so do its includes.
Usage: includes.py SOURCE-DIRECTORY"""

import pathlib
import re
import sys

# In the order of the flow. What consumes the ledger stands side by side.
STAGES = [
    {'cgroup', 'cgroup-table', 'cgroup-tree', 'cgroup-tree-internal', 'cgroup-tree-mirror', 'cgroup-tree-scan'},
    {'program', 'attachment', 'pin'},
    {'reader'},
    {'ledger', 'ledger-node', 'ledger-snapshot'},
    {'publish', 'publish-record'},
    {'bus', 'store'},
]
LEDGER = 3

# They wire the stages, so they see all of them: manager.c and the parts of it that have files of their own.
WIRING = {'main', 'manager', 'accounting', 'lingering'}

# They hand errors on and log nothing.
SILENT = {
    'attachment', 'cgroup', 'cgroup-table', 'cgroup-tree', 'cgroup-tree-mirror', 'cgroup-tree-scan', 'config',
    'config-files', 'config-kinds', 'config-settings', 'counters', 'format', 'ini', 'ledger', 'ledger-node',
    'ledger-snapshot', 'parse', 'prefix', 'reader', 'unit', 'utf8', 'words', 'worker',
}


def stage_of(module):
    for i, modules in enumerate(STAGES):
        if module in modules:
            return i
    return None


def adjacent(a, b):
    # the bus and the store read the ledger as publish does
    return b - a <= 1 or (a == LEDGER and b > LEDGER)


def read_includes(path):
    return set(re.findall(r'^\s*#\s*include\s+"([^"]+)\.h"', path.read_text(), re.MULTILINE))


class Daemon:
    def __init__(self, directory):
        self.files = sorted(directory.glob('*.[ch]'))
        self.headers = {path.stem: read_includes(path) for path in self.files if path.suffix == '.h'}

    def seen(self, path):
        """The headers that a file includes, and those that these include."""
        seen, todo = set(), read_includes(path)
        while todo:
            module = todo.pop()
            if module not in seen:
                seen.add(module)
                todo |= self.headers.get(module, set())
        return seen


def faults_of(path, seen):
    module, own = path.stem, stage_of(path.stem)
    stages = {stage_of(m) for m in seen | {module}} - {None}

    if module in SILENT and 'log' in seen:
        yield f'{path.name} sees log.h, but only hands errors on'
    if own is not None:
        for later in sorted(m for m in seen if (stage_of(m) or 0) > own):
            yield f'{path.name} sees {later}.h, which is of a later stage'
    if module not in WIRING and stages:
        first, last = min(stages), max(stages)
        if len(stages) > 2 or not adjacent(first, last):
            names = ', '.join(sorted(m for m in seen if stage_of(m) is not None))
            yield f'{path.name} sees more than two stages next to each other: {names}'


def main():
    daemon = Daemon(pathlib.Path(sys.argv[1]) / 'daemon')
    if not daemon.files:
        raise SystemExit('No sources were found')

    faults = [fault for path in daemon.files for fault in faults_of(path, daemon.seen(path))]
    print('\n'.join(faults), file=sys.stderr)
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
