/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "ledger.h"
#include "unit-test.h"

#define UNLIMITED SIZE_MAX
#define SERVICE   "/system.slice/a.service"

/* Different in each figure that it sets, so that no two can be mixed up unnoticed. */
static Counters traffic(uint64_t n) {
        return (Counters){
                        .classes[ACCT_INTERNET] = {.ingress_bytes = n, .ingress_packets = 2 * n},
                        .classes[ACCT_LOOPBACK] = {.egress_bytes = 3 * n, .egress_packets = 5 * n},
        };
}

static void assert_traffic(Counters c, uint64_t n) {
        Counters expected = traffic(n);

        assert_int_equal(c.classes[ACCT_INTERNET].ingress_bytes, n); /* for the message */
        assert_memory_equal(&c, &expected, sizeof(c));
}

static Ledger *make_ledger(size_t max_nodes, size_t max_per_subtree) {
        Ledger *l;

        assert_int_equal(ledger_new(max_nodes, max_per_subtree, &l), 0);
        return l;
}

static Incarnation *start(Ledger *l, const char *path, usec_t now) {
        Incarnation *i;

        assert_int_equal(ledger_check(l, path), 0);
        assert_int_equal(ledger_start(l, path, 7, now, &i), 0);
        return i;
}

static void sample(Incarnation *i, uint64_t n) {
        Counters c = traffic(n);

        ledger_sample(i, &c);
}

/* A cgroup that comes, counts n and goes. */
static void run(Ledger *l, const char *path, uint64_t n, usec_t now) {
        Incarnation *i = start(l, path, now);

        sample(i, n);
        ledger_finish(l, i);
}

static void assert_refused(Ledger *l, const char *path, int why) {
        size_t n = ledger_n_nodes(l);
        Incarnation *i = NULL;

        assert_int_equal(ledger_check(l, path), why);
        assert_int_equal(ledger_start(l, path, 7, 99, &i), why);
        assert_null(i);
        assert_int_equal(ledger_n_nodes(l), n);
}

static SnapshotEntry entry(Ledger *l, const char *path) {
        _cleanup_(snapshot_freep) Snapshot *s = NULL;
        SnapshotEntry e = {};

        assert_int_equal(ledger_snapshot(l, &s), 0);
        for (size_t i = 0; i < s->n_entries; i++)
                if (strcmp(s->entries[i].node->path, path) == 0)
                        e = s->entries[i];

        return e;
}

static void assert_entry(Ledger *l, const char *path, uint64_t total, uint64_t own) {
        SnapshotEntry e = entry(l, path);

        assert_non_null(e.node);
        assert_traffic(e.total, total);
        assert_true(e.own_known);
        assert_traffic(e.own, own);
}

static void assert_own_unknown(Ledger *l, const char *path) {
        SnapshotEntry e = entry(l, path);

        assert_non_null(e.node);
        assert_false(e.own_known);
        assert_traffic(e.own, 0);
}

static void test_empty(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(10, 10);
        _cleanup_(snapshot_freep) Snapshot *s = NULL;

        (void) state;

        assert_null(ledger_root(l));
        assert_null(ledger_first(l));
        assert_null(ledger_get(l, "/"));
        assert_int_equal(ledger_n_nodes(l), 0);
        assert_int_equal(ledger_snapshot(l, &s), 0);
        assert_int_equal(s->n_entries, 0);
}

static void test_totals_and_own(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(UNLIMITED, UNLIMITED);
        Incarnation *root = start(l, "/", 1), *slice = start(l, "/system.slice", 2);
        Incarnation *a = start(l, SERVICE, 3), *b = start(l, "/system.slice/b.service", 4);

        (void) state;

        assert_int_equal(a->id, 7);
        assert_int_equal(a->started_usec, 3);
        assert_ptr_equal(a->node, ledger_get(l, SERVICE));
        assert_ptr_equal(root->node, ledger_root(l));
        assert_int_equal(a->node->since_usec, 3);
        assert_int_equal(a->node->depth, 2);

        sample(a, 10);
        sample(b, 20);
        sample(slice, 35);
        sample(root, 100);
        assert_entry(l, SERVICE, 10, 10);
        assert_entry(l, "/system.slice/b.service", 20, 20);
        assert_entry(l, "/system.slice", 35, 5);
        assert_entry(l, "/", 100, 65);

        /* a sample that is lower in a single figure is none */
        a->sample.classes[ACCT_LOCAL].egress_packets = 1;
        sample(a, 50);
        assert_int_equal(a->sample.classes[ACCT_INTERNET].ingress_bytes, 10);
        a->sample.classes[ACCT_LOCAL].egress_packets = 0;

        /* what is dead counts on */
        ledger_finish(l, a);
        assert_entry(l, SERVICE, 10, 10);
        assert_entry(l, "/system.slice", 35, 5);
}

static void test_two_incarnations(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(UNLIMITED, UNLIMITED);
        Incarnation *root = start(l, "/", 1), *old = start(l, SERVICE, 2), *new;

        (void) state;

        sample(root, 100);
        sample(old, 10);
        new = start(l, SERVICE, 3);
        assert_ptr_equal(new->node, old->node);
        sample(new, 7);
        sample(old, 11);
        assert_entry(l, SERVICE, 18, 18);
        assert_entry(l, "/", 100, 82);

        ledger_finish(l, old);
        assert_entry(l, SERVICE, 18, 18);
        sample(new, 8);
        assert_entry(l, SERVICE, 19, 19);
        ledger_finish(l, new);

        new = start(l, SERVICE, 9);
        assert_int_equal(new->node->since_usec, 2);
        sample(new, 1);
        assert_entry(l, SERVICE, 20, 20);
        assert_entry(l, "/", 100, 80);
}

static void test_unaccounted_parents(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(UNLIMITED, UNLIMITED);
        Incarnation *root = start(l, "/", 1), *x = start(l, SERVICE "/x/y", 2), *slice;

        (void) state;

        sample(x, 10);
        sample(root, 100);
        assert_int_equal(ledger_n_nodes(l), 5);
        assert_null(entry(l, "/system.slice").node);
        assert_entry(l, "/", 100, 90);

        /* one of them is accounted after all: what was told apart from the root's own stays so */
        slice = start(l, "/system.slice", 3);
        assert_own_unknown(l, "/system.slice");
        assert_entry(l, "/", 100, 90);
        sample(x, 13);
        sample(slice, 4);
        sample(root, 105);
        assert_own_unknown(l, "/system.slice");
        assert_entry(l, "/", 105, 91);
}

static void test_helpers_go(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(UNLIMITED, UNLIMITED);
        Incarnation *x, *y;

        (void) state;

        x = start(l, SERVICE "/x", 2);
        y = start(l, SERVICE "/y", 2);
        assert_int_equal(ledger_n_nodes(l), 5);
        ledger_finish(l, x);
        assert_null(ledger_get(l, SERVICE "/x"));
        assert_int_equal(ledger_n_nodes(l), 4);

        /* the last one takes all but the root with it */
        ledger_finish(l, y);
        assert_int_equal(ledger_n_nodes(l), 1);
        assert_non_null(ledger_root(l));
        assert_int_equal(ledger_root(l)->since_usec, 0);
}

static void test_own_unknown(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(3, UNLIMITED);
        Incarnation *a, *slice;

        (void) state;

        /* older than its parent */
        a = start(l, SERVICE, 1);
        sample(a, 5);
        slice = start(l, "/system.slice", 2);
        sample(slice, 50);
        assert_own_unknown(l, "/system.slice");

        /* and still so when it is evicted */
        ledger_finish(l, a);
        (void) start(l, "/x.service", 3);
        assert_null(ledger_get(l, SERVICE));
        assert_own_unknown(l, "/system.slice");

        /* of the same age is not older; but what is below counted more */
        ledger_freep(&l);
        l = make_ledger(UNLIMITED, UNLIMITED);
        slice = start(l, "/system.slice", 2);
        a = start(l, SERVICE, 2);
        sample(slice, 3);
        sample(a, 3);
        assert_entry(l, "/system.slice", 3, 0);
        sample(a, 4);
        assert_own_unknown(l, "/system.slice");
        sample(slice, 4);
        assert_entry(l, "/system.slice", 4, 0);
}

/* A parent that does not count while its child does: its own cannot be told, nor that of the next one above.
 * */
static void test_parent_does_not_count(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(UNLIMITED, UNLIMITED);
        Incarnation *root = start(l, "/", 1), *user, *slice, *a;

        (void) state;

        user = start(l, "/user.slice", 2);
        slice = start(l, "/user.slice/user-1.slice", 2);
        sample(slice, 50);
        sample(user, 60);
        sample(root, 100);
        a = start(l, "/user.slice/user-1.slice/a.scope", 3);
        ledger_finish(l, slice);
        assert_entry(l, "/user.slice/user-1.slice", 50, 50);

        sample(a, 4);
        sample(user, 64);
        sample(root, 104);
        assert_own_unknown(l, "/user.slice/user-1.slice");
        assert_own_unknown(l, "/user.slice");
        assert_entry(l, "/", 104, 40);
}

static void test_eviction(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(5, UNLIMITED);
        Incarnation *root = start(l, "/", 1), *a;

        (void) state;

        (void) start(l, "/live.service", 1);
        run(l, "/a.service", 10, 2);
        run(l, "/b.service", 20, 3);
        run(l, "/c.service", 30, 4);
        sample(root, 100);
        assert_int_equal(ledger_n_nodes(l), 5);
        assert_entry(l, "/", 100, 40);

        /* comes back in time: keeps what it has, and is the youngest when it goes again */
        a = start(l, "/a.service", 5);
        assert_int_equal(a->node->since_usec, 2);
        sample(a, 1);
        ledger_finish(l, a);

        /* the oldest goes, and the root's own stays what it was */
        run(l, "/d.service", 4, 6);
        assert_null(ledger_get(l, "/b.service"));
        assert_int_equal(ledger_n_nodes(l), 5);
        assert_traffic(ledger_root(l)->gone_children, 20);
        sample(root, 105);
        assert_entry(l, "/", 105, 40);

        /* comes back too late: starts at zero, with its time */
        a = start(l, "/b.service", 7);
        assert_null(ledger_get(l, "/c.service"));
        assert_int_equal(a->node->since_usec, 7);
        sample(a, 2);
        sample(root, 107);
        assert_entry(l, "/b.service", 2, 2);
        assert_entry(l, "/", 107, 40);
        assert_traffic(ledger_root(l)->gone_children, 50);

        (void) start(l, "/e.service", 8);
        (void) start(l, "/f.service", 8);
        assert_refused(l, "/g.service", LEDGER_OVER_TOTAL);
        assert_int_equal(ledger_check(l, "/e.service"), 0);
}

static void test_eviction_upwards(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(6, UNLIMITED);
        Incarnation *root = start(l, "/", 1), *slice = start(l, "/system.slice", 1), *a;

        (void) state;

        a = start(l, SERVICE, 2);
        run(l, SERVICE "/x/y", 10, 3); /* x is not accounted */
        sample(a, 15);
        sample(slice, 18);
        sample(root, 100);
        ledger_finish(l, a);
        ledger_finish(l, slice);
        assert_int_equal(ledger_n_nodes(l), 5);

        /* y, with x, joins a; a joins the slice; the slice the root: each as a new one needs the room */
        (void) start(l, "/1.service", 5);
        assert_int_equal(ledger_n_nodes(l), 6);
        (void) start(l, "/2.service", 5);
        assert_int_equal(ledger_n_nodes(l), 5);
        assert_null(ledger_get(l, SERVICE "/x"));
        assert_entry(l, SERVICE, 15, 5);
        assert_traffic(ledger_get(l, SERVICE)->gone_children, 10);
        (void) start(l, "/3.service", 5);
        (void) start(l, "/4.service", 5);
        assert_null(ledger_get(l, SERVICE));
        assert_entry(l, "/system.slice", 18, 3);
        (void) start(l, "/5.service", 5);
        assert_null(ledger_get(l, "/system.slice"));
        assert_entry(l, "/", 100, 82);
        assert_refused(l, "/6.service", LEDGER_OVER_TOTAL);
}

/* What the new one hangs on is not evicted for it, dead as it may be. */
static void test_ancestors_stay(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(3, UNLIMITED);

        (void) state;

        run(l, SERVICE, 10, 1);
        assert_int_equal(ledger_n_nodes(l), 3);
        assert_refused(l, SERVICE "/x", LEDGER_OVER_TOTAL);
        ledger_set_limits(l, 4, UNLIMITED);
        (void) start(l, SERVICE "/x", 2);
        assert_int_equal(ledger_n_nodes(l), 4);
}

static void test_largest_subtree_first(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(100, UNLIMITED);
        char path[64];

        (void) state;

        for (unsigned i = 0; i < 20; i++) {
                (void) snprintf(path, sizeof(path), "/old-%u.service", i);
                run(l, path, 1, 1);
        }
        (void) start(l, "/user@1.service", 2);
        for (unsigned i = 0; i < 500; i++) {
                (void) snprintf(path, sizeof(path), "/user@1.service/%u", i);
                run(l, path, 1, 2);
        }

        assert_int_equal(ledger_n_nodes(l), 100);
        for (unsigned i = 0; i < 20; i++) {
                (void) snprintf(path, sizeof(path), "/old-%u.service", i);
                assert_non_null(ledger_get(l, path));
        }

        /* the youngest of its own are kept, and what is gone is not lost */
        assert_non_null(ledger_get(l, "/user@1.service/499"));
        assert_null(ledger_get(l, "/user@1.service/421"));
        assert_non_null(ledger_get(l, "/user@1.service/422"));
        assert_traffic(ledger_get(l, "/user@1.service")->gone_children, 422);
}

static void test_limit_per_subtree(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(UNLIMITED, 2);
        Incarnation *x, *y;

        (void) state;

        (void) start(l, SERVICE, 1);
        x = start(l, SERVICE "/x", 1);
        y = start(l, SERVICE "/x/y", 1);
        assert_refused(l, SERVICE "/z", LEDGER_OVER_SUBTREE);
        assert_refused(l, SERVICE "/x/y/z", LEDGER_OVER_SUBTREE);

        /* neither other units nor slices, nor a second incarnation, are concerned */
        (void) start(l, "/system.slice/b.service", 1);
        (void) start(l, "/system.slice/b.service/x", 1);
        (void) start(l, "/a.slice/a-b.slice/a-b-c.slice/a-b-c-d.slice", 1);
        ledger_finish(l, start(l, SERVICE "/x", 2));

        /* three below it at once are more than the limit, though none is accounted but the last */
        assert_refused(l, "/system.slice/c.service/x/y/z", LEDGER_OVER_SUBTREE);

        /* a dead leaf makes room */
        sample(y, 10);
        ledger_finish(l, y);
        (void) start(l, SERVICE "/z", 3);
        assert_null(ledger_get(l, SERVICE "/x/y"));
        assert_traffic(x->node->gone_children, 10);
        assert_refused(l, SERVICE "/w", LEDGER_OVER_SUBTREE);

        /* a plain service gets in always */
        ledger_set_limits(l, UNLIMITED, 0);
        (void) start(l, "/system.slice/d.service", 3);
        assert_refused(l, "/system.slice/d.service/x", LEDGER_OVER_SUBTREE);
        assert_int_equal(ledger_check(l, SERVICE "/z"), 0);
}

static void test_lowered_limits(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(UNLIMITED, UNLIMITED);
        Incarnation *a = start(l, "/a.service", 1), *b;

        (void) state;

        run(l, SERVICE "/x/y/z", 10, 1);
        b = start(l, "/b.service", 1);
        assert_int_equal(ledger_n_nodes(l), 8);
        ledger_set_limits(l, 3, UNLIMITED);
        assert_refused(l, "/c.service", LEDGER_OVER_TOTAL);

        /* what is there already may go on */
        ledger_finish(l, start(l, "/a.service", 2));

        ledger_finish(l, b);
        (void) start(l, "/c.service", 3);
        assert_int_equal(ledger_n_nodes(l), 3);
        assert_ptr_equal(ledger_get(l, "/a.service"), a->node);
}

static void test_deep(void **state) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(UNLIMITED, UNLIMITED);
        Incarnation *i[501];
        char path[2048] = "/";
        size_t n = 0;

        (void) state;

        for (unsigned d = 0; d <= 500; d++) {
                i[d] = start(l, path, 1);
                strcpy(path + (d == 0 ? 0 : strlen(path)), "/d");
        }
        for (unsigned d = 0; d <= 500; d++)
                sample(i[d], 1000 - d);

        path[0] = '/';
        path[1] = 0;
        assert_entry(l, path, 1000, 1);
        strcpy(path, i[499]->node->path);
        assert_entry(l, path, 501, 1);
        strcpy(path, i[500]->node->path);
        assert_entry(l, path, 500, 500);

        for (LedgerNode *node = ledger_first(l); node; node = ledger_next(node))
                assert_int_equal(node->depth, 500 - n++);
        assert_int_equal(n, 501);
}

/* Bounds the work for cgroups that come and go by the hundred thousand: it takes a second of CPU time, or
 * minutes where a step grows with their number. */
static void churn(const char *format, size_t max_nodes, size_t max_per_subtree) {
        _cleanup_(ledger_freep) Ledger *l = make_ledger(max_nodes, max_per_subtree);
        Incarnation *root = start(l, "/", 1);
        clock_t begin = clock();
        char path[64];

        (void) start(l, "/user@1.service", 1);
        for (unsigned i = 1; i <= 200000; i++) {
                (void) snprintf(path, sizeof(path), format, i);
                run(l, path, 1, i);
                assert_true(ledger_n_nodes(l) <= max_nodes);
        }

        sample(root, 200000);
        if (max_per_subtree == UNLIMITED)
                assert_true(ledger_n_nodes(l) > max_nodes / 2);
        assert_true(clock() - begin < 10 * CLOCKS_PER_SEC);
}

static void test_churn(void **state) {
        (void) state;

        churn("/run-%u.service", 50000, UNLIMITED);
        churn("/user@1.service/%u", 50000, UNLIMITED);
        churn("/user@1.service/%u", 50000, 1000);
        churn("/x-%u.slice", 50000, UNLIMITED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_empty),
                        cmocka_unit_test(test_totals_and_own),
                        cmocka_unit_test(test_two_incarnations),
                        cmocka_unit_test(test_unaccounted_parents),
                        cmocka_unit_test(test_helpers_go),
                        cmocka_unit_test(test_own_unknown),
                        cmocka_unit_test(test_parent_does_not_count),
                        cmocka_unit_test(test_eviction),
                        cmocka_unit_test(test_eviction_upwards),
                        cmocka_unit_test(test_ancestors_stay),
                        cmocka_unit_test(test_largest_subtree_first),
                        cmocka_unit_test(test_limit_per_subtree),
                        cmocka_unit_test(test_lowered_limits),
                        cmocka_unit_test(test_deep),
                        cmocka_unit_test(test_churn),
        };

        return RUN_TESTS(tests);
}
