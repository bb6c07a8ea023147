/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <uthash.h>

#include "limit.h"
#include "unit.h"

typedef struct Entry {
        char *subtree; /* its path; "" for what lies in none */
        unsigned noted, said; /* bits of Limit */
        UT_hash_handle hh;
} Entry;

struct Limits {
        Entry *entries;
        size_t n_noted;
};

int limits_new(Limits **ret) {
        Limits *l;

        assert(ret);

        l = calloc(1, sizeof(Limits));
        if (!l)
                return -ENOMEM;

        *ret = l;
        return 0;
}

static void entry_set(Limits *l, Entry *e, unsigned noted) {
        l->n_noted += (noted != 0);
        l->n_noted -= (e->noted != 0);
        e->noted = noted;
}

static void entry_free(Limits *l, Entry *e) {
        entry_set(l, e, 0);
        HASH_DEL(l->entries, e);
        free(e->subtree);
        free(e);
}

Limits *limits_free(Limits *l) {
        Entry *e, *tmp;

        if (!l)
                return NULL;

        HASH_ITER(hh, l->entries, e, tmp)
                entry_free(l, e);

        free(l);
        return NULL;
}

static Entry *entry_find(Limits *l, const char *path) {
        Entry *e = NULL;

        HASH_FIND(hh, l->entries, path, unit_subtree_length(path), e);
        return e;
}

static Entry *entry_new(Limits *l, const char *path) {
        Entry *e;

        e = calloc(1, sizeof(Entry));
        if (!e)
                return NULL;

        e->subtree = strndup(path, unit_subtree_length(path));
        if (!e->subtree) {
                free(e);
                return NULL;
        }

        HASH_ADD_KEYPTR(hh, l->entries, e->subtree, strlen(e->subtree), e);
        return e;
}

bool limits_note(Limits *l, const char *path, Limit limit) {
        unsigned bit = 1U << limit;
        bool first;
        Entry *e;

        assert(l);
        assert(path);
        assert(limit < _LIMIT_MAX);

        e = entry_find(l, path) ?: entry_new(l, path);
        if (!e)
                return false;

        first = !(e->said & bit);
        entry_set(l, e, e->noted | bit);
        e->said |= bit;
        return first;
}

void limits_relax(Limits *l, const char *path) {
        Entry *e;

        assert(l);
        assert(path);

        e = entry_find(l, path);
        if (e)
                entry_set(l, e, e->noted & (1U << LIMIT_DEPTH));
}

void limits_forget(Limits *l, const char *path) {
        Entry *e;

        assert(l);
        assert(path);

        e = entry_find(l, path);
        if (e && strcmp(e->subtree, path) == 0)
                entry_free(l, e);
}

size_t limits_n(const Limits *l) {
        assert(l);
        return l->n_noted;
}

const char *limit_to_string(Limit limit) {
        static const char *const names[_LIMIT_MAX] = {
                        [LIMIT_DEPTH] = "MaxDepth",
                        [LIMIT_CGROUPS] = "MaxCgroups",
                        [LIMIT_PER_UNIT] = "MaxPerUnit",
        };

        assert(limit < _LIMIT_MAX);

        return names[limit];
}
