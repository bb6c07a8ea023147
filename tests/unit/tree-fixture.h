/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A CgroupTree on a plain temporary directory, whose handlers write down what they are told and check what holds
 * for every report: parents come before children, and go after them. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup-tree.h"
#include "unit-test.h"

#define REPORTS_MAX 32

typedef struct Report {
        bool added; /* else removed */
        uint64_t id;
        char path[64]; /* cut */
} Report;

typedef struct Fixture {
        char dir[64];
        int fd;
        CgroupTree *tree;

        /* The verdict on each directory of this name; all else is followed. */
        const char *special;
        CgroupVerdict verdict;
        bool want_retry;

        size_t n_added, n_removed, n_want_retry;
        Report reports[REPORTS_MAX]; /* the first since the last clear_reports() */
        size_t n_reports;
} Fixture;

static inline void report(Fixture *f, bool added, Cgroup *c) {
        _cleanup_free_ char *path = NULL;
        Report *r;

        if (f->n_reports == REPORTS_MAX)
                return;

        r = f->reports + f->n_reports++;
        *r = (Report){.added = added, .id = c->id};
        assert_int_equal(cgroup_path(c, &path), 0);
        strncpy(r->path, path, sizeof(r->path) - 1);
}

static inline void clear_reports(Fixture *f) {
        f->n_added = f->n_removed = f->n_reports = f->n_want_retry = 0;
}

static inline void assert_report(Fixture *f, size_t i, bool added, const char *path) {
        assert_true(i < f->n_reports);
        assert_int_equal(f->reports[i].added, added);
        assert_string_equal(f->reports[i].path, path);
}

static inline CgroupVerdict on_added(Cgroup *c, int fd, void *userdata) {
        Fixture *f = userdata;
        CgroupVerdict v;
        struct stat st;

        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_ino, c->id);
        if (c->parent) {
                assert_ptr_equal(c->parent->userdata, f); /* offered before, and not removed */
                assert_int_equal(c->depth, c->parent->depth + 1);
        } else
                assert_int_equal(c->depth, 0);

        f->n_added++;
        report(f, true, c);

        v = f->special && strcmp(c->key.name, f->special) == 0 ? f->verdict : CGROUP_FOLLOW;
        if (v == CGROUP_FOLLOW || v == CGROUP_RETRY)
                c->userdata = f;
        return v;
}

static inline void on_removed(Cgroup *c, void *userdata) {
        Fixture *f = userdata;

        assert_ptr_equal(c->userdata, f);
        assert_null(c->children);

        f->n_removed++;
        report(f, false, c);
}

static inline bool on_want_retry(Cgroup *c, void *userdata) {
        Fixture *f = userdata;

        assert_ptr_equal(c->userdata, f);

        f->n_want_retry++;
        return f->want_retry;
}

/* The number of an inode is not given out again at once on tmpfs, as it may be on other file systems. */
static inline int setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);

        strcpy(f->dir, "/dev/shm/test-cgroup-tree-XXXXXX");
        if (!mkdtemp(f->dir)) {
                strcpy(f->dir, "/tmp/test-cgroup-tree-XXXXXX");
                assert_non_null(mkdtemp(f->dir));
        }

        f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(f->fd >= 0);

        *state = f;
        return 0;
}

/* Removes what the directory contains; its depth is limited by descriptors alone. */
static inline void empty_directory(int parent_fd, const char *name) {
        _cleanup_closedir_ DIR *d = NULL;
        const struct dirent *de;
        int fd;

        (void) fchmodat(parent_fd, name, 0700, 0); /* a test may have taken the permissions away */
        fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return;

        d = fdopendir(fd);
        while (d && (de = readdir(d))) {
                if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
                        continue;
                if (de->d_type == DT_DIR)
                        empty_directory(fd, de->d_name);
                (void) unlinkat(fd, de->d_name, de->d_type == DT_DIR ? AT_REMOVEDIR : 0);
        }
}

static inline int teardown(void **state) {
        Fixture *f = *state;

        f->tree = cgroup_tree_free(f->tree);
        empty_directory(f->fd, ".");
        (void) close(f->fd);
        (void) rmdir(f->dir);
        free(f);
        return 0;
}

static inline void make(Fixture *f, const char *path) {
        assert_int_equal(mkdirat(f->fd, path, 0700), 0);
}

static inline void unmake(Fixture *f, const char *path) {
        assert_int_equal(unlinkat(f->fd, path, AT_REMOVEDIR), 0);
}

static inline uint64_t id_of(Fixture *f, const char *path) {
        struct stat st;

        assert_int_equal(fstatat(f->fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
        return st.st_ino;
}

static inline bool events_waiting(Fixture *f) {
        struct pollfd p = {.fd = cgroup_tree_fd(f->tree), .events = POLLIN};

        return poll(&p, 1, 0) > 0;
}

/* Handles all that there is to handle: on a plain directory, the events are there as soon as it was changed. */
static inline void settle(Fixture *f) {
        do {
                assert_int_equal(cgroup_tree_dispatch(f->tree), 0);
                assert_int_equal(cgroup_tree_scan(f->tree, USEC_INFINITY), 0);
        } while (events_waiting(f));
}

static inline void new_tree(Fixture *f, size_t max_watches) {
        const CgroupTreeHandlers handlers = {
                        .on_added = on_added,
                        .on_removed = on_removed,
                        .want_retry = on_want_retry,
                        .userdata = f,
        };

        assert_int_equal(cgroup_tree_new(f->fd, max_watches, &handlers, &f->tree), 0);
}

static inline void start(Fixture *f) {
        new_tree(f, SIZE_MAX);
        assert_int_equal(cgroup_tree_start(f->tree), 0);
        settle(f);
        clear_reports(f);
}

static inline size_t compare_below(Fixture *f, Cgroup *parent, int parent_fd, const char *name) {
        _cleanup_closedir_ DIR *d = NULL;
        const struct dirent *de;
        size_t n = 1;
        struct stat st;
        Cgroup *c;
        int fd;

        fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);

        c = cgroup_tree_get(f->tree, st.st_ino);
        assert_non_null(c);
        assert_ptr_equal(c->parent, parent);
        if (parent)
                assert_string_equal(c->key.name, name);

        d = fdopendir(fd);
        assert_non_null(d);
        while ((de = readdir(d)))
                if (de->d_type == DT_DIR && strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
                        n += compare_below(f, c, fd, de->d_name);

        return n;
}

/* That the mirror has every directory under its name and parent, and nothing else. */
static inline void assert_mirrored(Fixture *f) {
        assert_int_equal(compare_below(f, NULL, f->fd, "."), cgroup_tree_stats(f->tree).n_cgroups);
}
