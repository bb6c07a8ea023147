#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The message catalog against daemon/message-ids.h, cgacctd(8) and journalctl.

Usage: catalog.py SOURCE-DIRECTORY
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HEADERS = ('Subject', 'Defined-By', 'Documentation')

source = pathlib.Path(sys.argv[1])
problems = []


def complain(message):
    problems.append(message)


def read_ids():
    """The macro of each id."""
    text = (source / 'daemon/message-ids.h').read_text()
    ids = {}
    for macro, message_id in re.findall(r'^#define\s+(\w+)\s+"([^"]*)"', text, re.MULTILINE):
        if not re.fullmatch('[0-9a-f]{32}', message_id):
            complain(f'{macro} is not 32 lower-case hex digits: {message_id}')
        if message_id in ids:
            complain(f'{macro} and {ids[message_id]} are the same: {message_id}')
        ids[message_id] = macro
    return ids


def read_catalog(path):
    """The header lines and the text of each id."""
    entries = {}
    for block in re.split(r'^-- ', path.read_text(), flags=re.MULTILINE)[1:]:
        message_id, _, rest = block.partition('\n')
        header, _, text = rest.partition('\n\n')
        if message_id in entries:
            complain(f'The catalog has two entries of {message_id}')
        entries[message_id] = (header.splitlines(), text.strip())
    return entries


def check_entry(message_id, header, text):
    fields = [line.partition(': ')[0] for line in header]
    for name in HEADERS:
        if name not in fields:
            complain(f'The entry of {message_id} has no {name}:')
    for name in fields:
        if name not in HEADERS:
            complain(f'The entry of {message_id} has an unknown header: {name}')
    if not text:
        complain(f'The entry of {message_id} has no text')


def written_fields():
    """Every field that the sources name, and those they put together of a prefix and a name."""
    text = ''.join(f.read_text() for f in sorted((source / 'daemon').glob('*.c')))
    parts = set(re.findall(r'"([A-Z][A-Z_]*)"', text))
    return parts | {prefix + name for prefix in parts if prefix.endswith('_') for name in parts}


def check_placeholders(message_id, text, known):
    for field in re.findall(r'@([^@\s]+)@', text):
        if field not in known:
            complain(f'The entry of {message_id} names a field that is never written: {field}')


def check_with_journalctl(path, ids):
    """journalctl reads the file as a whole, and finds each entry in what it made of it."""
    if not shutil.which('journalctl'):
        return

    with tempfile.TemporaryDirectory() as root:
        folder = pathlib.Path(root) / 'usr/lib/systemd/catalog'
        folder.mkdir(parents=True)
        (pathlib.Path(root) / 'var/lib/systemd/catalog').mkdir(parents=True)
        shutil.copy(path, folder)

        made = subprocess.run(['journalctl', f'--root={root}', '--update-catalog'],
                              capture_output=True, text=True, check=False)
        if made.returncode != 0 or made.stderr:
            complain(f'journalctl --update-catalog: {made.stderr.strip()}')

        listed = subprocess.run(['journalctl', f'--root={root}', '--list-catalog'],
                                capture_output=True, text=True, check=False)
        found = {line.split()[0] for line in listed.stdout.splitlines() if line}
        if found != set(ids):
            complain(f'journalctl --list-catalog lists {sorted(found)}, {listed.stderr.strip()}')


def main():
    catalog = source / 'systemd/cgacctd.catalog'
    page = (source / 'man/cgacctd.8').read_text()
    ids = read_ids()
    entries = read_catalog(catalog)
    known = written_fields()

    if not ids:
        complain('No MESSAGE_ID was found in daemon/message-ids.h')
    for message_id, macro in ids.items():
        if message_id not in entries:
            complain(f'The catalog has no entry of {macro}, {message_id}')
        if message_id not in page:
            complain(f'man/cgacctd.8 says nothing of {macro}, {message_id}')

    for message_id, (header, text) in entries.items():
        if message_id not in ids:
            complain(f'The catalog has an entry that daemon/message-ids.h does not know: {message_id}')
        check_entry(message_id, header, text)
        check_placeholders(message_id, '\n'.join(header) + text, known)

    check_with_journalctl(catalog, ids)

    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
