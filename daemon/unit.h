/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Unit: from a cgroup's path to the systemd unit, slice, user unit and machine it belongs to, by the path alone:
 * the rules of systemd's cgroup names (cg_path_get_unit() and its kin in src/basic/cgroup-util.c). */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cleanup.h"

typedef struct Unit {
        char *unit; /* outermost unit: "nginx.service", "system.slice", "user@1000.service"; NULL: none */
        char *slice; /* innermost slice around it: "system.slice"; "-.slice" where there is none */
        char *user_unit; /* unit of a user's own manager: "app.service"; NULL: none */
        char *user_slice; /* its slice within that manager, NULL if user_unit is */
        char *machine; /* container or virtual machine, as machinectl names it; NULL: none */
        uid_t owner_uid; /* of the user manager, (uid_t) -1: none */
        bool is_self; /* the cgroup is the unit's own (or the user unit's own), not one below it */
} Unit;

/* path is "/" or as below the cgroup root, without a slash at its end. Names that are no valid unit names make no
 * unit. Only -ENOMEM. The root has no unit and is_self is false. */
int unit_from_path(const char *path, Unit **ret);
Unit *unit_free(Unit *u);
DEFINE_CLEANUP(Unit, unit_free);

/* The name people know the cgroup by: its user unit's, else its unit's if it is that unit's own cgroup, else
 * NULL. */
const char *unit_name(const Unit *u);

/* The length of the part of path that names the delegated subtree a cgroup lies in: through the first component
 * that is not a slice ("/system.slice/nginx.service" of "/system.slice/nginx.service/payload/x"). 0 for the root
 * and for slices outside one. What MaxPerUnit= counts. */
size_t unit_subtree_length(const char *path);
