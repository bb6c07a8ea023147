/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Publish: a snapshot into STATUS= and journal records. What it writes is documented in cgacctd(8). */

#include "config.h"
#include "ledger.h"

typedef struct Publisher Publisher;

/* What is wrong at the moment, for the status line: all zero if nothing is. */
typedef struct Troubles {
        size_t n_not_attached; /* cgroups whose attach failed, to be retried */
        size_t n_over_limit; /* cgroups refused for a limit, counted by their ancestor */
        size_t n_unwatched; /* directories that no inotify watch was left for */
        uint64_t n_lost_records; /* journal records dropped since the start, the worker's queue being full */
} Troubles;

int publisher_new(Publisher **ret);
Publisher *publisher_free(Publisher *p);
DEFINE_CLEANUP(Publisher, publisher_free);

/* Applies the journal settings; the config must live until the next call. */
void publisher_set_config(Publisher *p, const Config *c);

/* "Accounting 143 cgroups: received 1.2G, sent 310.4M", and what is wrong; always below STATUS_MAX, one line. */
#define STATUS_MAX 200
const char *publish_format_status(size_t n_cgroups, const Counters *total, const Troubles *troubles,
                char buf[static STATUS_MAX]);

/* The periodic records of all nodes that moved enough since their last one, and the summary. Marks what was
 * published in the nodes. now is CLOCK_REALTIME. */
void publish_traffic(Publisher *p, const Snapshot *s, const Troubles *troubles, usec_t now);

/* The final record of an incarnation that was removed: before ledger_finish(), and while it lingers for too long
 * (lingering = true). At most once an incarnation. now is CLOCK_REALTIME. */
void publish_final(Publisher *p, Incarnation *i, bool lingering, usec_t now);
