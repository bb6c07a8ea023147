/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree-fixture.h"

static void test_initial_tree(void **state) {
        Fixture *f = *state;

        make(f, "a");
        make(f, "a/b");
        make(f, "a/b/c");
        make(f, "d");
        assert_int_equal(close(openat(f->fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
        assert_int_equal(symlinkat("a", f->fd, "link"), 0);

        new_tree(f, SIZE_MAX);
        assert_null(cgroup_tree_root(f->tree));
        assert_int_equal(f->n_added, 0);

        assert_int_equal(cgroup_tree_start(f->tree), 0);
        assert_int_equal(f->n_added, 1);
        assert_report(f, 0, true, "/");
        assert_true(cgroup_tree_scan_pending(f->tree));

        settle(f);
        assert_false(cgroup_tree_scan_pending(f->tree));
        assert_int_equal(f->n_added, 5);
        assert_report(f, 3, true, "/a/b"); /* breadth first */
        assert_report(f, 4, true, "/a/b/c");
        assert_mirrored(f);

        assert_ptr_equal(cgroup_tree_root(f->tree), cgroup_tree_get(f->tree, id_of(f, ".")));
        assert_int_equal(cgroup_tree_stats(f->tree).n_watches, 5);
        assert_int_equal(cgroup_tree_stats(f->tree).n_unwatched, 0);
}

static void test_root_refused(void **state) {
        Fixture *f = *state;

        f->special = "";
        f->verdict = CGROUP_REFUSE;
        new_tree(f, SIZE_MAX);
        assert_int_equal(cgroup_tree_start(f->tree), -EINVAL);
        assert_null(cgroup_tree_root(f->tree));
        assert_int_equal(cgroup_tree_stats(f->tree).n_cgroups, 0);
}

static void test_made_and_removed(void **state) {
        Fixture *f = *state;

        start(f);

        make(f, "x");
        assert_int_equal(cgroup_tree_dispatch(f->tree), 0);
        assert_int_equal(f->n_reports, 1); /* not only when it is scanned */
        assert_report(f, 0, true, "/x");
        settle(f);
        assert_int_equal(f->n_reports, 1);

        unmake(f, "x");
        assert_int_equal(cgroup_tree_dispatch(f->tree), 0);
        assert_int_equal(f->n_reports, 2);
        assert_report(f, 1, false, "/x");
        assert_mirrored(f);
}

static void test_nested_at_once(void **state) {
        Fixture *f = *state;

        start(f);

        make(f, "a");
        make(f, "a/b");
        make(f, "a/b/c");
        settle(f);
        assert_int_equal(f->n_reports, 3);
        assert_report(f, 0, true, "/a");
        assert_report(f, 1, true, "/a/b");
        assert_report(f, 2, true, "/a/b/c");
        assert_mirrored(f);
}

/* Between the watch and the scan: both tell of it. */
static void test_made_before_scan(void **state) {
        Fixture *f = *state;

        start(f);

        make(f, "a");
        assert_int_equal(cgroup_tree_dispatch(f->tree), 0);
        make(f, "a/b");
        settle(f);
        assert_int_equal(f->n_added, 2);
        assert_mirrored(f);
}

static void test_made_again(void **state) {
        Fixture *f = *state;
        uint64_t first, second;

        start(f);

        make(f, "x");
        settle(f);
        first = id_of(f, "x");
        clear_reports(f);

        /* DELETE, CREATE, DELETE, CREATE, while the name has the last id at each of them */
        unmake(f, "x");
        make(f, "x");
        unmake(f, "x");
        make(f, "x");
        second = id_of(f, "x");
        assert_int_not_equal(first, second);

        settle(f);
        assert_int_equal(f->n_reports, 2);
        assert_report(f, 0, false, "/x");
        assert_int_equal(f->reports[0].id, first);
        assert_report(f, 1, true, "/x");
        assert_int_equal(f->reports[1].id, second);
        assert_mirrored(f);
}

static void test_gone_before_it_was_seen(void **state) {
        Fixture *f = *state;

        start(f);

        make(f, "x");
        unmake(f, "x");
        settle(f);
        assert_int_equal(f->n_reports, 0);
}

static void test_subtree_removed(void **state) {
        Fixture *f = *state;

        make(f, "a");
        make(f, "a/b");
        make(f, "a/b/c");
        make(f, "a/d");
        start(f);

        empty_directory(f->fd, "a");
        unmake(f, "a");
        settle(f);
        assert_int_equal(f->n_removed, 4);
        assert_report(f, 3, false, "/a");
        assert_mirrored(f);
        assert_int_equal(cgroup_tree_stats(f->tree).n_watches, 1);
}

/* Where one event tells of the whole subtree. */
static void test_moved(void **state) {
        Fixture *f = *state;
        uint64_t b;

        make(f, "a");
        make(f, "a/b");
        make(f, "a/b/c");
        make(f, "z");
        start(f);
        b = id_of(f, "a/b");

        assert_int_equal(renameat(f->fd, "a/b", f->fd, "z/new"), 0);
        settle(f);
        assert_int_equal(f->n_reports, 4);
        assert_report(f, 0, false, "/a/b/c");
        assert_report(f, 1, false, "/a/b");
        assert_report(f, 2, true, "/z/new");
        assert_report(f, 3, true, "/z/new/c");
        assert_int_equal(f->reports[2].id, b);
        assert_mirrored(f);
}

/* The scan alone, as after an overflow: in one of the directions, it meets the new place first. */
static void test_moved_unheard(void **state) {
        static const char *const places[] = {"/a/x", "/z/x", "/a/x"};
        Fixture *f = *state;

        make(f, "a");
        make(f, "a/x");
        make(f, "a/x/y");
        make(f, "z");
        start(f);

        for (unsigned i = 0; i < 2; i++) {
                clear_reports(f);
                assert_int_equal(renameat(f->fd, places[i] + 1, f->fd, places[i + 1] + 1), 0);
                cgroup_tree_rescan(f->tree);
                assert_int_equal(cgroup_tree_scan(f->tree, USEC_INFINITY), 0);
                assert_int_equal(f->n_reports, 4);
                assert_false(f->reports[0].added);
                assert_false(f->reports[1].added);
                assert_report(f, 1, false, places[i]);
                assert_report(f, 2, true, places[i + 1]);
                assert_mirrored(f);
        }
}

/* What is below a directory in the mirror is above it by now: a/p, known as such, became a'/p/a. */
static void test_turned_upside_down(void **state) {
        Fixture *f = *state;

        make(f, "a");
        make(f, "a/p");
        new_tree(f, 2);
        assert_int_equal(cgroup_tree_start(f->tree), 0);
        settle(f);

        make(f, "b");
        assert_int_equal(renameat(f->fd, "a/p", f->fd, "b/p"), 0);
        assert_int_equal(renameat(f->fd, "a", f->fd, "b/p/a"), 0);
        assert_int_equal(renameat(f->fd, "b", f->fd, "a"), 0);

        assert_int_equal(cgroup_tree_retry(f->tree), 0); /* scans p first: no watch was left for it */
        assert_int_equal(cgroup_tree_scan(f->tree, USEC_INFINITY), 0);
        assert_mirrored(f);
        settle(f);
        assert_mirrored(f);
}

/* Step by step, while what is scanned changes and goes. */
static void test_sliced_scan(void **state) {
        Fixture *f = *state;
        char name[16];

        make(f, "d");
        for (unsigned i = 0; i < 100; i++) {
                (void) snprintf(name, sizeof(name), "d/%u", i);
                make(f, name);
        }
        start(f);

        cgroup_tree_rescan(f->tree);
        for (unsigned i = 0; i < 50; i++) {
                (void) snprintf(name, sizeof(name), "d/%u", i * 2);
                unmake(f, name);
                assert_int_equal(cgroup_tree_scan(f->tree, 0), 1);
                if (i % 10 == 0)
                        assert_int_equal(cgroup_tree_dispatch(f->tree), 0);
        }
        make(f, "d/new");
        settle(f);
        assert_int_equal(f->n_removed, 50);
        assert_int_equal(f->n_added, 1);
        assert_mirrored(f);

        /* the directory itself is removed in the middle of its scan */
        clear_reports(f);
        cgroup_tree_rescan(f->tree);
        for (unsigned i = 0; i < 30; i++)
                assert_int_equal(cgroup_tree_scan(f->tree, 0), 1);
        empty_directory(f->fd, "d");
        unmake(f, "d");
        while (events_waiting(f))
                assert_int_equal(cgroup_tree_dispatch(f->tree), 0);
        settle(f);
        assert_int_equal(f->n_removed, 52);
        assert_int_equal(cgroup_tree_stats(f->tree).n_cgroups, 1);
        assert_mirrored(f);
}

static unsigned events_max(void) {
        _cleanup_fclose_ FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
        unsigned n;

        assert_non_null(file);
        assert_int_equal(fscanf(file, "%u", &n), 1);
        return n;
}

static void test_overflow(void **state) {
        Fixture *f = *state;
        unsigned n = events_max();

        if (n > 1000000)
                skip(); /* it would take too long to fill */

        make(f, "gone");
        make(f, "stays");
        make(f, "again");
        start(f);

        for (unsigned i = 0; i < n / 2 + 1; i++) {
                make(f, "x");
                unmake(f, "x");
        }
        unmake(f, "gone");
        unmake(f, "again");
        make(f, "again");
        make(f, "stays/new");

        settle(f);
        assert_int_equal(cgroup_tree_stats(f->tree).n_overflows, 1);
        assert_int_equal(f->n_removed, 2);
        assert_int_equal(f->n_added, 2);
        assert_mirrored(f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_initial_tree, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_root_refused, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_made_and_removed, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_nested_at_once, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_made_before_scan, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_made_again, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_gone_before_it_was_seen, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_subtree_removed, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_moved, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_moved_unheard, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_turned_upside_down, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_sliced_scan, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_overflow, setup, teardown),
        };

        return RUN_TESTS(tests);
}
