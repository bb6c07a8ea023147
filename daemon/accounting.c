/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <utlist.h>

#include "accounting.h"
#include "attachment.h"
#include "format.h"
#include "host.h"
#include "limit.h"
#include "lingering.h"
#include "log.h"
#include "message-ids.h"
#include "reader.h"

struct Accounting {
        AccountingContext context;
        const Config *config;

        Program *program;
        Reader *reader;
        CgroupTree *tree;
        Ledger *ledger;
        Lingering *lingering;
        Limits *limits;

        size_t n_attached; /* counts, or lingers */
        size_t n_not_attached; /* followed, but the attach failed */
        bool reconsidering; /* every cgroup is offered again */
        Cgroup *refused; /* then: the one whose subtree is being removed, as it was refused */
        bool said_unwatched;
};

static void accounting_sample(Accounting *a, Incarnation *i) {
        Counters sample;

        /* What cannot be read keeps its last sample: the next read makes up for it, and if there is none, the
         * storage is gone and its last sample is what there is. */
        if (reader_read(a->reader, i->id, &sample) == 0)
                ledger_sample(i, &sample);
}

/* The last of an incarnation: its record, and its links. */
static void accounting_finish(Accounting *a, Incarnation *i) {
        int r;

        r = attachment_remove(a->context.pin_dir_fd, i->id);
        if (r < 0)
                log_warning_errno(r, "Cannot remove the pins of cgroup %" PRIu64, i->id);

        publish_final(a->context.publisher, i, false, now_usec(CLOCK_REALTIME));
        ledger_finish(a->ledger, i);
        a->n_attached--;
}

static void on_lingering_gone(Incarnation *i, void *userdata) {
        accounting_finish(userdata, i);
}

static void on_lingering_timeout(Incarnation *i, void *userdata) {
        Accounting *a = userdata;

        publish_final(a->context.publisher, i, true, now_usec(CLOCK_REALTIME));
}

static const char *attach_error_text(int error) {
        switch (error) {
        case -EPERM:
                return "a program that allows no others (without BPF_F_ALLOW_MULTI) is attached to it or above it, "
                       "or a capability is missing";
        case -E2BIG:
                return "the kernel's maximum of 64 programs is attached to it already";
        default:
                return strerror(-error);
        }
}

/* Says it once for a cgroup, and not at all for those below one that failed likewise. */
static CgroupVerdict accounting_attach_failed(Accounting *a, Cgroup *c, const char *path, int error) {
        _cleanup_free_ char *escaped = NULL;
        LogRecord *record;

        if (c->retry)
                return CGROUP_RETRY;

        a->n_not_attached++;

        escaped = format_escape(path);
        if (!escaped || (c->parent && c->parent->retry))
                return CGROUP_RETRY;

        record = log_record_new(LOG_WARNING, MESSAGE_ID_ATTACH_FAILED);
        log_record_add(record, "CGACCT_CGROUP", "%s", escaped);
        log_record_add(record, "CGACCT_CGROUP_ID", "%" PRIu64, c->id);
        log_record_add(record, "ERRNO", "%d", -error);
        (void) log_record_send(record, 0, /* a lost one is counted by the worker */
                        "Cannot attach to cgroup %s: %s. Its ancestor counts for it; trying again at intervals.",
                        escaped, attach_error_text(error));
        return CGROUP_RETRY;
}

static uint64_t limit_value(const Config *config, Limit limit) {
        switch (limit) {
        case LIMIT_DEPTH:
                return config->max_depth;
        case LIMIT_CGROUPS:
                return config->max_cgroups;
        default:
                return config->max_per_unit;
        }
}

static void accounting_over_limit(Accounting *a, const char *path, Limit limit) {
        _cleanup_free_ char *escaped = NULL;
        LogRecord *record;

        if (!limits_note(a->limits, path, limit))
                return;

        escaped = format_escape(path);
        if (!escaped)
                return;

        record = log_record_new(LOG_WARNING, MESSAGE_ID_LIMIT);
        log_record_add(record, "CGACCT_CGROUP", "%s", escaped);
        log_record_add(record, "CGACCT_LIMIT", "%s", limit_to_string(limit));
        (void) log_record_send(record, 0, /* a lost one is counted by the worker */
                        "Cgroup %s is over %s=%" PRIu64
                        ": its ancestor counts for it, as for others of its unit.",
                        escaped, limit_to_string(limit), limit_value(a->config, limit));
}

static int accounting_start_ledger(Accounting *a, Cgroup *c, const char *path) {
        Counters before;
        Incarnation *i;
        int r;

        r = ledger_start(a->ledger, path, c->id, now_usec(CLOCK_REALTIME), &i);
        if (r != 0) {
                /* The error that counts is the first. */
                (void) attachment_remove(a->context.pin_dir_fd, c->id);
                return r < 0 ? r : -EBUSY; /* room was found before */
        }

        /* The storage stays with the cgroup when its links go (bpf_cgroup_storage_link() in
         * kernel/bpf/local_storage.c): after a change of settings and back, it goes on from what was counted. */
        if (reader_read(a->reader, c->id, &before) == 0)
                ledger_resume(i, &before);

        c->userdata = i;
        a->n_attached++;
        if (c->retry)
                a->n_not_attached--;

        return 0;
}

static CgroupVerdict accounting_attach(Accounting *a, Cgroup *c, int fd, const char *path) {
        int r;

        r = ledger_check(a->ledger, path);
        if (r > 0) {
                accounting_over_limit(a, path, r == LEDGER_OVER_TOTAL ? LIMIT_CGROUPS : LIMIT_PER_UNIT);
                return c->retry ? CGROUP_RETRY : CGROUP_REFUSE_FOR_NOW;
        }

        r = attachment_create(a->program, a->context.pin_dir_fd, c->id, fd);
        if (r == ATTACHMENT_GONE)
                return c->retry ? CGROUP_RETRY : CGROUP_REFUSE; /* its removal is on its way */
        if (r == 0)
                r = accounting_start_ledger(a, c, path);
        if (r < 0)
                return accounting_attach_failed(a, c, path, r);

        return CGROUP_FOLLOW;
}

static void accounting_detach(Accounting *a, Cgroup *c) {
        Incarnation *i = TAKE_PTR(c->userdata);

        if (!i)
                return;

        accounting_sample(a, i);
        accounting_finish(a, i);
}

/* Whether the settings admit it: CGROUP_FOLLOW, or CGROUP_REFUSE. The root is accounted always: it is the total of
 * all sockets. */
static CgroupVerdict accounting_admit(Accounting *a, const Cgroup *c, const char *path) {
        if (c->depth == 0)
                return CGROUP_FOLLOW;

        if (config_match(a->config->exclude, path))
                return CGROUP_REFUSE;

        if (c->depth > a->config->max_depth) {
                accounting_over_limit(a, path, LIMIT_DEPTH);
                return CGROUP_REFUSE;
        }

        return CGROUP_FOLLOW;
}

static CgroupVerdict on_added(Cgroup *c, int fd, void *userdata) {
        Accounting *a = userdata;
        _cleanup_free_ char *path = NULL;

        if (cgroup_path(c, &path) < 0) {
                (void) log_oom();
                return CGROUP_REFUSE_FOR_NOW;
        }

        if (accounting_admit(a, c, path) == CGROUP_REFUSE) {
                if (a->reconsidering)
                        a->refused = c;
                return CGROUP_REFUSE;
        }

        if (c->depth > 0 && a->config->include && !config_match(a->config->include, path)) {
                accounting_detach(a, c);
                return CGROUP_FOLLOW;
        }

        if (c->userdata)
                return CGROUP_FOLLOW;

        return accounting_attach(a, c, fd, path);
}

/* Removed although it is there: it, or one above it, was refused when it was offered again. */
static bool accounting_is_refused(Accounting *a, const Cgroup *c) {
        bool refused = a->refused && cgroup_contains(a->refused, c);

        if (c == a->refused)
                a->refused = NULL;

        return refused;
}

static void on_removed(Cgroup *c, void *userdata) {
        Accounting *a = userdata;
        _cleanup_free_ char *path = NULL;
        Incarnation *i;

        if (limits_n(a->limits) > 0 && cgroup_path(c, &path) >= 0)
                limits_forget(a->limits, path);

        if (c->retry)
                a->n_not_attached--;

        if (accounting_is_refused(a, c)) {
                accounting_detach(a, c);
                return;
        }

        i = TAKE_PTR(c->userdata);
        if (!i)
                return;

        /* At once: the storage may be gone 11 ms later. */
        accounting_sample(a, i);

        i->removed_usec = now_usec(CLOCK_BOOTTIME);
        if (lingering_add(a->lingering, i) < 0)
                accounting_finish(a,
                                i); /* out of memory: what it counts from now on joins its ancestor's own */
}

static bool want_retry(Cgroup *c, void *userdata) {
        Accounting *a = userdata;
        _cleanup_free_ char *path = NULL;

        /* No directory has this name. */
        if (cgroup_child_path(c, ".", &path) < 0 || ledger_check(a->ledger, path) != 0)
                return false;

        limits_relax(a->limits, path);
        return true;
}

static int accounting_make_stages(Accounting *a) {
        const CgroupTreeHandlers tree_handlers = {
                        .on_added = on_added,
                        .on_removed = on_removed,
                        .want_retry = want_retry,
                        .userdata = a,
        };
        const LingeringHandlers lingering_handlers = {
                        .on_gone = on_lingering_gone,
                        .on_timeout = on_lingering_timeout,
                        .userdata = a,
        };
        int r;

        r = reader_new(program_map_fd(a->program), &a->reader);
        if (r < 0)
                return r;

        r = ledger_new(a->config->max_cgroups, a->config->max_per_unit, &a->ledger);
        if (r < 0)
                return r;

        r = limits_new(&a->limits);
        if (r < 0)
                return r;

        r = lingering_new(a->context.event, a->reader, &lingering_handlers, &a->lingering);
        if (r < 0)
                return r;
        lingering_set_timeout(a->lingering, a->config->final_timeout_usec);

        return cgroup_tree_new(a->context.cgroup_root_fd, host_max_watches(), &tree_handlers, &a->tree);
}

int accounting_new(const AccountingContext *context, const Config *config, Accounting **ret) {
        _cleanup_(accounting_freep) Accounting *a = NULL;
        int r;

        assert(context);
        assert(config);
        assert(ret);

        a = calloc(1, sizeof(Accounting));
        if (!a)
                return log_oom();

        *a = (Accounting){.context = *context, .config = config};

        r = program_new(context->pin_dir_fd, config->local, config->n_local, &a->program);
        if (r < 0)
                return r;

        r = accounting_make_stages(a);
        if (r == -EMFILE)
                return log_error_errno(
                                r, "Cannot make an inotify instance: raise fs.inotify.max_user_instances");
        if (r < 0)
                return log_error_errno(r, "Cannot start accounting");

        *ret = TAKE_PTR(a);
        return 0;
}

Accounting *accounting_free(Accounting *a) {
        if (!a)
                return NULL;

        cgroup_tree_free(a->tree);
        lingering_free(a->lingering);
        limits_free(a->limits);
        ledger_free(a->ledger);
        reader_free(a->reader);
        program_free(a->program);
        free(a);
        return NULL;
}

static bool local_equal(const Config *a, const Config *b) {
        return a->n_local == b->n_local &&
               (a->n_local == 0 || memcmp(a->local, b->local, a->n_local * sizeof(Prefix)) == 0);
}

/* Calls back for each incarnation, children before parents. */
static void accounting_for_each(Accounting *a, void (*call)(Accounting *a, Incarnation *i)) {
        Incarnation *i;

        for (LedgerNode *n = ledger_first(a->ledger); n; n = ledger_next(n))
                DL_FOREACH(n->live, i)
                        call(a, i);
}

static void accounting_update_links(Accounting *a, Incarnation *i) {
        int r;

        if (i->removed_usec > 0)
                return; /* its links are gone; its sockets go on with the program they have */

        r = attachment_update(a->program, a->context.pin_dir_fd, i->id);
        if (r < 0)
                log_warning_errno(r, "Cannot apply the new Local= prefixes to cgroup %s", i->node->path);
}

static void accounting_swap_program(Accounting *a) {
        Program *program;

        if (program_replace(a->program, a->config->local, a->config->n_local, &program) < 0)
                return; /* it said why */

        program_free(a->program);
        a->program = program;
        accounting_for_each(a, accounting_update_links);
}

int accounting_set_config(Accounting *a, const Config *config) {
        const Config *old;
        int r;

        assert(a);
        assert(config);

        old = a->config;
        a->config = config;

        ledger_set_limits(a->ledger, config->max_cgroups, config->max_per_unit);
        lingering_set_timeout(a->lingering, config->final_timeout_usec);

        if (!local_equal(old, config))
                accounting_swap_program(a);

        a->reconsidering = true;
        r = cgroup_tree_reconsider(a->tree);
        a->reconsidering = false;
        return r;
}

static void accounting_check_watches(Accounting *a) {
        size_t n = cgroup_tree_stats(a->tree).n_unwatched;

        if (n > 0 && !a->said_unwatched) {
                LogRecord *record = log_record_new(LOG_WARNING, MESSAGE_ID_NO_WATCHES);

                (void) log_record_send(record, 0, /* a lost one is counted by the worker */
                                "No inotify watch for %zu cgroups: what appears below them is found at intervals "
                                "only. Raise fs.inotify.max_user_watches (sysctl), of which cgacctd takes half.",
                                n);
        }

        a->said_unwatched = n > 0;
}

void accounting_tick(Accounting *a) {
        LedgerNode *root;
        Incarnation *i;
        int r;

        assert(a);

        r = cgroup_tree_retry(a->tree);
        if (r < 0)
                log_warning_errno(r, "Cannot look again at cgroups that failed");

        accounting_check_watches(a);

        root = ledger_root(a->ledger);
        if (root)
                DL_FOREACH(root->live, i)
                        accounting_sample(a, i);
}

void accounting_read_all(Accounting *a) {
        assert(a);
        accounting_for_each(a, accounting_sample);
}

CgroupTree *accounting_tree(Accounting *a) {
        assert(a);
        return a->tree;
}

Ledger *accounting_ledger(Accounting *a) {
        assert(a);
        return a->ledger;
}

size_t accounting_n_attached(const Accounting *a) {
        assert(a);
        return a->n_attached;
}

Counters accounting_total(Accounting *a) {
        LedgerNode *root;

        assert(a);

        root = ledger_root(a->ledger);
        return root ? ledger_total(root) : (Counters){};
}

Troubles accounting_troubles(const Accounting *a) {
        assert(a);

        return (Troubles){
                        .n_not_attached = a->n_not_attached,
                        .n_over_limit = limits_n(a->limits),
                        .n_unwatched = cgroup_tree_stats(a->tree).n_unwatched,
        };
}
