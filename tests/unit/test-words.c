/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <string.h>

#include "unit-test.h"
#include "words.h"

/* expected: the words, each with a '|' behind it. */
static void assert_split(const char *s, const char *expected) {
        _cleanup_(words_freep) char **words = NULL;
        _cleanup_free_ char *joined = calloc(1, strlen(s) * 2 + 2);

        assert_int_equal(words_split(s, &words), 0);
        for (char **w = words; *w; w++) {
                strcat(joined, *w);
                strcat(joined, "|");
        }
        assert_string_equal(joined, expected);
}

static void test_split(void **state) {
        (void) state;

        assert_split("", "");
        assert_split(" \t ", "");
        assert_split("a", "a|");
        assert_split("  /a  /b\t/c ", "/a|/b|/c|");
        assert_split("\"a b\" 'c d'", "a b|c d|");
        assert_split("a\"b c\"'d e'f", "ab cd ef|");
        assert_split("\"it's\" '\"'", "it's|\"|");
        assert_split("\"\" ''", "||");
        assert_split("foo\\\\x2dbar", "foo\\x2dbar|");
        assert_split("foo\\x2dbar", "foo-bar|");
        assert_split("a\\sb a\\tb \\\"x\\' '\\''", "a b|a\tb|\"x'|'|");
        assert_split("\\a\\b\\f\\n\\r\\v", "\a\b\f\n\r\v|");
        assert_split("\\xFF\\xfe", "\xff\xfe|");
        assert_split("# ; =", "#|;|=|");
}

static void test_split_garbage(void **state) {
        static const char *const cases[] = {
                        "\"a",
                        "a 'b",
                        "'",
                        "a\\",
                        "\\",
                        "\\q",
                        "\\x",
                        "\\x2",
                        "\\xg0",
                        "\\x0g",
                        "\\x00",
                        "\"\\\"",
                        "\\U0041",
                        "\\101",
        };
        char **words = (char **) cases; /* to see that it is left alone */

        (void) state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                if (words_split(cases[i], &words) != -EINVAL)
                        fail_msg("'%s' was taken", cases[i]);
                assert_ptr_equal(words, cases);
        }
}

static void assert_quoted(const char *word, const char *expected) {
        _cleanup_(words_freep) char **words = NULL;
        _cleanup_free_ char *quoted = word_quote(word);

        assert_non_null(quoted);
        assert_string_equal(quoted, expected);
        assert_int_equal(words_split(quoted, &words), 0);
        assert_string_equal(words[0], word);
        assert_null(words[1]);
}

static void test_quote(void **state) {
        (void) state;

        assert_quoted("", "\"\"");
        assert_quoted("/a/*", "/a/*");
        assert_quoted("/a b", "\"/a b\"");
        assert_quoted("it's", "\"it's\"");
        assert_quoted("\"", "\"\\\"\"");
        assert_quoted("foo\\x2dbar", "foo\\\\x2dbar");
        assert_quoted("a\nb\x7f", "a\\x0ab\\x7f");
        assert_quoted("\xff\xc3\xab", "\\xff\xc3\xab");
        assert_quoted("\\", "\\\\");
}

static void test_append(void **state) {
        _cleanup_(words_freep) char **words = NULL;

        (void) state;

        assert_int_equal(words_append(&words, "one"), 0);
        assert_int_equal(words_append(&words, ""), 0);
        assert_string_equal(words[0], "one");
        assert_string_equal(words[1], "");
        assert_null(words[2]);
}

static void test_distance(void **state) {
        (void) state;

        assert_int_equal(word_distance("MaxDepth", "MaxDepth"), 0);
        assert_int_equal(word_distance("maxdepth", "MaxDepth"), 0);
        assert_int_equal(word_distance("MaxDept", "MaxDepth"), 1);
        assert_int_equal(word_distance("MaxDeppth", "MaxDepth"), 1);
        assert_int_equal(word_distance("MaxDetph", "MaxDepth"), 2);
        assert_int_equal(word_distance("abc", ""), 3);
        assert_int_equal(word_distance("", "abcd"), WORD_DISTANCE_MAX);
        assert_int_equal(word_distance("Include", "Exclude"), 2);
        assert_int_equal(word_distance("0123456789012345678901234567890123456789", "MaxDepth"),
                        WORD_DISTANCE_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_split),
                        cmocka_unit_test(test_split_garbage),
                        cmocka_unit_test(test_quote),
                        cmocka_unit_test(test_append),
                        cmocka_unit_test(test_distance),
        };

        return RUN_TESTS(tests);
}
