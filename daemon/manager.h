/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manager: owns the event loop and every stage, and wires them: what is done when, what systemd is told, what
 * signals do. */

#include "config.h"

typedef struct Manager Manager;

/* Loads the configuration anew, on SIGHUP; returns a negative errno, and logs what else is wrong. */
typedef int (*ManagerLoadConfig)(Config **ret);

/* Takes the config in every case. SIGHUP, SIGTERM and SIGINT are blocked by the caller. Logs what fails, with the remedy: -EPERM: a privilege is missing; -EOPNOTSUPP: the kernel
 * lacks something; -ENODEV: no cgroup2, no bpffs, or the folder of pins is unsafe or taken; else other errors. */
int manager_new(Config *config, ManagerLoadConfig load_config, Manager **ret);
Manager *manager_free(Manager *m);
DEFINE_CLEANUP(Manager, manager_free);

/* Runs until SIGTERM or SIGINT; everything is detached then. */
int manager_run(Manager *m);
