/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "reader.h"

struct Reader {
        int map_fd;
        size_t n_cpus;
        Counters *values; /* one per possible CPU */
};

/* The kernel copies each CPU's value rounded up to 8 bytes (bpf_percpu_cgroup_storage_copy() in
 * kernel/bpf/local_storage.c), so an array of Counters is what it fills. */
_Static_assert(sizeof(Counters) % 8 == 0, "per-CPU values lie at multiples of 8 bytes");

int reader_new(int map_fd, Reader **ret) {
        _cleanup_(reader_freep) Reader *r = NULL;
        int n;

        assert(map_fd >= 0);
        assert(ret);

        n = libbpf_num_possible_cpus();
        if (n < 0)
                return n;

        r = calloc(1, sizeof(Reader));
        if (!r)
                return -ENOMEM;

        *r = (Reader){.map_fd = map_fd, .n_cpus = (size_t) n};

        r->values = calloc(r->n_cpus, sizeof(Counters));
        if (!r->values)
                return -ENOMEM;

        *ret = TAKE_PTR(r);
        return 0;
}

Reader *reader_free(Reader *r) {
        if (!r)
                return NULL;

        free(r->values);
        free(r);
        return NULL;
}

Counters reader_sum(const Counters *values, size_t n) {
        Counters sum = {};

        assert(values);

        for (size_t i = 0; i < n; i++)
                counters_add(&sum, &values[i]);

        return sum;
}

int reader_read(Reader *r, uint64_t cgroup_id, Counters *ret) {
        assert(r);
        assert(ret);

        if (bpf_map_lookup_elem(r->map_fd, &cgroup_id, r->values) < 0)
                return errno == ENOENT ? READER_GONE : -errno;

        *ret = reader_sum(r->values, r->n_cpus);
        return 0;
}
