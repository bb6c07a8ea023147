/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Words: lists of words in one value, with the quoting that systemd's users know. */

#include "cleanup.h"

/* NULL-terminated arrays of strings. */
char **words_free(char **words);
DEFINE_CLEANUP(char *, words_free);

/* Appends a copy of the word. *words may be NULL, and is left alone on -ENOMEM. */
int words_append(char ***words, const char *word);

/* Splits at white space. "…" and '…' hold a word with white space together, and these escapes are replaced, in
 * and out of quotes: \a \b \f \n \r \s (a space) \t \v \\ \" \' and \xNN (not 00). -EINVAL: a quote is not
 * closed, or another escape. */
int words_split(const char *s, char ***ret);

/* The word as words_split() reads it back, in UTF-8 and on one line; NULL if out of memory. */
char *word_quote(const char *word);

/* How many letters must be added, removed or replaced to come from a to b, without regard to case; or
 * WORD_DISTANCE_MAX if it is that or more, or one of them is longer than a name would be. */
#define WORD_DISTANCE_MAX 4U
unsigned word_distance(const char *a, const char *b);
