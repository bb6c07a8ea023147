/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of CgroupTree share: cgroup-tree.c is what others see of it, cgroup-tree-mirror.c makes the mirror
 * agree with one directory, and cgroup-tree-scan.c goes through many of them. */

#include <sys/types.h>

#include "cgroup-table.h"
#include "cgroup-tree.h"

/* The directory that is being scanned: first its entries are read, then the children that were not among them are
 * looked for. Events are handled, and the tree changes, between the steps. */
typedef struct Scan {
        Cgroup *cgroup; /* NULL: none is */
        int fd; /* O_PATH */
        DIR *dir; /* NULL: it was read to its end */
} Scan;

struct CgroupTree {
        int root_fd;
        dev_t root_dev;
        int inotify_fd;
        size_t max_watches;
        CgroupTreeHandlers handlers;

        Cgroup *root;
        CgroupTable table;
        Cgroup *scan_queue;
        Cgroup *retry_queue; /* whatever cgroup_tree_retry() may have to do something about */
        uint64_t retry_round;
        uint64_t n_scans;
        Scan scan;

        size_t n_blind;
        uint64_t n_overflows;
};

void cgroup_tree_queue_scan(CgroupTree *t, Cgroup *c);
void cgroup_tree_unqueue_scan(CgroupTree *t, Cgroup *c);
void cgroup_tree_end_scan(CgroupTree *t);

void cgroup_tree_queue_retry(CgroupTree *t, Cgroup *c);
void cgroup_tree_unqueue_retry(CgroupTree *t, Cgroup *c);

/* Counts it in n_unwatched, and has it retried. */
void cgroup_tree_set_blind(CgroupTree *t, Cgroup *c, bool blind);

/* A directory could not be looked into. What the whole process is short of is for the caller to know, and the
 * directory is scanned as soon as the caller goes on; everything else, such as a missing permission, is tried again
 * at the next cgroup_tree_retry(). */
int cgroup_tree_unreadable(CgroupTree *t, Cgroup *c, int error);

/* Adds a watch, if there is none. -ENOSPC: the limit of the tree or of the system is reached. */
int cgroup_tree_watch(CgroupTree *t, Cgroup *c, int fd);

/* Offers a cgroup that was just found, and takes it in unless it is refused. Takes ownership in every case. -EINVAL:
 * it is the root and was refused. */
int cgroup_tree_offer_new(CgroupTree *t, Cgroup *c, int fd);

/* Offers a cgroup that is followed. Returns whether it still is. */
bool cgroup_tree_offer_again(CgroupTree *t, Cgroup *c);

/* Removes a cgroup with all below. Not the root. */
void cgroup_tree_remove(CgroupTree *t, Cgroup *top);

/* Makes the mirror agree with what is found by this name now. */
int cgroup_tree_look(CgroupTree *t, Cgroup *parent, int parent_fd, const char *name);

/* Children that were seen are last in their parent's list, so that those that were not are found without a search. */
void cgroup_tree_mark_seen(CgroupTree *t, Cgroup *c);
