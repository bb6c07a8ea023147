/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The ledger's nodes: how they are made, hang together and go, and which of them could go; for ledger.c
 * alone.
 *
 * A node is asleep when nothing is live at or below it: that is what eviction can free, leaf by leaf. Dead
 * leaves are the leaves among them. The root is neither, as it stays. */

#include "ledger.h"

struct LedgerSubtree {
        size_t n_nodes; /* with the top, which the limit does not count */
        size_t n_asleep;
        size_t n_dead;
        LedgerNode *dead; /* dead leaves, oldest first */
        LedgerSubtree *prev, *next;
};

struct Ledger {
        LedgerNode *nodes; /* by path */
        LedgerNode *root;
        LedgerNode *dead; /* dead leaves, oldest first */
        LedgerSubtree *subtrees;
        size_t n_nodes, n_asleep, n_subtrees;
        size_t max_nodes, max_per_subtree;
        unsigned max_depth; /* of all nodes there ever were */
};

/* The length of the next longer prefix of a path that is a path itself: 0 (nothing), 1 ("/"), and so on. */
size_t path_next_prefix(const char *path, size_t len);

/* The node of the path, or the nearest ancestor that has one, and the length of its path; NULL and 0 in an
 * empty ledger. */
LedgerNode *node_find_nearest(Ledger *l, const char *path, size_t *ret_len);

/* The node of the first len bytes of path, which is not there yet. It is a leaf, asleep and in no list of
 * dead leaves: its maker wakes it, or gives it a child, or settles it. -ENOMEM. */
int node_new(Ledger *l, LedgerNode *parent, const char *path, size_t len, LedgerNode **ret);

LedgerNode *node_free(LedgerNode *n);
DEFINE_CLEANUP(LedgerNode, node_free);

LedgerNode *node_accounted_ancestor(const LedgerNode *n);

/* The node got its first live incarnation, or lost its last one. */
void node_wake(Ledger *l, LedgerNode *n);
void node_sleep(Ledger *l, LedgerNode *n);

/* Removes a sleeping leaf and what it counted. */
void node_drop(Ledger *l, LedgerNode *n);

/* Decides on a node that lost its last child or its last incarnation: it stays as a dead leaf if it has
 * counted anything, else it goes, and the same is asked of its parent. */
void node_settle(Ledger *l, LedgerNode *n);
