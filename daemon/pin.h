/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pin: names of BPF objects in the folder of pins on bpffs. The folder is named by its descriptor, and bpf(2) by
 * /proc/self/fd/N/NAME, as BPF_F_PATH_FD came with Linux 6.5 only. */

#include <stdbool.h>
#include <stdint.h>

/* The pinned map. The links are named ID-ingress and ID-egress, ID being the cgroup's in decimal. */
#define PIN_MAP "map"

#define PIN_NAME_MAX 64

typedef enum PinDirection {
        PIN_INGRESS,
        PIN_EGRESS,
        _PIN_DIRECTION_MAX,
} PinDirection;

/* "4711-ingress"; returns buf. */
const char *pin_link_name(uint64_t cgroup_id, PinDirection direction, char buf[static PIN_NAME_MAX]);

/* The way back: true, and the parts, if it is exactly such a name. */
bool pin_parse_link_name(const char *name, uint64_t *ret_cgroup_id, PinDirection *ret_direction);

/* -EEXIST if the name is taken, else what bpf(2) says. */
int pin_object(int pin_dir_fd, const char *name, int object_fd);

/* Opens the object by this name. -ENOENT, or what bpf(2) says. */
int pin_get(int pin_dir_fd, const char *name, int *ret_fd);

/* 0 too if there is no such name. */
int pin_remove(int pin_dir_fd, const char *name);

/* Positive results of pin_open_folder(). */
enum {
        PIN_NOT_BPFFS = 1, /* what is there is no BPF file system */
        PIN_BUSY, /* another instance holds the lock */
        PIN_UNSAFE, /* the folder is not ours, or others may write to it */
};

/* Makes (mode 0700) and opens the directory, locks it for as long as ret_lock_fd is open, and opens the folder of
 * this layout's pins in it. */
int pin_open_folder(const char *directory, int *ret_lock_fd, int *ret_fd);

/* Removes every pin of ours from the folder, links first. What else is there stays and is counted. */
int pin_remove_all(int pin_dir_fd, unsigned *ret_removed, unsigned *ret_foreign);
