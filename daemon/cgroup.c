/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup.h"

int cgroup_new(uint64_t id, Cgroup *parent, const char *name, Cgroup **ret) {
        Cgroup *c;

        assert(name);
        assert(ret);

        c = calloc(1, sizeof(Cgroup) + strlen(name) + 1);
        if (!c)
                return -ENOMEM;

        c->id = id;
        c->parent = parent;
        c->depth = parent ? parent->depth + 1 : 0;
        c->watch = -1;
        c->key.parent_id = parent ? parent->id : 0;
        strcpy(c->key.name, name);

        *ret = c;
        return 0;
}

Cgroup *cgroup_free(Cgroup *c) {
        free(c);
        return NULL;
}

static size_t path_length(const Cgroup *c) {
        size_t n = 0;

        for (; c->parent; c = c->parent)
                n += 1 + strlen(c->key.name);

        return n;
}

/* Puts "/name" before p. */
static char *prepend_name(char *p, const char *name) {
        size_t n = strlen(name);

        p -= n + 1;
        p[0] = '/';
        memcpy(p + 1, name, n);
        return p;
}

static int make_path(const Cgroup *c, const char *child, char **ret) {
        size_t n = path_length(c) + (child ? 1 + strlen(child) : 0);
        char *path, *p;

        path = malloc(n == 0 ? sizeof("/") : n + 1);
        if (!path)
                return -ENOMEM;

        if (n == 0)
                strcpy(path, "/");
        else {
                p = path + n;
                *p = '\0';

                if (child)
                        p = prepend_name(p, child);
                for (; c->parent; c = c->parent)
                        p = prepend_name(p, c->key.name);
        }

        *ret = path;
        return 0;
}

int cgroup_path(const Cgroup *c, char **ret) {
        assert(c);
        assert(ret);

        return make_path(c, NULL, ret);
}

int cgroup_child_path(const Cgroup *c, const char *name, char **ret) {
        assert(c);
        assert(name);
        assert(ret);

        return make_path(c, name, ret);
}

Cgroup *cgroup_next(Cgroup *c) {
        assert(c);

        return c->children ?: cgroup_next_outside(c);
}

Cgroup *cgroup_next_outside(Cgroup *c) {
        assert(c);

        while (!c->next && c->parent)
                c = c->parent;

        return c->next;
}

bool cgroup_contains(const Cgroup *c, const Cgroup *other) {
        assert(c);

        while (other && other != c)
                other = other->parent;

        return other;
}

int cgroup_open_at(int dir_fd, const char *path, int *ret_fd) {
        int fd;

        assert(dir_fd >= 0);
        assert(path);
        assert(ret_fd);

        fd = openat(dir_fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
                if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG)
                        return CGROUP_GONE;
                return -errno;
        }

        *ret_fd = fd;
        return 0;
}

/* Ends path after as many components as one system call takes, and returns the rest. */
static char *cut_path(char *path) {
        size_t n = strnlen(path, PATH_MAX);
        char *slash;

        if (n < PATH_MAX)
                return path + n;

        slash = memrchr(path, '/', n);
        assert(slash); /* every name was one that could be opened, so it is far shorter */

        *slash = '\0';
        return slash + 1;
}

static int open_in_steps(int root_fd, char *path, int *ret_fd) {
        _cleanup_close_ int fd = -1;

        do {
                char *rest = cut_path(path);
                int next, r;

                r = cgroup_open_at(fd >= 0 ? fd : root_fd, path, &next);
                if (r != 0)
                        return r;

                (void) safe_close(fd);
                fd = next;
                path = rest;
        } while (*path);

        *ret_fd = TAKE_FD(fd);
        return 0;
}

int cgroup_open(const Cgroup *c, int root_fd, int *ret_fd) {
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -1;
        struct stat st;
        int r;

        assert(c);
        assert(root_fd >= 0);
        assert(ret_fd);

        r = cgroup_path(c, &path);
        if (r < 0)
                return r;

        if (c->parent)
                r = open_in_steps(root_fd, path + 1, &fd);
        else {
                fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
                r = fd < 0 ? -errno : 0;
        }
        if (r != 0)
                return r;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_ino != c->id)
                return CGROUP_GONE;

        *ret_fd = TAKE_FD(fd);
        return 0;
}
