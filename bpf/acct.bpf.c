// SPDX-License-Identifier: GPL-2.0-or-later

/* The two programs that the daemon attaches to every cgroup. They count and always let the packet pass.
 *
 * A program sees the packets of the sockets of its cgroup and of all its descendants. The skb's offset 0 is the
 * IP header in both directions: __cgroup_bpf_run_filter_skb() in kernel/bpf/cgroup.c pushes it there. */

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "acct.h"

#define PASS 1

#define LOOPBACK_IFINDEX 1 /* of every network namespace: LOOPBACK_IFINDEX in include/net/flow.h */

#define SCTP_HEADER_LEN 12 /* RFC 9260, 3.1: struct sctphdr is in no UAPI header */
#define UDP_HEADER_LEN  8

/* More extension headers than this are not walked. */
#define IPV6_EXTENSIONS_MAX 6

/* The hop-by-hop header with the jumbo option (RFC 2675) that the kernel puts into packets of more than 64 KiB for
 * its own use (BIG TCP: ip6_xmit() in net/ipv6/ip6_output.c) and takes out before they leave. */
#define IPV6_JUMBO_LEN 8

/* One storage per cgroup and CPU. The u64 key (the cgroup id) makes ingress and egress share it, and one lookup
 * read it whole (Linux 5.9). linux/bpf.h calls this map type deprecated in favour of CGRP_STORAGE: that one cannot
 * be had by cgroup_skb programs on most kernels in use, and costs many times as much per packet. max_entries
 * stays 0: the storage comes and goes with the attachment. The value's size is set at load, to the classes in use;
 * so the map has no BTF, which would have to agree with it. */
struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
        __uint(key_size, sizeof(__u64));
        __uint(value_size, sizeof(struct acct_slot) * ACCT_CLASSES_MAX);
} acct_storage SEC(".maps");

const volatile __u32 n_local4 = 0, n_local6 = 0;
const volatile struct acct_prefix4 local4[ACCT_PREFIXES_MAX] = {};
const volatile struct acct_prefix6 local6[ACCT_PREFIXES_MAX] = {};

static __always_inline bool is_local4(__u32 address) {
        for (__u32 i = 0; i < ACCT_PREFIXES_MAX && i < n_local4; i++)
                if ((address & local4[i].mask) == local4[i].address)
                        return true;

        return false;
}

static __always_inline bool is_local6(const __u32 *address) {
        for (__u32 i = 0; i < ACCT_PREFIXES_MAX && i < n_local6; i++)
                if ((address[0] & local6[i].mask[0]) == local6[i].address[0] &&
                                (address[1] & local6[i].mask[1]) == local6[i].address[1] &&
                                (address[2] & local6[i].mask[2]) == local6[i].address[2] &&
                                (address[3] & local6[i].mask[3]) == local6[i].address[3])
                        return true;

        return false;
}

/* The family is the packet's, not the socket's: an IPv6 socket may speak IPv4 (mapped addresses). The IP header is
 * always linear: ip_rcv_core() and ip6_rcv_core() pulled it, or this host wrote it. */
static __always_inline enum acct_class classify(struct __sk_buff *skb, bool egress) {
        void *data = (void *) (long) skb->data, *end = (void *) (long) skb->data_end;

        if (skb->ifindex == LOOPBACK_IFINDEX)
                return ACCT_LOOPBACK;

        if (skb->protocol == bpf_htons(ETH_P_IP)) {
                struct iphdr *ip = data;

                if ((void *) (ip + 1) <= end && is_local4(egress ? ip->daddr : ip->saddr))
                        return ACCT_LOCAL;
        } else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
                struct ipv6hdr *ip6 = data;

                if ((void *) (ip6 + 1) <= end &&
                                is_local6(egress ? ip6->daddr.in6_u.u6_addr32 : ip6->saddr.in6_u.u6_addr32))
                        return ACCT_LOCAL;
        }

        return ACCT_INTERNET;
}

/* The length of the transport header at this offset. 0 where it cannot be read, which the kernel's own segmentation
 * would have refused before. */
static __always_inline __u32 transport_len(struct __sk_buff *skb, __u32 offset, __u8 protocol) {
        struct tcphdr tcp;

        switch (protocol) {
        case IPPROTO_TCP:
                if (bpf_skb_load_bytes(skb, offset, &tcp, sizeof(tcp)) < 0)
                        return 0;
                return tcp.doff * 4;
        case IPPROTO_UDP:
                return UDP_HEADER_LEN;
        case IPPROTO_SCTP:
                return SCTP_HEADER_LEN;
        default:
                return 0;
        }
}

static __always_inline __u32 headers_len4(struct __sk_buff *skb) {
        struct iphdr ip;

        if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) < 0)
                return 0;

        return ip.ihl * 4 + transport_len(skb, ip.ihl * 4, ip.protocol);
}

/* ret_jumbo: what of the packet is the jumbo header that never reaches the wire; it is not part of the result. */
static __always_inline __u32 headers_len6(struct __sk_buff *skb, __u32 *ret_jumbo) {
        struct ipv6hdr ip6;
        __u32 offset = sizeof(ip6), jumbo = 0;
        __u8 next;

        if (bpf_skb_load_bytes(skb, 0, &ip6, sizeof(ip6)) < 0)
                return 0;

        next = ip6.nexthdr;

#pragma unroll
        for (int i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
                struct {
                        __u8 next, len, option_type, option_len;
                } extension;

                if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
                        break;
                if (bpf_skb_load_bytes(skb, offset, &extension, sizeof(extension)) < 0)
                        break;

                if (i == 0 && ip6.payload_len == 0 && next == IPPROTO_HOPOPTS &&
                                extension.option_type == IPV6_TLV_JUMBO)
                        jumbo = IPV6_JUMBO_LEN;

                offset += (extension.len + 1) * 8;
                next = extension.next;
        }

        *ret_jumbo = jumbo;
        return offset + transport_len(skb, offset, next) - jumbo;
}

struct wire {
        __u64 bytes, packets;
};

/* What the packet is on the wire. Only a GSO packet pays for the parse: each segment it becomes repeats the
 * headers. gso_segs is 0 where the packet comes from a device that does not tell (virtio, tun). */
static __always_inline struct wire measure(struct __sk_buff *skb) {
        __u32 jumbo = 0, headers = 0, gso_size = skb->gso_size, len = skb->len, n;

        if (gso_size == 0)
                return (struct wire){.bytes = len, .packets = 1};

        if (skb->protocol == bpf_htons(ETH_P_IP))
                headers = headers_len4(skb);
        else if (skb->protocol == bpf_htons(ETH_P_IPV6))
                headers = headers_len6(skb, &jumbo);

        len -= jumbo;
        n = skb->gso_segs;
        if (n == 0)
                n = (len - headers + gso_size - 1) / gso_size;
        if (n == 0)
                n = 1;

        return (struct wire){.bytes = len + (__u64) (n - 1) * headers, .packets = n};
}

/* Each class adds its offset in an instruction of its own, and the barriers keep it so: without CAP_PERFMON, which the
 * daemon does not have, the verifier refuses one addition that has a different constant on each path to it
 * (REASON_PATHS in kernel/bpf/verifier.c). */
static __always_inline struct acct_slot *get_slot(struct __sk_buff *skb, bool egress) {
        struct acct_slot *slot = bpf_get_local_storage(&acct_storage, 0); /* never NULL */

        switch (classify(skb, egress)) {
        case ACCT_LOCAL:
                slot += ACCT_LOCAL;
                barrier_var(slot);
                break;
        case ACCT_LOOPBACK:
                slot += ACCT_LOOPBACK;
                barrier_var(slot);
                break;
        default: /* ACCT_INTERNET is the first */
                break;
        }

        return slot;
}

/* The adds are atomic although each CPU has a value of its own: on one CPU a softirq may send between the load and
 * the store of a process's send, in the same cgroup. */

SEC("cgroup_skb/ingress")
int acct_ingress(struct __sk_buff *skb) {
        struct acct_slot *slot = get_slot(skb, false);
        struct wire wire = measure(skb);

        __sync_fetch_and_add(&slot->ingress_bytes, wire.bytes);
        __sync_fetch_and_add(&slot->ingress_packets, wire.packets);
        return PASS;
}

SEC("cgroup_skb/egress")
int acct_egress(struct __sk_buff *skb) {
        struct acct_slot *slot = get_slot(skb, true);
        struct wire wire = measure(skb);

        __sync_fetch_and_add(&slot->egress_bytes, wire.bytes);
        __sync_fetch_and_add(&slot->egress_packets, wire.packets);
        return PASS;
}

char _license[] SEC("license") = "GPL";
