/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "probe-foreign.h"

#define INSN(c, d, s, o, i) \
        ((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})

static int load(const struct bpf_insn *insns, size_t n, enum bpf_attach_type type) {
        LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type);
        int fd;

        fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SKB, "foreign", "GPL", insns, n, &opts);
        return fd < 0 ? -errno : fd;
}

static int attach(Foreign *f, int program_fd, int cgroup_fd, enum bpf_attach_type type, unsigned flags) {
        int fd;

        if (f->n_attachments >= FOREIGN_MAX)
                return -ENOSPC;
        if (bpf_prog_attach(program_fd, cgroup_fd, type, flags) < 0)
                return -errno;

        fd = fcntl(cgroup_fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return -errno;

        f->attachments[f->n_attachments++] = (ForeignAttachment){
                        .program_fd = program_fd,
                        .cgroup_fd = fd,
                        .type = type,
        };
        return 0;
}

static int load_pass(void) {
        const struct bpf_insn pass[] = {
                        INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1),
                        INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
        };

        return load(pass, 2, BPF_CGROUP_INET_INGRESS);
}

static int make_and_open(const char *path, int *ret_fd) {
        int fd;

        if (mkdir(path, 0755) < 0 && errno != EEXIST)
                return -errno;

        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        *ret_fd = fd;
        return 0;
}

int foreign_attach(Foreign *f, const char *cgroup, unsigned n, unsigned flags) {
        _cleanup_close_ int program_fd = load_pass(), cgroup_fd = -1;
        int r;

        if (program_fd < 0)
                return program_fd;

        r = make_and_open(cgroup, &cgroup_fd);
        if (r < 0)
                return r;

        for (unsigned i = 0; i < n; i++) {
                r = attach(f, program_fd, cgroup_fd, BPF_CGROUP_INET_INGRESS, flags);
                if (r == -E2BIG)
                        return 0;
                if (r < 0)
                        return r;

                /* The same program is attached once only. */
                (void) TAKE_FD(program_fd);
                program_fd = load_pass();
                if (program_fd < 0)
                        return program_fd;
        }

        return 0;
}

/* if (skb->len >= length) map[index]++; return 1; */
static int spy_one(Foreign *f, int cgroup_fd, uint32_t length, int index, enum bpf_attach_type type) {
        const struct bpf_insn count[] = {
                        INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_0, BPF_REG_1,
                                        offsetof(struct __sk_buff, len), 0),
                        INSN(BPF_JMP | BPF_JLT | BPF_K, BPF_REG_0, 0, 4, (int) length),
                        INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_VALUE, 0, f->spy_map_fd),
                        INSN(0, 0, 0, 0, index * (int) sizeof(uint64_t)),
                        INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 1),
                        INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_1, BPF_REG_2, 0, BPF_ADD),
                        INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1),
                        INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
        };
        _cleanup_close_ int fd = load(count, sizeof(count) / sizeof(count[0]), type);
        int r;

        if (fd < 0)
                return fd;

        r = attach(f, fd, cgroup_fd, type, BPF_F_ALLOW_MULTI);
        if (r < 0)
                return r;

        (void) TAKE_FD(fd);
        return 0;
}

int foreign_spy(Foreign *f, int cgroup_fd, uint32_t length) {
        int r;

        if (f->spy_map_fd < 0)
                f->spy_map_fd = bpf_map_create(
                                BPF_MAP_TYPE_ARRAY, "spy", sizeof(uint32_t), 2 * sizeof(uint64_t), 1, NULL);
        if (f->spy_map_fd < 0)
                return -errno;

        r = spy_one(f, cgroup_fd, length, 0, BPF_CGROUP_INET_INGRESS);
        if (r < 0)
                return r;

        return spy_one(f, cgroup_fd, length, 1, BPF_CGROUP_INET_EGRESS);
}

int foreign_spied(Foreign *f, uint64_t *ret_ingress, uint64_t *ret_egress) {
        uint64_t value[2];
        uint32_t zero = 0;

        if (bpf_map_lookup_elem(f->spy_map_fd, &zero, value) < 0)
                return -errno;

        *ret_ingress = value[0];
        *ret_egress = value[1];
        return 0;
}

void foreign_done(Foreign *f) {
        while (f->n_attachments > 0) {
                ForeignAttachment *a = &f->attachments[--f->n_attachments];

                /* The cgroup may be gone. */
                (void) bpf_prog_detach2(a->program_fd, a->cgroup_fd, (enum bpf_attach_type) a->type);
                a->program_fd = safe_close(a->program_fd);
                a->cgroup_fd = safe_close(a->cgroup_fd);
        }

        f->spy_map_fd = safe_close(f->spy_map_fd);
}
