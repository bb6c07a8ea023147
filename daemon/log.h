/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Log: what the daemon says, as journal records where stderr is the journal, else as readable lines on stderr.
 * Once a worker is set, the journal is written by its thread, so that a stuck journal holds nothing up. */

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>

#include "worker.h"

/* Finds out where stderr goes ($JOURNAL_STREAM, see systemd.exec(5)). Until then, lines go to stderr. */
void log_open(void);

/* The same with another value of the variable (NULL: it is not set) and another socket of the journal. */
void log_open_at(const char *journal_stream, const char *socket);
void log_set_level(int level);
int log_level(void);

/* True if records go to the journal with all their fields. */
bool log_is_journal(void);

/* The worker must outlive the log's use of it; NULL: write directly again. */
void log_set_worker(Worker *w);

/* A record with fields: made, filled, sent. Every function takes NULL (out of memory at log_record_new(), said on
 * stderr once) and then does nothing. */
typedef struct LogRecord LogRecord;

/* message_id: 32 hex digits from message-ids.h, or NULL. */
LogRecord *log_record_new(int level, const char *message_id);
LogRecord *log_record_free(LogRecord *r);
DEFINE_CLEANUP(LogRecord, log_record_free);

/* Adds FIELD=value. */
void log_record_add(LogRecord *r, const char *field, const char *format, ...)
                __attribute__((format(printf, 3, 4)));

/* What it holds so far, each "FIELD=value". Until the next call for this record. */
const struct iovec *log_record_fields(const LogRecord *r, size_t *ret_n);

/* Sends it with this MESSAGE=, and frees it. key: as Job.key, 0 for none. Returns 0, or if it was dropped, -ENOBUFS
 * (the worker's queue was full) or -ENOMEM (at any call for this record). A level beyond the log level is dropped in
 * silence. */
int log_record_send(LogRecord *r, uint64_t key, const char *format, ...)
                __attribute__((format(printf, 3, 4)));

/* One line. */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)

/* Logs and hands the error on: `return log_error_errno(r, "Cannot …");` appends ": <errno's text>". */
#define log_full_errno(level, error, format, ...)                                                       \
        ({                                                                                              \
                int _e = (error);                                                                       \
                log_line(level, format ": %s" __VA_OPT__(, ) __VA_ARGS__, strerror(_e < 0 ? -_e : _e)); \
                _e;                                                                                     \
        })
#define log_error_errno(error, ...)   log_full_errno(LOG_ERR, error, __VA_ARGS__)
#define log_warning_errno(error, ...) log_full_errno(LOG_WARNING, error, __VA_ARGS__)
#define log_debug_errno(error, ...)   log_full_errno(LOG_DEBUG, error, __VA_ARGS__)
#define log_oom()                     log_error_errno(-ENOMEM, "Out of memory")
