/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What ini_read() hands out is clean, and written down again reads as the same. */

#include "fuzz-file.h"
#include "ini.h"
#include "utf8.h"

typedef struct Reading {
        const char *path;
        unsigned line; /* of the last assignment or complaint */
        unsigned n_complaints;
        FILE *f; /* the assignments as a file */
} Reading;

static bool is_space(char c) {
        return c != '\0' && strchr(" \t\n\r", c);
}

static bool is_stripped(const char *s) {
        return *s == '\0' || (!is_space(*s) && !is_space(s[strlen(s) - 1]));
}

static void next_line(Reading *r, const char *path, unsigned line) {
        CHECK(strcmp(path, r->path) == 0);
        CHECK(line > r->line);
        r->line = line;
}

static int on_assign(const char *path, unsigned line, const char *section, const char *key,
                const char *value, void *userdata) {
        Reading *r = userdata;

        next_line(r, path, line);
        CHECK(*key != '\0' && is_stripped(key) && is_stripped(value));
        CHECK(!strpbrk(key, "=\n") && !strchr("[#;", *key) && !strchr(value, '\n'));
        CHECK(utf8_is_valid(key, strlen(key)) && utf8_is_valid(value, strlen(value)));

        if (section) {
                CHECK(*section != '\0' && !strchr(section, '\n') && utf8_is_valid(section, strlen(section)));
                (void) fprintf(r->f, "[%s]\n", section);
        }

        /* A backslash at the very end of the line would continue it. */
        (void) fprintf(r->f, "%s=%s \n", key, value);
        return 0;
}

static void on_complain(const char *path, unsigned line, const char *message, void *userdata) {
        Reading *r = userdata;

        next_line(r, path, line);
        CHECK(*message != '\0');
        r->n_complaints++;
}

/* Returns the assignments as a file, and how many lines were not understood. */
static char *read_bytes(const void *data, size_t size, unsigned *ret_n_complaints) {
        Reading reading = {};
        const IniHandlers handlers = {.assign = on_assign, .complain = on_complain, .userdata = &reading};
        unsigned n_lines = 1;
        char *text = NULL;
        FuzzFile file;
        size_t n;

        for (size_t i = 0; i < size; i++)
                n_lines += ((const char *) data)[i] == '\n';

        fuzz_file_open(&file, data, size);
        reading.path = file.path;
        reading.f = open_memstream(&text, &n);
        CHECK(reading.f);

        /* A byte order mark is skipped on the first line only. */
        (void) fputc('\n', reading.f);
        CHECK(ini_read(file.path, &handlers) == 0);
        CHECK(reading.line <= n_lines);

        CHECK(fclose(reading.f) == 0);
        fuzz_file_close(&file);
        *ret_n_complaints = reading.n_complaints;
        return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *once = NULL, *twice = NULL;
        unsigned n_complaints;

        if (size > FUZZ_FILE_MAX)
                return 0;

        once = read_bytes(data, size, &n_complaints);
        twice = read_bytes(once, strlen(once), &n_complaints);
        CHECK(n_complaints == 0);
        CHECK(strcmp(once, twice) == 0);
        return 0;
}
