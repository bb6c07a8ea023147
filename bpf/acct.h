/* SPDX-License-Identifier: GPL-2.0-or-later OR LGPL-2.1-or-later */
#pragma once

/* The contract between the kernel side (acct.bpf.c) and the daemon: the layout of the value that the kernel
 * keeps once per cgroup and CPU, and the table of traffic classes. Whoever changes the meaning or the order of
 * anything here raises ACCT_LAYOUT_VERSION: it names the folder of the pins, so that a daemon never reads a
 * value that another layout wrote. */

#include <linux/types.h>

#define ACCT_LAYOUT_VERSION 1

/* How many classes the layout has room for; the value itself is sized at load to the classes in use. */
#define ACCT_CLASSES_MAX 8

/* Each packet counts in exactly one class: loopback if its interface index is 1, else local if its remote
 * address lies in one of the local prefixes, else internet. */
enum acct_class {
        ACCT_INTERNET,
        ACCT_LOCAL,
        ACCT_LOOPBACK,
        _ACCT_CLASS_MAX,
};

/* The traffic of one class. Bytes are those of the wire at the IP layer (IP header included, link layer not);
 * a packet is a packet of the wire too: a GSO packet counts as the segments it becomes. */
struct acct_slot {
        __u64 ingress_bytes;
        __u64 ingress_packets;
        __u64 egress_bytes;
        __u64 egress_packets;
};

/* The local prefixes, per address family, in .rodata. The loop over them is bounded by this number. */
#define ACCT_PREFIXES_MAX 16

/* Both in network byte order; an address matches if (address & mask) == prefix. */
struct acct_prefix4 {
        __u32 address;
        __u32 mask;
};

struct acct_prefix6 {
        __u32 address[4];
        __u32 mask[4];
};
