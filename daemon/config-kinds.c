/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "acct.h"
#include "config-internal.h"
#include "format.h"
#include "parse.h"
#include "words.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

static int parse_number(Loader *l, const Setting *s, const char *value, void *field) {
        (void) l;
        return parse_unsigned(value, s->min, s->max, field);
}

static void print_number(const Config *c, const void *field, FILE *f) {
        uint64_t v = *(const uint64_t *) field;

        (void) c;
        if (v == UINT64_MAX)
                (void) fputs("infinity", f);
        else
                (void) fprintf(f, "%" PRIu64, v);
}

const Kind kind_number = {.parse = parse_number, .print = print_number};

static int parse_bytes(Loader *l, const Setting *s, const char *value, void *field) {
        (void) l;
        (void) s;
        return parse_size(value, field);
}

static void print_bytes(const Config *c, const void *field, FILE *f) {
        char buf[FORMAT_MAX];

        (void) c;
        (void) fputs(format_bytes_exact(*(const uint64_t *) field, buf), f);
}

const Kind kind_bytes = {.parse = parse_bytes, .print = print_bytes};

/* max bounds finite spans, so that a span can be added to a point in time. */
static int parse_span(Loader *l, const Setting *s, const char *value, void *field) {
        usec_t v;
        int r;

        (void) l;
        r = parse_timespan(value, &v);
        if (r < 0)
                return r;
        if (v < s->min || v > s->max)
                return -ERANGE;

        *(usec_t *) field = v;
        return 0;
}

static int parse_span_or_infinity(Loader *l, const Setting *s, const char *value, void *field) {
        usec_t v;

        if (parse_timespan(value, &v) < 0 || v != USEC_INFINITY)
                return parse_span(l, s, value, field);

        *(usec_t *) field = v;
        return 0;
}

static void print_span(const Config *c, const void *field, FILE *f) {
        char buf[FORMAT_MAX];

        (void) c;
        (void) fputs(format_timespan_exact(*(const usec_t *) field, buf), f);
}

const Kind kind_span = {.parse = parse_span, .print = print_span};
const Kind kind_span_or_infinity = {.parse = parse_span_or_infinity, .print = print_span};

/* One component of a path, of n bytes. */
static bool component_is_valid(const char *s, size_t n) {
        return n <= NAME_MAX && !(n == 1 && s[0] == '.') && !(n == 2 && s[0] == '.' && s[1] == '.');
}

/* Absolute, without "." and "..", which would make the meaning depend on links. Surplus slashes go. */
static int normalize_path(const char *s, char **ret) {
        _cleanup_free_ char *path = malloc(strlen(s) + strlen("/") + 1);
        char *p = path;

        if (!path)
                return -ENOMEM;
        if (*s != '/')
                return -EINVAL;

        for (s += strspn(s, "/"); *s != '\0'; s += strspn(s, "/")) {
                size_t n = strcspn(s, "/");

                if (!component_is_valid(s, n))
                        return -EINVAL;
                *p++ = '/';
                p = mempcpy(p, s, n);
                s += n;
        }

        if (p == path)
                *p++ = '/';
        *p = '\0';
        if (p - path >= PATH_MAX)
                return -ERANGE;

        *ret = TAKE_PTR(path);
        return 0;
}

static int parse_path(Loader *l, const Setting *s, const char *value, void *field) {
        char **path = field, *normalized = NULL;
        int r;

        (void) l;
        (void) s;
        if (*value != '\0') {
                r = normalize_path(value, &normalized);
                if (r < 0)
                        return r;
        }

        free(*path);
        *path = normalized;
        return 0;
}

static void print_path(const Config *c, const void *field, FILE *f) {
        const char *path = *(char *const *) field;
        size_t n = path ? strlen(path) : 0;

        (void) c;
        (void) fputs(path ?: "", f);

        /* White space at the end of a line would be stripped, and a backslash continue it. */
        if (n > 0 && strchr(" \t\r\\", path[n - 1]))
                (void) fputc('/', f);
}

const Kind kind_path = {.parse = parse_path, .print = print_path};

static int parse_records(Loader *l, const Setting *s, const char *value, void *field) {
        JournalRecords v = journal_records_from_string(value);

        (void) l;
        (void) s;
        if (v < 0)
                return -EINVAL;

        *(JournalRecords *) field = v;
        return 0;
}

static void print_records(const Config *c, const void *field, FILE *f) {
        (void) c;
        (void) fputs(journal_records_to_string(*(const JournalRecords *) field), f);
}

const Kind kind_records = {.parse = parse_records, .print = print_records};

static int parse_level(Loader *l, const Setting *s, const char *value, void *field) {
        int v = log_level_from_string(value);

        (void) l;
        (void) s;
        if (v < 0)
                return v;

        *(int *) field = v;
        return 0;
}

static void print_level(const Config *c, const void *field, FILE *f) {
        (void) c;
        (void) fputs(log_level_to_string(*(const int *) field), f);
}

const Kind kind_level = {.parse = parse_level, .print = print_level};

static int tell_word(Loader *l, const Setting *s, const char *word, const char *fault) {
        _cleanup_free_ char *quote = loader_quote(word);

        if (!quote)
                return -ENOMEM;

        return loader_tell(l, "%s=: '%s' %s, left out.", s->name, quote, fault);
}

static int parse_patterns(Loader *l, const Setting *s, const char *value, void *field) {
        _cleanup_(words_freep) char **words = NULL;
        char ***patterns = field;
        int r;

        if (*value == '\0') {
                *patterns = words_free(*patterns);
                return 0;
        }

        r = words_split(value, &words);
        if (r < 0)
                return r;

        for (char **w = words; *w; w++) {
                if (**w == '/' || **w == '*')
                        r = words_append(patterns, *w);
                else
                        r = tell_word(l, s, *w, "can match no path, as it begins with neither '/' nor '*'");
                if (r < 0)
                        return r;
        }

        return 0;
}

static void print_patterns(const Config *c, const void *field, FILE *f) {
        char *const *patterns = *(char **const *) field;

        (void) c;
        for (size_t i = 0; patterns && patterns[i]; i++) {
                _cleanup_free_ char *quoted = word_quote(patterns[i]);

                (void) fprintf(f, "%s%s", i > 0 ? " " : "", quoted ?: "");
        }
}

const Kind kind_patterns = {.is_list = true, .parse = parse_patterns, .print = print_patterns};

static bool prefix_equal(const Prefix *a, const Prefix *b) {
        return a->family == b->family && a->length == b->length &&
               memcmp(&a->address, &b->address, sizeof(a->address)) == 0;
}

static int local_add(Loader *l, const Setting *s, const Prefix *prefix) {
        Config *c = l->config;
        unsigned n_family = 0;
        Prefix *grown;

        for (size_t i = 0; i < c->n_local; i++) {
                if (prefix_equal(c->local + i, prefix))
                        return 0;
                n_family += c->local[i].family == prefix->family;
        }

        if (n_family >= ACCT_PREFIXES_MAX) {
                char word[PREFIX_STRING_MAX], fault[64];

                (void) snprintf(fault, sizeof(fault), "is one more than %u %s prefixes", ACCT_PREFIXES_MAX,
                                prefix->family == AF_INET ? "IPv4" : "IPv6");
                return tell_word(l, s, prefix_format(prefix, word), fault);
        }

        grown = reallocarray(c->local, c->n_local + 1, sizeof(Prefix));
        if (!grown)
                return -ENOMEM;
        grown[c->n_local++] = *prefix;
        c->local = grown;
        return 0;
}

static int local_add_word(Loader *l, const Setting *s, const char *word) {
        const Prefix *prefixes;
        Prefix prefix;
        size_t n;

        prefixes = prefix_word(word, &n);
        if (!prefixes) {
                if (prefix_parse(word, &prefix) < 0)
                        return tell_word(l, s, word,
                                        "is neither an address prefix nor private, link-local, shared or multicast");
                prefixes = &prefix;
                n = 1;
        }

        for (size_t i = 0; i < n; i++) {
                int r;

                r = local_add(l, s, prefixes + i);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int parse_local(Loader *l, const Setting *s, const char *value, void *field) {
        _cleanup_(words_freep) char **words = NULL;
        int r;

        (void) field; /* there are two: local and n_local */
        if (*value == '\0') {
                free(l->config->local);
                l->config->local = NULL;
                l->config->n_local = 0;
                return 0;
        }

        r = words_split(value, &words);
        if (r < 0)
                return r;

        for (char **w = words; *w; w++) {
                r = local_add_word(l, s, *w);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* The word whose prefixes stand here in its order, NULL if none; and how many they are, else 1. */
static const char *local_word_at(const Config *c, size_t at, size_t *ret_n) {
        static const char *const words[] = {"private", "link-local", "shared", "multicast"};

        for (size_t i = 0; i < N_ELEMENTS(words); i++) {
                const Prefix *prefixes = prefix_word(words[i], ret_n);
                size_t same = 0;

                while (same < *ret_n && at + same < c->n_local &&
                                prefix_equal(c->local + at + same, prefixes + same))
                        same++;
                if (same == *ret_n)
                        return words[i];
        }

        *ret_n = 1;
        return NULL;
}

static void print_local(const Config *c, const void *field, FILE *f) {
        size_t n;

        (void) field;
        for (size_t i = 0; i < c->n_local; i += n) {
                const char *word = local_word_at(c, i, &n);
                char buf[PREFIX_STRING_MAX];

                (void) fprintf(f, "%s%s", i > 0 ? " " : "", word ?: prefix_format(c->local + i, buf));
        }
}

const Kind kind_local = {.is_list = true, .parse = parse_local, .print = print_local};
