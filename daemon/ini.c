/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cleanup.h"
#include "ini.h"
#include "utf8.h"

#define BOM "\xef\xbb\xbf"

typedef struct IniFile {
        const char *path;
        const IniHandlers *handlers;
        FILE *f;
        unsigned line; /* of the file, the first is 1 */
        unsigned first_line; /* of what is in text */
        char *text; /* a line with its continuations; room for INI_LINE_MAX and a NUL */
        size_t n_text;
        bool too_long; /* there is more of it than text has room for */
        char *section;
        bool skip_section; /* its header was not understood: what follows belongs to we know not what */
} IniFile;

static bool is_space(int c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* True, and the newline is read, if the line ends here. */
static bool skip_newline(FILE *f) {
        int c = getc_unlocked(f);

        if (c == '\n')
                return true;
        if (c != EOF)
                (void) ungetc(c, f); /* one is always possible */
        return false;
}

/* Appends a line of the file to the text, without white space before it and the newline. ret_continues: it ends
 * with a backslash that no other backslash takes the meaning of. Returns 0 at the end of the file, else 1. */
static int read_line(IniFile *i, bool *ret_continues) {
        size_t start = i->n_text;
        bool escaped = false, any = false;
        int c;

        errno = 0;
        while ((c = getc_unlocked(i->f)) != EOF) {
                any = true;
                if (c == '\n' || (c == '\r' && skip_newline(i->f)))
                        break;
                if (i->n_text == start && is_space(c))
                        continue;
                escaped = c == '\\' && !escaped;
                if (i->n_text < INI_LINE_MAX)
                        i->text[i->n_text++] = (char) c;
                else
                        i->too_long = true;
        }

        if (ferror(i->f))
                return errno > 0 ? -errno : -EIO;

        i->line++;
        *ret_continues = escaped;
        return any;
}

static void skip_bom(IniFile *i) {
        size_t n = strlen(BOM);

        if (i->n_text < n || memcmp(i->text, BOM, n) != 0)
                return;
        while (n < i->n_text && is_space(i->text[n]))
                n++;
        i->n_text -= n;
        memmove(i->text, i->text + n, i->n_text);
}

/* Reads a line and its continuations. Returns 0 at the end of the file, else 1. */
static int read_text(IniFile *i) {
        bool continued = false;
        int r;

        i->n_text = 0;
        i->too_long = false;
        i->first_line = i->line + 1;

        for (;;) {
                size_t start = i->n_text;
                bool continues, was_too_long = i->too_long;

                r = read_line(i, &continues);
                if (r < 0)
                        return r;
                if (r == 0)
                        return continued;

                if (i->line == 1)
                        skip_bom(i);

                /* a comment between continuation lines does not end them */
                if (i->n_text > start && (i->text[start] == '#' || i->text[start] == ';')) {
                        i->n_text = start;
                        i->too_long = was_too_long;
                        if (!continued)
                                return 1;
                        continue;
                }

                if (!continues)
                        return 1;
                if (!i->too_long)
                        i->text[i->n_text - 1] = ' ';
                continued = true;
        }
}

static void complain(IniFile *i, const char *message) {
        i->handlers->complain(i->path, i->first_line, message, i->handlers->userdata);
}

static int on_section(IniFile *i) {
        char *name;

        if (i->n_text < strlen("[x]") || i->text[i->n_text - 1] != ']') {
                i->skip_section = true;
                complain(i, "Section header is not of the form [Name], what follows it is ignored");
                return 0;
        }

        name = strndup(i->text + 1, i->n_text - strlen("[]"));
        if (!name)
                return -ENOMEM;
        free(i->section);
        i->section = name;
        i->skip_section = false;
        return 0;
}

static int on_assignment(IniFile *i) {
        char *equals = memchr(i->text, '=', i->n_text), *key_end = equals, *value;
        int r;

        if (!equals) {
                complain(i, "Line is neither a section header nor an assignment, as there is no '=' in it, ignored");
                return 0;
        }

        while (key_end > i->text && is_space(key_end[-1]))
                key_end--;
        if (key_end == i->text) {
                complain(i, "There is no setting's name before '=', ignored");
                return 0;
        }

        *key_end = '\0';
        value = equals + 1;
        while (is_space(*value))
                value++;
        r = i->handlers->assign(i->path, i->first_line, i->section, i->text, value, i->handlers->userdata);
        return r < 0 ? r : 0;
}

static const char *text_fault(const IniFile *i) {
        if (i->too_long)
                return "Line is longer than 1 MiB, ignored";
        if (memchr(i->text, '\0', i->n_text))
                return "Line has a NUL byte in it, ignored";
        if (!utf8_is_valid(i->text, i->n_text))
                return "Line is not valid UTF-8, ignored";
        return NULL;
}

static void strip_text(IniFile *i) {
        size_t start = 0;

        while (i->n_text > 0 && is_space(i->text[i->n_text - 1]))
                i->n_text--;
        i->text[i->n_text] = '\0';

        /* only behind a first line that is nothing but a backslash */
        while (is_space(i->text[start]))
                start++;
        i->n_text -= start;
        memmove(i->text, i->text + start, i->n_text + 1);
}

static int on_text(IniFile *i) {
        const char *fault;

        strip_text(i);
        if (i->n_text == 0)
                return 0;

        fault = text_fault(i);
        if (fault) {
                if (i->text[0] == '[')
                        i->skip_section = true;
                complain(i, fault);
                return 0;
        }

        if (i->text[0] == '[')
                return on_section(i);
        if (i->skip_section)
                return 0;
        return on_assignment(i);
}

/* O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever. */
static int open_file(const char *path, FILE **ret) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        FILE *f;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) && !(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)))
                return -EINVAL;

        f = fdopen(fd, "r");
        if (!f)
                return -errno;
        (void) TAKE_FD(fd); /* the stream's now */
        *ret = f;
        return 0;
}

static int read_all(IniFile *i) {
        for (;;) {
                int r;

                r = read_text(i);
                if (r <= 0)
                        return r;
                r = on_text(i);
                if (r < 0)
                        return r;
        }
}

int ini_read(const char *path, const IniHandlers *handlers) {
        _cleanup_fclose_ FILE *f = NULL;
        _cleanup_free_ char *text = NULL;
        IniFile i = {.path = path, .handlers = handlers};
        int r;

        assert(handlers->assign);
        assert(handlers->complain);

        r = open_file(path, &f);
        if (r < 0)
                return r;

        text = malloc(INI_LINE_MAX + 1);
        if (!text)
                return -ENOMEM;

        i.f = f;
        i.text = text;
        r = read_all(&i);
        free(i.section);
        return r;
}
