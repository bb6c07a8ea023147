/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "unit-test.h"
#include "worker.h"

/* What jobs tell of themselves: they write a letter here when they run, and count when they are freed. */
typedef struct Trace {
        int pipe[2];
        unsigned n_freed;
} Trace;

typedef struct TestJob {
        Job job;
        Trace *trace;
        char letter;
        int wait_fd; /* if not -1, the job blocks until there is a byte */
} TestJob;

static void job_run(Job *j) {
        TestJob *t = (TestJob *) j;
        char c;

        if (write(t->trace->pipe[1], &t->letter, 1) != 1)
                abort();
        if (t->wait_fd >= 0 && read(t->wait_fd, &c, 1) < 0)
                abort();
}

static void job_free(Job *j) {
        TestJob *t = (TestJob *) j;

        (void) __atomic_add_fetch(&t->trace->n_freed, 1, __ATOMIC_SEQ_CST);
        if (t->wait_fd >= 0)
                (void) close(t->wait_fd);
        free(t);
}

static int submit(Worker *w, Trace *trace, uint64_t key, char letter, int wait_fd) {
        TestJob *t = calloc(1, sizeof(*t));

        assert_non_null(t);
        t->job.key = key;
        t->job.run = job_run;
        t->job.free = job_free;
        t->trace = trace;
        t->letter = letter;
        t->wait_fd = wait_fd;
        return worker_submit(w, &t->job);
}

static unsigned n_freed(Trace *trace) {
        return __atomic_load_n(&trace->n_freed, __ATOMIC_SEQ_CST);
}

/* Reads what ran, until there are n letters. */
static void assert_ran(Trace *trace, const char *letters) {
        char buf[32] = "";
        size_t n = 0;

        while (n < strlen(letters)) {
                struct pollfd p = {.fd = trace->pipe[0], .events = POLLIN};
                ssize_t k;

                assert_int_equal(poll(&p, 1, 10000), 1);
                k = read(trace->pipe[0], buf + n, strlen(letters) - n);
                assert_true(k > 0);
                n += (size_t) k;
        }

        assert_string_equal(buf, letters);
}

static void assert_nothing_ran(Trace *trace) {
        struct pollfd p = {.fd = trace->pipe[0], .events = POLLIN};

        assert_int_equal(poll(&p, 1, 0), 0);
}

static int setup(void **state) {
        Trace *trace = calloc(1, sizeof(*trace));

        if (!trace || pipe2(trace->pipe, O_CLOEXEC) < 0)
                return -1;
        *state = trace;
        return 0;
}

static int teardown(void **state) {
        Trace *trace = *state;

        (void) close(trace->pipe[0]);
        (void) close(trace->pipe[1]);
        free(trace);
        return 0;
}

/* A worker whose thread hangs in the job 'x' until *ret_unblock is closed. */
static Worker *stuck_worker(Trace *trace, size_t max_jobs, int *ret_unblock) {
        Worker *w = NULL;
        int p[2];

        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        assert_int_equal(worker_new(max_jobs, &w), 0);
        assert_int_equal(submit(w, trace, 7, 'x', p[0]), 0);
        assert_ran(trace, "x");

        *ret_unblock = p[1];
        return w;
}

static void test_runs_in_order(void **state) {
        Trace *trace = *state;
        Worker *w = NULL;

        assert_int_equal(worker_new(10, &w), 0);
        for (char c = 'a'; c <= 'e'; c++)
                assert_int_equal(submit(w, trace, 0, c, -1), 0);

        assert_null(worker_stop(w, 10 * USEC_PER_SEC));
        assert_ran(trace, "abcde");
        assert_int_equal(n_freed(trace), 5);
}

static void test_newer_replaces_older(void **state) {
        Trace *trace = *state;
        int unblock;
        Worker *w = stuck_worker(trace, 10, &unblock);

        /* the job that runs is none that waits: its key is free again */
        assert_int_equal(submit(w, trace, 7, 'a', -1), 0);
        assert_int_equal(submit(w, trace, 8, 'b', -1), 0);
        assert_int_equal(submit(w, trace, 0, 'c', -1), 0);
        assert_int_equal(submit(w, trace, 9, 'd', -1), 0);
        assert_int_equal(submit(w, trace, 0, 'e', -1), 0);
        assert_int_equal(worker_n_waiting(w), 5);
        assert_int_equal(n_freed(trace), 0);

        assert_int_equal(submit(w, trace, 7, 'A', -1), 0);
        assert_int_equal(submit(w, trace, 9, 'D', -1), 0);
        assert_int_equal(submit(w, trace, 9, 'E', -1), 0);
        assert_int_equal(worker_n_waiting(w), 5);
        assert_int_equal(n_freed(trace), 3);
        assert_int_equal(worker_n_dropped(w), 0);
        assert_nothing_ran(trace);

        (void) close(unblock);
        worker_stop(w, 10 * USEC_PER_SEC);
        assert_ran(trace, "AbcEe");
        assert_nothing_ran(trace);
        assert_int_equal(n_freed(trace), 9);
}

static void test_full(void **state) {
        Trace *trace = *state;
        int unblock;
        Worker *w = stuck_worker(trace, 2, &unblock);

        assert_int_equal(submit(w, trace, 0, 'a', -1), 0);
        assert_int_equal(submit(w, trace, 1, 'b', -1), 0);
        assert_int_equal(submit(w, trace, 0, 'c', -1), -ENOBUFS);
        assert_int_equal(submit(w, trace, 2, 'd', -1), -ENOBUFS);
        assert_int_equal(n_freed(trace), 2);
        assert_int_equal(worker_n_dropped(w), 2);
        assert_int_equal(worker_n_waiting(w), 2);

        /* what takes another's place needs no room */
        assert_int_equal(submit(w, trace, 1, 'B', -1), 0);
        assert_int_equal(worker_n_dropped(w), 2);

        (void) close(unblock);
        worker_stop(w, 10 * USEC_PER_SEC);
        assert_ran(trace, "aB");
        assert_nothing_ran(trace);
}

static void test_stop_does_not_wait_for_ever(void **state) {
        Trace *trace = *state;
        int unblock;
        Worker *w = stuck_worker(trace, 10, &unblock);
        usec_t before, took;

        assert_int_equal(submit(w, trace, 0, 'a', -1), 0);
        assert_int_equal(submit(w, trace, 5, 'b', -1), 0);

        before = now_usec(CLOCK_MONOTONIC);
        assert_null(worker_stop(w, 50 * USEC_PER_MSEC));
        took = now_usec(CLOCK_MONOTONIC) - before;
        assert_true(took >= 50 * USEC_PER_MSEC);
        assert_true(took < 5 * USEC_PER_SEC);

        /* what waited is freed and never runs, not even when the thread comes back */
        assert_int_equal(n_freed(trace), 2);
        (void) close(unblock);
        for (usec_t until = before + 10 * USEC_PER_SEC; n_freed(trace) < 3;) {
                assert_true(now_usec(CLOCK_MONOTONIC) < until);
                (void) poll(NULL, 0, 1);
        }
        assert_nothing_ran(trace);
}

static pthread_t signalled_thread;

static void on_signal(int sig) {
        (void) sig;
        signalled_thread = pthread_self();
}

/* With the signal blocked in all other threads, it stays pending unless the worker's takes it. */
static void test_takes_no_signals(void **state) {
        struct sigaction old, sa = {.sa_handler = on_signal};
        Trace *trace = *state;
        sigset_t set, pending;
        int unblock;
        Worker *w = stuck_worker(trace, 10, &unblock);

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGUSR1);
        assert_int_equal(sigaction(SIGUSR1, &sa, &old), 0);
        assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
        assert_int_equal(kill(getpid(), SIGUSR1), 0);

        (void) close(unblock);
        assert_int_equal(submit(w, trace, 0, 'a', -1), 0);
        worker_stop(w, 10 * USEC_PER_SEC);
        assert_ran(trace, "a");

        assert_int_equal(sigpending(&pending), 0);
        assert_true(sigismember(&pending, SIGUSR1));
        assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
        assert_true(pthread_equal(signalled_thread, pthread_self()));
        assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
}

static void test_stop_of_none(void **state) {
        (void) state;

        assert_null(worker_stop(NULL, 0));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                        TEST(test_runs_in_order),
                        TEST(test_newer_replaces_older),
                        TEST(test_full),
                        TEST(test_stop_does_not_wait_for_ever),
                        TEST(test_takes_no_signals),
                        cmocka_unit_test(test_stop_of_none),
        };

        return RUN_TESTS(tests);
}
