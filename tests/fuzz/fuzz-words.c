/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What words_split() reads, word_quote() writes on one line of UTF-8 that reads as the same. */

#include "fuzz.h"
#include "utf8.h"
#include "words.h"

static char *join(char *const *words) {
        char *text = NULL;
        size_t n;
        FILE *f;

        f = open_memstream(&text, &n);
        CHECK(f);
        for (; *words; words++) {
                _cleanup_free_ char *quoted = word_quote(*words);

                CHECK(quoted && *quoted != '\0');
                (void) fprintf(f, "%s ", quoted);
        }
        CHECK(fclose(f) == 0);
        CHECK(utf8_is_valid(text, n) && !strpbrk(text, "\r\n"));
        return text;
}

static void check_distance(const char *a, const char *b) {
        unsigned distance = word_distance(a, b);

        CHECK(distance <= WORD_DISTANCE_MAX);
        CHECK(word_distance(b, a) == distance);
        CHECK(distance > 0 || strcasecmp(a, b) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *s = fuzz_string(data, size), *quoted = NULL;
        _cleanup_(words_freep) char **words = NULL, **again = NULL;
        size_t i;
        int r;

        r = words_split(s, &words);
        if (r < 0) {
                CHECK(r == -EINVAL && !words);
                return 0;
        }

        quoted = join(words);
        CHECK(words_split(quoted, &again) == 0);
        for (i = 0; words[i]; i++) {
                CHECK(again[i] && strcmp(words[i], again[i]) == 0);
                check_distance(words[0], words[i]);
        }
        CHECK(!again[i]);
        return 0;
}
