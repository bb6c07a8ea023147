/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Spans, sizes and numbers: what is read comes back from the formatters, and the parsers agree with each other. */

#include "format.h"
#include "fuzz.h"
#include "parse.h"

#define UNTOUCHED UINT64_C(0x7a7a7a7a7a7a7a7a)

/* Calls the parser; returns whether it wrote a value. */
static bool parses(int (*parse)(const char *, uint64_t *), const char *s, uint64_t *ret) {
        uint64_t v = UNTOUCHED;
        int r;

        r = parse(s, &v);
        CHECK(r == 0 || ((r == -EINVAL || r == -ERANGE) && v == UNTOUCHED));
        if (r < 0)
                return false;

        *ret = v;
        return true;
}

/* White space around it changes nothing. */
static void check_padded(int (*parse)(const char *, uint64_t *), const char *s, bool parsed, uint64_t v) {
        _cleanup_free_ char *padded = NULL;
        uint64_t same;

        CHECK(asprintf(&padded, " \t%s\n ", s) > 0);
        CHECK(parses(parse, padded, &same) == parsed);
        CHECK(!parsed || v == same);
}

static void check_timespan(const char *s) {
        char buf[FORMAT_MAX];
        bool parsed;
        usec_t v = 0, back;

        parsed = parses(parse_timespan, s, &v);
        check_padded(parse_timespan, s, parsed, v);
        if (!parsed)
                return;

        CHECK(v != USEC_INFINITY || strstr(s, "infinity"));
        CHECK(parses(parse_timespan, format_timespan_exact(v, buf), &back) && back == v);
        CHECK(parses(parse_timespan, format_timespan(v, buf), &back) && back <= v);
        /* the most is lost of just below 1month 2w */
        CHECK(v == USEC_INFINITY || v - back <= v / 6);
}

/* Two spans after each other are their sum. */
static void check_sum(const char *s) {
        _cleanup_free_ char *a = strndup(s, strlen(s) / 2), *both = NULL;
        const char *b = s + strlen(s) / 2;
        usec_t v, w, sum;
        bool fits;

        CHECK(a && asprintf(&both, "%s %s", a, b) > 0);
        if (!parses(parse_timespan, a, &v) || !parses(parse_timespan, b, &w))
                return;

        fits = v != USEC_INFINITY && w != USEC_INFINITY && v < USEC_INFINITY - w;
        CHECK(parses(parse_timespan, both, &sum) == fits);
        CHECK(!fits || sum == v + w);
}

static void check_size(const char *s) {
        _cleanup_free_ char *two = NULL;
        char buf[FORMAT_MAX];
        uint64_t v = 0, back;
        bool parsed;

        parsed = parses(parse_size, s, &v);
        check_padded(parse_size, s, parsed, v);
        if (!parsed)
                return;

        /* unlike spans, sizes are no sums */
        CHECK(asprintf(&two, "%s 1", s) > 0 && !parses(parse_size, two, &back));

        CHECK(parses(parse_size, format_bytes_exact(v, buf), &back) && back == v);
        CHECK(parses(parse_size, format_bytes(v, buf), &back) && back <= v && v - back <= v / 10);
}

/* A whole number is the same size, and as many seconds. */
static void check_unsigned(const char *s) {
        uint64_t v, w, size, bound = UINT64_MAX;
        usec_t span;

        if (parse_unsigned(s, 0, UINT64_MAX, &v) < 0) {
                CHECK(parse_unsigned(s, 0, UINT64_MAX - 1, &w) < 0);
                return;
        }

        CHECK(parses(parse_size, s, &size) && size == v);
        if (parses(parse_timespan, s, &span))
                CHECK(v == UINT64_MAX ? span == USEC_INFINITY : span == v * USEC_PER_SEC);
        else
                CHECK(v >= UINT64_MAX / USEC_PER_SEC);

        CHECK(parse_unsigned(s, v, bound, &w) == 0 && w == v);
        CHECK(v == UINT64_MAX || parse_unsigned(s, v, v, &w) == 0);
        CHECK(v == UINT64_MAX || parse_unsigned(s, v + 1, bound, &w) == -ERANGE);
        CHECK(v == UINT64_MAX || v == 0 || parse_unsigned(s, 0, v - 1, &w) == -ERANGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *s = fuzz_string(data, size);

        check_timespan(s);
        check_sum(s);
        check_size(s);
        check_unsigned(s);
        return 0;
}
