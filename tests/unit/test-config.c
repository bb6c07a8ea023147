/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "config.h"
#include "unit-test.h"

/* A directory that stands for "/". */
typedef struct Fixture {
        char root[64];
        char *problems; /* one a line, without the root before them */
        size_t n_problems;
        FILE *f;
        Config *config;
} Fixture;

static const char defaults[] = "[Cgacctd]\n"
                               "CgroupRoot=\n"
                               "PinDirectory=/sys/fs/bpf/cgacctd\n"
                               "Include=\n"
                               "Exclude=\n"
                               "MaxDepth=16\n"
                               "MaxCgroups=65536\n"
                               "MaxPerUnit=4096\n"
                               "Local=\n"
                               "Local=private link-local shared multicast\n"
                               "StatusIntervalSec=10s\n"
                               "JournalIntervalSec=1h\n"
                               "JournalThreshold=1M\n"
                               "JournalRecords=units\n"
                               "FinalTimeoutSec=10min\n"
                               "LogLevel=info\n";

static int setup(void **state) {
        static Fixture fixture;

        fixture = (Fixture){.root = "/tmp/cgacctd-test-config-XXXXXX"};
        if (!mkdtemp(fixture.root))
                return -1;
        *state = &fixture;
        return 0;
}

static int teardown(void **state) {
        _cleanup_free_ char *command = NULL;
        Fixture *t = *state;

        free(t->problems);
        config_free(t->config);
        if (asprintf(&command, "rm -r '%s'", t->root) < 0)
                return -1;
        return system(command);
}

static char *path_of(const Fixture *t, const char *path) {
        char *full;

        assert_true(asprintf(&full, "%s%s", t->root, path) > 0);
        return full;
}

/* Makes the directories on the way to a path below the root. */
static char *make_way(const Fixture *t, const char *path) {
        char *full = path_of(t, path);

        for (char *slash = full + strlen(t->root); (slash = strchr(slash + 1, '/'));) {
                *slash = '\0';
                assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
                *slash = '/';
        }

        return full;
}

static void put(const Fixture *t, const char *path, const char *text) {
        _cleanup_free_ char *full = make_way(t, path);
        FILE *f = fopen(full, "w");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void put_link(const Fixture *t, const char *path, const char *target) {
        _cleanup_free_ char *full = make_way(t, path);

        assert_int_equal(symlink(target, full), 0);
}

static void on_problem(const char *message, void *userdata) {
        Fixture *t = userdata;

        assert_int_equal(strncmp(message, t->root, strlen(t->root)), 0);
        (void) fprintf(t->f, "%s\n", message + strlen(t->root));
}

static int load(Fixture *t, const char *file) {
        _cleanup_free_ char *full = file ? path_of(t, file) : NULL;
        int r;

        free(t->problems);
        t->problems = NULL;
        t->config = config_free(t->config);
        t->f = open_memstream(&t->problems, &t->n_problems);
        assert_non_null(t->f);
        r = config_load(t->root, full, on_problem, t, &t->config);
        assert_int_equal(fclose(t->f), 0);
        return r;
}

/* Loads text as the main file, and compares what is told. */
static void assert_problems(Fixture *t, const char *text, int n, const char *problems) {
        put(t, "/etc/cgacctd.conf", text);
        assert_int_equal(load(t, NULL), n);
        assert_string_equal(t->problems, problems);
}

static char *print(const Config *c) {
        char *text = NULL;
        size_t n;
        FILE *f;

        f = open_memstream(&text, &n);
        assert_non_null(f);
        config_print(c, f);
        assert_int_equal(fclose(f), 0);
        return text;
}

static void assert_printed(const Fixture *t, const char *expected) {
        _cleanup_free_ char *text = print(t->config);

        assert_string_equal(text, expected);
}

static void test_defaults(void **state) {
        Fixture *t = *state;
        const Config *c;

        assert_int_equal(load(t, NULL), 0);
        c = t->config;
        assert_null(c->cgroup_root);
        assert_string_equal(c->pin_directory, "/sys/fs/bpf/cgacctd");
        assert_null(c->include);
        assert_null(c->exclude);
        assert_int_equal(c->max_depth, 16);
        assert_int_equal(c->max_cgroups, 65536);
        assert_int_equal(c->max_per_unit, 4096);
        assert_int_equal(c->n_local, 10);
        assert_int_equal(c->status_interval_usec, 10000000);
        assert_int_equal(c->journal_interval_usec, UINT64_C(3600000000));
        assert_int_equal(c->journal_threshold, 1048576);
        assert_int_equal(c->journal_records, JOURNAL_RECORDS_UNITS);
        assert_int_equal(c->final_timeout_usec, 600000000);
        assert_int_equal(c->log_level, LOG_INFO);
        assert_printed(t, defaults);
}

static void test_every_setting(void **state) {
        static const char text[] = "[Cgacctd]\n"
                                   "CgroupRoot=/sys/fs/cgroup/unified\n"
                                   "PinDirectory=/sys/fs/bpf/x y\n"
                                   "Include=/system.slice/* \"/a b\" \"/it's\" /foo\\\\x2dbar \\x2fn\\xff\n"
                                   "Exclude=*/x.scope\n"
                                   "MaxDepth=1024\n"
                                   "MaxCgroups=infinity\n"
                                   "MaxPerUnit=1\n"
                                   "Local=\n"
                                   "Local=203.0.113.9/24 shared 2001:db8::/32\n"
                                   "StatusIntervalSec=100ms\n"
                                   "JournalIntervalSec=infinity\n"
                                   "JournalThreshold=1.5K\n"
                                   "JournalRecords=all\n"
                                   "FinalTimeoutSec=1h 1min 1s\n"
                                   "LogLevel=7\n";
        static const char printed[] = "[Cgacctd]\n"
                                      "CgroupRoot=/sys/fs/cgroup/unified\n"
                                      "PinDirectory=/sys/fs/bpf/x y\n"
                                      "Include=/system.slice/* \"/a b\" \"/it's\" /foo\\\\x2dbar /n\\xff\n"
                                      "Exclude=*/x.scope\n"
                                      "MaxDepth=1024\n"
                                      "MaxCgroups=infinity\n"
                                      "MaxPerUnit=1\n"
                                      "Local=\n"
                                      "Local=203.0.113.0/24 shared 2001:db8::/32\n"
                                      "StatusIntervalSec=100ms\n"
                                      "JournalIntervalSec=infinity\n"
                                      "JournalThreshold=1536\n"
                                      "JournalRecords=all\n"
                                      "FinalTimeoutSec=1h 1min 1s\n"
                                      "LogLevel=debug\n";
        Fixture *t = *state;

        assert_problems(t, text, 0, "");
        assert_printed(t, printed);
        assert_string_equal(t->config->include[3], "/foo\\x2dbar");
        assert_string_equal(t->config->include[4], "/n\xff");
        assert_null(t->config->include[5]);

        /* and back */
        assert_problems(t, printed, 0, "");
        assert_printed(t, printed);
        assert_string_equal(t->config->include[1], "/a b");
        assert_string_equal(t->config->include[4], "/n\xff");
}

static void test_round_trip_of_an_empty_local(void **state) {
        _cleanup_free_ char *text = NULL;
        Fixture *t = *state;

        assert_problems(t, "[Cgacctd]\nLocal=\n", 0, "");
        assert_int_equal(t->config->n_local, 0);
        text = print(t->config);
        assert_problems(t, text, 0, "");
        assert_int_equal(t->config->n_local, 0);
        assert_printed(t, text);
}

/* Whose last character would not survive as the last one of a line. */
static void test_round_trip_of_odd_paths(void **state) {
        static const char *const paths[] = {"/a ", "/a\t", "/a\r", "/a\\", "/a\\\\", "/ ", "/a/b c"};
        Fixture *t = *state;

        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
                _cleanup_free_ char *assigned = NULL, *text = NULL;

                assert_true(asprintf(&assigned, "[Cgacctd]\nCgroupRoot=%s/\n", paths[i]) > 0);
                assert_problems(t, assigned, 0, "");
                assert_string_equal(t->config->cgroup_root, paths[i]);

                text = print(t->config);
                assert_problems(t, text, 0, "");
                assert_string_equal(t->config->cgroup_root, paths[i]);
                assert_printed(t, text);
        }
}

static void test_main_file_is_the_first(void **state) {
        Fixture *t = *state;

        put(t, "/usr/lib/cgacctd.conf", "[Cgacctd]\nMaxDepth=4\nLogLevel=err\n");
        assert_int_equal(load(t, NULL), 0);
        assert_int_equal(t->config->max_depth, 4);

        put(t, "/usr/local/lib/cgacctd.conf", "[Cgacctd]\nMaxDepth=3\n");
        assert_int_equal(load(t, NULL), 0);
        assert_int_equal(t->config->max_depth, 3);
        assert_int_equal(t->config->log_level, LOG_INFO);

        put(t, "/run/cgacctd.conf", "[Cgacctd]\nMaxDepth=2\n");
        assert_int_equal(load(t, NULL), 0);
        assert_int_equal(t->config->max_depth, 2);

        put(t, "/etc/cgacctd.conf", "[Cgacctd]\nMaxDepth=1\n");
        assert_int_equal(load(t, NULL), 0);
        assert_int_equal(t->config->max_depth, 1);
}

static void test_main_file_masked(void **state) {
        Fixture *t = *state;

        put(t, "/usr/lib/cgacctd.conf", "[Cgacctd]\nMaxDepth=4\n");
        put_link(t, "/etc/cgacctd.conf", "/dev/null");
        assert_int_equal(load(t, NULL), 0);
        assert_int_equal(t->config->max_depth, 16);
}

static void test_drop_ins(void **state) {
        Fixture *t = *state;

        put(t, "/etc/cgacctd.conf", "[Cgacctd]\nMaxDepth=1\nMaxCgroups=1\nInclude=/main\n");
        /* by name, whatever the directory */
        put(t, "/usr/lib/cgacctd.conf.d/30-c.conf", "[Cgacctd]\nMaxDepth=30\nInclude=/30\n");
        put(t, "/etc/cgacctd.conf.d/20-b.conf", "[Cgacctd]\nMaxDepth=20\nMaxCgroups=20\nInclude=/20\n");
        put(t, "/run/cgacctd.conf.d/10-a.conf", "[Cgacctd]\nMaxCgroups=10\nMaxPerUnit=10\nInclude=/10\n");
        /* hidden, masked, and not drop-ins at all */
        put(t, "/usr/lib/cgacctd.conf.d/20-b.conf", "[Cgacctd]\nMaxPerUnit=99\n");
        put(t, "/usr/local/lib/cgacctd.conf.d/40-d.conf", "[Cgacctd]\nMaxPerUnit=99\n");
        put_link(t, "/etc/cgacctd.conf.d/40-d.conf", "/dev/null");
        put(t, "/run/cgacctd.conf.d/50-e.conf", "");
        put(t, "/usr/lib/cgacctd.conf.d/50-e.conf", "[Cgacctd]\nMaxPerUnit=99\n");
        put(t, "/etc/cgacctd.conf.d/60-f.conf~", "[Cgacctd]\nMaxPerUnit=99\n");
        put(t, "/etc/cgacctd.conf.d/.70.conf", "[Cgacctd]\nMaxPerUnit=99\n");
        put(t, "/etc/cgacctd.conf.d/.conf", "[Cgacctd]\nMaxPerUnit=99\n");

        assert_int_equal(load(t, NULL), 0);
        assert_string_equal(t->problems, "");
        assert_int_equal(t->config->max_depth, 30);
        assert_int_equal(t->config->max_cgroups, 20);
        assert_int_equal(t->config->max_per_unit, 10);
        assert_string_equal(t->config->include[0], "/main");
        assert_string_equal(t->config->include[1], "/10");
        assert_string_equal(t->config->include[2], "/20");
        assert_string_equal(t->config->include[3], "/30");
        assert_null(t->config->include[4]);
}

static void test_one_file_alone(void **state) {
        Fixture *t = *state;

        put(t, "/etc/cgacctd.conf", "[Cgacctd]\nMaxDepth=1\n");
        put(t, "/etc/cgacctd.conf.d/1.conf", "[Cgacctd]\nMaxDepth=2\n");
        put(t, "/my.conf", "[Cgacctd]\nMaxCgroups=3\n");
        assert_int_equal(load(t, "/my.conf"), 0);
        assert_int_equal(t->config->max_depth, 16);
        assert_int_equal(t->config->max_cgroups, 3);

        assert_int_equal(load(t, "/none.conf"), -ENOENT);
        assert_null(t->config);
        assert_int_equal(load(t, "/etc"), -EINVAL);
}

static void test_unreadable_files(void **state) {
        _cleanup_free_ char *fifo = make_way(*state, "/etc/cgacctd.conf.d/1.conf");
        Fixture *t = *state;

        assert_int_equal(mkfifo(fifo, 0600), 0);
        put_link(t, "/etc/cgacctd.conf.d/2.conf", "/nowhere/at/all");
        put(t, "/etc/cgacctd.conf.d/3.conf", "[Cgacctd]\nMaxDepth=3\n");
        put_link(t, "/etc/cgacctd.conf", "cgacctd.conf");
        assert_int_equal(load(t, NULL), 3);
        assert_string_equal(t->problems,
                        "/etc/cgacctd.conf: Cannot be read, ignored: Too many levels of symbolic links\n"
                        "/etc/cgacctd.conf.d/1.conf: Cannot be read, ignored: It is not a regular file\n"
                        "/etc/cgacctd.conf.d/2.conf: Cannot be read, ignored: No such file or directory\n");
        assert_int_equal(t->config->max_depth, 3);
}

static void test_unknown(void **state) {
        Fixture *t = *state;

        assert_problems(t, "[Cgacctd]\n\nMaxDept=3\nFoo=1\nLo=1\n", 3,
                        "/etc/cgacctd.conf:3: Unknown setting 'MaxDept=' in section [Cgacctd], ignored. "
                        "Did you mean 'MaxDepth='?\n"
                        "/etc/cgacctd.conf:4: Unknown setting 'Foo=' in section [Cgacctd], ignored.\n"
                        "/etc/cgacctd.conf:5: Unknown setting 'Lo=' in section [Cgacctd], ignored.\n");
        assert_problems(t, "[Cgacctd]\nStatusInterval=3\nmaxdepth=3\n", 2,
                        "/etc/cgacctd.conf:2: Unknown setting 'StatusInterval=' in section [Cgacctd], ignored. "
                        "Did you mean 'StatusIntervalSec='?\n"
                        "/etc/cgacctd.conf:3: Unknown setting 'maxdepth=' in section [Cgacctd], ignored. "
                        "Did you mean 'MaxDepth='?\n");
        assert_problems(t, "MaxDepth=3\n[cgacctd]\nMaxDepth=3\nMaxDepth=4\n[Service]\nX=1\n", 3,
                        "/etc/cgacctd.conf:1: 'MaxDepth=' is outside of any section, ignored. "
                        "[Cgacctd] must come before it.\n"
                        "/etc/cgacctd.conf:3: Unknown section [cgacctd], ignored. Did you mean [Cgacctd]?\n"
                        "/etc/cgacctd.conf:6: Unknown section [Service], ignored. There is only [Cgacctd].\n");
        assert_printed(t, defaults);

        assert_problems(t, "[X-Mine]\nFoo=1\n[X-]\nFoo=1\n", 0, "");
        assert_problems(t, "[Cgacctd]\nnonsense\n", 1,
                        "/etc/cgacctd.conf:2: Line is neither a section header nor an assignment, "
                        "as there is no '=' in it, ignored.\n");
}

static void test_bad_values(void **state) {
        Fixture *t = *state;

        assert_problems(t, "[Cgacctd]\nMaxDepth=0\nMaxDepth=12\nMaxDepth=deep\n", 2,
                        "/etc/cgacctd.conf:2: 'MaxDepth=0' is out of range, a whole number from 1 to 1024 is "
                        "expected; 'MaxDepth=16' stays in effect.\n"
                        "/etc/cgacctd.conf:4: 'MaxDepth=deep' is not understood, a whole number from 1 to 1024 is "
                        "expected; 'MaxDepth=12' stays in effect.\n");
        assert_int_equal(t->config->max_depth, 12);

        assert_problems(t,
                        "[Cgacctd]\nJournalRecords=some\nLogLevel=2\nStatusIntervalSec=99ms\nCgroupRoot=sys\n",
                        4,
                        "/etc/cgacctd.conf:2: 'JournalRecords=some' is not understood, units, all or none is "
                        "expected; 'JournalRecords=units' stays in effect.\n"
                        "/etc/cgacctd.conf:3: 'LogLevel=2' is not understood, err, warning, notice, info, debug or 3 to 7 "
                        "is expected; 'LogLevel=info' stays in effect.\n"
                        "/etc/cgacctd.conf:4: 'StatusIntervalSec=99ms' is out of range, a time span from 100ms to "
                        "1d is expected; 'StatusIntervalSec=10s' stays in effect.\n"
                        "/etc/cgacctd.conf:5: 'CgroupRoot=sys' is not understood, an absolute path without '.' and "
                        "'..' is expected; 'CgroupRoot=' stays in effect.\n");
        assert_printed(t, defaults);
}

static void test_ranges(void **state) {
        static const char *const bad[] = {
                        "MaxDepth=1025",
                        "MaxDepth=-1",
                        "MaxDepth=infinity",
                        "MaxCgroups=0",
                        "MaxPerUnit=0",
                        "MaxPerUnit=18446744073709551616",
                        "StatusIntervalSec=1d 1us",
                        "StatusIntervalSec=infinity",
                        "JournalIntervalSec=999ms",
                        "JournalIntervalSec=1y 1us",
                        "JournalThreshold=16E",
                        "JournalThreshold=1MB",
                        "JournalRecords=Units",
                        "FinalTimeoutSec=-1",
                        "FinalTimeoutSec=2y",
                        "LogLevel=8",
                        "LogLevel=",
                        "PinDirectory=relative",
                        "PinDirectory=/a/../b",
                        "PinDirectory=/./b",
                        "PinDirectory=/..",
                        "Include=\"/a",
                        "Exclude=/a\\q",
                        "Local='10.0.0.0/8",
        };
        Fixture *t = *state;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                _cleanup_free_ char *text = NULL;
                bool is_default = bad[i][strlen(bad[i]) - 1] == '='; /* an empty one is none of them */

                assert_true(asprintf(&text, "[Cgacctd]\n%s\n", bad[i]) > 0);
                put(t, "/etc/cgacctd.conf", text);
                if (load(t, NULL) != !is_default)
                        fail_msg("%s: %s", bad[i], t->problems);
                assert_printed(t, defaults);
        }
}

static void test_empty_assignments(void **state) {
        Fixture *t = *state;

        assert_problems(t,
                        "[Cgacctd]\nCgroupRoot=/x\nCgroupRoot=\nPinDirectory=/x\nPinDirectory=\nInclude=/x\nInclude=\n"
                        "Exclude=/x\nExclude=\nMaxDepth=1\nMaxDepth=\nJournalIntervalSec=5\nJournalIntervalSec=\n"
                        "JournalRecords=all\nJournalRecords=\nLogLevel=err\nLogLevel=\n",
                        0, "");
        assert_printed(t, defaults);
}

static void test_paths(void **state) {
        Fixture *t = *state;

        assert_problems(t, "[Cgacctd]\nPinDirectory=//a///b/\nCgroupRoot=/\n", 0, "");
        assert_string_equal(t->config->pin_directory, "/a/b");
        assert_string_equal(t->config->cgroup_root, "/");
}

static void test_patterns(void **state) {
        Fixture *t = *state;

        assert_problems(t, "[Cgacctd]\nInclude=/a foo /b\nInclude=/c \"\"\nExclude=\\x2fx *y\n", 2,
                        "/etc/cgacctd.conf:2: Include=: 'foo' can match no path, as it begins with neither '/' nor "
                        "'*', left out.\n"
                        "/etc/cgacctd.conf:3: Include=: '' can match no path, as it begins with neither '/' nor "
                        "'*', left out.\n");
        assert_string_equal(t->config->include[0], "/a");
        assert_string_equal(t->config->include[1], "/b");
        assert_string_equal(t->config->include[2], "/c");
        assert_null(t->config->include[3]);
        assert_string_equal(t->config->exclude[0], "/x");
        assert_string_equal(t->config->exclude[1], "*y");
}

static void test_match(void **state) {
        static char *const patterns[] = {"/system.slice/*", "*/foo\\x2dbar.service", "/[ab]", NULL};

        (void) state;

        assert_true(config_match(patterns, "/system.slice/a.service"));
        assert_true(config_match(patterns, "/system.slice/a.service/below"));
        assert_false(config_match(patterns, "/system.slice"));
        assert_true(config_match(patterns, "/user.slice/foo\\x2dbar.service"));
        assert_false(config_match(patterns, "/user.slice/foox2dbar.service"));
        assert_true(config_match(patterns, "/b"));
        assert_false(config_match(patterns, "/c"));
        assert_false(config_match(NULL, "/c"));
}

static void test_local_appends(void **state) {
        char buf[PREFIX_STRING_MAX];
        Fixture *t = *state;

        /* the default stays, and what is there already is not there twice */
        assert_problems(t, "[Cgacctd]\nLocal=203.0.113.0/24 10.9.9.9/8\nLocal=private fd00::/8\n", 0, "");
        assert_int_equal(t->config->n_local, 12);
        assert_string_equal(prefix_format(t->config->local + 10, buf), "203.0.113.0/24");
        assert_string_equal(prefix_format(t->config->local + 11, buf), "fd00::/8");

        assert_problems(t, "[Cgacctd]\nLocal=10.0.0.0/8 intern 10.0.0.0/40\n", 2,
                        "/etc/cgacctd.conf:2: Local=: 'intern' is neither an address prefix nor private, link-local, "
                        "shared or multicast, left out.\n"
                        "/etc/cgacctd.conf:2: Local=: '10.0.0.0/40' is neither an address prefix nor private, "
                        "link-local, shared or multicast, left out.\n");
        assert_int_equal(t->config->n_local, 10);
}

static void test_local_limit(void **state) {
        Fixture *t = *state;

        assert_problems(t,
                        "[Cgacctd]\nLocal=\n"
                        "Local=1.0.0.1 1.0.0.2 1.0.0.3 1.0.0.4 1.0.0.5 1.0.0.6 1.0.0.7 1.0.0.8\n"
                        "Local=1.0.0.9 1.0.0.10 1.0.0.11 1.0.0.12 1.0.0.13 1.0.0.14 1.0.0.15 1.0.0.16\n"
                        "Local=1.0.0.1 ::1 1.0.0.17 ::2\n",
                        1,
                        "/etc/cgacctd.conf:5: Local=: '1.0.0.17/32' is one more than 16 IPv4 prefixes, left out.\n");
        assert_int_equal(t->config->n_local, 18);
}

static void test_messages_are_escaped(void **state) {
        char text[400], problem[400], as[201] = "";
        Fixture *t = *state;

        assert_problems(t, "[Cgacctd]\nMaxDepth=\x1b[2J\n\x01=1\n[\x02]\nx=1\n", 3,
                        "/etc/cgacctd.conf:2: 'MaxDepth=\\x1b[2J' is not understood, a whole number from 1 to 1024 "
                        "is expected; 'MaxDepth=16' stays in effect.\n"
                        "/etc/cgacctd.conf:3: Unknown setting '\\x01=' in section [Cgacctd], ignored.\n"
                        "/etc/cgacctd.conf:5: Unknown section [\\x02], ignored. There is only [Cgacctd].\n");

        /* and cut, between characters */
        memset(as, 'a', 79);
        memcpy(as + 79, "\xc3\xab", 2);
        memset(as + 81, 'b', 100);
        (void) snprintf(text, sizeof(text), "[Cgacctd]\n%s=1\n", as);
        (void) snprintf(problem, sizeof(problem),
                        "/etc/cgacctd.conf:2: Unknown setting '%.79s...=' in section [Cgacctd], ignored.\n",
                        as);
        assert_problems(t, text, 1, problem);
}

static void test_hostile_file_name(void **state) {
        Fixture *t = *state;

        put(t, "/etc/cgacctd.conf.d/a\nb.conf", "[Cgacctd]\nx=1\n");
        assert_int_equal(load(t, NULL), 1);
        assert_string_equal(t->problems,
                        "/etc/cgacctd.conf.d/a\\x0ab.conf:2: Unknown setting 'x=' in section [Cgacctd], ignored.\n");
}

static void test_names(void **state) {
        (void) state;

        assert_int_equal(log_level_from_string("err"), LOG_ERR);
        assert_int_equal(log_level_from_string("warning"), LOG_WARNING);
        assert_int_equal(log_level_from_string("notice"), LOG_NOTICE);
        assert_int_equal(log_level_from_string("3"), LOG_ERR);
        assert_int_equal(log_level_from_string("7"), LOG_DEBUG);
        assert_int_equal(log_level_from_string("2"), -EINVAL);
        assert_int_equal(log_level_from_string("33"), -EINVAL);
        assert_int_equal(log_level_from_string(""), -EINVAL);
        assert_int_equal(log_level_from_string("Info"), -EINVAL);
        assert_null(log_level_to_string(2));
        assert_null(log_level_to_string(8));
        assert_string_equal(log_level_to_string(LOG_NOTICE), "notice");
        assert_string_equal(journal_records_to_string(JOURNAL_RECORDS_ALL), "all");
        assert_null(journal_records_to_string(_JOURNAL_RECORDS_INVALID));
        assert_null(journal_records_to_string(_JOURNAL_RECORDS_MAX));
        assert_int_equal(journal_records_from_string("none"), JOURNAL_RECORDS_NONE);
        assert_int_equal(journal_records_from_string(""), _JOURNAL_RECORDS_INVALID);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                        TEST(test_defaults),
                        TEST(test_every_setting),
                        TEST(test_round_trip_of_an_empty_local),
                        TEST(test_round_trip_of_odd_paths),
                        TEST(test_main_file_is_the_first),
                        TEST(test_main_file_masked),
                        TEST(test_drop_ins),
                        TEST(test_one_file_alone),
                        TEST(test_unreadable_files),
                        TEST(test_unknown),
                        TEST(test_bad_values),
                        TEST(test_ranges),
                        TEST(test_empty_assignments),
                        TEST(test_paths),
                        TEST(test_patterns),
                        cmocka_unit_test(test_match),
                        TEST(test_local_appends),
                        TEST(test_local_limit),
                        TEST(test_messages_are_escaped),
                        TEST(test_hostile_file_name),
                        cmocka_unit_test(test_names),
        };

        return RUN_TESTS(tests);
}
