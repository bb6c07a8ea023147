/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What format_escape() writes is fit for a terminal and a status line, and can be turned back. */

#include "format.h"
#include "fuzz.h"
#include "utf8.h"

/* The code point of a character, by the bit patterns of RFC 3629, section 3, alone. */
static uint32_t decode(const uint8_t *u, size_t n) {
        uint32_t c = n == 1 ? u[0] : u[0] & (0x7fU >> n);

        for (size_t i = 1; i < n; i++) {
                CHECK((u[i] & 0xc0) == 0x80);
                c = c << 6 | (u[i] & 0x3f);
        }

        return c;
}

/* Every character is one that there can be, in its only form. */
static void check_characters(const char *s) {
        static const uint32_t first[] = {0, 0x20, 0x80, 0x800, 0x10000};

        while (*s != '\0') {
                size_t n = utf8_length(s, strlen(s));
                uint32_t c;

                CHECK(n >= 1 && n <= 4);
                c = decode((const uint8_t *) s, n);
                CHECK(c >= first[n] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff));
                CHECK(c < 0x7f || c > 0x9f);
                s += n;
        }
}

/* Whatever is no character is so for a reason: one that is made by the rules is taken. */
static void check_encoded(uint32_t c) {
        const char s[] = {(char) (0xf0 | c >> 18), (char) (0x80 | (c >> 12 & 0x3f)),
                        (char) (0x80 | (c >> 6 & 0x3f)), (char) (0x80 | (c & 0x3f))};
        const char s3[] = {(char) (0xe0 | (c >> 12 & 0xf)), s[2], s[3]};
        uint32_t c3 = c & 0xffff;

        CHECK(utf8_length(s, 4) == (c >= 0x10000 && c <= 0x10ffff ? 4 : 0));
        CHECK(utf8_length(s3, 3) == (c3 >= 0x800 && (c3 < 0xd800 || c3 > 0xdfff) ? 3 : 0));
        CHECK(utf8_length(s, 3) == 0 && utf8_length(s3, 2) == 0);
}

static char *unescape(const char *s) {
        char *plain = malloc(strlen(s) + 1), *p = plain;

        CHECK(plain);
        while (*s != '\0') {
                unsigned byte;

                if (*s != '\\') {
                        *p++ = *s++;
                        continue;
                }
                CHECK(strspn(s + 2, "0123456789abcdef") >= 2 && sscanf(s, "\\x%2x", &byte) == 1);
                *p++ = (char) byte;
                s += strlen("\\xNN");
        }
        *p = '\0';
        return plain;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *s = fuzz_string(data, size), *escaped = format_escape(s), *plain = NULL;

        CHECK(escaped);
        check_characters(escaped);
        plain = unescape(escaped);
        CHECK(strcmp(plain, s) == 0);

        if (size >= 3)
                check_encoded((uint32_t) (data[0] << 16 | data[1] << 8 | data[2]) & 0x1fffff);
        return 0;
}
