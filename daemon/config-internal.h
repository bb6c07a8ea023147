/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of Config share: config.c reads the files, config-kinds.c knows kinds of values, config-settings.c
 * has the table of the settings. */

#include <stdbool.h>

#include "config.h"

/* A configuration that is being read. */
typedef struct Loader {
        Config *config;
        ConfigProblem problem;
        void *userdata;
        const char *path; /* as messages show it */
        unsigned line;
        int n_problems;
        char *unknown_section; /* the one last told of */
} Loader;

/* Tells a problem of this path and line (0: of the file as a whole). -ENOMEM. */
int loader_tell(Loader *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text from a file as messages show it: escaped, and cut where it is long. NULL if out of memory. */
char *loader_quote(const char *text);

typedef struct Setting Setting;

/* What a setting's values are, and how they are read and written. */
typedef struct Kind {
        bool is_list; /* an assignment adds to it, an empty one empties it */

        /* Writes the field only on success; -EINVAL or -ERANGE is told by the caller. What is wrong with one word of
         * a list is told here, and is no error. value is empty only for lists and where "" is the default. */
        int (*parse)(Loader *l, const Setting *s, const char *value, void *field);

        /* Prints the value, and nothing else. */
        void (*print)(const Config *c, const void *field, FILE *f);
} Kind;

struct Setting {
        const char *name;
        const Kind *kind;
        size_t offset; /* of its field in Config */
        const char *fallback; /* the default, as one would write it */
        const char *takes; /* for messages: "… is expected" */
        uint64_t min, max;
};

extern const Kind kind_number, kind_bytes, kind_span, kind_span_or_infinity, kind_path, kind_records,
                kind_level, kind_patterns, kind_local;

const Setting *setting_find(const char *name);

/* The name of the setting whose name is nearest, NULL if none is near. */
const char *setting_suggest(const char *name);

/* Applies an assignment. What does not fit is told. -ENOMEM. */
int setting_assign(Loader *l, const Setting *s, const char *value);

/* Sets every setting to its default. -ENOMEM. */
int settings_reset(Config *c);
