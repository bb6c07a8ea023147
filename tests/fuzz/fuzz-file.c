/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/mman.h>

#include "fuzz-file.h"

void fuzz_file_open(FuzzFile *f, const void *data, size_t size) {
        f->fd = memfd_create("fuzz", MFD_CLOEXEC);
        CHECK(f->fd >= 0);
        CHECK(write(f->fd, data, size) == (ssize_t) size);

        /* opened anew, so that whoever reads it begins at its start */
        (void) snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
}

void fuzz_file_close(FuzzFile *f) {
        f->fd = safe_close(f->fd);
}
