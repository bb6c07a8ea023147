/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Program: the BPF object, loaded once, and its pinned map; probes the kernel for what it needs. */

#include "cleanup.h"
#include "prefix.h"

typedef struct Program Program;

/* Loads the programs with these local prefixes, and pins the map in the folder. Logs what fails, with the remedy.
 * -EPERM: a capability is missing; -EOPNOTSUPP: the kernel is too old or built without it. */
int program_new(int pin_dir_fd, const Prefix *local, size_t n_local, Program **ret);

/* The same programs with other prefixes, on the map of a program that is there: what is counted goes on in it. */
int program_replace(const Program *predecessor, const Prefix *local, size_t n_local, Program **ret);

Program *program_free(Program *p);
DEFINE_CLEANUP(Program, program_free);

int program_map_fd(const Program *p);
int program_ingress_fd(const Program *p);
int program_egress_fd(const Program *p);
