/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every fuzz target includes. A target is one function, which libFuzzer calls with whatever bytes it makes up,
 * and fuzz-main.c with those of the corpus. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As assert(), but there in every build. */
#define CHECK(x) ((x) ? (void) 0 : fuzz_failed(#x, __FILE__, __LINE__))

_Noreturn static inline void fuzz_failed(const char *check, const char *file, int line) {
        (void) fprintf(stderr, "%s:%d: %s does not hold\n", file, line, check);
        abort();
}

/* The input as a string, up to its first NUL; to be freed. */
static inline char *fuzz_string(const uint8_t *data, size_t size) {
        char *s = strndup(size > 0 ? (const char *) data : "", size);

        CHECK(s);
        return s;
}
