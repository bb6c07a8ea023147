/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "log.h"
#include "unit-test.h"

#define SOCKET_MISSING "/nonexistent/socket"
#define SOCKET_THERE   "/dev/null" /* only looked for, never written to */

/* What stood at fd 2 before, and what stands there now. */
static int saved_stderr = -1, captured = -1;

static void capture(int fd) {
        assert_true(fd >= 0);
        captured = fd;
        saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        assert_true(saved_stderr >= 0);
        assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
}

static int setup(void **state) {
        (void) state;

        capture(memfd_create("stderr", MFD_CLOEXEC));
        return 0;
}

static int teardown(void **state) {
        (void) state;

        log_set_worker(NULL);
        log_set_level(LOG_INFO);
        if (dup2(saved_stderr, STDERR_FILENO) < 0)
                return -1;
        saved_stderr = safe_close(saved_stderr);
        captured = safe_close(captured);
        log_open_at(NULL, SOCKET_MISSING);
        return 0;
}

/* Everything written since the last call. */
static const char *written(void) {
        static char buf[4096];
        ssize_t n;

        n = pread(captured, buf, sizeof(buf) - 1, 0);
        assert_true(n >= 0);
        buf[n] = '\0';
        assert_int_equal(ftruncate(captured, 0), 0);
        assert_int_equal(lseek(captured, 0, SEEK_SET), 0);
        return buf;
}

static const char *stream_of_stderr(long add_to_inode) {
        static char buf[64];
        struct stat st;

        assert_int_equal(fstat(STDERR_FILENO, &st), 0);
        (void) snprintf(buf, sizeof(buf), "%lu:%lu", (unsigned long) st.st_dev,
                        (unsigned long) st.st_ino + (unsigned long) add_to_inode);
        return buf;
}

static void test_plain_lines(void **state) {
        (void) state;

        log_warning("before %s", "log_open()");
        assert_string_equal(written(), "before log_open()\n");

        log_open_at(NULL, SOCKET_THERE);
        log_error("%d is %s", 7, "seven");
        log_notice("notice");
        log_info("info");
        assert_string_equal(written(), "7 is seven\nnotice\ninfo\n");

        assert_int_equal(log_error_errno(-ENOENT, "Cannot open %s", "x"), -ENOENT);
        assert_string_equal(written(), "Cannot open x: No such file or directory\n");
}

static void test_level(void **state) {
        LogRecord *r;

        (void) state;

        assert_int_equal(log_level(), LOG_INFO);
        log_debug("not shown");
        log_set_level(LOG_WARNING);
        log_notice("not shown");
        log_warning("shown");
        r = log_record_new(LOG_INFO, NULL);
        assert_int_equal(log_record_send(r, 0, "not shown"), 0);
        log_set_level(LOG_DEBUG);
        log_debug("debug");
        assert_string_equal(written(), "shown\ndebug\n");
}

static void test_one_line_each(void **state) {
        (void) state;

        log_info("a\nb\rc\x1b[31md\x7f");
        assert_string_equal(written(), "a\\x0ab\\x0dc\\x1b[31md\\x7f\n");

        /* what is text stays: tabs, backslashes (names are escaped before), UTF-8 */
        log_info("\t\\x0a ü €");
        assert_string_equal(written(), "\t\\x0a ü €\n");

        /* a C1 control as UTF-8, and bytes that are none */
        log_info("a\xc2\x9b"
                 "b\x9b\xff"
                 "c\xc3");
        assert_string_equal(written(), "a\\xc2\\x9bb\\x9b\\xffc\\xc3\n");
}

static void assert_field(const LogRecord *r, size_t index, const char *expected) {
        const struct iovec *fields;
        size_t n;

        fields = log_record_fields(r, &n);
        assert_true(index < n);
        assert_int_equal(fields[index].iov_len, strlen(expected));
        assert_memory_equal(fields[index].iov_base, expected, strlen(expected));
}

static void test_record(void **state) {
        LogRecord *r = log_record_new(LOG_WARNING, "00112233445566778899aabbccddeeff");
        size_t n;

        (void) state;

        assert_non_null(r);
        log_record_add(r, "CGACCT_CGROUP", "/a%s\nb=c", "\xff");
        log_record_add(r, "EMPTY", "%s", "");
        (void) log_record_fields(r, &n);
        assert_int_equal(n, 5);
        assert_field(r, 0, "SYSLOG_IDENTIFIER=cgacctd");
        assert_field(r, 1, "PRIORITY=4");
        assert_field(r, 2, "MESSAGE_ID=00112233445566778899aabbccddeeff");
        assert_field(r, 3, "CGACCT_CGROUP=/a\xff\nb=c");
        assert_field(r, 4, "EMPTY=");

        /* off the journal, people see the message alone */
        assert_int_equal(log_record_send(r, 0, "it is %s", "told"), 0);
        assert_string_equal(written(), "it is told\n");

        log_record_add(NULL, "A", "b");
        assert_int_equal(log_record_send(NULL, 0, "none"), -ENOMEM);
        assert_null(log_record_free(NULL));
        assert_string_equal(written(), "");
}

static void test_finds_the_journal(void **state) {
        char trailing[80];

        (void) state;

        log_open_at(stream_of_stderr(0), SOCKET_THERE);
        assert_true(log_is_journal());

        log_open_at(stream_of_stderr(1), SOCKET_THERE);
        assert_false(log_is_journal());

        log_open_at(stream_of_stderr(0), SOCKET_MISSING);
        assert_false(log_is_journal());

        (void) snprintf(trailing, sizeof(trailing), "%s0x", stream_of_stderr(0));
        log_open_at(trailing, SOCKET_THERE);
        assert_false(log_is_journal());
        (void) snprintf(trailing, sizeof(trailing), "%sx", stream_of_stderr(0));
        log_open_at(trailing, SOCKET_THERE);
        assert_false(log_is_journal());

        log_open_at("", SOCKET_THERE);
        assert_false(log_is_journal());
        log_open_at("7", SOCKET_THERE);
        assert_false(log_is_journal());
}

static void test_prefix_without_the_socket(void **state) {
        (void) state;

        log_open_at(stream_of_stderr(0), SOCKET_MISSING);
        log_error("bad\nworse");
        log_info("good");
        assert_string_equal(written(), "<3>bad\\x0aworse\n<6>good\n");

        log_open_at(stream_of_stderr(1), SOCKET_MISSING);
        log_error("elsewhere");
        assert_string_equal(written(), "elsewhere\n");
}

typedef struct Blocker {
        Job job;
        int started_fd, unblock_fd;
} Blocker;

/* It logs, too: on the worker's thread, to the worker's own queue. */
static void blocker_run(Job *j) {
        Blocker *b = (Blocker *) j;
        char c;

        if (write(b->started_fd, "s", 1) != 1 || read(b->unblock_fd, &c, 1) != 0)
                abort();
        log_info("from the worker");
}

static void blocker_free(Job *j) {
        Blocker *b = (Blocker *) j;

        (void) close(b->started_fd);
        (void) close(b->unblock_fd);
        free(b);
}

/* Returns the descriptor that, when closed, lets the worker go on. */
static int block(Worker *w) {
        int started[2], unblock[2];
        Blocker *b;
        char c;

        assert_int_equal(pipe2(started, O_CLOEXEC), 0);
        assert_int_equal(pipe2(unblock, O_CLOEXEC), 0);
        b = calloc(1, sizeof(*b));
        assert_non_null(b);
        b->job.run = blocker_run;
        b->job.free = blocker_free;
        b->started_fd = started[1];
        b->unblock_fd = unblock[0];
        assert_int_equal(worker_submit(w, &b->job), 0);
        assert_int_equal(read(started[0], &c, 1), 1);
        (void) close(started[0]);
        return unblock[1];
}

static void test_stuck_journal_holds_nothing_up(void **state) {
        Worker *w = NULL;
        int unblock;

        (void) state;

        assert_int_equal(worker_new(3, &w), 0);
        log_open_at(stream_of_stderr(0), SOCKET_MISSING);
        log_set_worker(w);
        unblock = block(w);

        assert_int_equal(log_record_send(log_record_new(LOG_INFO, NULL), 5, "old"), 0);
        assert_int_equal(log_record_send(log_record_new(LOG_INFO, NULL), 0, "final"), 0);
        assert_int_equal(log_record_send(log_record_new(LOG_INFO, NULL), 5, "new"), 0);
        log_warning("a line");
        assert_int_equal(log_record_send(log_record_new(LOG_INFO, NULL), 0, "lost"), -ENOBUFS);
        assert_int_equal(worker_n_waiting(w), 3);
        assert_int_equal(worker_n_dropped(w), 1);
        assert_string_equal(written(), "");

        /* the blocker's own line does not fit either; it must not wait for room */
        (void) close(unblock);
        worker_stop(w, 10 * USEC_PER_SEC);
        assert_string_equal(written(), "<6>new\n<6>final\n<4>a line\n");
}

static void test_worker_may_log(void **state) {
        Worker *w = NULL;
        int unblock;

        (void) state;

        assert_int_equal(worker_new(3, &w), 0);
        log_open_at(stream_of_stderr(0), SOCKET_MISSING);
        log_set_worker(w);
        unblock = block(w);
        log_info("first");
        (void) close(unblock);
        worker_stop(w, 10 * USEC_PER_SEC);
        assert_string_equal(written(), "<6>first\n<6>from the worker\n");
}

/* What is no journal is written at once, worker or not. */
static void test_stderr_is_direct(void **state) {
        Worker *w = NULL;
        int unblock;

        (void) state;

        assert_int_equal(worker_new(3, &w), 0);
        log_open_at(NULL, SOCKET_THERE);
        log_set_worker(w);
        unblock = block(w);
        log_info("at once");
        assert_string_equal(written(), "at once\n");
        (void) close(unblock);
        worker_stop(w, 10 * USEC_PER_SEC);
}

static int setup_terminal(void **state) {
        int *master = malloc(sizeof(*master)), slave;
        struct termios t;

        assert_non_null(master);
        *master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(*master >= 0);
        assert_int_equal(grantpt(*master), 0);
        assert_int_equal(unlockpt(*master), 0);
        slave = open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_int_equal(tcgetattr(slave, &t), 0);
        cfmakeraw(&t);
        assert_int_equal(tcsetattr(slave, TCSANOW, &t), 0);
        capture(slave);
        assert_int_equal(unsetenv("NO_COLOR"), 0);
        *state = master;
        return 0;
}

static int teardown_terminal(void **state) {
        int *master = *state;

        (void) close(*master);
        free(master);
        *state = NULL;
        return teardown(state);
}

static void assert_terminal_shows(int master, const char *expected) {
        char buf[256] = "";
        size_t n = 0;

        while (n < strlen(expected)) {
                struct pollfd p = {.fd = master, .events = POLLIN};
                ssize_t k;

                assert_int_equal(poll(&p, 1, 10000), 1);
                k = read(master, buf + n, strlen(expected) - n);
                assert_true(k > 0);
                n += (size_t) k;
        }

        assert_string_equal(buf, expected);
}

static void test_colours(void **state) {
        int master = *(int *) *state;

        assert_int_equal(setenv("TERM", "xterm", 1), 0);
        log_open_at(NULL, SOCKET_MISSING);
        log_error("bad");
        log_warning("odd");
        log_info("good");
        assert_terminal_shows(master, "\x1b[0;1;31mbad\x1b[0m\n\x1b[0;1;33modd\x1b[0m\ngood\n");

        assert_int_equal(setenv("TERM", "dumb", 1), 0);
        log_open_at(NULL, SOCKET_MISSING);
        log_error("bad");
        assert_terminal_shows(master, "bad\n");

        assert_int_equal(setenv("TERM", "xterm", 1), 0);
        assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
        log_open_at(NULL, SOCKET_MISSING);
        log_error("bad");
        assert_terminal_shows(master, "bad\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                        TEST(test_plain_lines),
                        TEST(test_level),
                        TEST(test_one_line_each),
                        TEST(test_record),
                        TEST(test_finds_the_journal),
                        TEST(test_prefix_without_the_socket),
                        TEST(test_stuck_journal_holds_nothing_up),
                        TEST(test_worker_may_log),
                        TEST(test_stderr_is_direct),
                        cmocka_unit_test_setup_teardown(test_colours, setup_terminal, teardown_terminal),
        };

        return RUN_TESTS(tests);
}
