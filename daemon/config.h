/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Config: cgacctd.conf and its drop-ins, merged into one value; see cgacctd.conf(5) for what each setting means. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cleanup.h"
#include "prefix.h"
#include "time-util.h"

/* Which cgroups get periodic and final records in the journal. */
typedef enum JournalRecords {
        JOURNAL_RECORDS_NONE,
        JOURNAL_RECORDS_UNITS, /* units, and the root */
        JOURNAL_RECORDS_ALL, /* every cgroup */
        _JOURNAL_RECORDS_MAX,
        _JOURNAL_RECORDS_INVALID = -22, /* -EINVAL */
} JournalRecords;

typedef struct Config {
        char *cgroup_root; /* CgroupRoot=; NULL: find the cgroup2 mount */
        char *pin_directory; /* PinDirectory= */
        char **include; /* Include=: fnmatch patterns, NULL-terminated; NULL: everything */
        char **exclude; /* Exclude=: likewise; NULL: nothing */
        uint64_t max_depth; /* MaxDepth=: levels below the root */
        uint64_t max_cgroups; /* MaxCgroups= */
        uint64_t max_per_unit; /* MaxPerUnit= */
        Prefix *local; /* Local=, words resolved */
        size_t n_local;
        usec_t status_interval_usec; /* StatusIntervalSec= */
        usec_t journal_interval_usec; /* JournalIntervalSec=; USEC_INFINITY: never */
        uint64_t journal_threshold; /* JournalThreshold=, bytes */
        JournalRecords journal_records; /* JournalRecords= */
        usec_t final_timeout_usec; /* FinalTimeoutSec= */
        int log_level; /* LogLevel=, LOG_ERR to LOG_DEBUG */
} Config;

/* Where a problem is told; message is one whole line that names file, line, setting and remedy. */
typedef void (*ConfigProblem)(const char *message, void *userdata);

/* Reads the configuration: file alone if it is not NULL, else the main file and the drop-ins in the usual
 * directories below root ("" for the host; tests pass a directory of their own). Whatever is unknown or invalid
 * is told to problem() and leaves the default in place. Returns the number of problems, or -ENOMEM, or the error
 * of opening `file`. */
int config_load(const char *root, const char *file, ConfigProblem problem, void *userdata, Config **ret);
Config *config_free(Config *c);
DEFINE_CLEANUP(Config, config_free);

/* Prints every setting with its effective value, as a file that config_load() reads back to the same. */
void config_print(const Config *c, FILE *f);

/* Whether the path matches one of the patterns (Include=, Exclude=), NULL: none. As fnmatch(3), with '*' matching
 * slashes too, and a backslash being a character like others, as the names of units are full of them. */
bool config_match(char *const *patterns, const char *path);

const char *journal_records_to_string(JournalRecords r);
JournalRecords journal_records_from_string(const char *s);

/* "debug", "info", "notice", "warning", "err" (and 3 to 7) to LOG_…, or -EINVAL. */
int log_level_from_string(const char *s);
const char *log_level_to_string(int level);
