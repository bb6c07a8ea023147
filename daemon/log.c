/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Without it, sd-journal.h adds where in the source a record was sent: here, always. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "log.h"
#include "utf8.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

#define ANSI_RED    "\x1b[0;1;31m"
#define ANSI_YELLOW "\x1b[0;1;33m"
#define ANSI_NORMAL "\x1b[0m"

typedef enum LogTarget {
        LOG_TARGET_PLAIN, /* stderr, lines as they are */
        LOG_TARGET_COLOUR, /* stderr, a terminal */
        LOG_TARGET_PREFIX, /* stderr, read by journald: sd-daemon(3)'s level prefix */
        LOG_TARGET_JOURNAL,
} LogTarget;

/* Read by every thread, the worker's included. */
static _Atomic(LogTarget) target = LOG_TARGET_PLAIN;
static _Atomic(int) max_level = LOG_INFO;
static _Atomic(Worker *) worker = NULL;

struct LogRecord {
        Job job;
        int level;
        bool failed; /* out of memory: it is not complete */
        struct iovec *fields;
        size_t n_fields;
};

static bool stderr_is(const char *journal_stream) {
        uint64_t dev, ino;
        struct stat st;
        int n = 0;

        if (!journal_stream || sscanf(journal_stream, "%" SCNu64 ":%" SCNu64 "%n", &dev, &ino, &n) != 2 ||
                        journal_stream[n])
                return false;

        return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

static bool stderr_has_colours(void) {
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 && (!no_color || !no_color[0]);
}

void log_open_at(const char *journal_stream, const char *socket) {
        if (!stderr_is(journal_stream))
                target = stderr_has_colours() ? LOG_TARGET_COLOUR : LOG_TARGET_PLAIN;
        else
                /* sd_journal_sendv(3) says nothing of records that it drops because there is no socket */
                target = access(socket, W_OK) == 0 ? LOG_TARGET_JOURNAL : LOG_TARGET_PREFIX;
}

void log_open(void) {
        log_open_at(getenv("JOURNAL_STREAM"), JOURNAL_SOCKET);
}

void log_set_level(int level) {
        max_level = level;
}

int log_level(void) {
        return max_level;
}

bool log_is_journal(void) {
        return target == LOG_TARGET_JOURNAL;
}

void log_set_worker(Worker *w) {
        worker = w;
}

static void stderr_write(const char *s, size_t n) {
        while (n > 0) {
                ssize_t k = write(STDERR_FILENO, s, n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return; /* there is nobody left to tell */
                s += k;
                n -= (size_t) k;
        }
}

/* One line, whatever the message holds: control characters (the C1 ones too, which are two bytes in UTF-8) and what
 * is not UTF-8 are escaped. */
static void put_escaped(FILE *f, const char *s) {
        size_t left = strlen(s);

        while (left > 0) {
                const unsigned char *u = (const unsigned char *) s;
                size_t n = utf8_length(s, left);
                bool control = (u[0] < 0x20 && u[0] != '\t') || u[0] == 0x7f ||
                               (n == 2 && u[0] == 0xc2 && u[1] < 0xa0);

                if (n == 0 || control) {
                        (void) fprintf(f, "\\x%02x",
                                        u[0]); /* the second byte of two is not UTF-8, and follows */
                        n = 1;
                } else
                        (void) fwrite(s, 1, n, f);
                s += n;
                left -= n;
        }
}

static const char *level_colour(LogTarget t, int level) {
        if (t != LOG_TARGET_COLOUR || level > LOG_WARNING)
                return "";
        return level == LOG_WARNING ? ANSI_YELLOW : ANSI_RED;
}

/* In one write, so that lines of several threads do not mix. */
static void stderr_line(LogTarget t, int level, const char *message) {
        const char *colour = level_colour(t, level);
        _cleanup_free_ char *line = NULL;
        size_t n;
        FILE *f;

        f = open_memstream(&line, &n);
        if (!f)
                return stderr_write("Out of memory\n", strlen("Out of memory\n"));

        if (t == LOG_TARGET_PREFIX || t == LOG_TARGET_JOURNAL)
                (void) fprintf(f, "<%d>", level);
        (void) fputs(colour, f);
        put_escaped(f, message);
        (void) fputs(colour[0] ? ANSI_NORMAL : "", f);
        (void) fputc('\n', f);

        if (fclose(f) == 0)
                stderr_write(line, n);
        else
                stderr_write("Out of memory\n", strlen("Out of memory\n"));
}

/* MESSAGE= is the last field. */
static const char *record_message(const LogRecord *r) {
        return (const char *) r->fields[r->n_fields - 1].iov_base + strlen("MESSAGE=");
}

static void record_write(LogRecord *r) {
        LogTarget t = target;

        if (t == LOG_TARGET_JOURNAL && sd_journal_sendv(r->fields, (int) r->n_fields) >= 0)
                return;

        stderr_line(t, r->level, record_message(r));
}

static void job_run(Job *job) {
        record_write((LogRecord *) job);
}

static void job_free(Job *job) {
        log_record_free((LogRecord *) job);
}

static void record_addv(LogRecord *r, const char *field, const char *format, va_list ap) {
        struct iovec *fields;
        char *s = NULL;
        size_t n;
        FILE *f;

        fields = reallocarray(r->fields, r->n_fields + 1, sizeof(*fields));
        if (!fields) {
                r->failed = true;
                return;
        }
        r->fields = fields;

        f = open_memstream(&s, &n);
        if (!f) {
                r->failed = true;
                return;
        }

        (void) fputs(field, f);
        (void) fputc('=', f);
        (void) vfprintf(f, format, ap);
        if (fclose(f) != 0) {
                r->failed = true;
                free(s);
                return;
        }

        fields[r->n_fields++] = (struct iovec){.iov_base = s, .iov_len = n};
}

LogRecord *log_record_new(int level, const char *message_id) {
        LogRecord *r;

        r = calloc(1, sizeof(*r));
        if (!r) {
                stderr_line(target, LOG_ERR, "Out of memory");
                return NULL;
        }

        r->job.run = job_run;
        r->job.free = job_free;
        r->level = level;

        log_record_add(r, "SYSLOG_IDENTIFIER", "cgacctd");
        log_record_add(r, "PRIORITY", "%d", level);
        if (message_id)
                log_record_add(r, "MESSAGE_ID", "%s", message_id);
        return r;
}

LogRecord *log_record_free(LogRecord *r) {
        if (!r)
                return NULL;

        for (size_t i = 0; i < r->n_fields; i++)
                free(r->fields[i].iov_base);
        free(r->fields);
        free(r);
        return NULL;
}

void log_record_add(LogRecord *r, const char *field, const char *format, ...) {
        va_list ap;

        assert(field);
        assert(format);

        if (!r)
                return;

        va_start(ap, format);
        record_addv(r, field, format, ap);
        va_end(ap);
}

const struct iovec *log_record_fields(const LogRecord *r, size_t *ret_n) {
        assert(r);
        assert(ret_n);

        *ret_n = r->n_fields;
        return r->fields;
}

static int record_sendv(LogRecord *record, uint64_t key, const char *format, va_list ap) {
        _cleanup_(log_record_freep) LogRecord *r = record;
        LogTarget t = target;
        Worker *w = worker;

        if (!r)
                return -ENOMEM;
        if (r->level > max_level)
                return 0;

        record_addv(r, "MESSAGE", format, ap);
        if (r->failed) {
                stderr_line(t, LOG_ERR, "Out of memory");
                return -ENOMEM;
        }

        /* journald reads the socket and stderr alike, and may be stuck */
        if (w && (t == LOG_TARGET_JOURNAL || t == LOG_TARGET_PREFIX)) {
                r->job.key = key;
                return worker_submit(w, &TAKE_PTR(r)->job);
        }

        record_write(r);
        return 0;
}

int log_record_send(LogRecord *r, uint64_t key, const char *format, ...) {
        va_list ap;
        int k;

        assert(format);

        va_start(ap, format);
        k = record_sendv(r, key, format, ap);
        va_end(ap);
        return k;
}

void log_line(int level, const char *format, ...) {
        va_list ap;

        assert(format);

        if (level > max_level)
                return;

        va_start(ap, format);
        (void) record_sendv(log_record_new(level, NULL), 0, format, ap); /* the worker counts what is lost */
        va_end(ap);
}
