/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "config-files.h"
#include "words.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define MAIN_FILE     "cgacctd.conf"

/* By precedence, as systemd's own daemons have it (systemd-system.conf(5)). */
static const char *const directories[] = {"/etc", "/run", "/usr/local/lib", "/usr/lib"};

static const char *base_name(const char *path) {
        return strrchr(path, '/') + 1; /* every path here has one */
}

static int compare_names(const void *a, const void *b) {
        return strcmp(base_name(*(char *const *) a), base_name(*(char *const *) b));
}

static bool has_name(char **paths, const char *name) {
        for (; paths && *paths; paths++)
                if (strcmp(base_name(*paths), name) == 0)
                        return true;
        return false;
}

static size_t n_words(char **words) {
        size_t n = 0;

        while (words && words[n])
                n++;
        return n;
}

static bool is_drop_in(const char *name) {
        size_t n = strlen(name), n_suffix = strlen(".conf");

        return name[0] != '.' && n > n_suffix && strcmp(name + n - n_suffix, ".conf") == 0;
}

static int list_main(const char *root, char ***paths) {
        for (size_t i = 0; i < N_ELEMENTS(directories); i++) {
                _cleanup_free_ char *path = NULL;
                struct stat st;

                if (asprintf(&path, "%s%s/" MAIN_FILE, root, directories[i]) < 0)
                        return -ENOMEM;

                /* what cannot be looked at may well be there: reading it will tell what is wrong */
                if (stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
                        continue;
                return words_append(paths, path);
        }

        return 0;
}

/* Adds those whose names are not there yet. Returns -ENOMEM, or in ret_error what reading the directory said. */
static int list_directory(const char *path, char ***paths, int *ret_error) {
        _cleanup_closedir_ DIR *d = opendir(path);
        struct dirent *entry;
        int r;

        *ret_error = d || errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        if (!d)
                return 0;

        while ((errno = 0, entry = readdir(d))) {
                _cleanup_free_ char *file = NULL;

                if (!is_drop_in(entry->d_name) || has_name(*paths, entry->d_name))
                        continue;
                if (asprintf(&file, "%s/%s", path, entry->d_name) < 0)
                        return -ENOMEM;
                r = words_append(paths, file);
                if (r < 0)
                        return r;
        }

        *ret_error = -errno;
        return 0;
}

static int list_drop_ins(const char *root, ConfigFilesComplain complain, void *userdata, char ***paths) {
        for (size_t i = 0; i < N_ELEMENTS(directories); i++) {
                _cleanup_free_ char *path = NULL;
                int r, error;

                if (asprintf(&path, "%s%s/" MAIN_FILE ".d", root, directories[i]) < 0)
                        return -ENOMEM;
                r = list_directory(path, paths, &error);
                if (r < 0)
                        return r;
                if (error < 0)
                        complain(path, error, userdata);
        }

        if (*paths)
                qsort(*paths, n_words(*paths), sizeof(char *), compare_names);
        return 0;
}

int config_files_list(const char *root, ConfigFilesComplain complain, void *userdata, char ***ret) {
        _cleanup_(words_freep) char **paths = NULL, **drop_ins = NULL;
        int r;

        r = list_main(root, &paths);
        if (r < 0)
                return r;
        r = list_drop_ins(root, complain, userdata, &drop_ins);
        if (r < 0)
                return r;

        for (char **p = drop_ins; p && *p; p++) {
                r = words_append(&paths, *p);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(paths); /* NULL: none */
        return 0;
}
