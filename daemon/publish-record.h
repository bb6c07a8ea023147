/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* PublishRecord: one journal record, in fields and in words: what publish.c writes, and tests look at. The fields
 * are documented in cgacctd(8). */

#include "log.h"
#include "publish.h"
#include "unit.h"

/* What a path has counted, and what of it since its last record. */
typedef struct Figures {
        Counters total, delta;
        usec_t since_usec; /* CLOCK_REALTIME: what the total counts from */
        usec_t interval_usec; /* what the delta covers; 0: unknown, as the clock was set back */
} Figures;

/* last, last_usec: the total and the time of the last record, 0 if there was none. */
Figures figures_new(usec_t since_usec, const Counters *total, usec_t last_usec, const Counters *last,
                usec_t now);

/* Bytes in both directions and of all classes, loopback included. */
uint64_t figures_moved(const Figures *f);

/* A periodic record, or if there is a run, the final record of that one. All borrowed. */
typedef struct TrafficRecord {
        const LedgerNode *node;
        const Unit *unit;
        const Figures *figures;
        const Incarnation *run;
        usec_t run_usec; /* from attached to removed */
        bool lingering; /* sockets of it are still open */
} TrafficRecord;

/* The record without its MESSAGE=, which log_record_send() is to add. -ENOMEM. */
int traffic_record_new(const TrafficRecord *t, LogRecord **ret, char **ret_message);

/* The record that ends one publication. All borrowed. */
typedef struct SummaryRecord {
        const Figures *figures; /* the root's, since the last summary */
        const Troubles *troubles;
        size_t n_records, n_cgroups;
        uint64_t n_finals_left_out;
} SummaryRecord;

int summary_record_new(const SummaryRecord *s, LogRecord **ret, char **ret_message);
