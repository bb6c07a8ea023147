/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "utf8.h"

/* The second byte's range is narrower after some first bytes: no overlong forms, no surrogates, nothing beyond
 * U+10FFFF (RFC 3629, section 4). */
static bool second_is_valid(unsigned char first, unsigned char second) {
        switch (first) {
        case 0xe0:
                return second >= 0xa0 && second <= 0xbf;
        case 0xed:
                return second >= 0x80 && second <= 0x9f;
        case 0xf0:
                return second >= 0x90 && second <= 0xbf;
        case 0xf4:
                return second >= 0x80 && second <= 0x8f;
        default:
                return second >= 0x80 && second <= 0xbf;
        }
}

static size_t length_by_first(unsigned char first) {
        if (first < 0x80)
                return 1;
        if (first < 0xc2)
                return 0;
        if (first < 0xe0)
                return 2;
        if (first < 0xf0)
                return 3;

        return first <= 0xf4 ? 4 : 0;
}

size_t utf8_length(const char *s, size_t n) {
        const unsigned char *u = (const unsigned char *) s;
        size_t length = n > 0 ? length_by_first(u[0]) : 0;

        if (length == 0 || length > n)
                return 0;
        if (length > 1 && !second_is_valid(u[0], u[1]))
                return 0;

        for (size_t i = 2; i < length; i++)
                if ((u[i] & 0xc0) != 0x80)
                        return 0;

        return length;
}

bool utf8_is_valid(const char *s, size_t n) {
        while (n > 0) {
                size_t length = utf8_length(s, n);

                if (length == 0)
                        return false;
                s += length;
                n -= length;
        }

        return true;
}
