/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Format: figures and names as people read them. */

#include <stddef.h>
#include <stdint.h>

#include "time-util.h"

/* Large enough for whatever format_bytes() and format_timespan() write. */
#define FORMAT_MAX 64

/* As systemd prints sizes: "0B", "1023B", "1.5K", "512.0M", to the base of 1024, one decimal, cut, not rounded.
 * Returns buf. */
const char *format_bytes(uint64_t bytes, char buf[static FORMAT_MAX]);

/* As systemd prints spans, with the two largest units that are not zero: "1h", "2d 3h", "5min 20s", "150ms";
 * "0" and "infinity". Every such string is one that parse_timespan() reads. Returns buf. */
const char *format_timespan(usec_t span, char buf[static FORMAT_MAX]);

/* The same without loss: "1536K", "1000", "infinity"; "1h 1min 1s". What parse_size() and parse_timespan() read
 * back to the same. Both return buf. */
const char *format_bytes_exact(uint64_t bytes, char buf[static FORMAT_MAX]);
const char *format_timespan_exact(usec_t span, char buf[static FORMAT_MAX]);

/* A name for logs and status lines: control characters, backslashes and bytes that are not part of valid UTF-8
 * become \xNN, all else stays; so the way back is to replace each \xNN by its byte. NULL if out of memory. */
char *format_escape(const char *name);
