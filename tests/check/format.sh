#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later

# All C is as .clang-format has it; `./dev format` makes it so.
# Usage: format.sh SOURCE-DIRECTORY

set -eu

cd "$1"
find bpf daemon tests -name '*.[ch]' -exec clang-format --dry-run -Werror {} +
