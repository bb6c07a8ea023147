/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "format.h"
#include "message-ids.h"
#include "publish-record.h"

Figures figures_new(usec_t since_usec, const Counters *total, usec_t last_usec, const Counters *last,
                usec_t now) {
        usec_t from = last_usec > 0 ? last_usec : since_usec;
        Figures f = {
                        .total = *total,
                        .delta = *total,
                        .since_usec = since_usec,
                        .interval_usec = now > from ? now - from : 0,
        };

        counters_sub(&f.delta, last);
        return f;
}

uint64_t figures_moved(const Figures *f) {
        struct acct_slot s = counters_sum(&f->delta, COUNTERS_ALL);

        return s.ingress_bytes + s.egress_bytes;
}

/* Nobody reads seconds behind hours, and the clock's jitter is no information: "1h", not "59min 59s". */
static const char *format_rounded(usec_t span, char buf[static FORMAT_MAX]) {
        usec_t unit = 1;

        if (span >= 10 * USEC_PER_MINUTE - USEC_PER_SEC / 2)
                unit = USEC_PER_MINUTE;
        else if (span >= USEC_PER_SEC)
                unit = USEC_PER_SEC;
        else if (span >= USEC_PER_MSEC)
                unit = USEC_PER_MSEC;

        return format_timespan((span + unit / 2) / unit * unit, buf);
}

/* The name people know it by. NULL: out of memory. */
static char *display_name(const LedgerNode *n, const Unit *u) {
        const char *name = unit_name(u);
        char *s;

        if (strcmp(n->path, "/") == 0)
                return strdup("host");
        if (!name)
                return format_escape(n->path);
        if (!u->user_unit)
                return strdup(name);

        return asprintf(&s, "%s of user %u", name, (unsigned) u->owner_uid) < 0 ? NULL : s;
}

static void add_usec(LogRecord *r, const char *field, usec_t usec) {
        log_record_add(r, field, "%" PRIu64, usec);
}

static void add_figure(LogRecord *r, const char *prefix, const char *figure, uint64_t value) {
        char field[64]; /* as long as a field's name may be */

        (void) snprintf(field, sizeof(field), "%s%s", prefix, figure);
        log_record_add(r, field, "%" PRIu64, value);
}

static void add_slot(LogRecord *r, const char *prefix, const struct acct_slot *s, bool zeros) {
        const struct {
                const char *name;
                uint64_t value;
        } figures[] = {
                        {"INGRESS_BYTES", s->ingress_bytes},
                        {"INGRESS_PACKETS", s->ingress_packets},
                        {"EGRESS_BYTES", s->egress_bytes},
                        {"EGRESS_PACKETS", s->egress_packets},
        };

        for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
                if (zeros || figures[i].value > 0)
                        add_figure(r, prefix, figures[i].name, figures[i].value);
}

static void add_class(LogRecord *r, enum acct_class class, const struct acct_slot *s) {
        char prefix[32];

        (void) snprintf(prefix, sizeof(prefix), "CGACCT_%s_", acct_class_to_string(class));
        for (char *p = prefix; *p; p++)
                *p = (char) toupper((unsigned char) *p);

        add_slot(r, prefix, s, /* zeros= */ false);
}

static void add_figures(LogRecord *r, const Figures *f) {
        struct acct_slot total = counters_sum(&f->total, COUNTERS_EXTERNAL);
        struct acct_slot delta = counters_sum(&f->delta, COUNTERS_EXTERNAL);

        add_usec(r, "CGACCT_SINCE_USEC", f->since_usec);
        if (f->interval_usec > 0)
                add_usec(r, "CGACCT_INTERVAL_USEC", f->interval_usec);

        add_slot(r, "CGACCT_", &total, /* zeros= */ true);
        add_slot(r, "CGACCT_DELTA_", &delta, /* zeros= */ true);
        for (enum acct_class c = 0; c < _ACCT_CLASS_MAX; c++)
                add_class(r, c, &f->total.classes[c]);
}

static void add_string(LogRecord *r, const char *field, const char *value) {
        if (value)
                log_record_add(r, field, "%s", value);
}

static int add_cgroup(LogRecord *r, const TrafficRecord *t) {
        _cleanup_free_ char *path = NULL;
        const Incarnation *i = t->run;
        const Unit *u = t->unit;

        path = format_escape(t->node->path);
        if (!path)
                return -ENOMEM;
        add_string(r, "CGACCT_CGROUP", path);

        if (!i && t->node->live)
                i = t->node->live->prev; /* the list's last, which is its newest */
        if (i)
                add_figure(r, "CGACCT_", "CGROUP_ID", i->id);

        add_string(r, "CGACCT_UNIT", u->unit);
        if (t->node->parent)
                add_string(r, "CGACCT_SLICE", u->slice);
        add_string(r, "CGACCT_USER_UNIT", u->user_unit);
        add_string(r, "CGACCT_USER_SLICE", u->user_slice);
        if (u->owner_uid != (uid_t) -1)
                add_figure(r, "CGACCT_", "OWNER_UID", u->owner_uid);
        add_string(r, "CGACCT_MACHINE", u->machine);
        return 0;
}

/* `journalctl -u` and `--user-unit` look for these in what root wrote (systemd: add_matches_for_unit() in
 * src/shared/logs-show.c), and IP_METRIC_ is what systemd calls its own figures of a unit that stopped. */
static void add_run(LogRecord *r, const TrafficRecord *t) {
        struct acct_slot all = counters_sum(&t->run->sample, COUNTERS_ALL);

        log_record_add(r, t->lingering ? "CGACCT_LINGERING" : "CGACCT_FINAL", "1");
        add_usec(r, "CGACCT_RUN_USEC", t->run_usec);
        add_slot(r, "IP_METRIC_", &all, /* zeros= */ true);

        if (!t->unit->is_self)
                return;
        if (!t->unit->user_unit) {
                add_string(r, "OBJECT_SYSTEMD_UNIT", t->unit->unit);
                return;
        }
        add_string(r, "OBJECT_SYSTEMD_USER_UNIT", t->unit->user_unit);
        add_figure(r, "OBJECT_SYSTEMD_", "OWNER_UID", t->unit->owner_uid);
}

/* " in 1h", or nothing where it is not known. */
static const char *format_interval(usec_t interval_usec, char buf[static FORMAT_MAX]) {
        char span[FORMAT_MAX];

        buf[0] = '\0';
        if (interval_usec > 0)
                (void) snprintf(buf, FORMAT_MAX, " in %.*s", FORMAT_MAX - 5,
                                format_rounded(interval_usec, span));
        return buf;
}

/* name: received R, sent S<when> (total R, S), loopback R, S */
static char *format_traffic(
                const char *name, const Counters *moved, const char *when, const Counters *total) {
        struct acct_slot m = counters_sum(moved, COUNTERS_EXTERNAL),
                         t = counters_sum(total, COUNTERS_EXTERNAL);
        const struct acct_slot *l = &moved->classes[ACCT_LOOPBACK];
        char b[6][FORMAT_MAX], loopback[2 * FORMAT_MAX + 16] = "", *s;

        if (l->ingress_bytes > 0 || l->egress_bytes > 0)
                (void) snprintf(loopback, sizeof(loopback), ", loopback %s, %s",
                                format_bytes(l->ingress_bytes, b[4]), format_bytes(l->egress_bytes, b[5]));

        if (asprintf(&s, "%s: received %s, sent %s%s (total %s, %s)%s", name,
                            format_bytes(m.ingress_bytes, b[0]), format_bytes(m.egress_bytes, b[1]), when,
                            format_bytes(t.ingress_bytes, b[2]), format_bytes(t.egress_bytes, b[3]),
                            loopback) < 0)
                return NULL;
        return s;
}

static char *format_message(const TrafficRecord *t) {
        char when[FORMAT_MAX + 64], span[FORMAT_MAX];
        _cleanup_free_ char *name = NULL;

        name = display_name(t->node, t->unit);
        if (!name)
                return NULL;

        if (!t->run)
                return format_traffic(name, &t->figures->delta,
                                format_interval(t->figures->interval_usec, span), &t->figures->total);

        (void) snprintf(when, sizeof(when), " in its run of %s%s", format_rounded(t->run_usec, span),
                        t->lingering ? ", sockets still open" : "");
        return format_traffic(name, &t->run->sample, when, &t->figures->total);
}

int traffic_record_new(const TrafficRecord *t, LogRecord **ret, char **ret_message) {
        _cleanup_(log_record_freep) LogRecord *r = NULL;
        _cleanup_free_ char *message = NULL;
        int k;

        assert(t && t->node && t->unit && t->figures);
        assert(ret);
        assert(ret_message);

        message = format_message(t);
        if (!message)
                return -ENOMEM;

        r = log_record_new(LOG_INFO, t->run ? MESSAGE_ID_FINAL : MESSAGE_ID_TRAFFIC);
        if (!r)
                return -ENOMEM;

        k = add_cgroup(r, t);
        if (k < 0)
                return k;
        add_figures(r, t->figures);
        if (t->run)
                add_run(r, t);

        *ret = TAKE_PTR(r);
        *ret_message = TAKE_PTR(message);
        return 0;
}

static size_t put_trouble(char *buf, size_t n, size_t size, uint64_t count, const char *what) {
        int k;

        if (count == 0)
                return n;

        k = snprintf(buf + n, size - n, "; %" PRIu64 " %s", count, what);
        return n + (size_t) k < size ? n + (size_t) k : size - 1;
}

static size_t put_troubles(char *buf, size_t n, size_t size, const Troubles *t) {
        n = put_trouble(buf, n, size, t->n_not_attached, "not attached");
        n = put_trouble(buf, n, size, t->n_over_limit, "over limit");
        n = put_trouble(buf, n, size, t->n_unwatched, "without watch");
        return put_trouble(buf, n, size, t->n_lost_records,
                        t->n_lost_records == 1 ? "record lost" : "records lost");
}

const char *publish_format_status(size_t n_cgroups, const Counters *total, const Troubles *troubles,
                char buf[static STATUS_MAX]) {
        struct acct_slot s = counters_sum(total, COUNTERS_EXTERNAL);
        char received[FORMAT_MAX], sent[FORMAT_MAX];
        int n;

        assert(total);
        assert(troubles);

        n = snprintf(buf, STATUS_MAX, "Accounting %zu cgroup%s: received %s, sent %s", n_cgroups,
                        n_cgroups == 1 ? "" : "s", format_bytes(s.ingress_bytes, received),
                        format_bytes(s.egress_bytes, sent));
        (void) put_troubles(buf, (size_t) n, STATUS_MAX, troubles);
        return buf;
}

static char *format_summary(const SummaryRecord *s) {
        char name[96], when[FORMAT_MAX], troubles[STATUS_MAX] = "", *m;
        _cleanup_free_ char *traffic = NULL;
        size_t n;

        (void) snprintf(name, sizeof(name), "%zu record%s of %zu cgroup%s", s->n_records,
                        s->n_records == 1 ? "" : "s", s->n_cgroups, s->n_cgroups == 1 ? "" : "s");
        traffic = format_traffic(name, &s->figures->delta, format_interval(s->figures->interval_usec, when),
                        &s->figures->total);
        if (!traffic)
                return NULL;

        n = put_troubles(troubles, 0, sizeof(troubles), s->troubles);
        (void) put_trouble(troubles, n, sizeof(troubles), s->n_finals_left_out,
                        s->n_finals_left_out == 1 ? "final left out" : "finals left out");

        return asprintf(&m, "%s%s", traffic, troubles) < 0 ? NULL : m;
}

static void add_trouble(LogRecord *r, const char *field, uint64_t count) {
        if (count > 0)
                add_figure(r, "CGACCT_", field, count);
}

int summary_record_new(const SummaryRecord *s, LogRecord **ret, char **ret_message) {
        _cleanup_(log_record_freep) LogRecord *r = NULL;
        _cleanup_free_ char *message = NULL;

        assert(s && s->figures && s->troubles);
        assert(ret);
        assert(ret_message);

        message = format_summary(s);
        if (!message)
                return -ENOMEM;

        r = log_record_new(LOG_INFO, MESSAGE_ID_SUMMARY);
        if (!r)
                return -ENOMEM;

        add_figure(r, "CGACCT_", "RECORDS", s->n_records);
        add_figure(r, "CGACCT_", "CGROUPS", s->n_cgroups);
        add_figures(r, s->figures);
        add_trouble(r, "NOT_ATTACHED", s->troubles->n_not_attached);
        add_trouble(r, "OVER_LIMIT", s->troubles->n_over_limit);
        add_trouble(r, "UNWATCHED", s->troubles->n_unwatched);
        add_trouble(r, "RECORDS_LOST", s->troubles->n_lost_records);
        add_trouble(r, "FINALS_LEFT_OUT", s->n_finals_left_out);

        *ret = TAKE_PTR(r);
        *ret_message = TAKE_PTR(message);
        return 0;
}
