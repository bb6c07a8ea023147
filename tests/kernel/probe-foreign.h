/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Foreign: programs of someone else on the same cgroups: some that are in the way, and a spy that counts the large
 * packets which pass the hook, so that a test knows that what it means to test did happen. */

#include <stdint.h>

#define FOREIGN_MAX 128

typedef struct ForeignAttachment {
        int program_fd, cgroup_fd;
        int type; /* enum bpf_attach_type */
} ForeignAttachment;

typedef struct Foreign {
        ForeignAttachment attachments[FOREIGN_MAX];
        unsigned n_attachments;
        int spy_map_fd;
} Foreign;

#define FOREIGN_NULL ((Foreign){.spy_map_fd = -1})

/* Makes the cgroup (it may be there) and attaches n ingress programs that do nothing, or fewer, if no more are allowed.
 * Negative errno. */
int foreign_attach(Foreign *f, const char *cgroup, unsigned n, unsigned flags);

/* Starts to count the packets, as the hook sees them, whose length is at least this; all spied cgroups in one sum. */
int foreign_spy(Foreign *f, int cgroup_fd, uint32_t length);
int foreign_spied(Foreign *f, uint64_t *ret_ingress, uint64_t *ret_egress);

/* Detaches everything. */
void foreign_done(Foreign *f);
