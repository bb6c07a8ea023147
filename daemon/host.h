/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Host: what the daemon needs of the host it runs on: privileges, the cgroup2 hierarchy, inotify's limits. */

#include <stddef.h>

/* Positive results of the functions below. */
enum {
        HOST_NO_CGROUP2 = 1, /* no cgroup2 file system is mounted, or the directory is not on one */
        HOST_NO_CAPABILITY, /* the capability that is named is missing */
};

/* Whether the effective capabilities suffice to load and attach: 0, or HOST_NO_CAPABILITY with its name. */
int host_check_capabilities(const char **ret_missing);

/* Without it, directories that their owner closed to others cannot be watched. */
int host_can_read_all(void);

/* The directory to mirror: path if it is not NULL, else the cgroup2 mount: /sys/fs/cgroup, or in the hybrid layout
 * /sys/fs/cgroup/unified, else the first in /proc/self/mounts. ret_path is to be freed. */
int host_open_cgroup_root(const char *path, char **ret_path, int *ret_fd);

/* How many inotify watches the daemon takes at most: half of fs.inotify.max_user_watches, which root shares with
 * PID 1. */
size_t host_max_watches(void);
