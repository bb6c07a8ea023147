/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Accounting: the pipeline from the tree to the ledger: attaches to what appears, samples what counts, and lets go
 * of what is gone once it has counted its last. The manager's one half; the other is when to do what, and to whom
 * to tell it. */

#include <systemd/sd-event.h>

#include "cgroup-tree.h"
#include "config.h"
#include "ledger.h"
#include "publish.h"

typedef struct Accounting Accounting;

/* Where it works, and for whom; all borrowed. */
typedef struct AccountingContext {
        sd_event *event;
        Publisher *publisher;
        int cgroup_root_fd;
        int pin_dir_fd;
} AccountingContext;

/* Loads the programs and makes the tree, without attaching anything yet. Logs what fails. The config must outlive
 * it, or be replaced by accounting_set_config(). */
int accounting_new(const AccountingContext *context, const Config *config, Accounting **ret);

/* Frees everything in memory; nothing is detached. */
Accounting *accounting_free(Accounting *a);
DEFINE_CLEANUP(Accounting, accounting_free);

/* Applies what changed: patterns and limits by offering every cgroup again, local prefixes by swapping the program
 * in every link. Logs what fails; the old program goes on then. */
int accounting_set_config(Accounting *a, const Config *config);

/* Samples the root alone, and tries again what failed before: once an interval. */
void accounting_tick(Accounting *a);

/* Samples every incarnation, children before parents. */
void accounting_read_all(Accounting *a);

CgroupTree *accounting_tree(Accounting *a);
Ledger *accounting_ledger(Accounting *a);

/* How many cgroups count at the moment, lingering ones included. */
size_t accounting_n_attached(const Accounting *a);

/* The root's total. */
Counters accounting_total(Accounting *a);

/* All but what is lost to the journal. */
Troubles accounting_troubles(const Accounting *a);
