/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Attachment: the two links of one cgroup, ingress and egress. They live as pins in the folder of pins, named
 * after the cgroup's id; no descriptor is held. */

#include <stdint.h>

#include "program.h"

/* Positive results of attachment_create(). */
enum {
        ATTACHMENT_GONE = 1, /* the cgroup was removed meanwhile */
};

/* Attaches both programs to the cgroup (an O_PATH descriptor will do) and pins the links. Both or none. -EPERM: a
 * program without BPF_F_ALLOW_MULTI is attached here or above; -E2BIG: 64 programs are attached here; else what
 * bpf(2) says. */
int attachment_create(const Program *p, int pin_dir_fd, uint64_t cgroup_id, int cgroup_fd);

/* Detaches both, by removing the pins. 0 too where there is none. */
int attachment_remove(int pin_dir_fd, uint64_t cgroup_id);

/* Puts the programs into the links that are there: the storage, and what it counted, stay. */
int attachment_update(const Program *p, int pin_dir_fd, uint64_t cgroup_id);
