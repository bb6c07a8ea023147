/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* CgroupTree: mirrors a cgroup2 hierarchy: watches, scans, rescans; reports each directory that was added and
 * removed. An event is only a hint where to look: what counts is the id found there. */

#include "cgroup.h"
#include "time-util.h"

typedef struct CgroupTree CgroupTree;

/* What on_added() says of a cgroup that it is offered. */
typedef enum CgroupVerdict {
        CGROUP_FOLLOW, /* known from now on: watched, its children offered, its removal reported */
        CGROUP_RETRY, /* the same, and offered again by cgroup_tree_retry() */
        CGROUP_REFUSE, /* not followed, nor what is below; offered again if it is made or met in a scan again */
        CGROUP_REFUSE_FOR_NOW, /* the same, and offered again by cgroup_tree_retry() */
} CgroupVerdict;

/* None of these may call a function that changes the tree. */
typedef struct CgroupTreeHandlers {
        /* A cgroup appeared, or is offered again. fd is O_PATH and the tree's. Nothing else is done for this cgroup
         * before: attaching comes first. Parents are offered before their children. */
        CgroupVerdict (*on_added)(Cgroup *c, int fd, void *userdata);

        /* A followed cgroup is gone, or no longer followed; children before parents. It is freed on return. */
        void (*on_removed)(Cgroup *c, void *userdata);

        /* Whether on_added() might now accept children of c that were refused for now. */
        bool (*want_retry)(Cgroup *c, void *userdata);

        void *userdata;
} CgroupTreeHandlers;

typedef struct CgroupTreeStats {
        size_t n_cgroups; /* followed */
        size_t n_watches;
        size_t n_unwatched; /* followed, but no watch was left for them, or reading them is not permitted */
        uint64_t n_overflows; /* of the event queue, since the start */
} CgroupTreeStats;

/* root_fd: the directory to mirror; duplicated. max_watches: at most this many inotify watches are used. Offers
 * nothing yet. */
int cgroup_tree_new(int root_fd, size_t max_watches, const CgroupTreeHandlers *handlers, CgroupTree **ret);

/* Frees everything without reporting removals. */
CgroupTree *cgroup_tree_free(CgroupTree *t);
DEFINE_CLEANUP(CgroupTree, cgroup_tree_free);

/* Offers the root and queues it for its scan. -EINVAL if it is refused. From then on the root is never refused nor
 * removed. */
int cgroup_tree_start(CgroupTree *t);

/* The inotify descriptor, for the event loop; readable: call cgroup_tree_dispatch(). */
int cgroup_tree_fd(const CgroupTree *t);

/* Reads and handles what events there are (one buffer full); what they ask to scan is queued. A negative errno
 * (out of memory, of descriptors): the directories concerned are queued for a scan. */
int cgroup_tree_dispatch(CgroupTree *t);

/* Scans queued directories until the queue is empty or the time is up; goes at least one step, of one entry.
 * Returns 1 if something is left, else 0, or a negative errno (out of memory, of descriptors; everything stays
 * queued). */
int cgroup_tree_scan(CgroupTree *t, usec_t max_usec);

bool cgroup_tree_scan_pending(const CgroupTree *t);

/* Queues every directory: after an overflow, or when what is accepted changed. */
void cgroup_tree_rescan(CgroupTree *t);

/* Offers again what asked for it (CGROUP_RETRY), and queues for a scan every directory that has no watch, could not
 * be read or (if want_retry() says so) has refused children. To be called at an interval. Costs nothing where there
 * are none. */
int cgroup_tree_retry(CgroupTree *t);

/* Offers every followed cgroup again, parents first; those refused now are removed with all below (reported), then
 * everything is rescanned. After a change of configuration. */
int cgroup_tree_reconsider(CgroupTree *t);

Cgroup *cgroup_tree_get(CgroupTree *t, uint64_t id);
Cgroup *cgroup_tree_root(CgroupTree *t);
CgroupTreeStats cgroup_tree_stats(const CgroupTree *t);
