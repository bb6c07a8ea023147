/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ini: reads files in systemd's INI syntax (systemd.syntax(7)), one assignment at a time, with file and line:
 * used for cgacctd.conf and for the [X-Cgacctd] section of units alike. */

#include <stdarg.h>

/* Called for each assignment. The strings live until the call returns; value is stripped of white space around
 * it, and empty for "Key=". section is NULL before the first section header. line is the first line of the
 * assignment. A negative return ends the reading and is handed on. */
typedef int (*IniAssign)(const char *path, unsigned line, const char *section, const char *key,
                const char *value, void *userdata);

/* Called for a line that is not understood, with what is wrong with it, in words. The line is left out, and the
 * reading goes on. */
typedef void (*IniComplain)(const char *path, unsigned line, const char *message, void *userdata);

typedef struct IniHandlers {
        IniAssign assign;
        IniComplain complain;
        void *userdata;
} IniHandlers;

/* No longer line than this (continuation lines joined) is read: what is longer is complained of and left out. */
#define INI_LINE_MAX (1024U * 1024U)

/* Returns 0, the negative errno of opening or reading the file (-ENOENT is the caller's to judge), or what assign
 * returned. -EINVAL for what is not a regular file (nor /dev/null, which reads as empty). */
int ini_read(const char *path, const IniHandlers *handlers);
