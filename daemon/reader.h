/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reader: reads the counters of one cgroup: one map lookup, one value per CPU, one sum. */

#include "cleanup.h"
#include "counters.h"

typedef struct Reader Reader;

/* Positive results of reader_read(). */
enum {
        /* The kernel has no storage for this id: nothing is attached, or the cgroup is gone for good. */
        READER_GONE = 1,
};

/* The map stays the caller's and must outlive the reader. -ENOMEM, or what libbpf says of the number of CPUs. */
int reader_new(int map_fd, Reader **ret);
Reader *reader_free(Reader *r);
DEFINE_CLEANUP(Reader, reader_free);

/* Reads the counters of the cgroup with this id since its programs were attached. Returns 0, READER_GONE, or a
 * negative errno of bpf(2). */
int reader_read(Reader *r, uint64_t cgroup_id, Counters *ret);

/* The sum of the values of n CPUs. */
Counters reader_sum(const Counters *values, size_t n);
