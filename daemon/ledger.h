/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ledger: totals by cgroup path, past and present. A path lives on while cgroups by that name come and go; each
 * such cgroup is an incarnation. Two may be alive at once: one lingering after its rmdir, one new.
 *
 *      total = base + the samples of its live incarnations
 *      own   = total - the totals of the nearest accounted descendants - gone_children
 *
 * A node without since_usec was never accounted itself (it was excluded, or the attach failed): it is there to
 * hold its descendants together, and what they count goes to the nearest accounted ancestor. */

#include <stdbool.h>
#include <uthash.h>

#include "cleanup.h"
#include "counters.h"
#include "time-util.h"

typedef struct Ledger Ledger;
typedef struct LedgerNode LedgerNode;
typedef struct LedgerSubtree LedgerSubtree;
typedef struct Incarnation Incarnation;

/* One cgroup that counts now: attached, or lingering. */
struct Incarnation {
        uint64_t id;
        LedgerNode *node;
        Counters sample; /* what the kernel said last; never goes down */
        usec_t started_usec; /* CLOCK_REALTIME: attached */
        usec_t removed_usec; /* CLOCK_BOOTTIME: when its directory went; 0: it is there */
        bool final_published; /* its final record went out while it lingered */
        Incarnation *prev, *next; /* in its node */
};

struct LedgerNode {
        char *path; /* "/", "/system.slice/x.service" */
        LedgerNode *parent, *children, *prev, *next;
        LedgerSubtree *subtree; /* what MaxPerUnit= counts it for; NULL: nothing */
        Incarnation *live;
        unsigned depth; /* levels below the root */
        unsigned n_alive; /* children with anything live at or below them, and one if it is live itself */
        bool own_unknown; /* something below counted while this node did not: own cannot be told any more */
        usec_t since_usec; /* CLOCK_REALTIME: what the totals count from; 0: never accounted */
        Counters base, gone_children;
        Counters published; /* the total as of its last record */
        usec_t published_usec; /* CLOCK_REALTIME, of its last record; 0: none yet */
        LedgerNode *dead_prev, *dead_next, *subtree_dead_prev, *subtree_dead_next; /* if a dead leaf */
        UT_hash_handle hh;
};

/* max_nodes bounds all nodes, max_per_subtree those below one delegated subtree (the first component of a path
 * that is not a slice); dead ones included, which are evicted first. */
int ledger_new(size_t max_nodes, size_t max_per_subtree, Ledger **ret);
Ledger *ledger_free(Ledger *l);
DEFINE_CLEANUP(Ledger, ledger_free);

/* Evicts nothing: a node that is new makes room for itself. */
void ledger_set_limits(Ledger *l, size_t max_nodes, size_t max_per_subtree);

/* Positive results of ledger_start(). */
enum {
        LEDGER_OVER_TOTAL = 1, /* max_nodes is reached, and no dead leaf is left to evict */
        LEDGER_OVER_SUBTREE, /* max_per_subtree likewise */
};

/* A cgroup starts to count: makes its node and (unaccounted) ancestors if they are not there. -ENOMEM. */
int ledger_start(Ledger *l, const char *path, uint64_t id, usec_t now_realtime, Incarnation **ret);

/* Whether ledger_start() for this path would say LEDGER_OVER_…: 0 or that. Evicts nothing. */
int ledger_check(Ledger *l, const char *path);

/* The same cgroup counted before, and its count goes on from there: what of it is in the base already is taken out
 * again. Right after ledger_start(). */
void ledger_resume(Incarnation *i, const Counters *sample);

/* Takes a newer sample. A sample below the last one is ignored (the kernel's counts never go down). */
void ledger_sample(Incarnation *i, const Counters *sample);

/* The incarnation ended: its sample joins the base, and it is freed. Its node is dead if it has no other and no
 * children: dead leaves without traffic go at once, others when a limit is reached: first from the subtree with
 * most of them, else the oldest; their total joins the nearest accounted ancestor's gone_children. */
void ledger_finish(Ledger *l, Incarnation *i);

LedgerNode *ledger_root(Ledger *l); /* NULL before the first ledger_start() */
LedgerNode *ledger_get(Ledger *l, const char *path);
size_t ledger_n_nodes(const Ledger *l);

/* Iterates over all nodes, children before parents: `for (n = ledger_first(l); n; n = ledger_next(n))`. No node
 * may be added or finished meanwhile. */
LedgerNode *ledger_first(Ledger *l);
LedgerNode *ledger_next(LedgerNode *n);

Counters ledger_total(const LedgerNode *n);

/* One node at the time of a snapshot. */
typedef struct SnapshotEntry {
        LedgerNode *node;
        Counters total;
        Counters own;
        bool own_known; /* false where something below was counted when the node was not; own is zero then */
} SnapshotEntry;

typedef struct Snapshot {
        SnapshotEntry *entries; /* accounted nodes, children before parents */
        size_t n_entries;
} Snapshot;

/* What the samples say now; nothing is read. Valid until the ledger changes. O(nodes). */
int ledger_snapshot(Ledger *l, Snapshot **ret);
Snapshot *snapshot_free(Snapshot *s);
DEFINE_CLEANUP(Snapshot, snapshot_free);
