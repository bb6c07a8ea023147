/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Prefix: an IPv4 or IPv6 address prefix, and the words that stand for well-known sets of them. */

#include <netinet/in.h>
#include <stddef.h>

typedef struct Prefix {
        int family; /* AF_INET or AF_INET6 */
        union {
                struct in_addr in;
                struct in6_addr in6;
        } address; /* bits beyond the length are 0 */
        unsigned length;
} Prefix;

#define PREFIX_STRING_MAX (INET6_ADDRSTRLEN + sizeof("/128"))

/* Parses "10.0.0.0/8", "2001:db8::/32" or a bare address (its full length). Bits beyond the length are cleared.
 * -EINVAL if it is neither. */
int prefix_parse(const char *s, Prefix *ret);

/* Looks up the word (private, link-local, shared, multicast): its prefixes, and how many, or NULL and 0 for any
 * other word. */
const Prefix *prefix_word(const char *word, size_t *ret_n);

/* Formats as prefix_parse() reads it; returns buf. */
const char *prefix_format(const Prefix *p, char buf[static PREFIX_STRING_MAX]);
