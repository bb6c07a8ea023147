/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The MESSAGE_ID= of each kind of record that programs may look for: a promise, so none is ever changed or used
 * for something else. Each has an entry in systemd/cgacctd.catalog and a line in cgacctd(8); tests/check compares
 * them. */

/* The running totals of one cgroup. */
#define MESSAGE_ID_TRAFFIC "916615ee89a741e9a7ee04367390f4cb"
/* The last totals of a cgroup that was removed. */
#define MESSAGE_ID_FINAL "322ceb55b7ea442cb873666c024741fb"
/* One per publication: how many records belong to it. */
#define MESSAGE_ID_SUMMARY "9dc57a17c7d54b1eb6e0b23d59a83b41"
/* A cgroup could not be attached to. */
#define MESSAGE_ID_ATTACH_FAILED "f837ec356e794635bf96d3acb31b30ca"
/* A limit was reached: cgroups are counted by their ancestor. */
#define MESSAGE_ID_LIMIT "f65dc8c100af4d7b81028f0412f94287"
/* No inotify watch was left. */
#define MESSAGE_ID_NO_WATCHES "63bd551765df46fd992687900dcdb30b"
