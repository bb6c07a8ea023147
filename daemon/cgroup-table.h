/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* CgroupTable: the cgroups that the tree follows, linked to their parents and found by id, by watch, and by parent
 * and name. */

#include "cgroup.h"

typedef struct CgroupTable {
        Cgroup *by_id; /* in the order in which they were added, so that parents come before their children */
        Cgroup *by_watch;
        Cgroup *by_name; /* all but the root */
} CgroupTable;

/* Takes ownership on success. The id, and the name below the parent, must not be in the table. -ENOMEM. */
int cgroup_table_add(CgroupTable *t, Cgroup *c);

/* Hands ownership back. There must be no children, and no watch. */
void cgroup_table_remove(CgroupTable *t, Cgroup *c);

/* Frees all cgroups. */
void cgroup_table_clear(CgroupTable *t);

/* -1 takes the watch off. -ENOMEM. */
int cgroup_table_set_watch(CgroupTable *t, Cgroup *c, int watch);

Cgroup *cgroup_table_get(CgroupTable *t, uint64_t id);
Cgroup *cgroup_table_get_watch(CgroupTable *t, int watch);
Cgroup *cgroup_table_get_child(CgroupTable *t, const Cgroup *parent, const char *name);

size_t cgroup_table_n(const CgroupTable *t);
size_t cgroup_table_n_watches(const CgroupTable *t);
