#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The settings that the daemon knows, their defaults and their order are those of cgacctd.conf; cgacctd.conf(5)
has the same settings and defaults.
Usage: config-settings.py SOURCE-DIRECTORY PRINT-CONFIG"""

import pathlib
import re
import subprocess
import sys
import tempfile


def assignments(text):
    """Name to value; of several, as of a reset and a list, the last."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r'([A-Za-z]+)=(.*)', line)
        if match:
            found[match[1]] = match[2]
    return found


def shipped(text):
    """The commented-out settings: '#' with no space behind it; and their number with repetitions."""
    lines = re.findall(r'^#(?! )([A-Za-z]+=.*)$', text, re.MULTILINE)
    return assignments('\n'.join(lines)), len(lines)


def documented(roff):
    """The entries of the page's OPTIONS, and the line 'Default: …' of each."""
    options = re.search(r'^\.SH OPTIONS$(.*?)^\.SH ', roff, re.MULTILINE | re.DOTALL)[1]
    found = {}
    for entry in re.split(r'^\.TP\n(?=\.I [A-Za-z]+=$)', options, flags=re.MULTILINE)[1:]:
        name = re.match(r'\.I ([A-Za-z]+)=', entry)[1]
        default = re.search(r'^Default: (?:\\fB(.*)\\fR\.|empty\b.*)$', entry, re.MULTILINE)
        if name in found:
            raise SystemExit(f'cgacctd.conf(5) has {name}= twice')
        found[name] = (default[1] or '').replace(r'\-', '-') if default else None
    return found


def compare(what, known, found):
    faults = [f'{what} lacks {name}=' for name in known if name not in found]
    faults += [f'{what} has {name}=, which the daemon does not know' for name in found if name not in known]
    faults += [f'{what} has {name}={found[name]}, the daemon {name}={known[name]}'
               for name in known if name in found and found[name] != known[name]]
    return faults


def main():
    source, print_config = pathlib.Path(sys.argv[1]), sys.argv[2]

    def daemon(path):
        return subprocess.run([print_config, path], check=True, stdout=subprocess.PIPE, text=True).stdout

    known = assignments(daemon('/dev/null'))
    if not known:
        raise SystemExit('The daemon prints no settings')

    text = (source / 'config/cgacctd.conf').read_text()
    config, n_lines = shipped(text)
    faults = compare('cgacctd.conf', known, config)
    if list(config) != list(known) or n_lines != len(config):
        faults.append('cgacctd.conf has another order than the daemon, or a setting twice')
    faults += compare('cgacctd.conf(5)', known, documented((source / 'man/cgacctd.conf.5').read_text()))

    # with the comment signs taken off, the daemon understands the file and it changes nothing
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as f:
        f.write(re.sub(r'^#(?! )(?=[A-Za-z]+=)', '', text, flags=re.MULTILINE).replace('Local=', 'Local=\nLocal='))
        f.flush()
        if daemon(f.name) != daemon('/dev/null'):
            faults.append('cgacctd.conf, uncommented, is not the default configuration')

    print('\n'.join(faults), file=sys.stderr)
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
