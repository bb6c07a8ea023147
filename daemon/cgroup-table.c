/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* uthash then leaves an element without a table where it would end the process otherwise. */
#define HASH_NONFATAL_OOM 1
/* Its default one makes clang's -Wimplicit-fallthrough complain wherever it is used. */
#define HASH_FUNCTION HASH_FNV

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <utlist.h>

#include "cgroup-table.h"

static size_t key_size(const char *name) {
        return offsetof(struct CgroupKey, name) + strlen(name);
}

int cgroup_table_add(CgroupTable *t, Cgroup *c) {
        assert(t);
        assert(c);

        HASH_ADD(hh_id, t->by_id, id, sizeof(c->id), c);
        if (!c->hh_id.tbl)
                return -ENOMEM;

        if (!c->parent)
                return 0;

        HASH_ADD_KEYPTR(hh_name, t->by_name, &c->key, key_size(c->key.name), c);
        if (!c->hh_name.tbl) {
                HASH_DELETE(hh_id, t->by_id, c);
                return -ENOMEM;
        }

        DL_APPEND(c->parent->children, c);
        return 0;
}

void cgroup_table_remove(CgroupTable *t, Cgroup *c) {
        assert(t);
        assert(c);
        assert(!c->children);
        assert(c->watch < 0);

        HASH_DELETE(hh_id, t->by_id, c);
        if (!c->parent)
                return;

        HASH_DELETE(hh_name, t->by_name, c);
        DL_DELETE(c->parent->children, c);
}

void cgroup_table_clear(CgroupTable *t) {
        Cgroup *c, *next;

        assert(t);

        HASH_CLEAR(hh_watch, t->by_watch);
        HASH_CLEAR(hh_name, t->by_name);
        HASH_ITER(hh_id, t->by_id, c, next) {
                HASH_DELETE(hh_id, t->by_id, c);
                cgroup_free(c);
        }
}

int cgroup_table_set_watch(CgroupTable *t, Cgroup *c, int watch) {
        assert(t);
        assert(c);

        if (c->watch >= 0)
                HASH_DELETE(hh_watch, t->by_watch, c);

        c->watch = watch;
        if (watch < 0)
                return 0;

        HASH_ADD(hh_watch, t->by_watch, watch, sizeof(c->watch), c);
        if (!c->hh_watch.tbl) {
                c->watch = -1;
                return -ENOMEM;
        }

        return 0;
}

Cgroup *cgroup_table_get(CgroupTable *t, uint64_t id) {
        Cgroup *c;

        assert(t);

        HASH_FIND(hh_id, t->by_id, &id, sizeof(id), c);
        return c;
}

Cgroup *cgroup_table_get_watch(CgroupTable *t, int watch) {
        Cgroup *c;

        assert(t);

        HASH_FIND(hh_watch, t->by_watch, &watch, sizeof(watch), c);
        return c;
}

Cgroup *cgroup_table_get_child(CgroupTable *t, const Cgroup *parent, const char *name) {
        union {
                struct CgroupKey key;
                char space[sizeof(struct CgroupKey) + NAME_MAX + 1];
        } u;
        Cgroup *c;

        assert(t);
        assert(parent);
        assert(name);

        if (strlen(name) > NAME_MAX)
                return NULL;

        u.key.parent_id = parent->id;
        strcpy(u.space + offsetof(struct CgroupKey, name), name);

        HASH_FIND(hh_name, t->by_name, &u.key, key_size(name), c);
        return c;
}

size_t cgroup_table_n(const CgroupTable *t) {
        assert(t);

        return HASH_CNT(hh_id, t->by_id);
}

size_t cgroup_table_n_watches(const CgroupTable *t) {
        assert(t);

        return HASH_CNT(hh_watch, t->by_watch);
}
