/* SPDX-License-Identifier: LGPL-2.1-or-later */

#define HASH_NONFATAL_OOM 1 /* before uthash.h: what could not be added has no hh.tbl */

#include <assert.h>
#include <inttypes.h>
#include <uthash.h>

#include "publish-record.h"

/* Whoever may make cgroups may also end them, by the thousand: no delegated subtree writes more final records than
 * this in one journal interval. */
#define FINALS_PER_SUBTREE_MAX 1000

/* Subtrees told apart in one interval; those beyond share one count. */
#define SUBTREES_MAX 4096

/* Where there is no journal interval. */
#define FINALS_INTERVAL_USEC USEC_PER_HOUR

/* No cgroup's record has it: those have their node's address. */
#define SUMMARY_KEY UINT64_MAX

typedef struct FinalsCount {
        unsigned n;
        UT_hash_handle hh;
        char path[]; /* of the subtree's top */
} FinalsCount;

struct Publisher {
        const Config *config;

        FinalsCount *finals;
        unsigned n_finals_shared; /* of subtrees that have no count of their own */
        uint64_t n_finals_left_out; /* since it was told last */
        usec_t finals_since_usec; /* CLOCK_REALTIME */

        Counters summary_total; /* as of the last summary */
        usec_t summary_usec;
};

int publisher_new(Publisher **ret) {
        Publisher *p;

        assert(ret);

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;

        *ret = p;
        return 0;
}

static void finals_clear(Publisher *p, usec_t now) {
        FinalsCount *f, *tmp;

        HASH_ITER(hh, p->finals, f, tmp) {
                HASH_DEL(p->finals, f);
                free(f);
        }

        p->n_finals_shared = 0;
        p->finals_since_usec = now;
}

Publisher *publisher_free(Publisher *p) {
        if (!p)
                return NULL;

        finals_clear(p, 0);
        free(p);
        return NULL;
}

void publisher_set_config(Publisher *p, const Config *c) {
        assert(p);
        assert(c);

        p->config = c;
}

/* The count of the subtree that the path lies in. */
static unsigned *finals_count(Publisher *p, const char *path) {
        size_t n = unit_subtree_length(path);
        FinalsCount *f;

        if (n == 0) /* a slice */
                return &p->n_finals_shared;

        HASH_FIND(hh, p->finals, path, n, f);
        if (f)
                return &f->n;
        if (HASH_COUNT(p->finals) >= SUBTREES_MAX)
                return &p->n_finals_shared;

        f = calloc(1, sizeof(*f) + n + 1);
        if (!f)
                return &p->n_finals_shared;

        memcpy(f->path, path, n);
        HASH_ADD_KEYPTR(hh, p->finals, f->path, n, f);
        if (!f->hh.tbl) {
                free(f);
                return &p->n_finals_shared;
        }
        return &f->n;
}

/* Without publications, nothing else would begin a new interval, nor tell what was left out of the last one. */
static void finals_check_interval(Publisher *p, usec_t now) {
        if (p->config->journal_interval_usec != USEC_INFINITY ||
                        (now >= p->finals_since_usec && now - p->finals_since_usec < FINALS_INTERVAL_USEC))
                return;

        if (p->n_finals_left_out > 0)
                log_warning("Final records left out, of units with more than %d within an hour: %" PRIu64,
                                FINALS_PER_SUBTREE_MAX, p->n_finals_left_out);
        p->n_finals_left_out = 0;
        finals_clear(p, now);
}

static bool finals_admit(Publisher *p, const char *path, usec_t now) {
        unsigned *n;

        finals_check_interval(p, now);

        n = finals_count(p, path);
        if (*n >= FINALS_PER_SUBTREE_MAX) {
                p->n_finals_left_out++;
                return false;
        }

        (*n)++;
        return true;
}

static bool is_wanted(const Publisher *p, const LedgerNode *n, const Unit *u) {
        switch (p->config->journal_records) {
        case JOURNAL_RECORDS_ALL:
                return true;
        case JOURNAL_RECORDS_UNITS:
                return u->is_self || !n->parent;
        default:
                return false;
        }
}

static bool is_enough(const Publisher *p, uint64_t moved) {
        return moved > 0 && moved >= p->config->journal_threshold;
}

static bool moved_enough(const Publisher *p, const Figures *f) {
        return is_enough(p, figures_moved(f));
}

/* Whatever its periodic records told: a unit's own log is to have the total of its run. */
static bool run_moved_enough(const Publisher *p, const Incarnation *i) {
        struct acct_slot s = counters_sum(&i->sample, COUNTERS_ALL);

        return is_enough(p, s.ingress_bytes + s.egress_bytes);
}

static Figures node_figures(const LedgerNode *n, const Counters *total, usec_t now) {
        return figures_new(n->since_usec, total, n->published_usec, &n->published, now);
}

/* Only what was handed on is marked as published: what could not be is in the next record's delta. */
static bool send_record(const TrafficRecord *t, LedgerNode *n, uint64_t key, usec_t now) {
        _cleanup_free_ char *message = NULL;
        LogRecord *record;

        if (traffic_record_new(t, &record, &message) < 0) {
                (void) log_oom();
                return false;
        }

        if (log_record_send(record, key, "%s", message) < 0)
                return false; /* told as a lost record */

        n->published = t->figures->total;
        n->published_usec = now;
        return true;
}

static bool publish_node(Publisher *p, const SnapshotEntry *e, usec_t now) {
        Figures figures = node_figures(e->node, &e->total, now);
        _cleanup_(unit_freep) Unit *unit = NULL;
        TrafficRecord t = {.node = e->node, .figures = &figures};

        if (!moved_enough(p, &figures))
                return false;

        if (unit_from_path(e->node->path, &unit) < 0) {
                (void) log_oom();
                return false;
        }

        t.unit = unit;
        return is_wanted(p, e->node, unit) && send_record(&t, e->node, (uintptr_t) e->node, now);
}

static void publish_summary(Publisher *p, const SummaryRecord *s, usec_t now) {
        _cleanup_free_ char *message = NULL;
        LogRecord *record;

        if (summary_record_new(s, &record, &message) < 0) {
                (void) log_oom();
                return;
        }

        if (log_record_send(record, SUMMARY_KEY, "%s", message) < 0)
                return;

        p->summary_total = s->figures->total;
        p->summary_usec = now;
        p->n_finals_left_out = 0;
}

void publish_traffic(Publisher *p, const Snapshot *s, const Troubles *troubles, usec_t now) {
        size_t n_records = 0, n_live = 0;
        const SnapshotEntry *root;

        assert(p && p->config);
        assert(s);
        assert(troubles);

        if (p->config->journal_records == JOURNAL_RECORDS_NONE)
                return;

        for (size_t i = 0; i < s->n_entries; i++) {
                if (publish_node(p, s->entries + i, now))
                        n_records++;
                if (s->entries[i].node->live)
                        n_live++;
        }

        finals_clear(p, now);

        /* the root comes last, and moves whenever anything does */
        root = s->n_entries > 0 ? s->entries + s->n_entries - 1 : NULL;
        if (n_records > 0 && !root->node->parent) {
                Figures figures = figures_new(root->node->since_usec, &root->total, p->summary_usec,
                                &p->summary_total, now);
                SummaryRecord summary = {
                                .figures = &figures,
                                .troubles = troubles,
                                .n_records = n_records,
                                .n_cgroups = n_live,
                                .n_finals_left_out = p->n_finals_left_out,
                };

                publish_summary(p, &summary, now);
        }
}

/* removed_usec is of CLOCK_BOOTTIME, as the wall clock may be set meanwhile. */
static usec_t run_usec(const Incarnation *i, usec_t now) {
        usec_t boottime = now_usec(CLOCK_BOOTTIME), gone = 0, end;

        if (i->removed_usec > 0 && boottime > i->removed_usec)
                gone = boottime - i->removed_usec;

        end = now > gone ? now - gone : 0;
        return end > i->started_usec ? end - i->started_usec : 0;
}

void publish_final(Publisher *p, Incarnation *i, bool lingering, usec_t now) {
        _cleanup_(unit_freep) Unit *unit = NULL;
        Counters total;
        Figures figures;
        TrafficRecord t;

        assert(p && p->config);
        assert(i && i->node);

        total = ledger_total(i->node);
        figures = node_figures(i->node, &total, now);
        if (i->final_published || (!moved_enough(p, &figures) && !run_moved_enough(p, i)))
                return;

        if (unit_from_path(i->node->path, &unit) < 0) {
                (void) log_oom();
                return;
        }

        if (!is_wanted(p, i->node, unit))
                return;

        if (!finals_admit(p, i->node->path, now)) {
                i->final_published = true; /* counted once, too */
                return;
        }

        t = (TrafficRecord){
                        .node = i->node,
                        .unit = unit,
                        .figures = &figures,
                        .run = i,
                        .run_usec = run_usec(i, now),
                        .lingering = lingering,
        };
        i->final_published = send_record(&t, i->node, 0, now);
}
