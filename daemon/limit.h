/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Limits: the delegated subtrees in which cgroups were refused for a limit, so that it is said once for each and
 * shown in the status. */

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

typedef enum Limit {
        LIMIT_DEPTH,
        LIMIT_CGROUPS,
        LIMIT_PER_UNIT,
        _LIMIT_MAX,
} Limit;

typedef struct Limits Limits;

int limits_new(Limits **ret);
Limits *limits_free(Limits *l);
DEFINE_CLEANUP(Limits, limits_free);

/* Notes that the cgroup of this path was refused. Returns true if it is the first time for its subtree and this
 * limit: then it is to be said. Out of memory, it is false. */
bool limits_note(Limits *l, const char *path, Limit limit);

/* There is room again below this path: its subtree is no longer over the limits that room can end. What was said
 * stays said. */
void limits_relax(Limits *l, const char *path);

/* The cgroup of this path is gone: if it is the top of a subtree, the subtree is forgotten. */
void limits_forget(Limits *l, const char *path);

/* How many subtrees are over a limit. */
size_t limits_n(const Limits *l);

/* The setting's name: "MaxDepth" and so on. */
const char *limit_to_string(Limit limit);
