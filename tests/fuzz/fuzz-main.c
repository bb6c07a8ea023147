/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs a target with each file of its corpus, where there is no libFuzzer to do it. */

#include "fuzz.h"

static void run_file(const char *directory, const char *name) {
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        long size;

        CHECK(asprintf(&path, "%s/%s", directory, name) > 0);
        (void) fprintf(stderr, "%s\n", path); /* the last one is the one to look at */

        f = fopen(path, "re");
        CHECK(f);
        CHECK(fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0);
        rewind(f);

        /* exactly as large, so that a sanitizer sees a read beyond the end */
        data = malloc((size_t) size);
        CHECK(data || size == 0);
        CHECK(fread(data, 1, (size_t) size, f) == (size_t) size);

        CHECK(LLVMFuzzerTestOneInput(data, (size_t) size) == 0);
}

int main(int argc, char *argv[]) {
        _cleanup_closedir_ DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
        const struct dirent *entry;
        unsigned n = 0;

        if (!d) {
                (void) fprintf(stderr, "Usage: %s CORPUS-DIRECTORY\n", argv[0]);
                return EXIT_FAILURE;
        }

        while ((entry = readdir(d)))
                if (entry->d_name[0] != '.') {
                        run_file(argv[1], entry->d_name);
                        n++;
                }

        (void) fprintf(stderr, "%u inputs\n", n);
        return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
