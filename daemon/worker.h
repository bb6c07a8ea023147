/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Worker: a thread with a bounded queue: what may block (a stuck journal, a slow disk) never blocks the loop. */

#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "cleanup.h"
#include "time-util.h"

typedef struct Job Job;

/* Embedded as the first member of whatever a job carries. */
struct Job {
        uint64_t key; /* not 0: while this job waits, a later one of the same key takes its place */
        void (*run)(Job *); /* on the worker's thread */
        void (*free)(Job *); /* on either thread, once, whether it ran or not */

        /* The worker's own. */
        Job *prev, *next;
        UT_hash_handle hh;
};

typedef struct Worker Worker;

/* At most max_jobs wait at once. */
int worker_new(size_t max_jobs, Worker **ret);

/* Waits for the queue to empty, at most for timeout; then the thread is left behind (the process is about to
 * exit) and what still waits is lost. Takes NULL. Returns NULL. */
Worker *worker_stop(Worker *w, usec_t timeout_usec);

/* Takes ownership of the job in every case. Never blocks. -ENOBUFS: the queue is full; the job is freed and
 * counted in worker_n_dropped(). */
int worker_submit(Worker *w, Job *job);

size_t worker_n_waiting(Worker *w);
uint64_t worker_n_dropped(Worker *w);
