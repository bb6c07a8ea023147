/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"
#include "prefix.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

/* Bytes in network order, which the union holds for IPv4 in its first four. */
#define PREFIX4(l, ...) \
        { .family = AF_INET, .address.in6.s6_addr = {__VA_ARGS__}, .length = (l) }
#define PREFIX6(l, ...) \
        { .family = AF_INET6, .address.in6.s6_addr = {__VA_ARGS__}, .length = (l) }

/* RFC 1918 and RFC 4193 */
static const Prefix prefixes_private[] = {
                PREFIX4(8, 10),
                PREFIX4(12, 172, 16),
                PREFIX4(16, 192, 168),
                PREFIX6(7, 0xfc),
};

/* RFC 3927 and RFC 4291 */
static const Prefix prefixes_link_local[] = {
                PREFIX4(16, 169, 254),
                PREFIX6(10, 0xfe, 0x80),
};

/* RFC 6598 */
static const Prefix prefixes_shared[] = {
                PREFIX4(10, 100, 64),
};

/* RFC 5771, the limited broadcast of RFC 919, and RFC 4291 */
static const Prefix prefixes_multicast[] = {
                PREFIX4(4, 224),
                PREFIX4(32, 255, 255, 255, 255),
                PREFIX6(8, 0xff),
};

#define WORD(w, p) \
        { .word = (w), .prefixes = (p), .n = N_ELEMENTS(p) }

static const struct {
        const char *word;
        const Prefix *prefixes;
        size_t n;
} words[] = {
                WORD("private", prefixes_private),
                WORD("link-local", prefixes_link_local),
                WORD("shared", prefixes_shared),
                WORD("multicast", prefixes_multicast),
};

static void prefix_clear_host_bits(Prefix *p) {
        uint8_t *bytes = p->address.in6.s6_addr;

        for (unsigned i = 0; i < sizeof(p->address.in6); i++) {
                unsigned keep = p->length > 8 * i ? p->length - 8 * i : 0;

                if (keep < 8)
                        bytes[i] &= (uint8_t) (0xff00 >> keep);
        }
}

int prefix_parse(const char *s, Prefix *ret) {
        const char *slash = strchrnul(s, '/');
        char address[INET6_ADDRSTRLEN];
        size_t n = (size_t) (slash - s);
        Prefix p = {};
        uint64_t length;

        if (n >= sizeof(address))
                return -EINVAL;
        memcpy(address, s, n);
        address[n] = '\0';

        p.family = strchr(address, ':') ? AF_INET6 : AF_INET;
        if (inet_pton(p.family, address, &p.address) != 1)
                return -EINVAL;

        length = p.family == AF_INET ? 32 : 128;
        if (*slash == '/' && parse_unsigned(slash + 1, 0, length, &length) < 0)
                return -EINVAL;
        p.length = (unsigned) length;

        prefix_clear_host_bits(&p);
        *ret = p;
        return 0;
}

const Prefix *prefix_word(const char *word, size_t *ret_n) {
        for (size_t i = 0; i < N_ELEMENTS(words); i++)
                if (strcmp(words[i].word, word) == 0) {
                        *ret_n = words[i].n;
                        return words[i].prefixes;
                }

        *ret_n = 0;
        return NULL;
}

const char *prefix_format(const Prefix *p, char buf[static PREFIX_STRING_MAX]) {
        size_t n;

        assert(p->family == AF_INET || p->family == AF_INET6);

        /* cannot fail: the family is known and the buffer is large enough for either */
        (void) inet_ntop(p->family, &p->address, buf, PREFIX_STRING_MAX);
        n = strlen(buf);
        (void) snprintf(buf + n, PREFIX_STRING_MAX - n, "/%u", p->length);
        return buf;
}
