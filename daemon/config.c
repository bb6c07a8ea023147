/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <string.h>
#include <syslog.h>

#include "config-files.h"
#include "config-internal.h"
#include "format.h"
#include "ini.h"
#include "utf8.h"
#include "words.h"

#define SECTION "Cgacctd"

/* Bytes of a value that a message shows. */
#define QUOTE_MAX 80U

Config *config_free(Config *c) {
        if (!c)
                return NULL;

        free(c->local);
        words_free(c->exclude);
        words_free(c->include);
        free(c->pin_directory);
        free(c->cgroup_root);
        free(c);
        return NULL;
}

static const char *const journal_records_names[_JOURNAL_RECORDS_MAX] = {
                [JOURNAL_RECORDS_NONE] = "none",
                [JOURNAL_RECORDS_UNITS] = "units",
                [JOURNAL_RECORDS_ALL] = "all",
};

const char *journal_records_to_string(JournalRecords r) {
        return r >= 0 && r < _JOURNAL_RECORDS_MAX ? journal_records_names[r] : NULL;
}

JournalRecords journal_records_from_string(const char *s) {
        for (JournalRecords r = 0; r < _JOURNAL_RECORDS_MAX; r++)
                if (strcmp(journal_records_names[r], s) == 0)
                        return r;
        return _JOURNAL_RECORDS_INVALID;
}

static const char *const log_level_names[] = {
                [LOG_ERR] = "err",
                [LOG_WARNING] = "warning",
                [LOG_NOTICE] = "notice",
                [LOG_INFO] = "info",
                [LOG_DEBUG] = "debug",
};

const char *log_level_to_string(int level) {
        return level >= LOG_ERR && level <= LOG_DEBUG ? log_level_names[level] : NULL;
}

int log_level_from_string(const char *s) {
        for (int level = LOG_ERR; level <= LOG_DEBUG; level++)
                if (strcmp(log_level_names[level], s) == 0 || (s[0] == '0' + level && s[1] == '\0'))
                        return level;
        return -EINVAL;
}

bool config_match(char *const *patterns, const char *path) {
        for (; patterns && *patterns; patterns++)
                if (fnmatch(*patterns, path, FNM_NOESCAPE) == 0)
                        return true;
        return false;
}

int loader_tell(Loader *l, const char *format, ...) {
        _cleanup_free_ char *text = NULL, *message = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0) {
                text = NULL; /* vasprintf() leaves it undefined */
                return -ENOMEM;
        }

        r = l->line > 0 ? asprintf(&message, "%s:%u: %s", l->path, l->line, text)
                        : asprintf(&message, "%s: %s", l->path, text);
        if (r < 0) {
                message = NULL;
                return -ENOMEM;
        }

        l->n_problems++;
        l->problem(message, l->userdata);
        return 0;
}

char *loader_quote(const char *text) {
        _cleanup_free_ char *start = NULL, *escaped = NULL;
        size_t n = strnlen(text, QUOTE_MAX + 1);
        char *quote;

        if (n <= QUOTE_MAX)
                return format_escape(text);

        /* cut between characters */
        for (n = 0; n < QUOTE_MAX;) {
                size_t length = utf8_length(text + n, QUOTE_MAX - n);

                if (length == 0)
                        break;
                n += length;
        }

        start = strndup(text, n);
        escaped = start ? format_escape(start) : NULL;
        return escaped && asprintf(&quote, "%s...", escaped) >= 0 ? quote : NULL;
}

static int tell_unknown_section(Loader *l, const char *section) {
        _cleanup_free_ char *quote = NULL;
        char *copy;

        /* once where it begins, not for each of its assignments */
        if (l->unknown_section && strcmp(l->unknown_section, section) == 0)
                return 0;

        quote = loader_quote(section);
        copy = strdup(section);
        free(l->unknown_section);
        l->unknown_section = copy;
        if (!quote || !copy)
                return -ENOMEM;

        return loader_tell(l, "Unknown section [%s], ignored.%s", quote,
                        word_distance(section, SECTION) < WORD_DISTANCE_MAX ? " Did you mean [" SECTION "]?"
                                                                            : " There is only [" SECTION
                                                                              "].");
}

static int tell_outside(Loader *l, const char *key) {
        _cleanup_free_ char *quote = loader_quote(key);

        if (!quote)
                return -ENOMEM;

        return loader_tell(l, "'%s=' is outside of any section, ignored. [" SECTION "] must come before it.",
                        quote);
}

static int tell_unknown_setting(Loader *l, const char *key) {
        _cleanup_free_ char *quote = loader_quote(key);
        const char *suggestion = setting_suggest(key);

        if (!quote)
                return -ENOMEM;
        if (!suggestion)
                return loader_tell(l, "Unknown setting '%s=' in section [" SECTION "], ignored.", quote);

        return loader_tell(l, "Unknown setting '%s=' in section [" SECTION "], ignored. Did you mean '%s='?",
                        quote, suggestion);
}

static int on_assign(const char *path, unsigned line, const char *section, const char *key,
                const char *value, void *userdata) {
        Loader *l = userdata;
        const Setting *s;

        (void) path; /* l->path is the same, escaped */
        l->line = line;

        if (!section)
                return tell_outside(l, key);
        if (strncmp(section, "X-", strlen("X-")) == 0)
                return 0;
        if (strcmp(section, SECTION) != 0)
                return tell_unknown_section(l, section);

        s = setting_find(key);
        return s ? setting_assign(l, s, value) : tell_unknown_setting(l, key);
}

static void on_complain(const char *path, unsigned line, const char *message, void *userdata) {
        Loader *l = userdata;

        (void) path; /* as above */
        l->line = line;
        (void) loader_tell(l, "%s.", message); /* out of memory, and not even able to say so */
}

static int load_file(Loader *l, const char *path) {
        _cleanup_free_ char *shown = format_escape(path);
        const IniHandlers handlers = {
                        .assign = on_assign,
                        .complain = on_complain,
                        .userdata = l,
        };
        int r;

        if (!shown)
                return -ENOMEM;

        l->path = shown;
        r = ini_read(path, &handlers);
        free(l->unknown_section);
        l->unknown_section = NULL;
        l->path = NULL; /* shown goes */
        return r;
}

static void on_file_error(const char *path, int error, void *userdata) {
        _cleanup_free_ char *shown = format_escape(path);
        Loader *l = userdata;

        if (!shown)
                return; /* out of memory, and not even able to say so */

        l->path = shown;
        l->line = 0;
        (void) loader_tell(l, "Cannot be read, ignored: %s",
                        error == -EINVAL ? "It is not a regular file" : strerror(-error));
        l->path = NULL;
}

static int load_files(Loader *l, const char *root) {
        _cleanup_(words_freep) char **paths = NULL;
        int r;

        r = config_files_list(root, on_file_error, l, &paths);
        if (r < 0)
                return r;

        for (char **p = paths; p && *p; p++) {
                r = load_file(l, *p);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        on_file_error(*p, r, l);
        }

        return 0;
}

int config_load(const char *root, const char *file, ConfigProblem problem, void *userdata, Config **ret) {
        _cleanup_(config_freep) Config *c = calloc(1, sizeof(Config));
        Loader l = {.config = c, .problem = problem, .userdata = userdata};
        int r;

        if (!c)
                return -ENOMEM;

        r = settings_reset(c);
        if (r < 0)
                return r;
        r = file ? load_file(&l, file) : load_files(&l, root);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return l.n_problems;
}
