/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Points and spans of time, in microseconds. */

#include <stdint.h>
#include <time.h>

typedef uint64_t usec_t;

#define USEC_INFINITY   UINT64_MAX
#define USEC_PER_MSEC   ((usec_t) 1000)
#define USEC_PER_SEC    ((usec_t) 1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR   (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY    (24 * USEC_PER_HOUR)
#define USEC_PER_WEEK   (7 * USEC_PER_DAY)
/* as in systemd.time(7): a month is 30.44 days, a year 365.25 days */
#define USEC_PER_MONTH (30 * USEC_PER_DAY + 38016 * USEC_PER_SEC)
#define USEC_PER_YEAR  (365 * USEC_PER_DAY + 21600 * USEC_PER_SEC)

static inline usec_t now_usec(clockid_t clock) {
        struct timespec ts;

        (void) clock_gettime(clock, &ts); /* cannot fail for a clock that exists */
        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / 1000;
}
