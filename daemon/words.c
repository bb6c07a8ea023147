/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "utf8.h"
#include "words.h"

#define WHITESPACE " \t\n\r"

/* The longest name that word_distance() compares. */
#define NAME_MAX_LENGTH 32U

char **words_free(char **words) {
        if (words)
                for (char **w = words; *w; w++)
                        free(*w);
        free(words);
        return NULL;
}

int words_append(char ***words, const char *word) {
        _cleanup_free_ char *copy = strdup(word);
        char **grown;
        size_t n = 0;

        while (*words && (*words)[n])
                n++;

        grown = copy ? reallocarray(*words, n + 2, sizeof(char *)) : NULL;
        if (!grown)
                return -ENOMEM;

        grown[n] = TAKE_PTR(copy);
        grown[n + 1] = NULL;
        *words = grown;
        return 0;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -EINVAL;
}

/* Reads what follows a backslash, and moves *s behind it. */
static int unescape(const char **s, char *ret) {
        static const char letters[] = "abfnrstv\\\"'", values[] = "\a\b\f\n\r \t\v\\\"'";
        const char *letter;

        if (**s == 'x') {
                int high = hex_digit((*s)[1]), low = high >= 0 ? hex_digit((*s)[2]) : -EINVAL;

                if (low < 0 || high + low == 0)
                        return -EINVAL;
                *s += strlen("xNN");
                *ret = (char) (high << 4 | low);
                return 0;
        }

        letter = **s != '\0' ? strchr(letters, **s) : NULL;
        if (!letter)
                return -EINVAL;
        (*s)++;
        *ret = values[letter - letters];
        return 0;
}

/* Reads one word into buf, which is as large as what is left of the string, and moves *s behind it. */
static int next_word(const char **s, char *buf) {
        char quote = '\0';

        for (; **s != '\0' && (quote != '\0' || !strchr(WHITESPACE, **s));) {
                char c = *(*s)++;

                if (c == '\\') {
                        int r = unescape(s, buf);

                        if (r < 0)
                                return r;
                        buf++;
                } else if (quote != '\0' && c == quote)
                        quote = '\0';
                else if (quote == '\0' && (c == '"' || c == '\''))
                        quote = c;
                else
                        *buf++ = c;
        }

        *buf = '\0';
        return quote == '\0' ? 0 : -EINVAL;
}

int words_split(const char *s, char ***ret) {
        _cleanup_(words_freep) char **words = calloc(1, sizeof(char *));
        _cleanup_free_ char *buf = malloc(strlen(s) + 1);
        size_t n = 0;

        if (!words || !buf)
                return -ENOMEM;

        while (*(s += strspn(s, WHITESPACE)) != '\0') {
                char **grown;
                int r;

                r = next_word(&s, buf);
                if (r < 0)
                        return r;

                grown = reallocarray(words, n + 2, sizeof(char *));
                if (!grown)
                        return -ENOMEM;
                words = grown;
                words[n + 1] = NULL;
                words[n] = strdup(buf);
                if (!words[n++])
                        return -ENOMEM;
        }

        *ret = TAKE_PTR(words);
        return 0;
}

char *word_quote(const char *word) {
        bool quotes = *word == '\0' || strpbrk(word, " \"'");
        size_t left = strlen(word);
        char *quoted = malloc(left * strlen("\\xNN") + strlen("\"\"") + 1), *p = quoted;

        if (!quoted)
                return NULL;

        if (quotes)
                *p++ = '"';
        while (left > 0) {
                size_t n = utf8_length(word, left);

                if (n == 0 || iscntrl((unsigned char) *word)) {
                        p += sprintf(p, "\\x%02x", (unsigned char) *word);
                        n = 1;
                } else {
                        if (*word == '\\' || *word == '"')
                                *p++ = '\\';
                        p = mempcpy(p, word, n);
                }
                word += n;
                left -= n;
        }
        if (quotes)
                *p++ = '"';

        *p = '\0';
        return quoted;
}

static unsigned min3(unsigned a, unsigned b, unsigned c) {
        unsigned m = a < b ? a : b;

        return m < c ? m : c;
}

/* Levenshtein's distance, one row of his table at a time. */
unsigned word_distance(const char *a, const char *b) {
        size_t n_a = strlen(a), n_b = strlen(b);
        unsigned row[NAME_MAX_LENGTH + 1];

        if (n_a > NAME_MAX_LENGTH || n_b > NAME_MAX_LENGTH)
                return WORD_DISTANCE_MAX;

        for (unsigned j = 0; j <= n_b; j++)
                row[j] = j;

        for (unsigned i = 0; i < n_a; i++) {
                unsigned diagonal = row[0];

                row[0] = i + 1;
                for (unsigned j = 0; j < n_b; j++) {
                        bool same = tolower((unsigned char) a[i]) == tolower((unsigned char) b[j]);
                        unsigned above = row[j + 1];

                        row[j + 1] = min3(above + 1, row[j] + 1, diagonal + !same);
                        diagonal = above;
                }
        }

        return row[n_b] < WORD_DISTANCE_MAX ? row[n_b] : WORD_DISTANCE_MAX;
}
