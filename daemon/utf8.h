/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Utf8: tells well-formed UTF-8 from other bytes. */

#include <stdbool.h>
#include <stddef.h>

/* The length of the character that the n bytes at s begin with, 1 to 4, or 0 if they begin with none: not
 * well-formed as RFC 3629 has it, or cut off. */
size_t utf8_length(const char *s, size_t n);

bool utf8_is_valid(const char *s, size_t n);
