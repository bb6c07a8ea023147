/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Cgroup: one directory of the hierarchy as the tree knows it: id, name, parent, watch. No descriptor is held. */

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "cleanup.h"

typedef struct Cgroup Cgroup;

struct Cgroup {
        uint64_t id; /* the directory's inode number, which is the kernel's cgroup id on 64-bit */
        Cgroup *parent; /* NULL: the root */
        Cgroup *children, *prev, *next;
        unsigned depth; /* levels below the root */
        int watch; /* inotify watch descriptor, -1: none */

        /* The tree's own. */
        uint64_t seen; /* the scan that was the latest one when its directory was found last */
        bool blind; /* it has no watch, or could not be read */
        bool retry; /* to be offered again: see CGROUP_RETRY */
        bool refused_children; /* a child was refused: see CGROUP_REFUSE_FOR_NOW */
        bool scan_queued, retry_queued;
        uint64_t retry_round; /* the round of retries in which it was queued for the next */
        Cgroup *scan_prev, *scan_next; /* scan queue */
        Cgroup *retry_prev, *retry_next; /* retry queue */
        UT_hash_handle hh_id, hh_watch, hh_name; /* see CgroupTable */

        void *userdata; /* its owner's: what is attached to it */

        /* The key of the table by name: parent's id and the name, in one piece. */
        struct CgroupKey {
                uint64_t parent_id;
                char name[]; /* any bytes but '/' and NUL; empty for the root */
        } key;
};

/* Copies the name. The parent is not changed: linking is the tree's. */
int cgroup_new(uint64_t id, Cgroup *parent, const char *name, Cgroup **ret);
Cgroup *cgroup_free(Cgroup *c);
DEFINE_CLEANUP(Cgroup, cgroup_free);

/* "/" or "/system.slice/x.service", however long; to be freed. -ENOMEM. */
int cgroup_path(const Cgroup *c, char **ret);

/* The path of a child of c by this name, known or not. */
int cgroup_child_path(const Cgroup *c, const char *name, char **ret);

/* The next in an order that has parents before their children, or NULL: of all below the root of c, and of those
 * that are not below c. */
Cgroup *cgroup_next(Cgroup *c);
Cgroup *cgroup_next_outside(Cgroup *c);

/* Whether c is other or one of its ancestors. */
bool cgroup_contains(const Cgroup *c, const Cgroup *other);

/* Positive results of cgroup_open() and cgroup_open_at(). */
enum {
        CGROUP_GONE = 1, /* no such directory, or another one by this name (its id differs) */
};

/* Opens the directory at this relative path with O_PATH. Needs no permission on it; links are not followed. */
int cgroup_open_at(int dir_fd, const char *path, int *ret_fd);

/* The same for a known cgroup, in steps where its path is longer than PATH_MAX, and only if its id is found there. */
int cgroup_open(const Cgroup *c, int root_fd, int *ret_fd);
