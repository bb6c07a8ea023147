/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What unit_from_path() and unit_subtree_length() make of a cgroup's path, whose names are anyone's choice. */

#include "fuzz.h"
#include "unit.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* A path as the tree makes it: from a slash on, none doubled, none at the end of it. */
static char *path_from(const uint8_t *data, size_t size) {
        char *path = malloc(size + sizeof("/")), *p = path;

        CHECK(path);
        *p++ = '/';
        for (size_t i = 0; i < size && data[i] != '\0'; i++)
                if (data[i] != '/' || p[-1] != '/')
                        *p++ = (char) data[i];
        if (p - path > 1 && p[-1] == '/')
                p--;
        *p = '\0';
        return path;
}

static bool ends_with(const char *s, const char *suffix) {
        return strlen(s) > strlen(suffix) && strcmp(s + strlen(s) - strlen(suffix), suffix) == 0;
}

static bool is_unit_name(const char *s) {
        return strlen(s) <= 255 && strspn(s, LETTERS ":-_.\\@") == strlen(s) && strchr(s, '.') && *s != '.';
}

static bool is_slice_name(const char *s) {
        return is_unit_name(s) && ends_with(s, ".slice");
}

static bool same(const char *a, const char *b) {
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_host_name(const char *s) {
        return *s != '\0' && strlen(s) <= 64 && strspn(s, LETTERS "-.") == strlen(s) && !strchr("-.", *s) &&
               !strchr("-.", s[strlen(s) - 1]) && !strstr(s, "..");
}

static void check_unit(const Unit *u) {
        CHECK(!u->unit || is_unit_name(u->unit));
        CHECK(u->slice && is_slice_name(u->slice));
        CHECK(!u->user_unit == !u->user_slice);

        if (u->user_unit) {
                CHECK(is_unit_name(u->user_unit) && is_slice_name(u->user_slice));
                CHECK(u->owner_uid != (uid_t) -1);
        }

        if (u->owner_uid != (uid_t) -1) {
                char name[64];

                (void) snprintf(name, sizeof(name), "user@%u.service", u->owner_uid);
                CHECK(same(u->unit, name));
        }

        CHECK(!u->machine || is_host_name(u->machine));

        CHECK(!unit_name(u) == !u->is_self);
        CHECK(!u->is_self || same(unit_name(u), u->user_unit ?: u->unit));
}

/* Outside of a slice the subtree's own directory is the unit's, and slices are in no subtree. */
static void check_subtree(const char *path, const Unit *u, size_t n) {
        CHECK(n <= strlen(path));
        CHECK(n == 0 || path[n] == '\0' || path[n] == '/');
        CHECK(n != 1);

        if (n == 0) {
                CHECK(u->unit ? is_slice_name(u->unit) && u->is_self : strcmp(path, "/") == 0);
                return;
        }

        CHECK(!u->unit || !is_slice_name(u->unit));
        if (!u->user_unit)
                CHECK(u->is_self == (u->unit && path[n] == '\0'));
}

/* What the subtree is called is decided by its own path alone. */
static void check_below(const char *path, const Unit *u, size_t n) {
        _cleanup_free_ char *top = strndup(path, n), *below = NULL;
        _cleanup_(unit_freep) Unit *top_unit = NULL;

        CHECK(top && asprintf(&below, "%s/x.service", path) > 0);
        CHECK(unit_subtree_length(below) == n);
        CHECK(unit_subtree_length(top) == n);

        CHECK(unit_from_path(top, &top_unit) == 0);
        CHECK(same(top_unit->unit, u->unit) && same(top_unit->slice, u->slice));
        CHECK(same(top_unit->machine, u->machine) && top_unit->owner_uid == u->owner_uid);
        CHECK(!top_unit->user_unit && top_unit->is_self == !!u->unit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *path = path_from(data, size);
        _cleanup_(unit_freep) Unit *u = NULL;
        size_t n = unit_subtree_length(path);

        CHECK(unit_from_path(path, &u) == 0);
        check_unit(u);
        check_subtree(path, u, n);
        if (n > 0)
                check_below(path, u, n);
        return 0;
}
