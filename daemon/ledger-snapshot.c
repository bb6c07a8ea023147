/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "ledger-node.h"

/* What lies below a node: the nearest accounted nodes, as one. */
typedef struct Below {
        Counters total;
        usec_t since_usec; /* the earliest */
} Below;

static const Below below_nothing = {.since_usec = USEC_INFINITY};

static void below_add(Below *b, const Counters *total, usec_t since_usec) {
        counters_add(&b->total, total);
        if (since_usec < b->since_usec)
                b->since_usec = since_usec;
}

static void snapshot_add(Snapshot *s, LedgerNode *n, const Below *below) {
        SnapshotEntry *e = &s->entries[s->n_entries++];
        Counters others = below->total;

        counters_add(&others, &n->gone_children);

        *e = (SnapshotEntry){.node = n, .total = ledger_total(n)};
        e->own_known = !n->own_unknown && below->since_usec >= n->since_usec &&
                       counters_covers(&e->total, &others);
        if (e->own_known) {
                e->own = e->total;
                counters_sub(&e->own, &others);
        }
}

int ledger_snapshot(Ledger *l, Snapshot **ret) {
        _cleanup_(snapshot_freep) Snapshot *s = NULL;
        _cleanup_free_ Below *below = NULL; /* by depth: what the nodes seen there gather for their parent */

        assert(l);
        assert(ret);

        s = calloc(1, sizeof(*s));
        below = calloc((size_t) l->max_depth + 2, sizeof(*below));
        if (!s || !below)
                return -ENOMEM;

        s->entries = calloc(l->n_nodes ?: 1, sizeof(*s->entries));
        if (!s->entries)
                return -ENOMEM;

        for (unsigned i = 0; i < l->max_depth + 2; i++)
                below[i] = below_nothing;

        for (LedgerNode *n = ledger_first(l); n; n = ledger_next(n)) {
                Below *mine = &below[n->depth + 1];

                if (n->since_usec > 0) {
                        snapshot_add(s, n, mine);
                        below_add(&below[n->depth], &s->entries[s->n_entries - 1].total, n->since_usec);
                } else
                        below_add(&below[n->depth], &mine->total, mine->since_usec);

                *mine = below_nothing;
        }

        *ret = TAKE_PTR(s);
        return 0;
}

Snapshot *snapshot_free(Snapshot *s) {
        if (!s)
                return NULL;

        free(s->entries);
        free(s);
        return NULL;
}
