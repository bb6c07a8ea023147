/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "parse.h"

#define WHITESPACE    " \t\n\r"
#define DIGITS        "0123456789"
#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

/* A decimal number as it was written. */
typedef struct Number {
        uint64_t whole;
        const char *fraction; /* the digits behind the point */
        size_t n_fraction;
} Number;

typedef struct Factor {
        const char *name;
        uint64_t factor;
} Factor;

/* All names of systemd.time(7), which is strict about case: "m" are minutes, "M" months. */
static const Factor timespan_units[] = {
                {"", USEC_PER_SEC},
                {"us", 1},
                {"usec", 1},
                {"\xc2\xb5s", 1}, /* U+00B5, micro sign */
                {"\xce\xbcs", 1}, /* U+03BC, Greek small letter mu */
                {"ms", USEC_PER_MSEC},
                {"msec", USEC_PER_MSEC},
                {"s", USEC_PER_SEC},
                {"sec", USEC_PER_SEC},
                {"second", USEC_PER_SEC},
                {"seconds", USEC_PER_SEC},
                {"m", USEC_PER_MINUTE},
                {"min", USEC_PER_MINUTE},
                {"minute", USEC_PER_MINUTE},
                {"minutes", USEC_PER_MINUTE},
                {"h", USEC_PER_HOUR},
                {"hr", USEC_PER_HOUR},
                {"hour", USEC_PER_HOUR},
                {"hours", USEC_PER_HOUR},
                {"d", USEC_PER_DAY},
                {"day", USEC_PER_DAY},
                {"days", USEC_PER_DAY},
                {"w", USEC_PER_WEEK},
                {"week", USEC_PER_WEEK},
                {"weeks", USEC_PER_WEEK},
                {"M", USEC_PER_MONTH},
                {"month", USEC_PER_MONTH},
                {"months", USEC_PER_MONTH},
                {"y", USEC_PER_YEAR},
                {"year", USEC_PER_YEAR},
                {"years", USEC_PER_YEAR},
};

static const Factor size_units[] = {
                {"", 1},
                {"B", 1},
                {"K", UINT64_C(1) << 10},
                {"M", UINT64_C(1) << 20},
                {"G", UINT64_C(1) << 30},
                {"T", UINT64_C(1) << 40},
                {"P", UINT64_C(1) << 50},
                {"E", UINT64_C(1) << 60},
};

static const char *skip_whitespace(const char *s) {
        return s + strspn(s, WHITESPACE);
}

/* True if s is this word, perhaps with white space around it. */
static bool is_word(const char *s, const char *word) {
        size_t n = strlen(word);

        s = skip_whitespace(s);
        return strncmp(s, word, n) == 0 && *skip_whitespace(s + n) == '\0';
}

/* Reads digits and moves *s behind them. */
static int parse_digits(const char **s, uint64_t *ret) {
        size_t n = strspn(*s, DIGITS);
        uint64_t v = 0;

        for (size_t i = 0; i < n; i++)
                if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (*s)[i] - '0', &v))
                        return -ERANGE;

        *s += n;
        *ret = v;
        return 0;
}

/* A number below zero is well understood, but never fits. */
static bool is_negative(const char *s) {
        return s[0] == '-' && s[1] != '\0' && strchr(DIGITS, s[1]);
}

/* Reads "12", "12.5", "12." or ".5", and moves *s behind it. */
static int parse_number(const char **s, Number *ret) {
        Number number = {};
        size_t n_whole = strspn(*s, DIGITS);
        int r;

        if (is_negative(*s))
                return -ERANGE;

        r = parse_digits(s, &number.whole);
        if (r < 0)
                return r;

        if (**s == '.') {
                number.fraction = ++*s;
                number.n_fraction = strspn(*s, DIGITS);
                *s += number.n_fraction;
        }
        if (n_whole + number.n_fraction == 0)
                return -EINVAL;

        *ret = number;
        return 0;
}

/* number × factor, cut to a whole. factor is at most 2^60, so that ten of it fit. */
static int number_scale(const Number *number, uint64_t factor, uint64_t *ret) {
        uint64_t whole, fraction = 0;

        /* 0.d₁d₂… × factor = (d₁ × factor + (d₂ × factor + …) / 10) / 10, from the innermost parentheses on:
         * exact, as cutting what is divided again by a whole number never changes the quotient's whole part. */
        for (size_t i = number->n_fraction; i > 0; i--)
                fraction = (fraction + (uint64_t) (number->fraction[i - 1] - '0') * factor) / 10;

        if (__builtin_mul_overflow(number->whole, factor, &whole) ||
                        __builtin_add_overflow(whole, fraction, &whole))
                return -ERANGE;

        *ret = whole;
        return 0;
}

/* Reads the unit at *s, which ends where a number, white space or the string's end begins, and moves *s behind
 * it and the white space around it. */
static int parse_unit(const char **s, const Factor *units, size_t n_units, uint64_t *ret) {
        const char *name = skip_whitespace(*s);
        size_t n = strcspn(name, WHITESPACE DIGITS ".-");

        for (size_t i = 0; i < n_units; i++)
                if (strlen(units[i].name) == n && memcmp(units[i].name, name, n) == 0) {
                        const char *end = skip_whitespace(name + n);

                        /* two points in one number, as in "1.2.3" */
                        if (end == *s && *end != '\0')
                                return -EINVAL;
                        *s = end;
                        *ret = units[i].factor;
                        return 0;
                }

        return -EINVAL;
}

int parse_timespan(const char *s, usec_t *ret) {
        usec_t sum = 0;

        if (is_word(s, "infinity")) {
                *ret = USEC_INFINITY;
                return 0;
        }

        s = skip_whitespace(s);
        do {
                Number number;
                uint64_t factor, v;
                int r;

                r = parse_number(&s, &number);
                if (r < 0)
                        return r;
                r = parse_unit(&s, timespan_units, N_ELEMENTS(timespan_units), &factor);
                if (r < 0)
                        return r;
                r = number_scale(&number, factor, &v);
                if (r < 0)
                        return r;
                if (__builtin_add_overflow(sum, v, &sum) || sum == USEC_INFINITY)
                        return -ERANGE;
        } while (*s != '\0');

        *ret = sum;
        return 0;
}

int parse_size(const char *s, uint64_t *ret) {
        Number number;
        uint64_t factor;
        int r;

        if (is_word(s, "infinity")) {
                *ret = UINT64_MAX;
                return 0;
        }

        s = skip_whitespace(s);
        r = parse_number(&s, &number);
        if (r < 0)
                return r;
        r = parse_unit(&s, size_units, N_ELEMENTS(size_units), &factor);
        if (r < 0)
                return r;
        if (*s != '\0')
                return -EINVAL;

        return number_scale(&number, factor, ret);
}

int parse_unsigned(const char *s, uint64_t min, uint64_t max, uint64_t *ret) {
        bool negative = is_negative(s);
        size_t n_digits = strspn(s + negative, DIGITS);
        uint64_t v;
        int r;

        if (max == UINT64_MAX && strcmp(s, "infinity") == 0) {
                *ret = UINT64_MAX;
                return 0;
        }

        if (n_digits == 0 || s[negative + n_digits] != '\0')
                return -EINVAL;
        if (negative)
                return -ERANGE;

        r = parse_digits(&s, &v);
        if (r < 0)
                return r;
        if (v < min || v > max)
                return -ERANGE;

        *ret = v;
        return 0;
}
