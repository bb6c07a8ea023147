/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plays a long, repeatable sequence of cgroups that come, count and go, and of limits that change, to the
 * ledger and to a model of it that is as plain as can be: an array of paths, searched whole each time. After
 * each step both must say the same; and what the ledger calls a cgroup's own traffic must be what was really
 * sent there. */

#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "unit-test.h"

#define STEPS 60000
#define NONE  -1

/* Parents before children. top: of the delegated subtree that the path lies in. */
static const struct {
        const char *path;
        int parent, top;
} paths[] = {
                {"/", NONE, NONE},
                {"/a.slice", 0, NONE},
                {"/a.slice/a-b.slice", 1, NONE},
                {"/a.slice/s.service", 1, 3},
                {"/a.slice/s.service/x", 3, 3},
                {"/a.slice/s.service/x/y", 4, 3},
                {"/a.slice/s.service/x/y/z", 5, 3},
                {"/a.slice/s.service/x/q", 4, 3},
                {"/a.slice/s.service/w", 3, 3},
                {"/a.slice/a-b.slice/t.service", 2, 9},
                {"/u.service", 0, 10},
                {"/u.service/a.slice", 10, 10},
                {"/u.service/v", 10, 10},
                {"/u.service/v/v", 12, 10},
};

#define N_PATHS ((int) (sizeof(paths) / sizeof(*paths)))

typedef struct Place {
        usec_t since; /* 0: not accounted */
        uint64_t base, gone;
        uint64_t own; /* what was sent here while nothing below counted it */
        Incarnation *live[2]; /* the second is the newer one */
        uint64_t sample[2];
} Place;

typedef struct Model {
        Ledger *ledger;
        Place places[N_PATHS];
        size_t max_nodes, max_per_subtree;
        bool orderly; /* parents start before and finish after their children, as the daemon has it */
        usec_t now;
        uint64_t random;
        unsigned n_known, n_unknown, n_evicted, n_refused[3];
} Model;

static unsigned draw(Model *m, unsigned n) {
        m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned) (m->random >> 33) % n;
}

static Counters traffic(uint64_t n) {
        return (Counters){.classes[ACCT_LOCAL] = {.egress_bytes = n}};
}

static uint64_t figure(const Counters *c) {
        return c->classes[ACCT_LOCAL].egress_bytes;
}

static bool is_live(const Model *m, int p) {
        return m->places[p].live[0] || m->places[p].live[1];
}

static bool is_within(int p, int ancestor) {
        while (p > ancestor)
                p = paths[p].parent;

        return p == ancestor;
}

static bool is_there(const Model *m, int p) {
        for (int q = p; q < N_PATHS; q++)
                if (m->places[q].since > 0 && is_within(q, p))
                        return true;

        return p == 0 && m->now > 1;
}

static bool is_asleep(const Model *m, int p) {
        for (int q = p; q < N_PATHS; q++)
                if (is_live(m, q) && is_within(q, p))
                        return false;

        return p != 0 && is_there(m, p);
}

static int accounted_above(const Model *m, int p) {
        do
                p = paths[p].parent;
        while (p != NONE && m->places[p].since == 0);

        return p;
}

static uint64_t total(const Model *m, int p) {
        const Place *a = &m->places[p];

        return a->base + a->sample[0] + a->sample[1];
}

static size_t count_nodes(const Model *m, int top) {
        size_t n = 0;

        for (int p = 0; p < N_PATHS; p++)
                n += is_there(m, p) && (top == NONE || (paths[p].top == top && p != top));

        return n;
}

/* What ledger_start() must answer. */
static int expect_room(const Model *m, int p) {
        int top = paths[p].top;
        size_t all = count_nodes(m, NONE), below = top == NONE ? 0 : count_nodes(m, top);

        if (is_there(m, p))
                return 0;

        for (int q = 0; q < N_PATHS; q++) {
                bool in_subtree = top != NONE && paths[q].top == top && q != top;

                /* the path and its ancestors must be there in the end, and whatever is live at or below it
                 * */
                if (is_within(p, q) && !is_there(m, q)) {
                        all++;
                        below += in_subtree;
                }
                if (!is_within(p, q) && is_asleep(m, q)) {
                        all--;
                        below -= in_subtree;
                }
        }

        if (top != NONE && p != top && below > m->max_per_subtree)
                return LEDGER_OVER_SUBTREE;

        return all > m->max_nodes ? LEDGER_OVER_TOTAL : 0;
}

/* What has neither counted nor anything below it is forgotten. */
static void forget_idle(Model *m) {
        for (int p = N_PATHS - 1; p > 0; p--) {
                bool has_children = false;

                for (int q = p + 1; q < N_PATHS; q++)
                        has_children |= paths[q].parent == p && is_there(m, q);

                if (!has_children && !is_live(m, p) && total(m, p) == 0)
                        m->places[p] = (Place){};
        }
}

/* Follows the ledger in what it evicted, which must have been allowed to go. */
static void follow_evictions(Model *m, int started, bool allowed) {
        for (int p = N_PATHS - 1; p > 0; p--) {
                int a = accounted_above(m, p);

                if (m->places[p].since == 0 || ledger_get(m->ledger, paths[p].path))
                        continue;

                assert_true(allowed);
                assert_true(is_asleep(m, p));
                assert_false(is_within(started, p));

                if (a != NONE)
                        m->places[a].gone += total(m, p);
                m->places[p] = (Place){};
                m->n_evicted++;
        }

        forget_idle(m);
}

static void become_accounted(Model *m, int p) {
        int a = accounted_above(m, p);

        for (int q = p + 1; a != NONE && q < N_PATHS; q++)
                if (m->places[q].since > 0 && is_within(q, p) && accounted_above(m, q) == a)
                        m->places[a].gone += total(m, q);

        m->places[p].since = m->now;
}

static bool is_over_limit(const Model *m, int top) {
        return count_nodes(m, NONE) > m->max_nodes ||
               (top != NONE && count_nodes(m, top) > m->max_per_subtree);
}

static void step_start(Model *m, int p) {
        Place *a = &m->places[p];
        int top = paths[p].top, expected = expect_room(m, p), slot = a->live[1] ? 0 : 1;
        bool was_there = is_there(m, p);
        Incarnation *i;

        if (a->live[slot] || (m->orderly && p > 0 && !is_live(m, paths[p].parent)))
                return;

        assert_int_equal(ledger_check(m->ledger, paths[p].path), expected);
        assert_int_equal(ledger_start(m->ledger, paths[p].path, 1, m->now, &i), expected);
        if (expected != 0) {
                m->n_refused[expected]++;
                return;
        }

        if (a->since == 0)
                become_accounted(m, p);
        a->live[slot] = i;

        if (was_there)
                return;

        follow_evictions(m, p, is_over_limit(m, top));
        assert_false(is_over_limit(m, top));
}

static void step_finish(Model *m, int p) {
        Place *a = &m->places[p];
        int slot = (int) draw(m, 2);

        if (!a->live[slot])
                slot = !slot;
        if (!a->live[slot])
                return;

        for (int q = p + 1; m->orderly && q < N_PATHS; q++)
                if (is_within(q, p) && is_live(m, q))
                        return;

        ledger_finish(m->ledger, a->live[slot]);
        a->live[slot] = NULL;
        a->base += a->sample[slot];
        a->sample[slot] = 0;
        forget_idle(m);
}

/* A packet from a socket below p: everything that counts from there up to the root sees it. Children are
 * read before parents. */
static void step_traffic(Model *m, int p) {
        uint64_t n = 1 + draw(m, 1000);
        bool counted_below = false;

        for (; p != NONE; p = paths[p].parent) {
                Place *a = &m->places[p];
                int slot = a->live[1] ? 1 : 0;
                Counters c;

                if (!a->live[slot])
                        continue;

                if (!counted_below)
                        a->own += n;
                counted_below = true;

                a->sample[slot] += n;
                c = traffic(a->sample[slot]);
                ledger_sample(a->live[slot], &c);
                c = traffic(a->sample[slot] - 1);
                ledger_sample(a->live[slot], &c); /* ignored */
        }
}

static void step_limits(Model *m) {
        m->max_nodes = 4 + draw(m, N_PATHS - 5); /* never room for all */
        m->max_per_subtree = draw(m, 6);
        ledger_set_limits(m->ledger, m->max_nodes, m->max_per_subtree);
}

static void compare_nodes(const Model *m) {
        assert_int_equal(ledger_n_nodes(m->ledger), count_nodes(m, NONE));

        for (int p = 0; p < N_PATHS; p++) {
                const Place *a = &m->places[p];
                LedgerNode *n = ledger_get(m->ledger, paths[p].path);
                Counters c;

                assert_true((n != NULL) == is_there(m, p));
                if (!n)
                        continue;

                c = ledger_total(n);
                assert_int_equal(figure(&c), total(m, p));
                assert_int_equal(n->since_usec, a->since);
                assert_int_equal(figure(&n->gone_children), a->gone);
        }
}

static void compare_own(Model *m, const SnapshotEntry *e, int p) {
        const Place *a = &m->places[p];
        bool may_be_known = true;
        uint64_t own = total(m, p) - a->gone;

        for (int q = p + 1; q < N_PATHS; q++)
                if (m->places[q].since > 0 && accounted_above(m, q) == p) {
                        own -= total(m, q);
                        may_be_known &= m->places[q].since >= a->since;
                }

        assert_int_equal(figure(&e->total), total(m, p));
        if (e->own_known) {
                assert_true(may_be_known);
                assert_int_equal(figure(&e->own), own);
                assert_int_equal(figure(&e->own), a->own);
                m->n_known++;
        } else {
                assert_false(m->orderly);
                m->n_unknown++;
        }
}

static void compare_snapshot(Model *m) {
        _cleanup_(snapshot_freep) Snapshot *s = NULL;
        bool seen[N_PATHS] = {}, all_known = true;
        uint64_t sum = 0;
        size_t n = 0;

        assert_int_equal(ledger_snapshot(m->ledger, &s), 0);

        for (size_t i = 0; i < s->n_entries; i++) {
                const SnapshotEntry *e = &s->entries[i];
                int p = 0;

                while (strcmp(paths[p].path, e->node->path) != 0)
                        assert_true(++p < N_PATHS);

                for (int q = p; q != NONE; q = paths[q].parent)
                        assert_false(seen[q]); /* children before parents, each once */
                seen[p] = true;

                compare_own(m, e, p);
                all_known &= e->own_known;
                sum += figure(&e->own) + figure(&e->node->gone_children);
        }

        for (int p = 0; p < N_PATHS; p++)
                n += m->places[p].since > 0;
        assert_int_equal(s->n_entries, n);

        if (all_known && m->places[0].since > 0)
                assert_int_equal(sum, total(m, 0));
}

static void play(Model *m) {
        m->max_nodes = m->max_per_subtree = 8;
        assert_int_equal(ledger_new(m->max_nodes, m->max_per_subtree, &m->ledger), 0);

        for (unsigned i = 0; i < STEPS; i++) {
                int p = (int) draw(m, (unsigned) N_PATHS);
                unsigned what = draw(m, 100);

                /* begins anew now and then: what is unknown stays so until its node goes */
                if (i % 500 == 0) {
                        m->ledger = ledger_free(m->ledger);
                        memset(m->places, 0, sizeof(m->places));
                        m->now = 1;
                        assert_int_equal(ledger_new(m->max_nodes, m->max_per_subtree, &m->ledger), 0);
                        step_start(m, 0);
                }

                m->now++;
                if (what < 25)
                        step_start(m, p);
                else if (what < 65)
                        step_finish(m, p);
                else if (what < 96)
                        step_traffic(m, p);
                else
                        step_limits(m);

                compare_nodes(m);
                compare_snapshot(m);
        }

        m->ledger = ledger_free(m->ledger);
}

static void check_played(const Model *m) {
        assert_true(m->n_known > STEPS);
        assert_true(m->n_evicted > 150);
        assert_true(m->n_refused[LEDGER_OVER_TOTAL] > 100);
        assert_true(m->n_refused[LEDGER_OVER_SUBTREE] > 100);
}

static void test_any_order(void **state) {
        Model m = {.random = 1};

        (void) state;

        play(&m);
        check_played(&m);
        assert_true(m.n_unknown > STEPS);
}

static void test_orderly(void **state) {
        Model m = {.random = 2, .orderly = true};

        (void) state;

        play(&m);
        check_played(&m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_any_order),
                        cmocka_unit_test(test_orderly),
        };

        return RUN_TESTS(tests);
}
