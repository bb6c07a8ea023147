/* SPDX-License-Identifier: LGPL-2.1-or-later */

#define HASH_NONFATAL_OOM 1 /* before uthash.h: a node that could not be added has no hh.tbl */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "ledger-node.h"
#include "unit.h"

size_t path_next_prefix(const char *path, size_t len) {
        if (len == 0)
                return 1;

        return (size_t) (strchrnul(path + (len == 1 ? 1 : len + 1), '/') - path);
}

static size_t previous_prefix(const char *path, size_t len) {
        if (len == 1)
                return 0;

        while (path[len - 1] != '/')
                len--;

        return len == 1 ? 1 : len - 1;
}

LedgerNode *node_find_nearest(Ledger *l, const char *path, size_t *ret_len) {
        size_t len;

        for (len = strlen(path); len > 0; len = previous_prefix(path, len)) {
                LedgerNode *n;

                HASH_FIND(hh, l->nodes, path, len, n);
                if (n) {
                        *ret_len = len;
                        return n;
                }
        }

        *ret_len = 0;
        return NULL;
}

LedgerNode *node_accounted_ancestor(const LedgerNode *n) {
        LedgerNode *a = n->parent;

        while (a && a->since_usec == 0)
                a = a->parent;

        return a;
}

static bool dead_is_listed(const LedgerNode *n) {
        return n->dead_prev; /* never NULL in a list: the first one's is the last one */
}

static void dead_add(Ledger *l, LedgerNode *n) {
        assert(!dead_is_listed(n));

        DL_APPEND2(l->dead, n, dead_prev, dead_next);

        if (n->subtree) {
                DL_APPEND2(n->subtree->dead, n, subtree_dead_prev, subtree_dead_next);
                n->subtree->n_dead++;
        }
}

static void dead_remove(Ledger *l, LedgerNode *n) {
        if (!dead_is_listed(n))
                return;

        DL_DELETE2(l->dead, n, dead_prev, dead_next);
        n->dead_prev = n->dead_next = NULL;

        if (n->subtree) {
                DL_DELETE2(n->subtree->dead, n, subtree_dead_prev, subtree_dead_next);
                n->subtree_dead_prev = n->subtree_dead_next = NULL;
                n->subtree->n_dead--;
        }
}

static void count_asleep(Ledger *l, LedgerNode *n, int change) {
        if (!n->parent)
                return;

        l->n_asleep += (size_t) change;
        if (n->subtree)
                n->subtree->n_asleep += (size_t) change;
}

void node_wake(Ledger *l, LedgerNode *n) {
        dead_remove(l, n);

        for (; n && n->n_alive++ == 0; n = n->parent)
                count_asleep(l, n, -1);
}

void node_sleep(Ledger *l, LedgerNode *n) {
        for (; n; n = n->parent) {
                assert(n->n_alive > 0);

                if (--n->n_alive > 0)
                        break;
                count_asleep(l, n, +1);
        }
}

LedgerNode *node_free(LedgerNode *n) {
        Incarnation *i, *tmp;

        if (!n)
                return NULL;

        DL_FOREACH_SAFE(n->live, i, tmp)
                free(i);

        free(n->path);
        free(n);
        return NULL;
}

/* The subtree that a node will belong to; a new one for the top of one. */
static int find_subtree(Ledger *l, const LedgerNode *n, LedgerSubtree **ret) {
        size_t len = unit_subtree_length(n->path);
        LedgerSubtree *s;

        if (len == 0)
                s = NULL;
        else if (n->path[len]) {
                s = n->parent->subtree;
                assert(s);
        } else {
                s = calloc(1, sizeof(*s));
                if (!s)
                        return -ENOMEM;

                DL_APPEND(l->subtrees, s);
                l->n_subtrees++;
        }

        *ret = s;
        return 0;
}

static void release_subtree(Ledger *l, LedgerSubtree *s) {
        if (!s || s->n_nodes > 0)
                return;

        assert(!s->dead);
        assert(s->n_asleep == 0);

        DL_DELETE(l->subtrees, s);
        l->n_subtrees--;
        free(s);
}

static void node_link(Ledger *l, LedgerNode *n) {
        if (n->parent) {
                dead_remove(l, n->parent);
                DL_APPEND(n->parent->children, n);
                n->depth = n->parent->depth + 1;
        } else
                l->root = n;

        if (n->subtree)
                n->subtree->n_nodes++;
        if (n->depth > l->max_depth)
                l->max_depth = n->depth;

        l->n_nodes++;
        count_asleep(l, n, +1);
}

int node_new(Ledger *l, LedgerNode *parent, const char *path, size_t len, LedgerNode **ret) {
        _cleanup_(node_freep) LedgerNode *n = NULL;
        int r;

        n = calloc(1, sizeof(*n));
        if (!n)
                return -ENOMEM;

        n->parent = parent;
        n->path = strndup(path, len);
        if (!n->path)
                return -ENOMEM;

        r = find_subtree(l, n, &n->subtree);
        if (r < 0)
                return r;

        HASH_ADD_KEYPTR(hh, l->nodes, n->path, len, n);
        if (!n->hh.tbl) {
                release_subtree(l, n->subtree);
                return -ENOMEM;
        }

        node_link(l, n);
        *ret = TAKE_PTR(n);
        return 0;
}

void node_drop(Ledger *l, LedgerNode *n) {
        assert(n->parent);
        assert(n->n_alive == 0 && !n->live && !n->children);

        dead_remove(l, n);
        count_asleep(l, n, -1);
        DL_DELETE(n->parent->children, n);
        HASH_DELETE(hh, l->nodes, n);
        l->n_nodes--;

        if (n->subtree) {
                n->subtree->n_nodes--;
                release_subtree(l, n->subtree);
        }

        node_free(n);
}

void node_settle(Ledger *l, LedgerNode *n) {
        while (n->parent && n->n_alive == 0 && !n->children) {
                LedgerNode *parent = n->parent;
                Counters total = ledger_total(n);

                if (!counters_is_zero(&total)) {
                        if (!dead_is_listed(n))
                                dead_add(l, n);
                        break;
                }

                node_drop(l, n);
                n = parent;
        }
}
