/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <utlist.h>

#include "cgroup-tree-internal.h"

void cgroup_tree_queue_scan(CgroupTree *t, Cgroup *c) {
        if (c->scan_queued)
                return;

        DL_APPEND2(t->scan_queue, c, scan_prev, scan_next);
        c->scan_queued = true;
}

void cgroup_tree_unqueue_scan(CgroupTree *t, Cgroup *c) {
        if (!c->scan_queued)
                return;

        DL_DELETE2(t->scan_queue, c, scan_prev, scan_next);
        c->scan_queued = false;
}

void cgroup_tree_end_scan(CgroupTree *t) {
        if (t->scan.dir)
                (void) closedir(t->scan.dir); /* only read from */
        t->scan = (Scan){.fd = safe_close(t->scan.fd)};
}

static int begin_scan(CgroupTree *t) {
        _cleanup_close_ int fd = -1, dir_fd = -1;
        Cgroup *c = t->scan_queue;
        int r;

        cgroup_tree_unqueue_scan(t, c);

        r = cgroup_open(c, t->root_fd, &fd);
        if (r == CGROUP_GONE) {
                cgroup_tree_remove(t, c);
                return 0;
        }
        if (r < 0)
                return cgroup_tree_unreadable(t, c, r);

        cgroup_tree_set_blind(t, c, cgroup_tree_watch(t, c, fd) < 0);

        dir_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return cgroup_tree_unreadable(t, c, -errno);

        t->scan.dir = fdopendir(dir_fd);
        if (!t->scan.dir)
                return cgroup_tree_unreadable(t, c, -errno);

        TAKE_FD(dir_fd);
        t->scan.cgroup = c;
        t->scan.fd = TAKE_FD(fd);
        t->n_scans++;
        c->refused_children = false; /* as far as they are still there, they will be refused again */
        return 0;
}

static bool is_directory(const struct dirent *de) {
        return (de->d_type == DT_DIR || de->d_type == DT_UNKNOWN) && strcmp(de->d_name, ".") != 0 &&
               strcmp(de->d_name, "..") != 0;
}

static int scan_entry(CgroupTree *t) {
        Cgroup *c = t->scan.cgroup, *known;
        const struct dirent *de;
        int r;

        errno = 0;
        de = readdir(t->scan.dir);
        if (!de && errno != 0) {
                r = cgroup_tree_unreadable(t, c, -errno);
                cgroup_tree_end_scan(t);
                return r;
        }
        if (!de) {
                t->scan.dir = (closedir(t->scan.dir), NULL);
                return 0;
        }
        if (!is_directory(de))
                return 0;

        known = cgroup_table_get_child(&t->table, c, de->d_name);
        if (known && known->id == de->d_ino) {
                cgroup_tree_mark_seen(t, known);
                return 0;
        }

        r = cgroup_tree_look(t, c, t->scan.fd, de->d_name);
        if (r < 0)
                r = cgroup_tree_unreadable(t, c, r);
        if (r < 0)
                cgroup_tree_end_scan(t);
        return r;
}

/* Looks for one child that was not among the entries. */
static int scan_missing(CgroupTree *t) {
        Cgroup *c = t->scan.cgroup, *child = c->children;
        int r;

        if (!child || child->seen == t->n_scans) {
                cgroup_tree_end_scan(t);
                return 0;
        }

        r = cgroup_tree_look(t, c, t->scan.fd, child->key.name);
        if (r == 0)
                return 0;

        r = cgroup_tree_unreadable(t, c, r);
        if (r < 0)
                cgroup_tree_end_scan(t);
        else
                cgroup_tree_mark_seen(t, child); /* for all that can be told, it is there */
        return r;
}

static int scan_step(CgroupTree *t) {
        if (!t->scan.cgroup)
                return begin_scan(t);
        if (t->scan.dir)
                return scan_entry(t);

        return scan_missing(t);
}

int cgroup_tree_scan(CgroupTree *t, usec_t max_usec) {
        usec_t begin;
        int r;

        assert(t);

        begin = now_usec(CLOCK_MONOTONIC);
        while (cgroup_tree_scan_pending(t)) {
                r = scan_step(t);
                if (r < 0)
                        return r;

                if (now_usec(CLOCK_MONOTONIC) - begin >= max_usec)
                        break;
        }

        return cgroup_tree_scan_pending(t);
}

bool cgroup_tree_scan_pending(const CgroupTree *t) {
        assert(t);

        return t->scan.cgroup || t->scan_queue;
}

void cgroup_tree_rescan(CgroupTree *t) {
        assert(t);

        for (Cgroup *c = t->root; c; c = cgroup_next(c))
                cgroup_tree_queue_scan(t, c);
}
