/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "cgroup-tree-internal.h"

/* Some hundred events: handling them all takes milliseconds, if each attaches something. */
#define EVENTS_SIZE_MAX (16U * 1024U)

/* The directory that the latest event was about: events come in runs. */
typedef struct OpenParent {
        int watch;
        int fd;
} OpenParent;

static int on_event(CgroupTree *t, const struct inotify_event *e, OpenParent *p) {
        Cgroup *parent;
        int r;

        if (e->mask & IN_Q_OVERFLOW) {
                t->n_overflows++;
                cgroup_tree_rescan(t);
                return 0;
        }

        /* IN_IGNORED has no name. */
        if (!(e->mask & IN_ISDIR) || e->len == 0)
                return 0;

        parent = cgroup_table_get_watch(&t->table, e->wd);
        if (!parent)
                return 0; /* removed meanwhile */

        if (p->watch != e->wd) {
                *p = (OpenParent){.watch = -1, .fd = safe_close(p->fd)};

                r = cgroup_open(parent, t->root_fd, &p->fd);
                if (r == CGROUP_GONE)
                        return 0; /* an event of its own parent tells, as does the scan after an overflow */
                if (r < 0)
                        return cgroup_tree_unreadable(t, parent, r);
                p->watch = e->wd;
        }

        r = cgroup_tree_look(t, parent, p->fd, e->name);
        return r < 0 ? cgroup_tree_unreadable(t, parent, r) : 0;
}

int cgroup_tree_dispatch(CgroupTree *t) {
        alignas(struct inotify_event) char buffer[EVENTS_SIZE_MAX];
        OpenParent parent = {.watch = -1, .fd = -1};
        const struct inotify_event *e;
        ssize_t n;
        int r = 0;

        assert(t);

        n = read(t->inotify_fd, buffer, sizeof(buffer));
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;

        for (const char *p = buffer; p < buffer + n; p += sizeof(*e) + e->len) {
                int k;

                e = (const struct inotify_event *) p;
                k = on_event(t, e, &parent);
                if (k < 0)
                        r = k; /* the other events are still handled */
        }

        (void) safe_close(parent.fd);
        return r;
}

static void retry_one(CgroupTree *t, Cgroup *c) {
        if (c->retry && !cgroup_tree_offer_again(t, c))
                return;

        if (c->blind || (c->refused_children && t->handlers.want_retry(c, t->handlers.userdata)))
                cgroup_tree_queue_scan(t, c);

        if (c->retry || c->blind || c->refused_children)
                cgroup_tree_queue_retry(t, c);
}

int cgroup_tree_retry(CgroupTree *t) {
        Cgroup *c;

        assert(t);

        /* What is queued from here on waits for the next round. */
        t->retry_round++;

        while ((c = t->retry_queue) && c->retry_round != t->retry_round) {
                cgroup_tree_unqueue_retry(t, c);
                retry_one(t, c);
        }

        return 0;
}

int cgroup_tree_reconsider(CgroupTree *t) {
        assert(t);

        for (Cgroup *c = t->root, *next; c; c = next) {
                next = cgroup_next_outside(c);
                if (cgroup_tree_offer_again(t, c))
                        next = cgroup_next(c);
        }

        cgroup_tree_rescan(t);
        return 0;
}

int cgroup_tree_new(int root_fd, size_t max_watches, const CgroupTreeHandlers *handlers, CgroupTree **ret) {
        _cleanup_(cgroup_tree_freep) CgroupTree *t = NULL;
        struct stat st;

        assert(root_fd >= 0);
        assert(handlers && handlers->on_added && handlers->on_removed && handlers->want_retry);
        assert(ret);

        t = calloc(1, sizeof(CgroupTree));
        if (!t)
                return -ENOMEM;

        *t = (CgroupTree){
                        .root_fd = -1,
                        .inotify_fd = -1,
                        .max_watches = max_watches,
                        .handlers = *handlers,
                        .scan.fd = -1,
        };

        t->root_fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
        if (t->root_fd < 0 || fstat(t->root_fd, &st) < 0)
                return -errno;
        t->root_dev = st.st_dev;

        t->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (t->inotify_fd < 0)
                return -errno;

        *ret = TAKE_PTR(t);
        return 0;
}

CgroupTree *cgroup_tree_free(CgroupTree *t) {
        if (!t)
                return NULL;

        cgroup_tree_end_scan(t);
        cgroup_table_clear(&t->table);
        (void) safe_close(t->inotify_fd);
        (void) safe_close(t->root_fd);
        free(t);
        return NULL;
}

int cgroup_tree_start(CgroupTree *t) {
        struct stat st;
        Cgroup *root;
        int r;

        assert(t);
        assert(!t->root);

        if (fstat(t->root_fd, &st) < 0)
                return -errno;

        r = cgroup_new(st.st_ino, NULL, "", &root);
        if (r < 0)
                return r;

        r = cgroup_tree_offer_new(t, root, t->root_fd);
        if (r < 0)
                return r;

        t->root = root;
        return 0;
}

int cgroup_tree_fd(const CgroupTree *t) {
        assert(t);

        return t->inotify_fd;
}

Cgroup *cgroup_tree_get(CgroupTree *t, uint64_t id) {
        assert(t);

        return cgroup_table_get(&t->table, id);
}

Cgroup *cgroup_tree_root(CgroupTree *t) {
        assert(t);

        return t->root;
}

CgroupTreeStats cgroup_tree_stats(const CgroupTree *t) {
        assert(t);

        return (CgroupTreeStats){
                        .n_cgroups = cgroup_table_n(&t->table),
                        .n_watches = cgroup_table_n_watches(&t->table),
                        .n_unwatched = t->n_blind,
                        .n_overflows = t->n_overflows,
        };
}
