/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/resource.h>

#include "tree-fixture.h"

static void test_refused(void **state) {
        Fixture *f = *state;

        f->special = "no";
        f->verdict = CGROUP_REFUSE;
        f->want_retry = true;
        start(f);

        make(f, "no");
        make(f, "no/below");
        settle(f);
        assert_int_equal(f->n_reports, 1);
        assert_int_equal(cgroup_tree_stats(f->tree).n_cgroups, 1);

        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        settle(f);
        assert_int_equal(f->n_reports, 1);
        assert_int_equal(f->n_want_retry, 0);

        unmake(f, "no/below");
        unmake(f, "no");
        settle(f);
        assert_int_equal(f->n_removed, 0);
}

static void test_refused_for_now(void **state) {
        Fixture *f = *state;

        f->special = "late";
        f->verdict = CGROUP_REFUSE_FOR_NOW;
        make(f, "late");
        make(f, "late/below");
        start(f);
        assert_int_equal(cgroup_tree_stats(f->tree).n_cgroups, 1);

        /* not wanted */
        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        settle(f);
        assert_int_equal(f->n_want_retry, 1);
        assert_int_equal(f->n_added, 0);

        /* wanted, but refused again */
        f->want_retry = true;
        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        settle(f);
        assert_int_equal(f->n_added, 1);

        f->verdict = CGROUP_FOLLOW;
        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        settle(f);
        assert_int_equal(f->n_added, 3);
        assert_mirrored(f);

        clear_reports(f);
        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        assert_false(cgroup_tree_scan_pending(f->tree));
        assert_int_equal(f->n_want_retry, 0);
        assert_int_equal(f->n_added, 0);
}

static void test_retry(void **state) {
        Fixture *f = *state;

        f->special = "again";
        f->verdict = CGROUP_RETRY;
        make(f, "again");
        make(f, "again/below");
        start(f);
        assert_mirrored(f);

        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        assert_int_equal(f->n_reports, 1);
        assert_report(f, 0, true, "/again");
        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        assert_int_equal(f->n_reports, 2);

        f->verdict = CGROUP_FOLLOW;
        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        assert_int_equal(f->n_reports, 3);
}

static void test_retry_refused(void **state) {
        Fixture *f = *state;

        f->special = "again";
        f->verdict = CGROUP_RETRY;
        make(f, "again");
        make(f, "again/below");
        start(f);

        f->verdict = CGROUP_REFUSE_FOR_NOW;
        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        assert_int_equal(f->n_reports, 3);
        assert_report(f, 1, false, "/again/below");
        assert_report(f, 2, false, "/again");

        f->verdict = CGROUP_RETRY;
        f->want_retry = true;
        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        settle(f);
        assert_mirrored(f);

        /* gone, before an event told */
        clear_reports(f);
        unmake(f, "again/below");
        unmake(f, "again");
        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        assert_int_equal(f->n_added, 0);
        assert_int_equal(f->n_removed, 2);
        settle(f);
        assert_mirrored(f);
}

/* As the kernel has it: see proc_pid_fdinfo(5). */
static size_t kernel_watches(Fixture *f) {
        _cleanup_fclose_ FILE *file = NULL;
        char path[64], line[256];
        size_t n = 0;

        (void) snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", cgroup_tree_fd(f->tree));
        file = fopen(path, "re");
        assert_non_null(file);
        while (fgets(line, sizeof(line), file))
                n += strncmp(line, "inotify ", strlen("inotify ")) == 0;

        return n;
}

static void test_reconsider(void **state) {
        Fixture *f = *state;

        make(f, "a");
        make(f, "a/out");
        make(f, "a/out/b");
        make(f, "a/out/c");
        make(f, "z");
        start(f);

        f->special = "out";
        f->verdict = CGROUP_REFUSE;
        assert_int_equal(cgroup_tree_reconsider(f->tree), 0);
        assert_int_equal(f->n_added, 4); /* /, a, a/out, z */
        assert_int_equal(f->n_removed, 3);
        settle(f);
        assert_int_equal(cgroup_tree_stats(f->tree).n_cgroups, 3);
        assert_int_equal(cgroup_tree_stats(f->tree).n_watches, 3);
        assert_int_equal(kernel_watches(f), 3);

        f->special = NULL;
        assert_int_equal(cgroup_tree_reconsider(f->tree), 0);
        settle(f);
        assert_mirrored(f);

        /* the root stays */
        f->special = "";
        f->verdict = CGROUP_REFUSE;
        assert_int_equal(cgroup_tree_reconsider(f->tree), 0);
        settle(f);
        assert_mirrored(f);
}

static void test_watches_exhausted(void **state) {
        Fixture *f = *state;
        CgroupTreeStats s;

        make(f, "a");
        make(f, "a/b");
        make(f, "a/b/c");
        new_tree(f, 2);
        assert_int_equal(cgroup_tree_start(f->tree), 0);
        settle(f);
        assert_mirrored(f);
        s = cgroup_tree_stats(f->tree);
        assert_int_equal(s.n_watches, 2);
        assert_int_equal(s.n_unwatched, 2);

        make(f, "a/b/c/new");
        settle(f);
        assert_int_equal(cgroup_tree_stats(f->tree).n_cgroups, 4); /* nothing told of it */

        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        settle(f);
        assert_mirrored(f);
        assert_int_equal(cgroup_tree_stats(f->tree).n_unwatched, 3);

        /* a watch becomes free */
        unmake(f, "a/b/c/new");
        unmake(f, "a/b/c");
        unmake(f, "a/b");
        make(f, "z");
        settle(f);
        unmake(f, "a");
        settle(f);
        assert_int_equal(cgroup_tree_stats(f->tree).n_unwatched, 1);
        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        settle(f);
        s = cgroup_tree_stats(f->tree);
        assert_int_equal(s.n_watches, 2);
        assert_int_equal(s.n_unwatched, 0);
        make(f, "z/new");
        settle(f);
        assert_mirrored(f);
}

/* Runs as nobody, where the test runs as root: root reads everything. */
static void test_unreadable(void **state) {
        Fixture *f = *state;
        const uid_t nobody = 65534;
        bool is_root = geteuid() == 0;

        if (is_root) {
                assert_int_equal(fchown(f->fd, nobody, nobody), 0);
                assert_int_equal(seteuid(nobody), 0);
        }

        make(f, "a");
        make(f, "a/b");
        assert_int_equal(fchmodat(f->fd, "a", 0, 0), 0);
        start(f);
        assert_int_equal(cgroup_tree_stats(f->tree).n_cgroups, 2);
        assert_int_equal(cgroup_tree_stats(f->tree).n_unwatched, 1);

        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        settle(f);
        assert_int_equal(cgroup_tree_stats(f->tree).n_cgroups, 2);

        assert_int_equal(fchmodat(f->fd, "a", 0700, 0), 0);
        assert_int_equal(cgroup_tree_retry(f->tree), 0);
        settle(f);
        assert_mirrored(f);
        assert_int_equal(cgroup_tree_stats(f->tree).n_unwatched, 0);

        /* taken away when it is known and watched: what is below stays known */
        assert_int_equal(fchmodat(f->fd, "a", 0, 0), 0);
        cgroup_tree_rescan(f->tree);
        settle(f);
        assert_int_equal(cgroup_tree_stats(f->tree).n_cgroups, 3);
        assert_int_equal(cgroup_tree_stats(f->tree).n_unwatched, 2);
        assert_int_equal(f->n_removed, 0);
}

static int teardown_unreadable(void **state) {
        if (geteuid() != getuid())
                (void) seteuid(getuid());
        return teardown(state);
}

/* What events asked for while there was no descriptor to look is made up for by a scan. */
static void test_no_descriptors(void **state) {
        Fixture *f = *state;
        struct rlimit before, none;
        char name[16];
        int r, lowest;

        for (unsigned i = 0; i < 10; i++) {
                (void) snprintf(name, sizeof(name), "%u", i);
                make(f, name);
        }
        start(f);

        make(f, "new");
        for (unsigned i = 0; i < 10; i += 2) {
                (void) snprintf(name, sizeof(name), "%u", i);
                unmake(f, name);
        }

        lowest = fcntl(f->fd, F_DUPFD_CLOEXEC, 3);
        assert_int_equal(close(lowest), 0);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        none = (struct rlimit){.rlim_cur = (rlim_t) lowest, .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        r = cgroup_tree_dispatch(f->tree);
        if (r == -EMFILE)
                r = cgroup_tree_scan(f->tree, USEC_INFINITY);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(r, -EMFILE);
        assert_int_equal(f->n_reports, 0);

        assert_true(cgroup_tree_scan_pending(f->tree));
        assert_int_equal(cgroup_tree_scan(f->tree, USEC_INFINITY), 0);
        assert_int_equal(f->n_removed, 5);
        assert_int_equal(f->n_added, 1);
        assert_mirrored(f);
}

static void test_any_name(void **state) {
        static const char *const names[] = {"line\nbreak", "\xff\xfe\x80", "\x01 \\x20", "-", "..."};
        Fixture *f = *state;
        char longest[NAME_MAX + 1];

        memset(longest, 'n', NAME_MAX);
        longest[NAME_MAX] = '\0';
        start(f);

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                _cleanup_free_ char *path = NULL, *child_path = NULL;

                make(f, names[i]);
                settle(f);
                assert_int_equal(cgroup_path(cgroup_tree_get(f->tree, id_of(f, names[i])), &path), 0);
                assert_string_equal(path + 1, names[i]);
                assert_int_equal(cgroup_child_path(cgroup_tree_root(f->tree), names[i], &child_path), 0);
                assert_string_equal(child_path, path);
        }

        make(f, longest);
        settle(f);
        assert_mirrored(f);
        assert_int_equal(cgroup_tree_stats(f->tree).n_cgroups, 7);

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                unmake(f, names[i]);
        unmake(f, longest);
        settle(f);
        assert_int_equal(cgroup_tree_stats(f->tree).n_cgroups, 1);
}

/* Paths of 60,000 bytes. */
static void test_deep(void **state) {
        Fixture *f = *state;
        _cleanup_close_ int fd = -1, deepest = -1;
        _cleanup_free_ char *path = NULL;
        char name[201];
        struct stat st;
        Cgroup *c;

        memset(name, 'd', 200);
        name[200] = '\0';
        start(f);

        fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 3);
        for (unsigned i = 0; i < 300; i++) {
                int next;

                assert_int_equal(mkdirat(fd, name, 0700), 0);
                next = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                (void) close(fd);
                fd = next;
        }
        settle(f);
        assert_int_equal(f->n_added, 300);
        assert_mirrored(f);

        assert_int_equal(fstat(fd, &st), 0);
        c = cgroup_tree_get(f->tree, st.st_ino);
        assert_int_equal(c->depth, 300);
        assert_int_equal(cgroup_path(c, &path), 0);
        assert_int_equal(strlen(path), 300 * 201);
        assert_int_equal(cgroup_open(c, f->fd, &deepest), 0);

        /* an event down there */
        assert_int_equal(mkdirat(fd, "new", 0700), 0);
        settle(f);
        assert_int_equal(f->n_added, 301);

        empty_directory(f->fd, ".");
        settle(f);
        assert_int_equal(f->n_removed, 301);
        assert_int_equal(cgroup_tree_stats(f->tree).n_cgroups, 1);
}

static void test_open_gone(void **state) {
        Fixture *f = *state;
        _cleanup_close_ int fd = -1;
        Cgroup *x;

        make(f, "x");
        start(f);
        x = cgroup_tree_get(f->tree, id_of(f, "x"));

        assert_int_equal(cgroup_open(x, f->fd, &fd), 0);
        unmake(f, "x");
        assert_int_equal(cgroup_open(x, f->fd, &fd), CGROUP_GONE);
        make(f, "x");
        assert_int_equal(cgroup_open(x, f->fd, &fd), CGROUP_GONE);
        unmake(f, "x");
        assert_int_equal(symlinkat(".", f->fd, "x"), 0);
        assert_int_equal(cgroup_open(x, f->fd, &fd), CGROUP_GONE);
}

static void test_ten_thousand(void **state) {
        Fixture *f = *state;
        char name[16];

        start(f);

        make(f, "d");
        for (unsigned i = 0; i < 10000; i++) {
                (void) snprintf(name, sizeof(name), "d/%u", i);
                make(f, name);
        }
        settle(f);
        assert_mirrored(f);

        for (unsigned i = 0; i < 10000; i++) {
                (void) snprintf(name, sizeof(name), "d/%u", i);
                unmake(f, name);
        }
        unmake(f, "d");
        settle(f);
        assert_int_equal(f->n_added, 10001);
        assert_int_equal(f->n_removed, 10001);
        assert_int_equal(cgroup_tree_stats(f->tree).n_cgroups, 1);
        assert_int_equal(cgroup_tree_stats(f->tree).n_watches, 1);
        assert_int_equal(cgroup_tree_stats(f->tree).n_unwatched, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_refused_for_now, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_retry, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_retry_refused, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_reconsider, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_watches_exhausted, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown_unreadable),
                        cmocka_unit_test_setup_teardown(test_any_name, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_no_descriptors, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_deep, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_open_gone, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_ten_thousand, setup, teardown),
        };

        return RUN_TESTS(tests);
}
