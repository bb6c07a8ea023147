/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "acct.h"
#include "acct.skel.h"
#include "log.h"
#include "pin.h"
#include "program.h"

struct Program {
        struct acct_bpf *skeleton;
};

/* libbpf's own words are for whoever debugs; what users need to know is said by this file. */
static int on_libbpf_message(enum libbpf_print_level level, const char *format, va_list args) {
        _cleanup_free_ char *text = NULL;
        char *rest, *line;

        (void) level;

        if (log_level() < LOG_DEBUG)
                return 0;
        if (vasprintf(&text, format, args) < 0) {
                text = NULL;
                return 0;
        }

        rest = text;
        while ((line = strsep(&rest, "\n")))
                if (*line)
                        log_debug("%s", line);

        return 0;
}

static void prefix4_set(struct acct_prefix4 *p, const Prefix *prefix) {
        p->address = prefix->address.in.s_addr;
        p->mask = prefix->length == 0 ? 0 : htonl(UINT32_MAX << (32 - prefix->length));
}

static void prefix6_set(struct acct_prefix6 *p, const Prefix *prefix) {
        memcpy(p->address, &prefix->address.in6, sizeof(p->address));

        for (unsigned word = 0, left = prefix->length; word < 4; word++) {
                unsigned bits = left < 32 ? left : 32;

                p->mask[word] = bits == 0 ? 0 : htonl(UINT32_MAX << (32 - bits));
                left -= bits;
        }
}

static void program_set_local(struct acct_bpf *s, const Prefix *local, size_t n_local) {
        for (size_t i = 0; i < n_local; i++) {
                const Prefix *p = &local[i];

                if (p->family == AF_INET) {
                        assert(s->rodata->n_local4 < ACCT_PREFIXES_MAX);
                        prefix4_set(&s->rodata->local4[s->rodata->n_local4++], p);
                } else {
                        assert(s->rodata->n_local6 < ACCT_PREFIXES_MAX);
                        prefix6_set(&s->rodata->local6[s->rodata->n_local6++], p);
                }
        }
}

/* Says what of the kernel is missing, and what to do about it. */
static int log_load_error(int error) {
        struct utsname u = {};

        (void) uname(&u); /* for the message only */

        switch (error) {
        case -EPERM:
        case -EACCES:
                log_error("The kernel refuses to load the BPF programs: run cgacctd as root with CAP_BPF and CAP_NET_ADMIN, "
                          "outside of user namespaces, with bpf(2) not filtered.");
                return -EPERM;
        case -ENOMEM:
                log_error("Not enough memory to load the BPF programs: on kernels before 5.11 raise "
                          "RLIMIT_MEMLOCK (LimitMEMLOCK=infinity).");
                return -ENOMEM;
        case -EINVAL:
        case -ENOSYS:
        case -ENOTSUP:
                log_error("Linux %s cannot load the BPF programs: cgacctd needs 5.10 or later, with "
                          "CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF.",
                                u.release);
                return -EOPNOTSUPP;
        default:
                return log_error_errno(error, "Cannot load the BPF programs");
        }
}

/* map_fd: the map to count in, -1 for a new one. */
static int program_load(int map_fd, const Prefix *local, size_t n_local, Program **ret) {
        _cleanup_(program_freep) Program *p = NULL;
        struct bpf_map *map;
        int r;

        p = calloc(1, sizeof(Program));
        if (!p)
                return log_oom();

        p->skeleton = acct_bpf__open();
        if (!p->skeleton)
                return log_error_errno(-errno, "Cannot read the BPF object");

        program_set_local(p->skeleton, local, n_local);

        map = p->skeleton->maps.acct_storage;
        if (map_fd >= 0)
                r = bpf_map__reuse_fd(map, map_fd);
        else
                r = bpf_map__set_value_size(map, sizeof(struct acct_slot) * _ACCT_CLASS_MAX);
        if (r < 0)
                return log_error_errno(r, "Cannot set up the BPF map");

        r = acct_bpf__load(p->skeleton);
        if (r < 0)
                return log_load_error(r);

        *ret = TAKE_PTR(p);
        return 0;
}

int program_new(int pin_dir_fd, const Prefix *local, size_t n_local, Program **ret) {
        _cleanup_(program_freep) Program *p = NULL;
        int r;

        assert(pin_dir_fd >= 0);
        assert(local || n_local == 0);
        assert(ret);

        libbpf_set_print(on_libbpf_message);

        r = program_load(-1, local, n_local, &p);
        if (r < 0)
                return r;

        r = pin_object(pin_dir_fd, PIN_MAP, program_map_fd(p));
        if (r < 0)
                return log_error_errno(r, "Cannot pin the BPF map");

        *ret = TAKE_PTR(p);
        return 0;
}

int program_replace(const Program *predecessor, const Prefix *local, size_t n_local, Program **ret) {
        assert(predecessor);
        assert(local || n_local == 0);
        assert(ret);

        return program_load(program_map_fd(predecessor), local, n_local, ret);
}

Program *program_free(Program *p) {
        if (!p)
                return NULL;

        acct_bpf__destroy(p->skeleton);
        free(p);
        return NULL;
}

int program_map_fd(const Program *p) {
        assert(p);
        return bpf_map__fd(p->skeleton->maps.acct_storage);
}

int program_ingress_fd(const Program *p) {
        assert(p);
        return bpf_program__fd(p->skeleton->progs.acct_ingress);
}

int program_egress_fd(const Program *p) {
        assert(p);
        return bpf_program__fd(p->skeleton->progs.acct_egress);
}
