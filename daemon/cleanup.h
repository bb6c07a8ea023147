/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The cleanup idiom: a variable marked _cleanup_(x_freep) frees what it holds when it goes out of scope, and
 * TAKE_PTR() and TAKE_FD() pass what it holds on to another owner. Every `T *t_free(T *)` takes NULL and
 * half-made objects, and returns NULL; DEFINE_CLEANUP(T, t_free) makes its t_freep(). */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

#define TAKE_PTR(p)                     \
        ({                              \
                typeof(p) *_ptr = &(p); \
                typeof(p) _it = *_ptr;  \
                *_ptr = NULL;           \
                _it;                    \
        })

#define TAKE_FD(fd)                \
        ({                         \
                int *_ptr = &(fd); \
                int _it = *_ptr;   \
                *_ptr = -1;        \
                _it;               \
        })

#define DEFINE_CLEANUP(type, func)             \
        static inline void func##p(type **p) { \
                *p = func(*p);                 \
        }                                      \
        struct _cleanup_needs_a_semicolon_

#define _cleanup_free_     _cleanup_(freep)
#define _cleanup_close_    _cleanup_(closep)
#define _cleanup_fclose_   _cleanup_(fclosep)
#define _cleanup_closedir_ _cleanup_(closedirp)

static inline void freep(void *p) {
        free(*(void **) p);
}

/* Closes and returns -1, so that `fd = safe_close(fd)` leaves nothing stale. */
static inline int safe_close(int fd) {
        if (fd >= 0)
                (void) close(fd); /* Linux frees the descriptor whatever close() says */
        return -1;
}

static inline void closep(int *fd) {
        *fd = safe_close(*fd);
}

static inline void fclosep(FILE **f) {
        if (*f)
                (void) fclose(*f); /* who writes checks fflush() before */
}

static inline void closedirp(DIR **d) {
        if (*d)
                (void) closedir(*d); /* only ever read from */
}
