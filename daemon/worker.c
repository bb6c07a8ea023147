/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

/* With no memory for its table, a keyed job is not added rather than the process ended. */
#define HASH_NONFATAL_OOM 1
#include "worker.h"
#include <utlist.h>

struct Worker {
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t wake; /* for the thread: there is a job, or it is to stop */
        pthread_cond_t done; /* for worker_stop(): the thread has nothing left to do */
        size_t max_jobs;

        /* All below under the mutex. */
        Job *queue, *by_key;
        size_t n_waiting;
        uint64_t n_dropped;
        bool stopping;
        bool is_done;
        bool abandoned; /* nobody waits for the thread: it frees the worker itself */
};

static void worker_destroy(Worker *w) {
        (void) pthread_cond_destroy(&w->done);
        (void) pthread_cond_destroy(&w->wake);
        (void) pthread_mutex_destroy(&w->mutex);
        free(w);
}

static void queue_remove(Worker *w, Job *job) {
        DL_DELETE(w->queue, job);
        if (job->key != 0)
                HASH_DEL(w->by_key, job);
        w->n_waiting--;
}

/* Returns the job that had the key before, if any, whose place is taken. */
static Job *queue_replace(Worker *w, Job *job) {
        Job *old = NULL;

        HASH_FIND(hh, w->by_key, &job->key, sizeof(job->key), old);
        if (!old)
                return NULL;

        HASH_DEL(w->by_key, old);
        DL_REPLACE_ELEM(w->queue, old, job);
        return old;
}

static bool queue_index(Worker *w, Job *job) {
        HASH_ADD(hh, w->by_key, key, sizeof(job->key), job);
        return job->hh.tbl;
}

static Job *worker_next(Worker *w) {
        Job *job;

        (void) pthread_mutex_lock(&w->mutex);

        while (!w->queue && !w->stopping)
                (void) pthread_cond_wait(&w->wake, &w->mutex);

        job = w->queue;
        if (job)
                queue_remove(w, job);

        (void) pthread_mutex_unlock(&w->mutex);
        return job;
}

static void *worker_main(void *userdata) {
        Worker *w = userdata;
        bool abandoned;
        Job *job;

        while ((job = worker_next(w))) {
                job->run(job);
                job->free(job);
        }

        (void) pthread_mutex_lock(&w->mutex);
        abandoned = w->abandoned;
        w->is_done = true;
        (void) pthread_cond_signal(&w->done);
        (void) pthread_mutex_unlock(&w->mutex);

        if (abandoned)
                worker_destroy(w);
        return NULL;
}

/* The main thread reads its signals from a descriptor: none may be delivered to another thread. */
static int thread_start(Worker *w) {
        sigset_t all, old;
        int r;

        (void) sigfillset(&all);
        r = pthread_sigmask(SIG_SETMASK, &all, &old);
        if (r != 0)
                return -r;

        r = pthread_create(&w->thread, NULL, worker_main, w);
        (void) pthread_sigmask(SIG_SETMASK, &old, NULL); /* cannot fail: the arguments are valid */
        if (r != 0)
                return -r;

        (void) pthread_setname_np(w->thread, "cgacctd-worker"); /* only for people who look */
        return 0;
}

int worker_new(size_t max_jobs, Worker **ret) {
        pthread_condattr_t attr;
        Worker *w;
        int r;

        assert(ret);

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;

        w->max_jobs = max_jobs;

        /* none of these fails on Linux with valid arguments */
        (void) pthread_mutex_init(&w->mutex, NULL);
        (void) pthread_cond_init(&w->wake, NULL);
        (void) pthread_condattr_init(&attr);
        (void) pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void) pthread_cond_init(&w->done, &attr);
        (void) pthread_condattr_destroy(&attr);

        r = thread_start(w);
        if (r < 0) {
                worker_destroy(w);
                return r;
        }

        *ret = w;
        return 0;
}

/* With the mutex held; returns whether the thread is done. */
static bool wait_for_done(Worker *w, usec_t timeout_usec) {
        usec_t now = now_usec(CLOCK_MONOTONIC);
        usec_t until = timeout_usec < USEC_INFINITY - now ? now + timeout_usec : USEC_INFINITY;
        struct timespec ts = {
                        .tv_sec = (time_t) (until / USEC_PER_SEC),
                        .tv_nsec = (long) (until % USEC_PER_SEC * 1000),
        };

        while (!w->is_done)
                if (pthread_cond_timedwait(&w->done, &w->mutex, &ts) != 0)
                        break;

        return w->is_done;
}

Worker *worker_stop(Worker *w, usec_t timeout_usec) {
        Job *lost = NULL, *job, *tmp;
        pthread_t thread;

        if (!w)
                return NULL;

        thread = w->thread;

        (void) pthread_mutex_lock(&w->mutex);
        w->stopping = true;
        (void) pthread_cond_signal(&w->wake);

        if (wait_for_done(w, timeout_usec)) {
                (void) pthread_mutex_unlock(&w->mutex);
                (void) pthread_join(thread, NULL);
                worker_destroy(w);
                return NULL;
        }

        HASH_CLEAR(hh, w->by_key);
        lost = TAKE_PTR(w->queue);
        w->n_waiting = 0;
        w->abandoned = true;
        (void) pthread_detach(thread);
        (void) pthread_mutex_unlock(&w->mutex); /* from here on, w may be gone */

        DL_FOREACH_SAFE(lost, job, tmp)
                job->free(job);
        return NULL;
}

int worker_submit(Worker *w, Job *job) {
        Job *unwanted = NULL;
        int r = 0;

        assert(w);
        assert(job && job->run && job->free);

        (void) pthread_mutex_lock(&w->mutex);

        if (job->key != 0)
                unwanted = queue_replace(w, job);

        if (!unwanted && w->n_waiting >= w->max_jobs)
                r = -ENOBUFS;
        else if (!unwanted) {
                DL_APPEND(w->queue, job);
                w->n_waiting++;
        }

        if (r == 0 && job->key != 0 && !queue_index(w, job)) {
                DL_DELETE(w->queue, job);
                w->n_waiting--;
                r = -ENOBUFS;
        }

        if (r < 0)
                w->n_dropped++;
        else
                (void) pthread_cond_signal(&w->wake);

        (void) pthread_mutex_unlock(&w->mutex);

        if (unwanted)
                unwanted->free(unwanted);
        if (r < 0)
                job->free(job);
        return r;
}

size_t worker_n_waiting(Worker *w) {
        size_t n;

        assert(w);

        (void) pthread_mutex_lock(&w->mutex);
        n = w->n_waiting;
        (void) pthread_mutex_unlock(&w->mutex);
        return n;
}

uint64_t worker_n_dropped(Worker *w) {
        uint64_t n;

        assert(w);

        (void) pthread_mutex_lock(&w->mutex);
        n = w->n_dropped;
        (void) pthread_mutex_unlock(&w->mutex);
        return n;
}
