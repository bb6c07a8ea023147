/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "publish-record.h"
#include "unit-test.h"

#define NOW  (UINT64_C(1700000000) * USEC_PER_SEC)
#define KIB  UINT64_C(1024)
#define MIB  (KIB * 1024)
#define GIB  (MIB * 1024)
#define HOUR USEC_PER_HOUR

/* Nothing is sent to the journal: lines go to a file that stands at fd 2. */
typedef struct Fixture {
        Config config;
        Publisher *publisher;
        Ledger *ledger;
        Troubles troubles;
        int saved_stderr, captured;
        uint64_t next_id;
        char text[64 * 1024];
} Fixture;

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        f->config = (Config){
                        .journal_interval_usec = HOUR,
                        .journal_threshold = MIB,
                        .journal_records = JOURNAL_RECORDS_UNITS,
        };
        assert_int_equal(publisher_new(&f->publisher), 0);
        publisher_set_config(f->publisher, &f->config);
        assert_int_equal(ledger_new(10000, 10000, &f->ledger), 0);
        f->next_id = 100;

        f->captured = memfd_create("stderr", MFD_CLOEXEC);
        f->saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        assert_true(f->captured >= 0 && f->saved_stderr >= 0);
        assert_int_equal(dup2(f->captured, STDERR_FILENO), STDERR_FILENO);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        if (dup2(f->saved_stderr, STDERR_FILENO) < 0)
                return -1;
        safe_close(f->saved_stderr);
        safe_close(f->captured);
        publisher_free(f->publisher);
        ledger_free(f->ledger);
        free(f);
        return 0;
}

/* Every line since the last call. */
static const char *lines(Fixture *f) {
        ssize_t n = pread(f->captured, f->text, sizeof(f->text) - 1, 0);

        assert_true(n >= 0);
        f->text[n] = '\0';
        assert_int_equal(ftruncate(f->captured, 0), 0);
        assert_int_equal(lseek(f->captured, 0, SEEK_SET), 0);
        return f->text;
}

static Incarnation *start(Fixture *f, const char *path, usec_t when) {
        Incarnation *i = NULL;

        assert_int_equal(ledger_start(f->ledger, path, f->next_id++, when, &i), 0);
        return i;
}

/* What the kernel says of it from now on, all of it internet traffic. */
static void sample(Incarnation *i, uint64_t received, uint64_t sent) {
        Counters c = i->sample;

        c.classes[ACCT_INTERNET] = (struct acct_slot){
                        .ingress_bytes = received,
                        .ingress_packets = received / 1000,
                        .egress_bytes = sent,
                        .egress_packets = sent / 1000,
        };
        ledger_sample(i, &c);
}

static void sample_loopback(Incarnation *i, uint64_t received, uint64_t sent) {
        Counters c = i->sample;

        c.classes[ACCT_LOOPBACK].ingress_bytes = received;
        c.classes[ACCT_LOOPBACK].egress_bytes = sent;
        ledger_sample(i, &c);
}

static void publish(Fixture *f, usec_t when) {
        _cleanup_(snapshot_freep) Snapshot *s = NULL;

        assert_int_equal(ledger_snapshot(f->ledger, &s), 0);
        publish_traffic(f->publisher, s, &f->troubles, when);
}

static void test_status(void **state) {
        Counters c = {};
        Troubles t = {};
        char buf[STATUS_MAX];

        (void) state;

        c.classes[ACCT_INTERNET] = (struct acct_slot){.ingress_bytes = GIB, .egress_bytes = 310 * MIB};
        c.classes[ACCT_LOCAL] = (struct acct_slot){.ingress_bytes = GIB / 4, .egress_bytes = MIB / 2};
        c.classes[ACCT_LOOPBACK] = (struct acct_slot){.ingress_bytes = 7 * GIB, .egress_bytes = 7 * GIB};

        assert_ptr_equal(publish_format_status(143, &c, &t, buf), buf);
        assert_string_equal(buf, "Accounting 143 cgroups: received 1.2G, sent 310.5M");

        t = (Troubles){.n_not_attached = 3, .n_over_limit = 12, .n_unwatched = 5, .n_lost_records = 7};
        assert_string_equal(publish_format_status(143, &c, &t, buf),
                        "Accounting 143 cgroups: received 1.2G, sent 310.5M; 3 not attached; 12 over limit; "
                        "5 without watch; 7 records lost");

        t = (Troubles){.n_lost_records = 1};
        assert_string_equal(publish_format_status(1, &(Counters){}, &t, buf),
                        "Accounting 1 cgroup: received 0B, sent 0B; 1 record lost");

        memset(&t, 0xff, sizeof(t));
        memset(&c, 0xff, sizeof(c));
        assert_true(strlen(publish_format_status(SIZE_MAX, &c, &t, buf)) < STATUS_MAX);
}

/* The fields from the message's id on, each as "NAME=value\n". */
static void assert_fields(LogRecord *r, const char *expected) {
        const struct iovec *fields;
        char text[4096];
        size_t n, len = 0;

        fields = log_record_fields(r, &n);
        assert_true(n > 2);
        assert_memory_equal(fields[1].iov_base, "PRIORITY=6", 10);
        for (size_t i = 2; i < n; i++) {
                assert_true(len + fields[i].iov_len + 2 < sizeof(text));
                memcpy(text + len, fields[i].iov_base, fields[i].iov_len);
                len += fields[i].iov_len;
                text[len++] = '\n';
        }
        text[len] = '\0';
        assert_string_equal(text, expected);
}

static const Counters nginx_total = {
                .classes =
                                {
                                                [ACCT_INTERNET] = {.ingress_bytes = 11 * GIB,
                                                                .ingress_packets = 9000000,
                                                                .egress_bytes = 74 * GIB,
                                                                .egress_packets = 60000000},
                                                [ACCT_LOCAL] = {.ingress_bytes = GIB / 2,
                                                                .ingress_packets = 500},
                                },
};

static void test_periodic_record(void **state) {
        _cleanup_(log_record_freep) LogRecord *r = NULL;
        _cleanup_(unit_freep) Unit *unit = NULL;
        _cleanup_free_ char *message = NULL;
        Fixture *f = *state;
        Incarnation *i = start(f, "/system.slice/nginx.service", NOW - 30 * HOUR);
        Counters last = nginx_total;
        Figures figures;

        last.classes[ACCT_INTERNET].ingress_bytes -= 512 * MIB;
        last.classes[ACCT_INTERNET].ingress_packets -= 400000;
        last.classes[ACCT_INTERNET].egress_bytes -= 3 * GIB + 103 * MIB;
        last.classes[ACCT_INTERNET].egress_packets -= 2500000;
        (void) start(f, "/system.slice/nginx.service", NOW); /* the newest: 101 */

        figures = figures_new(i->node->since_usec, &nginx_total, NOW - HOUR, &last, NOW);
        assert_int_equal(figures_moved(&figures), 512 * MIB + 3 * GIB + 103 * MIB);
        assert_int_equal(unit_from_path(i->node->path, &unit), 0);
        assert_int_equal(
                        traffic_record_new(
                                        &(TrafficRecord){.node = i->node, .unit = unit, .figures = &figures},
                                        &r, &message),
                        0);

        assert_string_equal(message, "nginx.service: received 512.0M, sent 3.1G in 1h (total 11.5G, 74.0G)");
        assert_fields(r, "MESSAGE_ID=916615ee89a741e9a7ee04367390f4cb\n"
                         "CGACCT_CGROUP=/system.slice/nginx.service\n"
                         "CGACCT_CGROUP_ID=101\n"
                         "CGACCT_UNIT=nginx.service\n"
                         "CGACCT_SLICE=system.slice\n"
                         "CGACCT_SINCE_USEC=1699892000000000\n"
                         "CGACCT_INTERVAL_USEC=3600000000\n"
                         "CGACCT_INGRESS_BYTES=12348030976\n"
                         "CGACCT_INGRESS_PACKETS=9000500\n"
                         "CGACCT_EGRESS_BYTES=79456894976\n"
                         "CGACCT_EGRESS_PACKETS=60000000\n"
                         "CGACCT_DELTA_INGRESS_BYTES=536870912\n"
                         "CGACCT_DELTA_INGRESS_PACKETS=400000\n"
                         "CGACCT_DELTA_EGRESS_BYTES=3329228800\n"
                         "CGACCT_DELTA_EGRESS_PACKETS=2500000\n"
                         "CGACCT_INTERNET_INGRESS_BYTES=11811160064\n"
                         "CGACCT_INTERNET_INGRESS_PACKETS=9000000\n"
                         "CGACCT_INTERNET_EGRESS_BYTES=79456894976\n"
                         "CGACCT_INTERNET_EGRESS_PACKETS=60000000\n"
                         "CGACCT_LOCAL_INGRESS_BYTES=536870912\n"
                         "CGACCT_LOCAL_INGRESS_PACKETS=500\n");
}

static void test_record_of_root(void **state) {
        _cleanup_(log_record_freep) LogRecord *r = NULL;
        _cleanup_(unit_freep) Unit *unit = NULL;
        _cleanup_free_ char *message = NULL;
        Fixture *f = *state;
        Incarnation *i = start(f, "/", NOW);
        Figures figures = figures_new(
                        NOW, &(Counters){}, 0, &(Counters){}, NOW - HOUR); /* the clock was set */

        assert_int_equal(unit_from_path("/", &unit), 0);
        assert_int_equal(
                        traffic_record_new(
                                        &(TrafficRecord){.node = i->node, .unit = unit, .figures = &figures},
                                        &r, &message),
                        0);
        assert_string_equal(message, "host: received 0B, sent 0B (total 0B, 0B)");
        assert_fields(r, "MESSAGE_ID=916615ee89a741e9a7ee04367390f4cb\n"
                         "CGACCT_CGROUP=/\n"
                         "CGACCT_CGROUP_ID=100\n"
                         "CGACCT_SINCE_USEC=1700000000000000\n"
                         "CGACCT_INGRESS_BYTES=0\n"
                         "CGACCT_INGRESS_PACKETS=0\n"
                         "CGACCT_EGRESS_BYTES=0\n"
                         "CGACCT_EGRESS_PACKETS=0\n"
                         "CGACCT_DELTA_INGRESS_BYTES=0\n"
                         "CGACCT_DELTA_INGRESS_PACKETS=0\n"
                         "CGACCT_DELTA_EGRESS_BYTES=0\n"
                         "CGACCT_DELTA_EGRESS_PACKETS=0\n");
}

static LogRecord *final_record(Incarnation *i, bool lingering, char **ret_message) {
        _cleanup_(unit_freep) Unit *unit = NULL;
        Counters total = ledger_total(i->node);
        Figures figures = figures_new(i->node->since_usec, &total, 0, &(Counters){}, NOW);
        LogRecord *r = NULL;

        assert_int_equal(unit_from_path(i->node->path, &unit), 0);
        assert_int_equal(traffic_record_new(
                                         &(TrafficRecord){
                                                         .node = i->node,
                                                         .unit = unit,
                                                         .figures = &figures,
                                                         .run = i,
                                                         .run_usec = 302 * USEC_PER_SEC,
                                                         .lingering = lingering,
                                         },
                                         &r, ret_message),
                        0);
        return r;
}

static void test_final_record(void **state) {
        _cleanup_(log_record_freep) LogRecord *r = NULL;
        _cleanup_free_ char *message = NULL;
        Fixture *f = *state;
        Incarnation *first = start(f, "/system.slice/nginx.service", NOW - 2 * HOUR), *i;

        sample(first, 8000, 9000);
        ledger_finish(f->ledger, first);
        i = start(f, "/system.slice/nginx.service", NOW - HOUR);
        sample(i, 1229, 3482);
        sample_loopback(i, 100, 200);
        r = final_record(i, false, &message);

        assert_string_equal(message,
                        "nginx.service: received 1.2K, sent 3.4K in its run of 5min 2s (total 9.0K, 12.1K), "
                        "loopback 100B, 200B");
        assert_fields(r, "MESSAGE_ID=322ceb55b7ea442cb873666c024741fb\n"
                         "CGACCT_CGROUP=/system.slice/nginx.service\n"
                         "CGACCT_CGROUP_ID=101\n"
                         "CGACCT_UNIT=nginx.service\n"
                         "CGACCT_SLICE=system.slice\n"
                         "CGACCT_SINCE_USEC=1699992800000000\n"
                         "CGACCT_INTERVAL_USEC=7200000000\n"
                         "CGACCT_INGRESS_BYTES=9229\n"
                         "CGACCT_INGRESS_PACKETS=9\n"
                         "CGACCT_EGRESS_BYTES=12482\n"
                         "CGACCT_EGRESS_PACKETS=12\n"
                         "CGACCT_DELTA_INGRESS_BYTES=9229\n"
                         "CGACCT_DELTA_INGRESS_PACKETS=9\n"
                         "CGACCT_DELTA_EGRESS_BYTES=12482\n"
                         "CGACCT_DELTA_EGRESS_PACKETS=12\n"
                         "CGACCT_INTERNET_INGRESS_BYTES=9229\n"
                         "CGACCT_INTERNET_INGRESS_PACKETS=9\n"
                         "CGACCT_INTERNET_EGRESS_BYTES=12482\n"
                         "CGACCT_INTERNET_EGRESS_PACKETS=12\n"
                         "CGACCT_LOOPBACK_INGRESS_BYTES=100\n"
                         "CGACCT_LOOPBACK_EGRESS_BYTES=200\n"
                         "CGACCT_FINAL=1\n"
                         "CGACCT_RUN_USEC=302000000\n"
                         "IP_METRIC_INGRESS_BYTES=1329\n"
                         "IP_METRIC_INGRESS_PACKETS=1\n"
                         "IP_METRIC_EGRESS_BYTES=3682\n"
                         "IP_METRIC_EGRESS_PACKETS=3\n"
                         "OBJECT_SYSTEMD_UNIT=nginx.service\n");
}

static void test_final_record_of_user_unit(void **state) {
        _cleanup_(log_record_freep) LogRecord *r = NULL;
        _cleanup_free_ char *message = NULL;
        Incarnation *i = start(*state, "/user.slice/user-1000.slice/user@1000.service/app.slice/app.service",
                        NOW - HOUR);

        sample(i, 100, 0);
        r = final_record(i, true, &message);

        assert_string_equal(message,
                        "app.service of user 1000: received 100B, sent 0B in its run of 5min 2s, "
                        "sockets still open (total 100B, 0B)");
        assert_fields(r,
                        "MESSAGE_ID=322ceb55b7ea442cb873666c024741fb\n"
                        "CGACCT_CGROUP=/user.slice/user-1000.slice/user@1000.service/app.slice/app.service\n"
                        "CGACCT_CGROUP_ID=100\n"
                        "CGACCT_UNIT=user@1000.service\n"
                        "CGACCT_SLICE=user-1000.slice\n"
                        "CGACCT_USER_UNIT=app.service\n"
                        "CGACCT_USER_SLICE=app.slice\n"
                        "CGACCT_OWNER_UID=1000\n"
                        "CGACCT_SINCE_USEC=1699996400000000\n"
                        "CGACCT_INTERVAL_USEC=3600000000\n"
                        "CGACCT_INGRESS_BYTES=100\n"
                        "CGACCT_INGRESS_PACKETS=0\n"
                        "CGACCT_EGRESS_BYTES=0\n"
                        "CGACCT_EGRESS_PACKETS=0\n"
                        "CGACCT_DELTA_INGRESS_BYTES=100\n"
                        "CGACCT_DELTA_INGRESS_PACKETS=0\n"
                        "CGACCT_DELTA_EGRESS_BYTES=0\n"
                        "CGACCT_DELTA_EGRESS_PACKETS=0\n"
                        "CGACCT_INTERNET_INGRESS_BYTES=100\n"
                        "CGACCT_LINGERING=1\n"
                        "CGACCT_RUN_USEC=302000000\n"
                        "IP_METRIC_INGRESS_BYTES=100\n"
                        "IP_METRIC_INGRESS_PACKETS=0\n"
                        "IP_METRIC_EGRESS_BYTES=0\n"
                        "IP_METRIC_EGRESS_PACKETS=0\n"
                        "OBJECT_SYSTEMD_USER_UNIT=app.service\n"
                        "OBJECT_SYSTEMD_OWNER_UID=1000\n");
}

/* A payload cannot write into another unit's log, nor break out of its line. */
static void test_final_record_of_payload(void **state) {
        _cleanup_(log_record_freep) LogRecord *r = NULL;
        _cleanup_free_ char *message = NULL;
        Incarnation *i = start(*state,
                        "/machine.slice/systemd-nspawn@deb.service/payload/ssh.service/a\nb\xff", NOW);

        sample(i, 0, 5);
        r = final_record(i, false, &message);

        assert_string_equal(message,
                        "/machine.slice/systemd-nspawn@deb.service/payload/ssh.service/a\\x0ab\\xff: received 0B, "
                        "sent 5B in its run of 5min 2s (total 0B, 5B)");
        assert_fields(r,
                        "MESSAGE_ID=322ceb55b7ea442cb873666c024741fb\n"
                        "CGACCT_CGROUP=/machine.slice/systemd-nspawn@deb.service/payload/ssh.service/a\\x0ab\\xff\n"
                        "CGACCT_CGROUP_ID=100\n"
                        "CGACCT_UNIT=systemd-nspawn@deb.service\n"
                        "CGACCT_SLICE=machine.slice\n"
                        "CGACCT_MACHINE=deb\n"
                        "CGACCT_SINCE_USEC=1700000000000000\n"
                        "CGACCT_INGRESS_BYTES=0\n"
                        "CGACCT_INGRESS_PACKETS=0\n"
                        "CGACCT_EGRESS_BYTES=5\n"
                        "CGACCT_EGRESS_PACKETS=0\n"
                        "CGACCT_DELTA_INGRESS_BYTES=0\n"
                        "CGACCT_DELTA_INGRESS_PACKETS=0\n"
                        "CGACCT_DELTA_EGRESS_BYTES=5\n"
                        "CGACCT_DELTA_EGRESS_PACKETS=0\n"
                        "CGACCT_INTERNET_EGRESS_BYTES=5\n"
                        "CGACCT_FINAL=1\n"
                        "CGACCT_RUN_USEC=302000000\n"
                        "IP_METRIC_INGRESS_BYTES=0\n"
                        "IP_METRIC_INGRESS_PACKETS=0\n"
                        "IP_METRIC_EGRESS_BYTES=5\n"
                        "IP_METRIC_EGRESS_PACKETS=0\n");
}

static void test_summary_record(void **state) {
        _cleanup_(log_record_freep) LogRecord *r = NULL;
        _cleanup_free_ char *message = NULL;
        Counters total = {};
        Figures figures;

        (void) state;

        total.classes[ACCT_LOCAL] = (struct acct_slot){.ingress_bytes = 3 * KIB, .egress_packets = 9};
        figures = figures_new(NOW - HOUR, &total, NOW - 900 * USEC_PER_SEC, &(Counters){}, NOW);
        assert_int_equal(summary_record_new(
                                         &(SummaryRecord){
                                                         .figures = &figures,
                                                         .troubles = &(Troubles){.n_not_attached = 2,
                                                                         .n_over_limit = 3,
                                                                         .n_unwatched = 4,
                                                                         .n_lost_records = 5},
                                                         .n_records = 1,
                                                         .n_cgroups = 143,
                                                         .n_finals_left_out = 6,
                                         },
                                         &r, &message),
                        0);

        assert_string_equal(message,
                        "1 record of 143 cgroups: received 3.0K, sent 0B in 15min (total 3.0K, 0B); "
                        "2 not attached; 3 over limit; 4 without watch; 5 records lost; 6 finals left out");
        assert_fields(r, "MESSAGE_ID=9dc57a17c7d54b1eb6e0b23d59a83b41\n"
                         "CGACCT_RECORDS=1\n"
                         "CGACCT_CGROUPS=143\n"
                         "CGACCT_SINCE_USEC=1699996400000000\n"
                         "CGACCT_INTERVAL_USEC=900000000\n"
                         "CGACCT_INGRESS_BYTES=3072\n"
                         "CGACCT_INGRESS_PACKETS=0\n"
                         "CGACCT_EGRESS_BYTES=0\n"
                         "CGACCT_EGRESS_PACKETS=9\n"
                         "CGACCT_DELTA_INGRESS_BYTES=3072\n"
                         "CGACCT_DELTA_INGRESS_PACKETS=0\n"
                         "CGACCT_DELTA_EGRESS_BYTES=0\n"
                         "CGACCT_DELTA_EGRESS_PACKETS=9\n"
                         "CGACCT_LOCAL_INGRESS_BYTES=3072\n"
                         "CGACCT_LOCAL_EGRESS_PACKETS=9\n"
                         "CGACCT_NOT_ATTACHED=2\n"
                         "CGACCT_OVER_LIMIT=3\n"
                         "CGACCT_UNWATCHED=4\n"
                         "CGACCT_RECORDS_LOST=5\n"
                         "CGACCT_FINALS_LEFT_OUT=6\n");
}

static void test_spans(void **state) {
        static const struct {
                usec_t span;
                const char *message;
        } cases[] = {
                        {HOUR - USEC_PER_SEC / 10, "host: received 5B, sent 0B in 1h (total 5B, 0B)"},
                        {HOUR + 5 * USEC_PER_SEC, "host: received 5B, sent 0B in 1h (total 5B, 0B)"},
                        {901 * USEC_PER_SEC, "host: received 5B, sent 0B in 15min (total 5B, 0B)"},
                        {10 * USEC_PER_MINUTE - 1, "host: received 5B, sent 0B in 10min (total 5B, 0B)"},
                        {62600 * USEC_PER_MSEC, "host: received 5B, sent 0B in 1min 3s (total 5B, 0B)"},
                        {250400, "host: received 5B, sent 0B in 250ms (total 5B, 0B)"},
                        {0, "host: received 5B, sent 0B (total 5B, 0B)"},
        };
        Fixture *f = *state;
        Incarnation *i = start(f, "/", NOW);
        Counters total = {};

        total.classes[ACCT_INTERNET].ingress_bytes = 5;
        for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
                Figures figures = figures_new(NOW, &total, NOW, &(Counters){}, NOW + cases[k].span);
                _cleanup_(log_record_freep) LogRecord *r = NULL;
                _cleanup_(unit_freep) Unit *unit = NULL;
                _cleanup_free_ char *message = NULL;
                TrafficRecord t = {.node = i->node, .figures = &figures};

                assert_int_equal(unit_from_path("/", &unit), 0);
                t.unit = unit;
                assert_int_equal(traffic_record_new(&t, &r, &message), 0);
                assert_string_equal(message, cases[k].message);
        }
}

static void test_which_move_enough(void **state) {
        Fixture *f = *state;
        Incarnation *root = start(f, "/", NOW), *a = start(f, "/a.service", NOW),
                    *b = start(f, "/b.service", NOW);

        (void) start(f, "/quiet.service", NOW);
        publish(f, NOW + HOUR);
        assert_string_equal(lines(f), "");

        sample(root, 2 * MIB, MIB);
        sample(a, MIB, 0);
        sample(b, MIB - 2, 1);
        publish(f, NOW + HOUR);
        assert_string_equal(lines(f),
                        "a.service: received 1.0M, sent 0B in 1h (total 1.0M, 0B)\n"
                        "host: received 2.0M, sent 1.0M in 1h (total 2.0M, 1.0M)\n"
                        "2 records of 4 cgroups: received 2.0M, sent 1.0M in 1h (total 2.0M, 1.0M)\n");

        /* nothing moved: nothing is said */
        publish(f, NOW + 2 * HOUR);
        assert_string_equal(lines(f), "");

        /* b since its start, a since its last record; the root's delta is too small, and told by the summary alone */
        sample(root, 2 * MIB + 1, MIB);
        sample(a, 3 * MIB, 512);
        sample(b, MIB - 2, 2);
        f->troubles.n_not_attached = 1;
        publish(f, NOW + 3 * HOUR);
        assert_string_equal(lines(f),
                        "a.service: received 2.0M, sent 512B in 2h (total 3.0M, 512B)\n"
                        "b.service: received 1023.9K, sent 2B in 3h (total 1023.9K, 2B)\n"
                        "2 records of 4 cgroups: received 1B, sent 0B in 2h (total 2.0M, 1.0M); 1 not attached\n");
}

static void test_loopback_counts_for_the_threshold(void **state) {
        Fixture *f = *state;

        (void) start(f, "/", NOW);
        sample_loopback(start(f, "/redis.service", NOW), MIB / 2, MIB / 2);
        publish(f, NOW + HOUR);
        assert_string_equal(lines(f),
                        "redis.service: received 0B, sent 0B in 1h (total 0B, 0B), loopback 512.0K, 512.0K\n"
                        "1 record of 2 cgroups: received 0B, sent 0B in 1h (total 0B, 0B)\n");
}

static void test_no_threshold_is_no_zeros(void **state) {
        Fixture *f = *state;

        f->config.journal_threshold = 0;
        (void) start(f, "/", NOW);
        (void) start(f, "/a.service", NOW);
        sample(start(f, "/b.service", NOW), 0, 1);
        publish(f, NOW + HOUR);
        assert_string_equal(lines(f), "b.service: received 0B, sent 1B in 1h (total 0B, 1B)\n"
                                      "1 record of 3 cgroups: received 0B, sent 0B in 1h (total 0B, 0B)\n");
}

static void test_which_records(void **state) {
        Fixture *f = *state;
        Incarnation *i;

        sample(start(f, "/", NOW), MIB, 0);
        sample(start(f, "/a.slice", NOW), MIB, 0);
        sample(start(f, "/a.slice/a.service", NOW), MIB, 0);
        i = start(f, "/a.slice/a.service/payload", NOW);
        sample(i, MIB, 0);

        f->config.journal_records = JOURNAL_RECORDS_NONE;
        publish(f, NOW + HOUR);
        publish_final(f->publisher, i, false, NOW + HOUR);
        assert_string_equal(lines(f), "");

        f->config.journal_records = JOURNAL_RECORDS_UNITS;
        publish_final(f->publisher, i, false, NOW + HOUR);
        publish(f, NOW + HOUR);
        assert_string_equal(lines(f),
                        "a.service: received 1.0M, sent 0B in 1h (total 1.0M, 0B)\n"
                        "a.slice: received 1.0M, sent 0B in 1h (total 1.0M, 0B)\n"
                        "host: received 1.0M, sent 0B in 1h (total 1.0M, 0B)\n"
                        "3 records of 4 cgroups: received 1.0M, sent 0B in 1h (total 1.0M, 0B)\n");

        f->config.journal_records = JOURNAL_RECORDS_ALL;
        publish(f, NOW + 2 * HOUR);
        assert_string_equal(lines(f),
                        "/a.slice/a.service/payload: received 1.0M, sent 0B in 2h (total 1.0M, 0B)\n"
                        "1 record of 4 cgroups: received 0B, sent 0B in 1h (total 1.0M, 0B)\n");
}

static void test_final(void **state) {
        Fixture *f = *state;
        Incarnation *i = start(f, "/a.service", NOW);

        /* too little; a second run makes it enough, and tells of itself alone */
        sample(i, MIB - 1, 0);
        publish_final(f->publisher, i, false, NOW + HOUR);
        ledger_finish(f->ledger, i);
        assert_string_equal(lines(f), "");

        i = start(f, "/a.service", NOW + HOUR);
        sample(i, 1, 0);
        i->removed_usec = now_usec(CLOCK_BOOTTIME); /* just now: the run was until now */
        publish_final(f->publisher, i, false, NOW + 2 * HOUR);
        assert_string_equal(lines(f), "a.service: received 1B, sent 0B in its run of 1h (total 1.0M, 0B)\n");
        assert_int_equal(i->node->published_usec, NOW + 2 * HOUR);
        assert_int_equal(i->node->published.classes[ACCT_INTERNET].ingress_bytes, MIB);
        ledger_finish(f->ledger, i);

        publish(f, NOW + 3 * HOUR);
        assert_string_equal(lines(f), "");
}

/* A unit that stops right after a periodic record still has the total of its run in its own log. */
static void test_final_after_periodic(void **state) {
        Fixture *f = *state;
        Incarnation *i = start(f, "/a.service", NOW);

        sample(i, 2 * MIB, 0);
        publish(f, NOW + HOUR);
        (void) lines(f);

        i->removed_usec = now_usec(CLOCK_BOOTTIME);
        publish_final(f->publisher, i, false, NOW + HOUR);
        assert_string_equal(
                        lines(f), "a.service: received 2.0M, sent 0B in its run of 1h (total 2.0M, 0B)\n");
}

static void test_run_ends_at_removal(void **state) {
        usec_t boottime = now_usec(CLOCK_BOOTTIME), ago = 30 * USEC_PER_SEC;
        Fixture *f = *state;
        Incarnation *i = start(f, "/a.service", NOW);

        assert_true(boottime > ago);
        sample(i, MIB, 0);
        i->removed_usec = boottime - ago;
        publish_final(f->publisher, i, false, NOW + 20 * USEC_PER_MINUTE + 50 * USEC_PER_SEC);
        assert_string_equal(lines(f),
                        "a.service: received 1.0M, sent 0B in its run of 20min (total 1.0M, 0B)\n");
}

static void test_final_once(void **state) {
        Fixture *f = *state;
        Incarnation *i = start(f, "/a.service", NOW);

        publish_final(f->publisher, i, true, NOW + HOUR);
        assert_string_equal(lines(f), "");

        sample(i, MIB, 0);
        publish_final(f->publisher, i, true, NOW + HOUR);
        assert_string_equal(lines(f),
                        "a.service: received 1.0M, sent 0B in its run of 1h, sockets still open (total 1.0M, 0B)\n");

        /* what comes later is for the path's next record */
        sample(i, 5 * MIB, 0);
        publish_final(f->publisher, i, false, NOW + 2 * HOUR);
        assert_string_equal(lines(f), "");
        ledger_finish(f->ledger, i);
        (void) start(f, "/", NOW);
        publish(f, NOW + 3 * HOUR);
        assert_string_equal(lines(f), "a.service: received 4.0M, sent 0B in 2h (total 5.0M, 0B)\n"
                                      "1 record of 1 cgroup: received 0B, sent 0B in 3h (total 0B, 0B)\n");
}

/* Returns how many of n one-run cgroups below the unit got a final record. */
static unsigned count_finals(Fixture *f, const char *unit, unsigned n, usec_t when) {
        unsigned written = 0;

        for (unsigned k = 0; k < n; k++) {
                char path[256];
                Incarnation *i;

                (void) snprintf(path, sizeof(path), "%s/%u", unit, k);
                i = start(f, path, when);
                sample(i, (k + 1) * MIB, 0);
                i->node->published = (Counters){}; /* as if it had a new path each time */
                publish_final(f->publisher, i, false, when);
                ledger_finish(f->ledger, i);
                written += lines(f)[0] != '\0';
        }

        return written;
}

static void test_finals_are_limited(void **state) {
        Fixture *f = *state;
        Incarnation *root = start(f, "/", NOW);

        f->config.journal_records = JOURNAL_RECORDS_ALL;
        assert_int_equal(count_finals(f, "/a.slice/a.service", 999, NOW), 999);
        assert_int_equal(count_finals(f, "/a.slice/a.service", 21, NOW), 1);
        assert_int_equal(count_finals(f, "/a.slice/b.service", 5, NOW), 5);

        f->config.journal_records = JOURNAL_RECORDS_UNITS;
        sample(root, MIB, 0);
        publish(f, NOW + HOUR);
        assert_string_equal(lines(f),
                        "host: received 1.0M, sent 0B in 1h (total 1.0M, 0B)\n"
                        "1 record of 1 cgroup: received 1.0M, sent 0B in 1h (total 1.0M, 0B); 20 finals left out\n");

        /* a new interval, and it was told */
        f->config.journal_records = JOURNAL_RECORDS_ALL;
        assert_int_equal(count_finals(f, "/a.slice/a.service", 3, NOW), 3);
        f->config.journal_records = JOURNAL_RECORDS_UNITS;
        sample(root, 2 * MIB, 0);
        publish(f, NOW + 2 * HOUR);
        assert_string_equal(lines(f),
                        "host: received 1.0M, sent 0B in 1h (total 2.0M, 0B)\n"
                        "1 record of 1 cgroup: received 1.0M, sent 0B in 1h (total 2.0M, 0B)\n");
}

static void test_finals_are_limited_without_publications(void **state) {
        Fixture *f = *state;
        Incarnation *i;

        f->config.journal_interval_usec = USEC_INFINITY;
        f->config.journal_records = JOURNAL_RECORDS_ALL;
        assert_int_equal(count_finals(f, "/a.service", 1002, NOW), 1000);

        i = start(f, "/a.service", NOW + HOUR);
        sample(i, MIB, 0);
        publish_final(f->publisher, i, false, NOW + HOUR);
        assert_string_equal(lines(f),
                        "Final records left out, of units with more than 1000 within an hour: 2\n"
                        "a.service: received 1.0M, sent 0B in its run of 0 (total 1.0M, 0B)\n");
}

typedef struct Blocker {
        Job job;
        int started_fd, unblock_fd;
} Blocker;

static void blocker_run(Job *j) {
        Blocker *b = (Blocker *) j;
        char c;

        if (write(b->started_fd, "s", 1) != 1 || read(b->unblock_fd, &c, 1) != 0)
                abort();
}

static void blocker_free(Job *j) {
        Blocker *b = (Blocker *) j;

        (void) close(b->started_fd);
        (void) close(b->unblock_fd);
        free(b);
}

/* Makes the worker hang in a job; returns the descriptor that, when closed, lets it go on. */
static int block(Worker *w) {
        Blocker *b = calloc(1, sizeof(*b));
        int started[2], unblock[2];
        char c;

        assert_non_null(b);
        assert_int_equal(pipe2(started, O_CLOEXEC), 0);
        assert_int_equal(pipe2(unblock, O_CLOEXEC), 0);
        *b = (Blocker){{.run = blocker_run, .free = blocker_free}, started[1], unblock[0]};
        assert_int_equal(worker_submit(w, &b->job), 0);
        assert_int_equal(read(started[0], &c, 1), 1);
        (void) close(started[0]);
        return unblock[1];
}

/* stderr is journald's, which is stuck: the newest record of each cgroup waits, and what is lost stays unpublished. */
static void test_stuck_journal(void **state) {
        Fixture *f = *state;
        Incarnation *root = start(f, "/", NOW), *a = start(f, "/a.service", NOW), *b;
        Worker *w = NULL;
        char stream[64];
        struct stat st;
        int unblock;

        assert_int_equal(fstat(STDERR_FILENO, &st), 0);
        (void) snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long) st.st_dev,
                        (unsigned long) st.st_ino);
        assert_int_equal(worker_new(3, &w), 0);
        log_open_at(stream, "/nonexistent/socket");
        log_set_worker(w);
        unblock = block(w);

        sample(root, MIB, 0);
        sample(a, MIB, 0);
        publish(f, NOW + HOUR);
        sample(root, 3 * MIB, 0);
        sample(a, 3 * MIB, 0);
        publish(f, NOW + 2 * HOUR);
        assert_int_equal(worker_n_waiting(w), 3);
        assert_int_equal(worker_n_dropped(w), 0);

        b = start(f, "/b.service", NOW);
        sample(b, MIB, 0);
        publish_final(f->publisher, b, false, NOW + 2 * HOUR);
        assert_int_equal(worker_n_dropped(w), 1);
        assert_int_equal(b->node->published_usec, 0);

        (void) close(unblock);
        worker_stop(w, 10 * USEC_PER_SEC);
        log_set_worker(NULL);
        log_open_at(NULL, "/nonexistent/socket");
        assert_string_equal(lines(f),
                        "<6>a.service: received 2.0M, sent 0B in 1h (total 3.0M, 0B)\n"
                        "<6>host: received 2.0M, sent 0B in 1h (total 3.0M, 0B)\n"
                        "<6>2 records of 2 cgroups: received 2.0M, sent 0B in 1h (total 3.0M, 0B)\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_status),
                        TEST(test_periodic_record),
                        TEST(test_record_of_root),
                        TEST(test_final_record),
                        TEST(test_final_record_of_user_unit),
                        TEST(test_final_record_of_payload),
                        cmocka_unit_test(test_summary_record),
                        TEST(test_spans),
                        TEST(test_which_move_enough),
                        TEST(test_loopback_counts_for_the_threshold),
                        TEST(test_no_threshold_is_no_zeros),
                        TEST(test_which_records),
                        TEST(test_final),
                        TEST(test_final_after_periodic),
                        TEST(test_run_ends_at_removal),
                        TEST(test_final_once),
                        TEST(test_finals_are_limited),
                        TEST(test_finals_are_limited_without_publications),
                        TEST(test_stuck_journal),
        };

        return RUN_TESTS(tests);
}
