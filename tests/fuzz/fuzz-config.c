/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever the file, config_load() makes a configuration of it that is in bounds and that config_print() and
 * config_load() hand back and forth unchanged; and what it tells is fit for a terminal. */

#include "acct.h"
#include "config.h"
#include "fuzz-file.h"
#include "utf8.h"

typedef struct Telling {
        const char *path;
        int n;
} Telling;

static void on_problem(const char *message, void *userdata) {
        Telling *t = userdata;
        size_t n = strlen(message), n_path = strlen(t->path);

        CHECK(strncmp(message, t->path, n_path) == 0 && message[n_path] == ':');
        CHECK(n < 2000); /* however long the line */
        CHECK(utf8_is_valid(message, n));
        for (const char *c = message; *c != '\0'; c++)
                CHECK((unsigned char) *c >= ' ' && *c != 0x7f);
        t->n++;
}

/* Returns the number of problems. */
static int load(const void *data, size_t size, Config **ret) {
        Telling telling = {};
        FuzzFile file;
        int r;

        fuzz_file_open(&file, data, size);
        telling.path = file.path;
        r = config_load("", file.path, on_problem, &telling, ret);
        CHECK(r >= 0 && r == telling.n);
        fuzz_file_close(&file);
        return r;
}

static char *print(const Config *c) {
        char *text = NULL;
        size_t n;
        FILE *f;

        f = open_memstream(&text, &n);
        CHECK(f);
        config_print(c, f);
        CHECK(fclose(f) == 0);
        return text;
}

static void check_patterns(char *const *patterns) {
        for (; patterns && *patterns; patterns++) {
                CHECK(**patterns == '/' || **patterns == '*');
                (void) config_match(patterns, "/system.slice/nginx.service");
        }
}

static void check_local(const Config *c) {
        size_t n_in = 0;

        CHECK(!c->local == (c->n_local == 0));
        for (size_t i = 0; i < c->n_local; i++) {
                CHECK(c->local[i].family == AF_INET || c->local[i].family == AF_INET6);
                n_in += c->local[i].family == AF_INET;
        }
        CHECK(n_in <= ACCT_PREFIXES_MAX && c->n_local - n_in <= ACCT_PREFIXES_MAX);
}

/* The bounds of cgacctd.conf(5). */
static void check_bounds(const Config *c) {
        CHECK(!c->cgroup_root || c->cgroup_root[0] == '/');
        CHECK(c->pin_directory && c->pin_directory[0] == '/');
        CHECK(c->max_depth >= 1 && c->max_depth <= 1024);
        CHECK(c->max_cgroups >= 1);
        CHECK(c->max_per_unit >= 1);
        CHECK(c->status_interval_usec >= 100 * USEC_PER_MSEC && c->status_interval_usec <= USEC_PER_DAY);
        CHECK(c->journal_interval_usec >= USEC_PER_SEC);
        CHECK(c->journal_interval_usec <= USEC_PER_YEAR || c->journal_interval_usec == USEC_INFINITY);
        CHECK(c->final_timeout_usec <= USEC_PER_YEAR || c->final_timeout_usec == USEC_INFINITY);
        CHECK(journal_records_to_string(c->journal_records));
        CHECK(log_level_to_string(c->log_level));
        check_patterns(c->include);
        check_patterns(c->exclude);
        check_local(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(config_freep) Config *config = NULL, *again = NULL;
        _cleanup_free_ char *printed = NULL, *printed_again = NULL;

        if (size > FUZZ_FILE_MAX)
                return 0;

        (void) load(data, size, &config);
        check_bounds(config);

        printed = print(config);
        CHECK(load(printed, strlen(printed), &again) == 0);
        printed_again = print(again);
        CHECK(strcmp(printed, printed_again) == 0);
        return 0;
}
