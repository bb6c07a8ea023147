/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "ledger-node.h"
#include "unit.h"

/* A subtree that has no more dead leaves than this is not singled out when room is needed. */
#define DEAD_LEAVES_KEPT 8

/* To find the subtree with most dead leaves, all are looked at; so for each this many of them, one more node
 * is evicted at once, and the search costs each eviction no more than this many steps. */
#define SUBTREES_PER_EVICTION 64

static size_t sub_to_zero(size_t a, size_t b) {
        return a > b ? a - b : 0;
}

/* Adds to what left the descendants of a node, counted there since the time given. */
static void node_add_gone(LedgerNode *n, const Counters *gone, usec_t since_usec) {
        counters_add(&n->gone_children, gone);
        if (since_usec < n->since_usec)
                n->own_unknown = true;
}

static void evict(Ledger *l, LedgerNode *n) {
        LedgerNode *parent = n->parent, *a = node_accounted_ancestor(n);
        Counters total = ledger_total(n);

        assert(n->dead_prev);

        if (a)
                node_add_gone(a, &total, n->since_usec);

        node_drop(l, n);
        node_settle(l, parent);
}

static LedgerSubtree *subtree_with_most_dead(Ledger *l) {
        LedgerSubtree *s, *most = NULL;

        DL_FOREACH(l->subtrees, s)
                if (!most || s->n_dead > most->n_dead)
                        most = s;

        return most;
}

static void evict_batch(Ledger *l) {
        size_t until = sub_to_zero(l->n_nodes, 1 + l->n_subtrees / SUBTREES_PER_EVICTION);
        LedgerSubtree *s = subtree_with_most_dead(l);

        /* as it keeps some, it is not freed here */
        while (s && s->n_dead > DEAD_LEAVES_KEPT && l->n_nodes > until)
                evict(l, s->dead);

        while (l->dead && l->n_nodes > until)
                evict(l, l->dead);
}

/* Evicts for a new node what check_room() found. The node is live, so its subtree stays. */
static void make_room(Ledger *l, const LedgerNode *n) {
        LedgerSubtree *s = n->subtree;

        while (s && s->n_nodes - 1 > l->max_per_subtree) {
                assert(s->dead);
                evict(l, s->dead);
        }

        while (l->n_nodes > l->max_nodes) {
                assert(l->dead);
                evict_batch(l);
        }
}

/* How many nodes ledger_start() would have to make, in all and below the top of the subtree. */
static void count_missing(const char *path, size_t len, size_t *ret_all, size_t *ret_subtree) {
        size_t top = unit_subtree_length(path), all = 0, subtree = 0;

        while (len == 0 || path[len]) {
                len = path_next_prefix(path, len);
                all++;
                if (top > 0 && len > top)
                        subtree++;
        }

        *ret_all = all;
        *ret_subtree = subtree;
}

/* nearest: what stays in any case, with its ancestors, as the new nodes hang on it. */
static int check_room(Ledger *l, const char *path, const LedgerNode *nearest, size_t len) {
        const LedgerSubtree *s = nearest ? nearest->subtree : NULL;
        size_t all, below, keep = 0, keep_subtree = 0;

        count_missing(path, len, &all, &below);
        if (all == 0)
                return 0;

        for (const LedgerNode *n = nearest; n && n->parent && n->n_alive == 0; n = n->parent) {
                keep++;
                if (n->subtree)
                        keep_subtree++;
        }

        if (s)
                below += s->n_nodes - 1;
        if (sub_to_zero(below, l->max_per_subtree) > (s ? s->n_asleep - keep_subtree : 0))
                return LEDGER_OVER_SUBTREE;

        if (sub_to_zero(l->n_nodes + all, l->max_nodes) > l->n_asleep - keep)
                return LEDGER_OVER_TOTAL;

        return 0;
}

int ledger_check(Ledger *l, const char *path) {
        LedgerNode *nearest;
        size_t len;

        assert(l);
        assert(path && path[0] == '/');

        nearest = node_find_nearest(l, path, &len);
        return check_room(l, path, nearest, len);
}

/* Makes what is missing of the path below n, whose length is len. All or nothing. */
static int make_nodes(Ledger *l, LedgerNode *n, const char *path, size_t len, LedgerNode **ret) {
        while (!n || path[len]) {
                LedgerNode *child;
                int r;

                len = path_next_prefix(path, len);
                r = node_new(l, n, path, len, &child);
                if (r < 0) {
                        if (n)
                                node_settle(l, n);
                        return r;
                }

                n = child;
        }

        *ret = n;
        return 0;
}

/* A node that was not accounted comes between an ancestor and the descendants whose totals the ancestor's
 * own has been told apart from: what they have counted so far stays told apart. */
static void node_become_accounted(LedgerNode *n, usec_t now) {
        LedgerNode *a = node_accounted_ancestor(n), *d = n->children;

        while (a && d) {
                if (d->since_usec > 0) {
                        Counters total = ledger_total(d);

                        node_add_gone(a, &total, d->since_usec);
                } else if (d->children) {
                        d = d->children;
                        continue;
                }

                while (d != n && !d->next)
                        d = d->parent;
                d = d == n ? NULL : d->next;
        }

        n->since_usec = now;
}

int ledger_start(Ledger *l, const char *path, uint64_t id, usec_t now_realtime, Incarnation **ret) {
        _cleanup_free_ Incarnation *i = NULL;
        LedgerNode *n;
        size_t len, n_before;
        int r;

        assert(l);
        assert(path && path[0] == '/');
        assert(now_realtime > 0);
        assert(ret);

        n = node_find_nearest(l, path, &len);
        r = check_room(l, path, n, len);
        if (r != 0)
                return r;

        i = calloc(1, sizeof(*i));
        if (!i)
                return -ENOMEM;

        n_before = l->n_nodes;
        r = make_nodes(l, n, path, len, &n);
        if (r < 0)
                return r;

        if (n->since_usec == 0)
                node_become_accounted(n, now_realtime);
        if (!n->live)
                node_wake(l, n);

        i->id = id;
        i->node = n;
        i->started_usec = now_realtime;
        DL_APPEND(n->live, i);

        if (l->n_nodes > n_before)
                make_room(l, n);

        *ret = TAKE_PTR(i);
        return 0;
}

void ledger_resume(Incarnation *i, const Counters *sample) {
        assert(i);
        assert(sample);
        assert(counters_is_zero(&i->sample));

        counters_sub(&i->node->base, sample);
        i->sample = *sample;
}

void ledger_sample(Incarnation *i, const Counters *sample) {
        LedgerNode *a;

        assert(i);
        assert(sample);

        if (!counters_covers(sample, &i->sample) || counters_covers(&i->sample, sample))
                return;

        i->sample = *sample;

        /* Where the ancestor's own cgroup does not count (its attach failed), this traffic is missing in its
         * total, and stands in the total of the next one that counts without being told apart from its own.
         * */
        for (a = node_accounted_ancestor(i->node); a && !a->live; a = node_accounted_ancestor(a)) {
                LedgerNode *above = node_accounted_ancestor(a);

                a->own_unknown = true;
                if (above)
                        above->own_unknown = true;
        }
}

void ledger_finish(Ledger *l, Incarnation *i) {
        LedgerNode *n;

        assert(l);
        assert(i);

        n = i->node;
        counters_add(&n->base, &i->sample);
        DL_DELETE(n->live, i);
        free(i);

        if (n->live)
                return;

        node_sleep(l, n);
        node_settle(l, n);
}

int ledger_new(size_t max_nodes, size_t max_per_subtree, Ledger **ret) {
        Ledger *l;

        assert(ret);

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;

        ledger_set_limits(l, max_nodes, max_per_subtree);

        *ret = l;
        return 0;
}

Ledger *ledger_free(Ledger *l) {
        LedgerSubtree *s, *s_tmp;
        LedgerNode *n, *n_tmp;

        if (!l)
                return NULL;

        HASH_ITER(hh, l->nodes, n, n_tmp) {
                HASH_DELETE(hh, l->nodes, n);
                node_free(n);
        }

        DL_FOREACH_SAFE(l->subtrees, s, s_tmp)
                free(s);

        free(l);
        return NULL;
}

void ledger_set_limits(Ledger *l, size_t max_nodes, size_t max_per_subtree) {
        assert(l);

        l->max_nodes = max_nodes;
        l->max_per_subtree = max_per_subtree;
}

LedgerNode *ledger_root(Ledger *l) {
        assert(l);

        return l->root;
}

LedgerNode *ledger_get(Ledger *l, const char *path) {
        LedgerNode *n;

        assert(l);
        assert(path);

        HASH_FIND_STR(l->nodes, path, n);
        return n;
}

size_t ledger_n_nodes(const Ledger *l) {
        assert(l);

        return l->n_nodes;
}

static LedgerNode *descend(LedgerNode *n) {
        while (n && n->children)
                n = n->children;

        return n;
}

LedgerNode *ledger_first(Ledger *l) {
        assert(l);

        return descend(l->root);
}

LedgerNode *ledger_next(LedgerNode *n) {
        assert(n);

        return n->next ? descend(n->next) : n->parent;
}

Counters ledger_total(const LedgerNode *n) {
        const Incarnation *i;
        Counters total;

        assert(n);

        total = n->base;
        DL_FOREACH(n->live, i)
                counters_add(&total, &i->sample);

        return total;
}
