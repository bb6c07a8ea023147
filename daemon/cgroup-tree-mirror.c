/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <utlist.h>

#include "cgroup-tree-internal.h"

#define WATCH_MASK (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)

void cgroup_tree_queue_retry(CgroupTree *t, Cgroup *c) {
        if (c->retry_queued)
                return;

        DL_APPEND2(t->retry_queue, c, retry_prev, retry_next);
        c->retry_queued = true;
        c->retry_round = t->retry_round;
}

void cgroup_tree_unqueue_retry(CgroupTree *t, Cgroup *c) {
        if (!c->retry_queued)
                return;

        DL_DELETE2(t->retry_queue, c, retry_prev, retry_next);
        c->retry_queued = false;
}

void cgroup_tree_set_blind(CgroupTree *t, Cgroup *c, bool blind) {
        if (c->blind == blind)
                return;

        c->blind = blind;
        if (blind) {
                t->n_blind++;
                cgroup_tree_queue_retry(t, c);
        } else
                t->n_blind--;
}

int cgroup_tree_unreadable(CgroupTree *t, Cgroup *c, int error) {
        if (error == -ENOMEM || error == -EMFILE || error == -ENFILE) {
                cgroup_tree_queue_scan(t, c);
                return error;
        }

        cgroup_tree_set_blind(t, c, true);
        return 0;
}

int cgroup_tree_watch(CgroupTree *t, Cgroup *c, int fd) {
        char path[sizeof("/proc/self/fd/") + 10];
        int watch, r;

        if (c->watch >= 0)
                return 0;

        if (cgroup_table_n_watches(&t->table) >= t->max_watches)
                return -ENOSPC;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* fits any descriptor */
        watch = inotify_add_watch(t->inotify_fd, path, WATCH_MASK);
        if (watch < 0)
                return -errno;

        r = cgroup_table_set_watch(&t->table, c, watch);
        if (r < 0)
                (void) inotify_rm_watch(t->inotify_fd, watch); /* just added */
        return r;
}

static void remove_watch(CgroupTree *t, Cgroup *c) {
        if (c->watch < 0)
                return;

        /* On cgroupfs the watch of a removed directory stays, but other file systems take it off: EINVAL then. */
        (void) inotify_rm_watch(t->inotify_fd, c->watch);
        (void) cgroup_table_set_watch(&t->table, c, -1); /* cannot fail for -1 */
}

static void remove_leaf(CgroupTree *t, Cgroup *c) {
        t->handlers.on_removed(c, t->handlers.userdata);

        if (t->scan.cgroup == c)
                cgroup_tree_end_scan(t);
        cgroup_tree_unqueue_scan(t, c);
        cgroup_tree_unqueue_retry(t, c);
        cgroup_tree_set_blind(t, c, false);
        remove_watch(t, c);
        cgroup_table_remove(&t->table, c);
        cgroup_free(c);
}

/* Children before parents, and in a loop, as the depth is in the hands of whoever makes directories. */
void cgroup_tree_remove(CgroupTree *t, Cgroup *top) {
        Cgroup *c = top, *parent;
        bool is_top;

        assert(top->parent);

        do {
                while (c->children)
                        c = c->children;

                parent = c->parent;
                is_top = c == top;
                remove_leaf(t, c);
                c = parent;
        } while (!is_top);
}

static bool is_refusal(CgroupVerdict v) {
        return v == CGROUP_REFUSE || v == CGROUP_REFUSE_FOR_NOW;
}

static void note_refusal(CgroupTree *t, Cgroup *parent, CgroupVerdict v) {
        if (v != CGROUP_REFUSE_FOR_NOW)
                return;

        parent->refused_children = true;
        cgroup_tree_queue_retry(t, parent);
}

static void set_retry(CgroupTree *t, Cgroup *c, bool retry) {
        c->retry = retry;
        if (retry)
                cgroup_tree_queue_retry(t, c);
}

int cgroup_tree_offer_new(CgroupTree *t, Cgroup *found, int fd) {
        _cleanup_(cgroup_freep) Cgroup *c = found;
        CgroupVerdict v;
        int r;

        r = cgroup_table_add(&t->table, c);
        if (r < 0)
                return r;

        c->seen = t->n_scans;
        v = t->handlers.on_added(c, fd, t->handlers.userdata);
        if (is_refusal(v)) {
                cgroup_table_remove(&t->table, c);
                if (c->parent)
                        note_refusal(t, c->parent, v);
                return c->parent ? 0 : -EINVAL;
        }

        /* Watched before it is scanned, so that nothing made in between escapes both. */
        set_retry(t, c, v == CGROUP_RETRY);
        cgroup_tree_set_blind(t, c, cgroup_tree_watch(t, c, fd) < 0);
        cgroup_tree_queue_scan(t, c);
        TAKE_PTR(c);
        return 0;
}

bool cgroup_tree_offer_again(CgroupTree *t, Cgroup *c) {
        _cleanup_close_ int fd = -1;
        CgroupVerdict v;
        int r;

        r = cgroup_open(c, t->root_fd, &fd);
        if (r < 0) {
                set_retry(t, c, true);
                return true;
        }

        v = r == CGROUP_GONE ? CGROUP_REFUSE : t->handlers.on_added(c, fd, t->handlers.userdata);
        if (is_refusal(v) && c->parent) {
                note_refusal(t, c->parent, v);
                cgroup_tree_remove(t, c);
                return false;
        }

        set_retry(t, c, v == CGROUP_RETRY);
        return true;
}

static int add_child(CgroupTree *t, Cgroup *parent, const char *name, uint64_t id, int fd) {
        Cgroup *c, *other;
        int r;

        other = cgroup_table_get(&t->table, id);
        if (other && cgroup_contains(other, parent)) {
                /* A directory cannot be its own ancestor: above this one, the mirror is out of date. */
                cgroup_tree_rescan(t);
                return 0;
        }
        if (other)
                cgroup_tree_remove(t, other); /* it was moved, or its id was given out again */

        r = cgroup_new(id, parent, name, &c);
        if (r < 0)
                return r;

        return cgroup_tree_offer_new(t, c, fd);
}

void cgroup_tree_mark_seen(CgroupTree *t, Cgroup *c) {
        c->seen = t->n_scans;
        DL_DELETE(c->parent->children, c);
        DL_APPEND(c->parent->children, c);
}

static int open_child(const CgroupTree *t, int parent_fd, const char *name, int *ret_fd, uint64_t *ret_id) {
        _cleanup_close_ int fd = -1;
        struct stat st;
        int r;

        r = cgroup_open_at(parent_fd, name, &fd);
        if (r != 0)
                return r;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_dev != t->root_dev)
                return CGROUP_GONE; /* another file system is mounted there, with ids of its own */

        *ret_fd = TAKE_FD(fd);
        *ret_id = st.st_ino;
        return 0;
}

int cgroup_tree_look(CgroupTree *t, Cgroup *parent, int parent_fd, const char *name) {
        _cleanup_close_ int fd = -1;
        uint64_t id = 0;
        Cgroup *known;
        int r;

        r = open_child(t, parent_fd, name, &fd, &id);
        if (r < 0)
                return r;

        known = cgroup_table_get_child(&t->table, parent, name);
        if (known && r == 0 && known->id == id) {
                cgroup_tree_mark_seen(t, known);
                return 0;
        }
        if (known)
                cgroup_tree_remove(t, known);

        return r == CGROUP_GONE ? 0 : add_child(t, parent, name, id, fd);
}
