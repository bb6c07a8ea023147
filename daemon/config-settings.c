/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "config-internal.h"
#include "words.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

#define FIELD(f) .offset = offsetof(Config, f)

#define PATTERNS "patterns of paths, quoted as in the shell where there is white space in them"
#define COUNT    "a whole number of at least 1, or infinity,"

/* tests/check compares what config_print() makes of this with cgacctd.conf and cgacctd.conf(5). */
static const Setting settings[] = {
                {"CgroupRoot", &kind_path, FIELD(cgroup_root), "", "an absolute path without '.' and '..'"},
                {"PinDirectory", &kind_path, FIELD(pin_directory), "/sys/fs/bpf/cgacctd",
                                "an absolute path without '.' and '..'"},
                {"Include", &kind_patterns, FIELD(include), "", PATTERNS},
                {"Exclude", &kind_patterns, FIELD(exclude), "", PATTERNS},
                {"MaxDepth", &kind_number, FIELD(max_depth), "16", "a whole number from 1 to 1024", 1, 1024},
                {"MaxCgroups", &kind_number, FIELD(max_cgroups), "65536", COUNT, 1, UINT64_MAX},
                {"MaxPerUnit", &kind_number, FIELD(max_per_unit), "4096", COUNT, 1, UINT64_MAX},
                {"Local", &kind_local, FIELD(local), "private link-local shared multicast",
                                "address prefixes and the words private, link-local, shared, multicast"},
                {"StatusIntervalSec", &kind_span, FIELD(status_interval_usec), "10s",
                                "a time span from 100ms to 1d", 100 * USEC_PER_MSEC, USEC_PER_DAY},
                {"JournalIntervalSec", &kind_span_or_infinity, FIELD(journal_interval_usec), "1h",
                                "a time span from 1s to 1y, or infinity,", USEC_PER_SEC, USEC_PER_YEAR},
                {"JournalThreshold", &kind_bytes, FIELD(journal_threshold), "1M",
                                "a size in bytes, perhaps with K, M, G, T, P or E,"},
                {"JournalRecords", &kind_records, FIELD(journal_records), "units", "units, all or none"},
                {"FinalTimeoutSec", &kind_span_or_infinity, FIELD(final_timeout_usec), "10min",
                                "a time span from 0 to 1y, or infinity,", 0, USEC_PER_YEAR},
                {"LogLevel", &kind_level, FIELD(log_level), "info",
                                "err, warning, notice, info, debug or 3 to 7"},
};

const Setting *setting_find(const char *name) {
        for (size_t i = 0; i < N_ELEMENTS(settings); i++)
                if (strcmp(settings[i].name, name) == 0)
                        return settings + i;
        return NULL;
}

const char *setting_suggest(const char *name) {
        unsigned best = WORD_DISTANCE_MAX;
        const char *suggestion = NULL;

        for (size_t i = 0; i < N_ELEMENTS(settings); i++) {
                unsigned distance = word_distance(name, settings[i].name);

                /* three letters make any word of a few another one */
                if (distance < best && 2 * distance < strlen(name)) {
                        best = distance;
                        suggestion = settings[i].name;
                }
        }

        return suggestion;
}

static int tell_bad_value(Loader *l, const Setting *s, const char *value, const char *fault) {
        _cleanup_free_ char *quote = loader_quote(value), *current = NULL, *current_quote = NULL;
        size_t n;
        FILE *f;

        f = open_memstream(&current, &n);
        if (!f)
                return -ENOMEM;
        s->kind->print(l->config, (const char *) l->config + s->offset, f);
        if (fclose(f) != 0)
                return -ENOMEM;

        current_quote = loader_quote(current);
        if (!quote || !current_quote)
                return -ENOMEM;

        return loader_tell(l, "'%s=%s' is %s, %s is expected; '%s=%s' stays in effect.", s->name, quote,
                        fault, s->takes, s->name, current_quote);
}

int setting_assign(Loader *l, const Setting *s, const char *value) {
        void *field = (char *) l->config + s->offset;
        int r;

        r = s->kind->parse(l, s, *value != '\0' || s->kind->is_list ? value : s->fallback, field);
        if (r == -ERANGE)
                return tell_bad_value(l, s, value, "out of range");
        if (r == -EINVAL)
                return tell_bad_value(l, s, value, "not understood");
        return r;
}

int settings_reset(Config *c) {
        Loader l = {.config = c};

        for (size_t i = 0; i < N_ELEMENTS(settings); i++) {
                const Setting *s = settings + i;
                int r;

                r = s->kind->parse(&l, s, s->fallback, (char *) c + s->offset);
                if (r < 0) {
                        assert(r == -ENOMEM);
                        return r;
                }
        }

        return 0;
}

void config_print(const Config *c, FILE *f) {
        (void) fputs("[Cgacctd]\n", f);

        for (size_t i = 0; i < N_ELEMENTS(settings); i++) {
                const Setting *s = settings + i;

                /* the one list whose default is not empty, and would stay */
                if (s->kind == &kind_local && c->n_local > 0)
                        (void) fprintf(f, "%s=\n", s->name);
                (void) fprintf(f, "%s=", s->name);
                s->kind->print(c, (const char *) c + s->offset, f);
                (void) fputc('\n', f);
        }
}
