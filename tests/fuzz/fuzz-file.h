/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* FuzzFile: a file in memory that has a path, for what reads files. */

#include "fuzz.h"

typedef struct FuzzFile {
        int fd;
        char path[64];
} FuzzFile;

/* What is larger tells no more, and rather less than INI_LINE_MAX keeps that limit out of round trips. */
#define FUZZ_FILE_MAX ((size_t) 64 * 1024)

void fuzz_file_open(FuzzFile *f, const void *data, size_t size);
void fuzz_file_close(FuzzFile *f);
