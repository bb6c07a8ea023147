/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "lingering.h"

/* The storage goes 11 to 32 ms after the last socket (measured): at this period no last packet is missed. */
#define PERIOD_MIN_USEC (10 * USEC_PER_MSEC)
#define PERIOD_MAX_USEC (10 * USEC_PER_SEC)

/* So that many lingering cgroups cost no more than some 10,000 lookups a second. */
#define PERIOD_PER_CGROUP_USEC ((usec_t) 100)

/* A socket with data queued to a slow peer goes quiet between its packets and retries. Looking again after a 64th
 * of the silence costs a few hundred lookups for all of a cgroup's lingering, and keeps the last look closer to the
 * end than the storage lives, for silences of up to a second. */
#define QUIET_SHARE 64

typedef struct Entry Entry;

struct Entry {
        Lingering *lingering;
        Incarnation *incarnation;
        sd_event_source *timer;
        usec_t moved_usec; /* CLOCK_BOOTTIME: when its sample last changed */
        bool timed_out;
        Entry *prev, *next;
};

struct Lingering {
        sd_event *event;
        Reader *reader;
        LingeringHandlers handlers;
        usec_t timeout_usec;
        Entry *entries;
        size_t n_entries;
};

int lingering_new(sd_event *event, Reader *reader, const LingeringHandlers *handlers, Lingering **ret) {
        Lingering *l;

        assert(event);
        assert(reader);
        assert(handlers);
        assert(ret);

        l = calloc(1, sizeof(Lingering));
        if (!l)
                return -ENOMEM;

        *l = (Lingering){
                        .event = event,
                        .reader = reader,
                        .handlers = *handlers,
                        .timeout_usec = USEC_INFINITY,
        };

        *ret = l;
        return 0;
}

static Entry *entry_free(Entry *e) {
        if (!e)
                return NULL;

        DL_DELETE(e->lingering->entries, e);
        e->lingering->n_entries--;
        (void) sd_event_source_disable_unref(e->timer); /* returns NULL */
        free(e);
        return NULL;
}

Lingering *lingering_free(Lingering *l) {
        if (!l)
                return NULL;

        while (l->entries)
                (void) entry_free(l->entries);

        free(l);
        return NULL;
}

void lingering_set_timeout(Lingering *l, usec_t timeout_usec) {
        assert(l);
        l->timeout_usec = timeout_usec;
}

size_t lingering_n(const Lingering *l) {
        assert(l);
        return l->n_entries;
}

usec_t lingering_period(size_t n, usec_t quiet_usec) {
        usec_t period = quiet_usec / QUIET_SHARE;

        if (period < PERIOD_MIN_USEC)
                period = PERIOD_MIN_USEC;
        if (period < n * PERIOD_PER_CGROUP_USEC)
                period = n * PERIOD_PER_CGROUP_USEC;

        return period < PERIOD_MAX_USEC ? period : PERIOD_MAX_USEC;
}

static void entry_sample(Entry *e, const Counters *sample, usec_t now) {
        if (memcmp(&e->incarnation->sample, sample, sizeof(*sample)) == 0)
                return;

        ledger_sample(e->incarnation, sample);
        e->moved_usec = now;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        Entry *e = userdata;
        Lingering *l = e->lingering;
        Incarnation *i = e->incarnation;
        usec_t now = now_usec(CLOCK_BOOTTIME);
        Counters sample;
        int r;

        (void) usec;

        r = reader_read(l->reader, i->id, &sample);
        if (r == READER_GONE) {
                (void) entry_free(e);
                l->handlers.on_gone(i, l->handlers.userdata);
                return 0;
        }
        if (r == 0)
                entry_sample(e, &sample, now);

        if (!e->timed_out && l->timeout_usec < now - i->removed_usec) {
                e->timed_out = true;
                l->handlers.on_timeout(i, l->handlers.userdata);
        }

        r = sd_event_source_set_time(s, now + lingering_period(l->n_entries, now - e->moved_usec));
        if (r < 0)
                return r;

        return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

int lingering_add(Lingering *l, Incarnation *i) {
        Entry *e;
        int r;

        assert(l);
        assert(i);

        e = calloc(1, sizeof(Entry));
        if (!e)
                return -ENOMEM;

        *e = (Entry){.lingering = l, .incarnation = i, .moved_usec = i->removed_usec};

        r = sd_event_add_time(l->event, &e->timer, CLOCK_BOOTTIME, i->removed_usec + PERIOD_MIN_USEC,
                        USEC_PER_MSEC, on_timer, e);
        if (r < 0) {
                free(e);
                return r;
        }

        DL_APPEND(l->entries, e);
        l->n_entries++;
        return 0;
}
