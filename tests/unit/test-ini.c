/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "ini.h"
#include "unit-test.h"

typedef struct Fixture {
        char directory[64];
        char path[80];
        char *log; /* "LINE [SECTION] KEY=VALUE" and "LINE! MESSAGE", one a line */
        size_t n_log;
        FILE *f;
        int assign_returns;
} Fixture;

static int on_assign(const char *path, unsigned line, const char *section, const char *key,
                const char *value, void *userdata) {
        Fixture *t = userdata;

        assert_string_equal(path, t->path);
        if (section)
                (void) fprintf(t->f, "%u [%s] %s=%s\n", line, section, key, value);
        else
                (void) fprintf(t->f, "%u %s=%s\n", line, key, value);
        return t->assign_returns;
}

static void on_complain(const char *path, unsigned line, const char *message, void *userdata) {
        Fixture *t = userdata;

        assert_string_equal(path, t->path);
        (void) fprintf(t->f, "%u! %s\n", line, message);
}

static int setup(void **state) {
        static Fixture fixture;
        Fixture *t = &fixture;

        *t = (Fixture){.directory = "/tmp/cgacctd-test-ini-XXXXXX"};
        if (!mkdtemp(t->directory))
                return -1;
        (void) snprintf(t->path, sizeof(t->path), "%s/x.conf", t->directory);
        *state = t;
        return 0;
}

static int teardown(void **state) {
        Fixture *t = *state;

        (void) unlink(t->path); /* where the test made it */
        free(t->log);
        return rmdir(t->directory);
}

static int read_path(Fixture *t) {
        const IniHandlers handlers = {
                        .assign = on_assign,
                        .complain = on_complain,
                        .userdata = t,
        };
        int r;

        free(t->log);
        t->log = NULL;
        t->f = open_memstream(&t->log, &t->n_log);
        assert_non_null(t->f);
        r = ini_read(t->path, &handlers);
        assert_int_equal(fclose(t->f), 0);
        return r;
}

static void write_bytes(Fixture *t, const char *bytes, size_t n) {
        FILE *f = fopen(t->path, "w");

        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, n, f), n);
        assert_int_equal(fclose(f), 0);
}

static void assert_bytes(void **state, const char *bytes, size_t n, const char *expected) {
        Fixture *t = *state;

        write_bytes(t, bytes, n);
        assert_int_equal(read_path(t), 0);
        assert_string_equal(t->log, expected);
}

/* Of a literal, without its last NUL. */
#define ASSERT_INI(literal, expected) assert_bytes(state, literal, sizeof(literal) - 1, expected)

static void test_plain(void **state) {
        ASSERT_INI("", "");
        ASSERT_INI("\n\n  \n", "");
        ASSERT_INI("[A]\nx=1\n", "2 [A] x=1\n");
        ASSERT_INI("[A]\nx=1", "2 [A] x=1\n");
        ASSERT_INI("x=1\n[A]\n[B c]\ny=\n", "1 x=1\n4 [B c] y=\n");
        ASSERT_INI("  [A]  \n\t x\t = \t1 2 \t\n", "2 [A] x=1 2\n");
        ASSERT_INI("[A]\nx=a=b # no comment ; here\n", "2 [A] x=a=b # no comment ; here\n");
        ASSERT_INI("[A]\nx=\"q\\x2d\"\n", "2 [A] x=\"q\\x2d\"\n");
        ASSERT_INI("[A]\nx=\xe2\x82\xac\n", "2 [A] x=\xe2\x82\xac\n");
        ASSERT_INI("[a]b]\nx=1\n", "2 [a]b] x=1\n");
}

static void test_comments(void **state) {
        ASSERT_INI("# x=1\n; y=1\n  # z=1\n#\n[A]\nx=1\n", "6 [A] x=1\n");
        ASSERT_INI("# not continued \\\nx=1\n", "2 x=1\n");
        ASSERT_INI("#\xff\n;\0\nx=1\n", "3 x=1\n");
}

static void test_continuation(void **state) {
        ASSERT_INI("x=a\\\nb\n", "1 x=a b\n");
        ASSERT_INI("x=a \\\n   b\\\n c\ny=1\n", "1 x=a  b c\n4 y=1\n");
        ASSERT_INI("x=a\\\n# between\n  ; this too\\\nb\n", "1 x=a b\n");
        ASSERT_INI("x=a\\\n\nb=1\n", "1 x=a\n3 b=1\n");
        ASSERT_INI("x=a\\", "1 x=a\n");
        ASSERT_INI("x=a\\\n", "1 x=a\n");
        ASSERT_INI("x=a\\\n#c", "1 x=a\n");
        ASSERT_INI("x=a\\\\\nb=1\n", "1 x=a\\\\\n2 b=1\n");
        ASSERT_INI("x=a\\\\\\\nb=1\n", "1 x=a\\\\ b=1\n");
        ASSERT_INI("x=a\\ \nb=1\n", "1 x=a\\\n2 b=1\n");
        ASSERT_INI("\\\n[A]\nx=1\n", "3 [A] x=1\n");
        ASSERT_INI("\\\n\\\n\n", "");
}

static void test_line_ends_and_bom(void **state) {
        ASSERT_INI("[A]\r\nx=1\r\ny=a\\\r\nb\r\n\r\n", "2 [A] x=1\n3 [A] y=a b\n");
        ASSERT_INI("x=a\rb\n", "1 x=a\rb\n");
        ASSERT_INI("\xef\xbb\xbf[A]\nx=1\n", "2 [A] x=1\n");
        ASSERT_INI("\xef\xbb\xbf  x=1\n", "1 x=1\n");
        ASSERT_INI("\xef\xbb\xbf# comment\nx=1\n", "2 x=1\n");
        ASSERT_INI("\xef\xbb\xbf", "");
        ASSERT_INI("\xef\xbb", "1! Line is not valid UTF-8, ignored\n");
}

static void test_bom_before_backslash(void **state) {
        /* nothing but a backslash is left of the first line */
        ASSERT_INI("\xef\xbb\xbf\\\nx=1\n", "1 x=1\n");
}

static void test_complaints(void **state) {
        ASSERT_INI("[A]\nnonsense\nx=1\n",
                        "2! Line is neither a section header nor an assignment, as there is no '=' in it, ignored\n"
                        "3 [A] x=1\n");
        ASSERT_INI("[A]\n = 1\nx=1\n", "2! There is no setting's name before '=', ignored\n"
                                       "3 [A] x=1\n");
        ASSERT_INI("[A]\nx=\xff\ny=1\n", "2! Line is not valid UTF-8, ignored\n"
                                         "3 [A] y=1\n");
        ASSERT_INI("[A]\nx=a\\\nb\xc3\\\nc\ny=1\n", "2! Line is not valid UTF-8, ignored\n"
                                                    "5 [A] y=1\n");
        ASSERT_INI("[A]\nx=a\0b\ny=1\n", "2! Line has a NUL byte in it, ignored\n"
                                         "3 [A] y=1\n");
        ASSERT_INI("\0\0\0", "1! Line has a NUL byte in it, ignored\n");
}

/* What follows belongs to no section that is known, least of all to the one before. */
static void test_broken_section(void **state) {
#define MESSAGE "Section header is not of the form [Name], what follows it is ignored\n"
        ASSERT_INI("[A]\n[B\nx=1\n[C]\ny=1\n", "2! " MESSAGE "5 [C] y=1\n");
        ASSERT_INI("[A]\n[]\nx=1\n", "2! " MESSAGE);
        ASSERT_INI("[A]\n[\nx=1\n", "2! " MESSAGE);
        ASSERT_INI("[A]\n[B] # comment\nx=1\n", "2! " MESSAGE);
        ASSERT_INI("[A]\n[\xff]\nx=1\n", "2! Line is not valid UTF-8, ignored\n");
#undef MESSAGE
}

/* before, x=aaa… of n bytes, and another line. */
static void write_long(Fixture *t, size_t n, const char *before) {
        FILE *f = fopen(t->path, "w");

        assert_non_null(f);
        (void) fprintf(f, "%sx=", before);
        for (size_t i = strlen("x="); i < n; i++)
                (void) fputc('a', f);
        (void) fputs("\ny=1\n", f);
        assert_int_equal(fclose(f), 0);
}

static void test_long_lines(void **state) {
        Fixture *t = *state;

        write_long(t, INI_LINE_MAX, "");
        assert_int_equal(read_path(t), 0);
        assert_int_equal(t->n_log, strlen("1 x=") + INI_LINE_MAX - strlen("x=") + strlen("\n2 y=1\n"));

        write_long(t, INI_LINE_MAX + 1, "");
        assert_int_equal(read_path(t), 0);
        assert_string_equal(t->log, "1! Line is longer than 1 MiB, ignored\n2 y=1\n");

        write_long(t, 3 * INI_LINE_MAX, "");
        assert_int_equal(read_path(t), 0);
        assert_string_equal(t->log, "1! Line is longer than 1 MiB, ignored\n2 y=1\n");

        /* continuation lines count together */
        write_long(t, INI_LINE_MAX - 1, "z=\\\n");
        assert_int_equal(read_path(t), 0);
        assert_string_equal(t->log, "1! Line is longer than 1 MiB, ignored\n3 y=1\n");

        /* a comment may be longer */
        write_long(t, 2 * INI_LINE_MAX, "#");
        assert_int_equal(read_path(t), 0);
        assert_string_equal(t->log, "2 y=1\n");

        /* also between continuation lines */
        write_long(t, 2 * INI_LINE_MAX, "z=1\\\n#");
        assert_int_equal(read_path(t), 0);
        assert_string_equal(t->log, "1 z=1 y=1\n");
}

static void test_what_is_no_file(void **state) {
        Fixture *t = *state;

        assert_int_equal(read_path(t), -ENOENT);

        assert_int_equal(mkfifo(t->path, 0600), 0);
        assert_int_equal(read_path(t), -EINVAL);
        assert_int_equal(unlink(t->path), 0);

        assert_int_equal(symlink("/", t->path), 0);
        assert_int_equal(read_path(t), -EINVAL);
        assert_int_equal(unlink(t->path), 0);

        assert_int_equal(symlink("/dev/zero", t->path), 0);
        assert_int_equal(read_path(t), -EINVAL);
        assert_int_equal(unlink(t->path), 0);

        assert_int_equal(symlink("/dev/null", t->path), 0);
        assert_int_equal(read_path(t), 0);
        assert_string_equal(t->log, "");
}

static void test_assign_ends_the_reading(void **state) {
        Fixture *t = *state;

        write_bytes(t, "x=1\ny=1\n", 8);
        t->assign_returns = -ENOMEM;
        assert_int_equal(read_path(t), -ENOMEM);
        assert_string_equal(t->log, "1 x=1\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                        TEST(test_plain),
                        TEST(test_comments),
                        TEST(test_continuation),
                        TEST(test_line_ends_and_bom),
                        TEST(test_bom_before_backslash),
                        TEST(test_complaints),
                        TEST(test_broken_section),
                        TEST(test_long_lines),
                        TEST(test_what_is_no_file),
                        TEST(test_assign_ends_the_reading),
        };

        return RUN_TESTS(tests);
}
