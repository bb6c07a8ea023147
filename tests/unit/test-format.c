/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cleanup.h"
#include "format.h"
#include "parse.h"
#include "unit-test.h"
#include "utf8.h"

#define K UINT64_C(1024)

static void test_bytes(void **state) {
        static const struct {
                uint64_t bytes;
                const char *shown, *exact;
        } cases[] = {
                        {0, "0B", "0"},
                        {1, "1B", "1"},
                        {1023, "1023B", "1023"},
                        {1024, "1.0K", "1K"},
                        {1536, "1.5K", "1536"},
                        {1536 * K, "1.5M", "1536K"},
                        {2 * K - 1, "1.9K", "2047"},
                        {K * K - 1, "1023.9K", "1048575"},
                        {512 * K * K, "512.0M", "512M"},
                        {3328599654, "3.0G", "3328599654"},
                        {5 * K * K * K * K, "5.0T", "5T"},
                        {K * K * K * K * K, "1.0P", "1P"},
                        {UINT64_C(15) << 60, "15.0E", "15E"},
                        {UINT64_MAX - 1, "15.9E", "18446744073709551614"},
                        {UINT64_MAX, "15.9E", "infinity"},
        };

        (void) state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char buf[FORMAT_MAX];
                uint64_t back;

                assert_string_equal(format_bytes(cases[i].bytes, buf), cases[i].shown);
                assert_string_equal(format_bytes_exact(cases[i].bytes, buf), cases[i].exact);
                assert_int_equal(parse_size(buf, &back), 0);
                assert_int_equal(back, cases[i].bytes);
        }
}

static void test_timespan(void **state) {
        static const struct {
                usec_t span;
                const char *shown, *exact;
        } cases[] = {
                        {0, "0", "0"},
                        {1, "1us", "1us"},
                        {999, "999us", "999us"},
                        {150000, "150ms", "150ms"},
                        {1500000, "1s 500ms", "1s 500ms"},
                        {UINT64_C(90000000), "1min 30s", "1min 30s"},
                        {UINT64_C(3600000000), "1h", "1h"},
                        {UINT64_C(3661000001), "1h 1min", "1h 1min 1s 1us"},
                        {UINT64_C(183600000000), "2d 3h", "2d 3h"},
                        {UINT64_C(3605000000), "1h 5s", "1h 5s"},
                        {UINT64_C(604800000000), "1w", "1w"},
                        {UINT64_C(2630016000000), "1month", "1month"},
                        {UINT64_C(34187616000000), "1y 1month", "1y 1month"},
                        {UINT64_MAX - 1, "584542y 2w", "584542y 2w 2d 20h 1min 49s 551ms 614us"},
                        {UINT64_MAX, "infinity", "infinity"},
        };

        (void) state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char buf[FORMAT_MAX];
                usec_t back;

                assert_string_equal(format_timespan(cases[i].span, buf), cases[i].shown);
                assert_int_equal(parse_timespan(buf, &back), 0);
                assert_string_equal(format_timespan_exact(cases[i].span, buf), cases[i].exact);
                assert_int_equal(parse_timespan(buf, &back), 0);
                assert_int_equal(back, cases[i].span);
        }
}

static void assert_escaped(const char *name, const char *expected) {
        _cleanup_free_ char *escaped = format_escape(name);

        assert_non_null(escaped);
        assert_string_equal(escaped, expected);
}

static void test_escape(void **state) {
        (void) state;

        assert_escaped("", "");
        assert_escaped("system.slice/a b@1.service", "system.slice/a b@1.service");
        assert_escaped("a\nREADY=1", "a\\x0aREADY=1");
        assert_escaped("\x1b[2J\x7f\t", "\\x1b[2J\\x7f\\x09");
        assert_escaped("foo\\x2dbar", "foo\\x5cx2dbar");
        assert_escaped("Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80",
                        "Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80");
        assert_escaped("\xff\xfe", "\\xff\\xfe");
        /* cut off, overlong, a surrogate, beyond U+10FFFF, a lone continuation */
        assert_escaped("\xe2\x82", "\\xe2\\x82");
        assert_escaped("\xc0\xaf", "\\xc0\\xaf");
        assert_escaped("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
        assert_escaped("\xed\xa0\x80", "\\xed\\xa0\\x80");
        assert_escaped("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
        assert_escaped("x\x80y", "x\\x80y");
        /* C1 controls: CSI is U+009B; U+00A0 is none */
        assert_escaped("\xc2\x9b"
                       "1m",
                        "\\xc2\\x9b1m");
        assert_escaped("\xc2\xa0", "\xc2\xa0");
}

static void test_utf8(void **state) {
        (void) state;

        assert_int_equal(utf8_length("", 0), 0);
        assert_int_equal(utf8_length("a", 1), 1);
        assert_int_equal(utf8_length("\xc3\xab", 2), 2);
        assert_int_equal(utf8_length("\xc3\xab", 1), 0);
        assert_int_equal(utf8_length("\xef\xbf\xbf", 3), 3);
        assert_int_equal(utf8_length("\xf4\x8f\xbf\xbf", 4), 4);
        assert_int_equal(utf8_length("\xf5\x80\x80\x80", 4), 0);
        assert_int_equal(utf8_length("\xf0\x8f\xbf\xbf", 4), 0);
        assert_true(utf8_is_valid("", 0));
        assert_true(utf8_is_valid("a\xc3\xab\xe2\x82\xac", 6));
        assert_false(utf8_is_valid("a\xc3\xab\xe2\x82\xac", 5));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_bytes),
                        cmocka_unit_test(test_timespan),
                        cmocka_unit_test(test_escape),
                        cmocka_unit_test(test_utf8),
        };

        return RUN_TESTS(tests);
}
