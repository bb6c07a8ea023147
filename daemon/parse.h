/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parse: settings' values as systemd's users know them. All return 0 and write the result, or -EINVAL (not
 * understood) or -ERANGE (understood, but it does not fit), and write nothing. */

#include <stdbool.h>
#include <stdint.h>

#include "time-util.h"

/* A time span as in systemd.time(7): "5min 20s", "1h", "1.5h", a bare number (seconds), "infinity". */
int parse_timespan(const char *s, usec_t *ret);

/* A size in bytes: a number, perhaps with a fraction, and one of K, M, G, T, P, E to the base of 1024;
 * "infinity" is UINT64_MAX. */
int parse_size(const char *s, uint64_t *ret);

/* A whole decimal number from min to max; "infinity" is UINT64_MAX where max is. */
int parse_unsigned(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
