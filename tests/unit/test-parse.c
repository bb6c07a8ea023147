/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "parse.h"
#include "unit-test.h"

#define UNTOUCHED UINT64_C(0x5ca1ab1e)

typedef struct Case {
        const char *s;
        int r;
        uint64_t value;
} Case;

static void check(const Case *cases, size_t n, int (*parse)(const char *, uint64_t *)) {
        for (size_t i = 0; i < n; i++) {
                uint64_t value = UNTOUCHED;
                int r = parse(cases[i].s, &value);

                if (r != cases[i].r || value != (r < 0 ? UNTOUCHED : cases[i].value))
                        fail_msg("'%s': %d, %llu", cases[i].s, r, (unsigned long long) value);
        }
}

#define CHECK(cases, parse) check(cases, sizeof(cases) / sizeof((cases)[0]), parse)

static void test_timespan(void **state) {
        static const Case cases[] = {
                        {"0", 0, 0},
                        {"5", 0, 5000000},
                        {"10s", 0, 10000000},
                        {"1us", 0, 1},
                        {"2usec", 0, 2},
                        {"3\xc2\xb5s", 0, 3},
                        {"3\xce\xbcs", 0, 3},
                        {"150ms", 0, 150000},
                        {"150msec", 0, 150000},
                        {"1sec", 0, 1000000},
                        {"2second", 0, 2000000},
                        {"2seconds", 0, 2000000},
                        {"1m", 0, 60000000},
                        {"1min", 0, 60000000},
                        {"1minute", 0, 60000000},
                        {"2minutes", 0, 120000000},
                        {"1h", 0, UINT64_C(3600000000)},
                        {"1hr", 0, UINT64_C(3600000000)},
                        {"1hour", 0, UINT64_C(3600000000)},
                        {"2hours", 0, UINT64_C(7200000000)},
                        {"1d", 0, UINT64_C(86400000000)},
                        {"1day", 0, UINT64_C(86400000000)},
                        {"2days", 0, UINT64_C(172800000000)},
                        {"1w", 0, UINT64_C(604800000000)},
                        {"1week", 0, UINT64_C(604800000000)},
                        {"2weeks", 0, UINT64_C(1209600000000)},
                        {"1M", 0, UINT64_C(2630016000000)},
                        {"1month", 0, UINT64_C(2630016000000)},
                        {"2months", 0, UINT64_C(5260032000000)},
                        {"1y", 0, UINT64_C(31557600000000)},
                        {"1year", 0, UINT64_C(31557600000000)},
                        {"2years", 0, UINT64_C(63115200000000)},
                        {"5min 20s", 0, 320000000},
                        {"5min20s", 0, 320000000},
                        {"  5 min\t20 s  ", 0, 320000000},
                        {"1h 1h", 0, UINT64_C(7200000000)},
                        {"1 2", 0, 3000000},
                        {"1min 2", 0, 62000000},
                        {"1.5h", 0, UINT64_C(5400000000)},
                        {".5s", 0, 500000},
                        {"5.s", 0, 5000000},
                        {"0.1us", 0, 0},
                        {"1.0000019s", 0, 1000001},
                        {"0.3333333333333333333333333333333333333333s", 0, 333333},
                        {"00000000000000000000000001s", 0, 1000000},
                        {"12.34s.56", 0, 12900000},
                        {"12.34 .56", 0, 12900000},
                        {"infinity", 0, UINT64_MAX},
                        {" infinity ", 0, UINT64_MAX},
                        {"18446744073709551614us", 0, UINT64_MAX - 1},

                        {"18446744073709551615us", -ERANGE},
                        {"18446744073709551616us", -ERANGE},
                        {"99999999999999999999999999999999", -ERANGE},
                        {"18446744073709551614", -ERANGE},
                        {"18446744073709551614us 1us", -ERANGE},
                        {"584543y", -ERANGE},
                        {"-1s", -ERANGE},
                        {"5min -1s", -ERANGE},

                        {"", -EINVAL},
                        {"  ", -EINVAL},
                        {"s", -EINVAL},
                        {".", -EINVAL},
                        {".s", -EINVAL},
                        {"-", -EINVAL},
                        {"--1", -EINVAL},
                        {"+5s", -EINVAL},
                        {"5x", -EINVAL},
                        {"5S", -EINVAL},
                        {"5Min", -EINVAL},
                        {"5ns", -EINVAL},
                        {"5minx", -EINVAL},
                        {"1.2.3", -EINVAL},
                        {"5-3", -EINVAL},
                        {"0x10", -EINVAL},
                        {"1e3", -EINVAL},
                        {"1,5s", -EINVAL},
                        {"infinity 1s", -EINVAL},
                        {"1s infinity", -EINVAL},
                        {"Infinity", -EINVAL},
                        {"5\x01s", -EINVAL},
                        {"5\xc2", -EINVAL},
                        {"\xff", -EINVAL},
        };

        (void) state;

        CHECK(cases, parse_timespan);
}

static void test_size(void **state) {
        static const Case cases[] = {
                        {"0", 0, 0},
                        {"1000", 0, 1000},
                        {"1023B", 0, 1023},
                        {"1K", 0, 1024},
                        {"1M", 0, 1048576},
                        {"2G", 0, UINT64_C(2147483648)},
                        {"1T", 0, UINT64_C(1099511627776)},
                        {"1P", 0, UINT64_C(1125899906842624)},
                        {"15E", 0, UINT64_C(17293822569102704640)},
                        {"1.5K", 0, 1536},
                        {"0.1K", 0, 102},
                        {".5M", 0, 524288},
                        {"15.9E", 0, UINT64_C(18331451923248866918)},
                        {"0.99999999999999999999999999E", 0, UINT64_C(1152921504606846975)},
                        {" 1 K ", 0, 1024},
                        {"infinity", 0, UINT64_MAX},
                        {"18446744073709551615", 0, UINT64_MAX},

                        {"18446744073709551616", -ERANGE},
                        {"16E", -ERANGE},
                        {"99999999999999999999999999K", -ERANGE},
                        {"-1", -ERANGE},

                        {"", -EINVAL},
                        {"K", -EINVAL},
                        {"1k", -EINVAL},
                        {"1KB", -EINVAL},
                        {"1KiB", -EINVAL},
                        {"1K 1", -EINVAL},
                        {"1 1", -EINVAL},
                        {"1.1.1K", -EINVAL},
                        {"+1", -EINVAL},
                        {"0x10", -EINVAL},
                        {"1K\xff", -EINVAL},
                        {"10%", -EINVAL},
        };

        (void) state;

        CHECK(cases, parse_size);
}

static int parse_1_to_1024(const char *s, uint64_t *ret) {
        return parse_unsigned(s, 1, 1024, ret);
}

static int parse_any(const char *s, uint64_t *ret) {
        return parse_unsigned(s, 0, UINT64_MAX, ret);
}

static void test_unsigned(void **state) {
        static const Case bounded[] = {
                        {"1", 0, 1},
                        {"1024", 0, 1024},
                        {"007", 0, 7},

                        {"0", -ERANGE},
                        {"1025", -ERANGE},
                        {"-1", -ERANGE},
                        {"99999999999999999999999", -ERANGE},

                        {"", -EINVAL},
                        {"infinity", -EINVAL},
                        {"16 ", -EINVAL},
                        {" 16", -EINVAL},
                        {"1.5", -EINVAL},
                        {"-", -EINVAL},
                        {"-1x", -EINVAL},
                        {"+1", -EINVAL},
                        {"0x10", -EINVAL},
                        {"1K", -EINVAL},
                        {"sixteen", -EINVAL},
        };
        static const Case any[] = {
                        {"infinity", 0, UINT64_MAX},
                        {"18446744073709551615", 0, UINT64_MAX},
                        {"0", 0, 0},

                        {"18446744073709551616", -ERANGE},
                        {"184467440737095516150", -ERANGE},
                        {"infinit", -EINVAL},
        };

        (void) state;

        CHECK(bounded, parse_1_to_1024);
        CHECK(any, parse_any);
}

/* As long as the longest line of a file. */
static void test_long(void **state) {
        const size_t n = 1024 * 1024;
        _cleanup_free_ char *s = malloc(n + 1);
        uint64_t value = UNTOUCHED;

        (void) state;

        assert_non_null(s);
        memset(s, '9', n);
        s[n] = '\0';
        assert_int_equal(parse_timespan(s, &value), -ERANGE);
        assert_int_equal(parse_size(s, &value), -ERANGE);
        assert_int_equal(parse_any(s, &value), -ERANGE);
        assert_int_equal(value, UNTOUCHED);

        s[0] = '0';
        s[1] = '.';
        assert_int_equal(parse_timespan(s, &value), 0);
        assert_int_equal(value, 999999);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_timespan),
                        cmocka_unit_test(test_size),
                        cmocka_unit_test(test_unsigned),
                        cmocka_unit_test(test_long),
        };

        return RUN_TESTS(tests);
}
