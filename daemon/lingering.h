/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lingering: the cgroups whose directory is gone but whose sockets may still count: each is looked at until the
 * kernel has dropped its storage. */

#include <systemd/sd-event.h>

#include "ledger.h"
#include "reader.h"

typedef struct Lingering Lingering;

typedef struct LingeringHandlers {
        /* The storage is gone: the sample is final. The incarnation is the handler's from now on. */
        void (*on_gone)(Incarnation *i, void *userdata);

        /* It has lingered for longer than the timeout; called once, and it goes on being looked at. */
        void (*on_timeout)(Incarnation *i, void *userdata);

        void *userdata;
} LingeringHandlers;

/* The event loop and the reader are borrowed. */
int lingering_new(sd_event *event, Reader *reader, const LingeringHandlers *handlers, Lingering **ret);
Lingering *lingering_free(Lingering *l);
DEFINE_CLEANUP(Lingering, lingering_free);

void lingering_set_timeout(Lingering *l, usec_t timeout_usec);

/* Looks after an incarnation whose directory was removed at removed_usec. */
int lingering_add(Lingering *l, Incarnation *i);

size_t lingering_n(const Lingering *l);

/* How long after one look the next is due, if n cgroups linger and this one has not moved for quiet_usec. */
usec_t lingering_period(size_t n, usec_t quiet_usec);
