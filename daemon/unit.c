/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* As in systemd, the NUL included (src/basic/unit-name.h). */
#define UNIT_NAME_MAX 256

#define ROOT_SLICE "-.slice"
#define DIGITS     "0123456789"
#define LETTERS    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* What one manager's part of a path says. */
typedef struct ManagedPath {
        char unit[UNIT_NAME_MAX]; /* empty: none */
        char slice[UNIT_NAME_MAX];
        const char *rest; /* what is below the unit, from its slash on */
} ManagedPath;

typedef enum NameKind {
        NAME_OTHER,
        NAME_SLICE,
        NAME_UNIT,
} NameKind;

static bool type_is_valid(const char *type) {
        static const char *const types[] = {
                        "automount",
                        "device",
                        "mount",
                        "path",
                        "scope",
                        "service",
                        "slice",
                        "socket",
                        "swap",
                        "target",
                        "timer",
        };

        for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
                if (strcmp(type, types[i]) == 0)
                        return true;

        return false;
}

/* The rules of unit_name_is_valid() in systemd's src/basic/unit-name.c, for plain names and instances; names
 * of hidden files, which cannot be units, are left out. */
static NameKind name_kind(const char *name) {
        const char *dot = strrchr(name, '.'), *at = strchr(name, '@');

        if (!dot || name[0] == '.' || !type_is_valid(dot + 1))
                return NAME_OTHER;

        if (strspn(name, DIGITS LETTERS ":-_.\\@") != strlen(name))
                return NAME_OTHER;

        /* neither "@x.service" nor "x@.service", which is a template */
        if (at && (at == name || at + 1 == dot))
                return NAME_OTHER;

        if (strcmp(dot, ".slice") == 0)
                return at ? NAME_OTHER : NAME_SLICE; /* a slice is never an instance */

        return NAME_UNIT;
}

/* The name of the unit whose cgroup is called by these n bytes. systemd puts a '_' before names that could
 * be taken for the kernel's files, and before names that start with one (cg_escape() in
 * src/basic/cgroup-util.c). */
static NameKind decode_component(const char *c, size_t n, char ret[static UNIT_NAME_MAX]) {
        if (n > 0 && *c == '_') {
                c++;
                n--;
        }

        if (n >= UNIT_NAME_MAX)
                return NAME_OTHER;

        memcpy(ret, c, n);
        ret[n] = 0;

        return name_kind(ret);
}

/* Skips slashes, then returns the length of the component there; 0 at the end. */
static size_t next_component(const char **p) {
        *p += strspn(*p, "/");
        return strcspn(*p, "/");
}

/* Slices, then one unit that is none: what is below that is its payload's affair, whatever its name. */
static void parse_managed_path(const char *p, ManagedPath *ret) {
        ManagedPath m = {.slice = ROOT_SLICE};
        size_t n;

        while ((n = next_component(&p)) > 0) {
                char name[UNIT_NAME_MAX];
                NameKind kind = decode_component(p, n, name);

                if (m.unit[0])
                        strcpy(m.slice, m.unit);

                strcpy(m.unit, kind == NAME_OTHER ? "" : name);
                p += n;
                if (kind != NAME_SLICE)
                        break;
        }

        m.rest = p;
        *ret = m;
}

/* The part of name between prefix and suffix, of which neither may be missing; false if it is empty. */
static bool name_between(
                const char *name, const char *prefix, const char *suffix, char ret[static UNIT_NAME_MAX]) {
        size_t n = strlen(name), p = strlen(prefix), s = strlen(suffix);

        if (n <= p + s || strncmp(name, prefix, p) != 0 || strcmp(name + n - s, suffix) != 0)
                return false;

        memcpy(ret, name + p, n - p - s);
        ret[n - p - s] = 0;
        return true;
}

/* "user@UID.service", with UID as parse_uid() of systemd's src/basic/user-util.c has it: plain decimal
 * digits, and not one of the two that mean "no user" (16 and 32 bits). */
static bool parse_user_manager(const char *name, uid_t *ret) {
        char uid[UNIT_NAME_MAX];
        unsigned long long v;

        if (!name_between(name, "user@", ".service", uid))
                return false;

        if (strspn(uid, DIGITS) != strlen(uid) || strlen(uid) > 10 || (uid[0] == '0' && uid[1]))
                return false;

        v = strtoull(uid, NULL, 10);
        if (v >= UINT32_MAX || v == UINT16_MAX)
                return false;

        *ret = (uid_t) v;
        return true;
}

static int unhex(char c) {
        static const char digits[] = "0123456789abcdef";
        const char *d = c ? strchr(digits, c | ('A' <= c && c <= 'F' ? 0x20 : 0)) : NULL;

        return d ? (int) (d - digits) : -1;
}

/* The way back from systemd-escape(1), in place: '-' was '/', "\x2d" was '-'. */
static bool unescape(char *s) {
        char *t = s;

        for (; *s; s++)
                if (*s == '-')
                        *t++ = '/';
                else if (*s != '\\')
                        *t++ = *s;
                else {
                        int a, b;

                        if (s[1] != 'x' || (a = unhex(s[2])) < 0 || (b = unhex(s[3])) < 0 || a + b == 0)
                                return false;

                        *t++ = (char) (a << 4 | b);
                        s += 3;
                }

        *t = 0;
        return true;
}

/* A host name, as systemd-machined demands of every machine: nothing else may come out of an escaped name.
 * */
static bool machine_name_is_valid(const char *s) {
        char before = '.';

        if (strlen(s) > 64) /* HOST_NAME_MAX */
                return false;

        for (; *s; before = *s++) {
                bool at_edge = before == '.' || (*s == '.' && before == '-');

                if (at_edge ? !strchr(DIGITS LETTERS, *s) : !strchr(DIGITS LETTERS "-.", *s))
                        return false;
        }

        return before != '.' && before != '-';
}

static bool parse_machine(const char *path, const char *name, char ret[static UNIT_NAME_MAX]) {
        /* its instance is the machine's name as it stands: the unit passes %i, not %I */
        if (name_between(name, "systemd-nspawn@", ".service", ret))
                return machine_name_is_valid(ret);

        return strncmp(path, "/machine.slice/", strlen("/machine.slice/")) == 0 &&
               name_between(name, "machine-", ".scope", ret) && unescape(ret) && machine_name_is_valid(ret);
}

static int copy_name(const char *name, char **ret) {
        char *s;

        if (!name[0])
                return 0;

        s = strdup(name);
        if (!s)
                return -ENOMEM;

        *ret = s;
        return 0;
}

static int set_user_unit(Unit *u, const char *rest) {
        ManagedPath m;
        int r;

        parse_managed_path(rest, &m);
        if (!m.unit[0])
                return 0;

        u->is_self = !m.rest[0];

        r = copy_name(m.unit, &u->user_unit);
        if (r < 0)
                return r;

        return copy_name(m.slice, &u->user_slice);
}

int unit_from_path(const char *path, Unit **ret) {
        _cleanup_(unit_freep) Unit *u = NULL;
        char machine[UNIT_NAME_MAX];
        ManagedPath m;
        int r;

        assert(path && path[0] == '/');
        assert(ret);

        u = calloc(1, sizeof(*u));
        if (!u)
                return -ENOMEM;

        parse_managed_path(path, &m);
        u->is_self = m.unit[0] && !m.rest[0];
        u->owner_uid = (uid_t) -1;

        r = copy_name(m.unit, &u->unit);
        if (r < 0)
                return r;

        r = copy_name(m.slice, &u->slice);
        if (r < 0)
                return r;

        if (parse_machine(path, m.unit, machine)) {
                r = copy_name(machine, &u->machine);
                if (r < 0)
                        return r;
        }

        if (parse_user_manager(m.unit, &u->owner_uid)) {
                r = set_user_unit(u, m.rest);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(u);
        return 0;
}

Unit *unit_free(Unit *u) {
        if (!u)
                return NULL;

        free(u->machine);
        free(u->user_slice);
        free(u->user_unit);
        free(u->slice);
        free(u->unit);
        free(u);
        return NULL;
}

const char *unit_name(const Unit *u) {
        assert(u);

        if (!u->is_self)
                return NULL;

        return u->user_unit ?: u->unit;
}

size_t unit_subtree_length(const char *path) {
        const char *p = path;
        size_t n;

        assert(path && path[0] == '/');

        while ((n = next_component(&p)) > 0) {
                char name[UNIT_NAME_MAX];

                if (decode_component(p, n, name) != NAME_SLICE)
                        return (size_t) (p + n - path);
                p += n;
        }

        return 0;
}
