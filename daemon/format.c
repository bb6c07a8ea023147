/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "utf8.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

/* 1 << (10 * index) */
static const char size_suffixes[] = "BKMGTPE";

static const struct {
        const char *name;
        usec_t usec;
} timespan_units[] = {
                {"y", USEC_PER_YEAR},
                {"month", USEC_PER_MONTH},
                {"w", USEC_PER_WEEK},
                {"d", USEC_PER_DAY},
                {"h", USEC_PER_HOUR},
                {"min", USEC_PER_MINUTE},
                {"s", USEC_PER_SEC},
                {"ms", USEC_PER_MSEC},
                {"us", 1},
};

const char *format_bytes(uint64_t bytes, char buf[static FORMAT_MAX]) {
        unsigned i = 0;
        uint64_t factor, tenths;

        while (i + 1 < sizeof(size_suffixes) - 1 && bytes >> (10 * (i + 1)) > 0)
                i++;

        if (i == 0) {
                (void) snprintf(buf, FORMAT_MAX, "%" PRIu64 "B", bytes);
                return buf;
        }

        factor = UINT64_C(1) << (10 * i);
        tenths = bytes % factor * 10 / factor;
        (void) snprintf(buf, FORMAT_MAX, "%" PRIu64 ".%" PRIu64 "%c", bytes / factor, tenths,
                        size_suffixes[i]);
        return buf;
}

const char *format_bytes_exact(uint64_t bytes, char buf[static FORMAT_MAX]) {
        unsigned i = 0;

        if (bytes == UINT64_MAX)
                return strcpy(buf, "infinity");

        while (bytes > 0 && bytes % 1024 == 0) {
                bytes /= 1024;
                i++;
        }

        if (i == 0)
                (void) snprintf(buf, FORMAT_MAX, "%" PRIu64, bytes);
        else
                (void) snprintf(buf, FORMAT_MAX, "%" PRIu64 "%c", bytes, size_suffixes[i]);
        return buf;
}

static const char *format_units(usec_t span, size_t max_units, char buf[static FORMAT_MAX]) {
        size_t n = 0;

        if (span == USEC_INFINITY)
                return strcpy(buf, "infinity");
        if (span == 0)
                return strcpy(buf, "0");

        for (size_t i = 0; i < N_ELEMENTS(timespan_units) && max_units > 0; i++) {
                usec_t unit = timespan_units[i].usec;

                if (span < unit)
                        continue;
                n += (size_t) snprintf(buf + n, FORMAT_MAX - n, "%s%" PRIu64 "%s", n > 0 ? " " : "",
                                span / unit, timespan_units[i].name);
                span %= unit;
                max_units--;
        }

        return buf;
}

const char *format_timespan(usec_t span, char buf[static FORMAT_MAX]) {
        return format_units(span, 2, buf);
}

const char *format_timespan_exact(usec_t span, char buf[static FORMAT_MAX]) {
        return format_units(span, N_ELEMENTS(timespan_units), buf);
}

/* C0, DEL, and C1, which is two bytes in UTF-8: terminals act on all of them. */
static bool is_control(const char *s) {
        const unsigned char *u = (const unsigned char *) s;

        return u[0] < 0x20 || u[0] == 0x7f || (u[0] == 0xc2 && u[1] >= 0x80 && u[1] <= 0x9f);
}

char *format_escape(const char *name) {
        size_t left = strlen(name);
        char *escaped = malloc(left * strlen("\\xNN") + 1), *p = escaped;

        if (!escaped)
                return NULL;

        while (left > 0) {
                size_t n = utf8_length(name, left);

                if (n == 0 || *name == '\\' || is_control(name)) {
                        /* one byte at a time: the second one of a C1 control is no character by itself */
                        p += sprintf(p, "\\x%02x", (unsigned char) *name);
                        n = 1;
                } else
                        p = mempcpy(p, name, n);
                name += n;
                left -= n;
        }

        *p = '\0';
        return escaped;
}
