/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Counters: what a cgroup, a run of it or an interval received and sent, by traffic class: a pure value. */

#include <stdbool.h>
#include <stdint.h>

#include "acct.h"

typedef struct Counters {
        struct acct_slot classes[_ACCT_CLASS_MAX];
} Counters;

/* Sets of classes, for counters_sum(). What people read as "received" and "sent" is COUNTERS_EXTERNAL. */
#define COUNTERS_ALL      ((1U << _ACCT_CLASS_MAX) - 1)
#define COUNTERS_EXTERNAL (COUNTERS_ALL & ~(1U << ACCT_LOOPBACK))

void counters_add(Counters *c, const Counters *other);

/* Takes other off c. Counts never go below zero: where other is larger, the result is 0 (a caller that can meet
 * this on purpose asks counters_covers() before). */
void counters_sub(Counters *c, const Counters *other);

/* True if every figure of c is at least that of other. */
bool counters_covers(const Counters *c, const Counters *other);

bool counters_is_zero(const Counters *c);

/* The sum over the classes whose bit is set in the mask. */
struct acct_slot counters_sum(const Counters *c, unsigned mask);

/* "internet", "local", "loopback" */
const char *acct_class_to_string(enum acct_class c);
