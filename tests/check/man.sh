#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later

# The man pages are clean, and cgacctd(8) documents every MESSAGE_ID= the daemon may write.
# Usage: man.sh SOURCE-DIRECTORY

set -eu

source_dir=$1
status=0

for page in "$source_dir"/man/*.[1-8]; do
        mandoc -T lint -W warning "$page" || status=1
done

ids=$(sed -n 's/^#define MESSAGE_ID_[A-Z_]* *"\([0-9a-f]*\)"$/\1/p' "$source_dir/daemon/message-ids.h")
if [ -z "$ids" ]; then
        echo "No MESSAGE_ID was found in daemon/message-ids.h" >&2
        status=1
fi

for id in $ids; do
        if ! grep -q "$id" "$source_dir/man/cgacctd.8"; then
                echo "man/cgacctd.8 says nothing of the MESSAGE_ID $id" >&2
                status=1
        fi
done

exit $status
