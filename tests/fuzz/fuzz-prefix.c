/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What prefix_parse() accepts is in bounds, has no bits beyond its length, and is formatted as it is read. */

#include "fuzz.h"
#include "prefix.h"

static void check_prefix(const Prefix *p) {
        unsigned max = p->family == AF_INET ? 32 : 128;

        CHECK(p->family == AF_INET || p->family == AF_INET6);
        CHECK(p->length <= max);
        for (unsigned bit = p->length; bit < 128; bit++)
                CHECK((p->address.in6.s6_addr[bit / 8] & 0x80 >> bit % 8) == 0);
}

static bool prefix_equal(const Prefix *a, const Prefix *b) {
        return a->family == b->family && a->length == b->length &&
               memcmp(&a->address, &b->address, sizeof(a->address)) == 0;
}

/* An address is the prefix of its full length. */
static void check_address(const char *s, const Prefix *p) {
        _cleanup_free_ char *with_length = NULL;
        Prefix same;

        CHECK(asprintf(&with_length, "%s/%u", s, p->length) > 0);
        CHECK(p->length == (p->family == AF_INET ? 32 : 128));
        CHECK(prefix_parse(with_length, &same) == 0 && prefix_equal(p, &same));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *s = fuzz_string(data, size);
        char text[PREFIX_STRING_MAX], text_again[PREFIX_STRING_MAX];
        Prefix p = {.family = -1}, again;
        int r;

        r = prefix_parse(s, &p);
        if (r < 0) {
                CHECK(r == -EINVAL && p.family == -1);
                return 0;
        }

        check_prefix(&p);
        if (!strchr(s, '/'))
                check_address(s, &p);

        CHECK(prefix_parse(prefix_format(&p, text), &again) == 0 && prefix_equal(&p, &again));
        CHECK(strcmp(text, prefix_format(&again, text_again)) == 0);
        return 0;
}
