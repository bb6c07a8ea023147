/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <string.h>

#include "prefix.h"
#include "unit-test.h"

static void test_parse(void **state) {
        static const struct {
                const char *s, *normal;
                int family;
                unsigned length;
        } cases[] = {
                        {"10.0.0.0/8", "10.0.0.0/8", AF_INET, 8},
                        {"10.1.2.3/8", "10.0.0.0/8", AF_INET, 8},
                        {"192.168.255.255/17", "192.168.128.0/17", AF_INET, 17},
                        {"203.0.113.7", "203.0.113.7/32", AF_INET, 32},
                        {"255.255.255.255/31", "255.255.255.254/31", AF_INET, 31},
                        {"1.2.3.4/0", "0.0.0.0/0", AF_INET, 0},
                        {"2001:db8::/32", "2001:db8::/32", AF_INET6, 32},
                        {"2001:DB8:FFFF::1/33", "2001:db8:8000::/33", AF_INET6, 33},
                        {"fe80::1", "fe80::1/128", AF_INET6, 128},
                        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127",
                                        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", AF_INET6, 127},
                        {"::/0", "::/0", AF_INET6, 0},
                        {"::ffff:10.0.0.1/104", "::ffff:10.0.0.0/104", AF_INET6, 104},
        };

        (void) state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char buf[PREFIX_STRING_MAX];
                Prefix p, back;

                assert_int_equal(prefix_parse(cases[i].s, &p), 0);
                assert_int_equal(p.family, cases[i].family);
                assert_int_equal(p.length, cases[i].length);
                assert_string_equal(prefix_format(&p, buf), cases[i].normal);
                assert_int_equal(prefix_parse(buf, &back), 0);
                assert_memory_equal(&p, &back, sizeof(p));
        }
}

static void test_parse_garbage(void **state) {
        static const char *const cases[] = {
                        "",
                        "/",
                        "/8",
                        "10",
                        "10/8",
                        "10.0.0/8",
                        "10.0.0.0/",
                        "10.0.0.0/33",
                        "10.0.0.0/-1",
                        "10.0.0.0/ 8",
                        "10.0.0.0/8/8",
                        "10.0.0.0/8x",
                        "10.0.0.0/0x8",
                        "10.0.0.0/infinity",
                        "10.0.0.0/99999999999999999999999",
                        "256.0.0.0/8",
                        " 10.0.0.0/8",
                        "10.0.0.0 /8",
                        "2001:db8::/129",
                        "2001:db8::g/32",
                        "fe80::1%eth0",
                        ":::/8",
                        "::1::1/128",
                        "localhost",
                        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8",
                        "\xff",
        };
        Prefix p, untouched;

        (void) state;

        memset(&p, 0x5a, sizeof(p));
        untouched = p;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                if (prefix_parse(cases[i], &p) != -EINVAL)
                        fail_msg("'%s' was taken", cases[i]);
                assert_memory_equal(&p, &untouched, sizeof(p));
        }
}

static void assert_word(const char *word, size_t n, const char *const *expected) {
        const Prefix *prefixes;
        size_t n_found = 77;

        prefixes = prefix_word(word, &n_found);
        assert_int_equal(n_found, n);
        for (size_t i = 0; i < n; i++) {
                char buf[PREFIX_STRING_MAX];
                Prefix p;

                assert_string_equal(prefix_format(prefixes + i, buf), expected[i]);
                assert_int_equal(prefix_parse(buf, &p), 0);
                assert_memory_equal(&p, prefixes + i, sizeof(p));
        }
}

static void test_words(void **state) {
        static const char *const private[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"},
                                 *const link_local[] = {"169.254.0.0/16", "fe80::/10"},
                                 *const shared[] = {"100.64.0.0/10"},
                                 *const multicast[] = {"224.0.0.0/4", "255.255.255.255/32", "ff00::/8"};
        size_t n = 77;

        (void) state;

        assert_word("private", 4, private);
        assert_word("link-local", 2, link_local);
        assert_word("shared", 1, shared);
        assert_word("multicast", 3, multicast);

        assert_null(prefix_word("Private", &n));
        assert_int_equal(n, 0);
        assert_null(prefix_word("", &n));
        assert_null(prefix_word("privat", &n));
        assert_null(prefix_word("10.0.0.0/8", &n));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_parse),
                        cmocka_unit_test(test_parse_garbage),
                        cmocka_unit_test(test_words),
        };

        return RUN_TESTS(tests);
}
