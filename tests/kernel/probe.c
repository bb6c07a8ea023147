/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The hands of the tests in the kernel: loads, attaches and reads with the daemon's own code, and plays the other
 * user of bpf(2) on the host. A line protocol: a command with its arguments on stdin, one line of JSON on stdout.
 *
 *      probe load PIN-DIRECTORY [PREFIX…]      loads the programs, pins them as the daemon does
 *      probe map PATH                          reads a map that a daemon pinned
 *
 * Paths in commands are in hexadecimal, as names of cgroups may hold any byte. */

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "attachment.h"
#include "cleanup.h"
#include "pin.h"
#include "prefix.h"
#include "probe-foreign.h"
#include "program.h"
#include "reader.h"

#define ARGUMENTS_MAX 4

typedef struct Probe {
        Program *program; /* NULL: only a map is read */
        Reader *reader;
        int lock_fd, pin_dir_fd, map_fd;
        Foreign foreign;
} Probe;

static void probe_done(Probe *p) {
        unsigned removed, foreign;

        foreign_done(&p->foreign);
        p->reader = reader_free(p->reader);
        if (p->program)
                (void) pin_remove_all(p->pin_dir_fd, &removed, &foreign); /* the mount goes anyway */
        else
                p->map_fd = safe_close(p->map_fd);
        p->program = program_free(p->program);
        p->pin_dir_fd = safe_close(p->pin_dir_fd);
        p->lock_fd = safe_close(p->lock_fd);
}

/* "2f61" to "/a", in place. */
static int decode_path(char *s) {
        size_t n = strlen(s) / 2;

        for (size_t i = 0; i < n; i++) {
                unsigned byte;

                if (sscanf(s + 2 * i, "%2x", &byte) != 1)
                        return -EINVAL;
                s[i] = (char) byte;
        }

        s[n] = '\0';
        return 0;
}

static int open_cgroup(char *hex_path, int *ret_fd, uint64_t *ret_id) {
        struct stat st;
        int fd, r;

        r = decode_path(hex_path);
        if (r < 0)
                return r;

        fd = open(hex_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0) {
                (void) close(fd);
                return -errno;
        }

        *ret_fd = fd;
        *ret_id = st.st_ino;
        return 0;
}

static void print_result(int result) {
        printf("{\"result\": %d}\n", result);
}

static void do_attach(Probe *p, char **argv) {
        _cleanup_close_ int fd = -1;
        uint64_t id;
        int r;

        r = open_cgroup(argv[0], &fd, &id);
        if (r == 0)
                r = attachment_create(p->program, p->pin_dir_fd, id, fd);

        print_result(r);
}

static void do_detach(Probe *p, char **argv) {
        print_result(attachment_remove(p->pin_dir_fd, strtoull(argv[0], NULL, 10)));
}

static void do_read(Probe *p, char **argv) {
        Counters c = {};
        int r;

        r = reader_read(p->reader, strtoull(argv[0], NULL, 10), &c);

        printf("{\"result\": %d", r);
        for (enum acct_class i = 0; r == 0 && i < _ACCT_CLASS_MAX; i++)
                printf(", \"%s\": [%" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 "]",
                                acct_class_to_string(i), (uint64_t) c.classes[i].ingress_bytes,
                                (uint64_t) c.classes[i].ingress_packets,
                                (uint64_t) c.classes[i].egress_bytes,
                                (uint64_t) c.classes[i].egress_packets);
        printf("}\n");
}

/* Whether the program with this id counts into the map with that one. */
static bool uses_map(uint32_t program_id, uint32_t map_id) {
        _cleanup_close_ int fd = bpf_prog_get_fd_by_id(program_id);
        uint32_t maps[8] = {};
        struct bpf_prog_info info = {
                        .nr_map_ids = sizeof(maps) / sizeof(maps[0]),
                        .map_ids = (uint64_t) (uintptr_t) maps,
        };
        uint32_t size = sizeof(info);

        if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
                return false; /* it went meanwhile */

        for (uint32_t i = 0; i < info.nr_map_ids && i < sizeof(maps) / sizeof(maps[0]); i++)
                if (maps[i] == map_id)
                        return true;

        return false;
}

static int get_map_id(int map_fd, uint32_t *ret) {
        struct bpf_map_info info = {};
        uint32_t size = sizeof(info);

        if (bpf_obj_get_info_by_fd(map_fd, &info, &size) < 0)
                return -errno;

        *ret = info.id;
        return 0;
}

/* The cgroups of the links that count into our map, one for each direction. Other daemons may run on the host. */
static void do_links(Probe *p, char **argv) {
        const char *separator = "";
        uint32_t id = 0, map_id = 0;
        int r;

        (void) argv;

        r = get_map_id(p->map_fd, &map_id);

        printf("{\"result\": %d, \"links\": [", r);
        while (r == 0 && bpf_link_get_next_id(id, &id) == 0) {
                _cleanup_close_ int fd = bpf_link_get_fd_by_id(id);
                struct bpf_link_info info = {};
                uint32_t size = sizeof(info);

                if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
                        continue; /* it went meanwhile */
                if (info.type != BPF_LINK_TYPE_CGROUP || !uses_map(info.prog_id, map_id))
                        continue;

                printf("%s%" PRIu64, separator, (uint64_t) info.cgroup.cgroup_id);
                separator = ", ";
        }
        printf("]}\n");
}

/* Makes the cgroup, and fills it with N programs by the old interface, with BPF_F_ALLOW_MULTI (N "multi") or without
 * ("exclusive"). At once, so that no daemon of the host is faster. */
static void do_foreign(Probe *p, char **argv) {
        unsigned flags = strcmp(argv[2], "multi") == 0 ? BPF_F_ALLOW_MULTI : 0;
        int r;

        r = decode_path(argv[0]);
        if (r == 0)
                r = foreign_attach(&p->foreign, argv[0], (unsigned) strtoul(argv[1], NULL, 10), flags);

        print_result(r);
}

static void do_unforeign(Probe *p, char **argv) {
        (void) argv;

        foreign_done(&p->foreign);
        print_result(0);
}

static void do_spy(Probe *p, char **argv) {
        _cleanup_close_ int fd = -1;
        uint64_t id;
        int r;

        r = open_cgroup(argv[0], &fd, &id);
        if (r == 0)
                r = foreign_spy(&p->foreign, fd, (uint32_t) strtoul(argv[1], NULL, 10));

        print_result(r);
}

static void do_spied(Probe *p, char **argv) {
        uint64_t ingress, egress;
        int r;

        (void) argv;

        r = foreign_spied(&p->foreign, &ingress, &egress);
        if (r < 0)
                print_result(r);
        else
                printf("{\"result\": 0, \"ingress\": %" PRIu64 ", \"egress\": %" PRIu64 "}\n", ingress,
                                egress);
}

static const struct {
        const char *name;
        int n_arguments;
        bool needs_program;
        void (*run)(Probe *p, char **argv);
} commands[] = {
                {"attach", 1, true, do_attach},
                {"detach", 1, true, do_detach},
                {"read", 1, false, do_read},
                {"links", 0, false, do_links},
                {"foreign", 3, false, do_foreign},
                {"unforeign", 0, false, do_unforeign},
                {"spy", 2, false, do_spy},
                {"spied", 0, false, do_spied},
};

static void run_line(Probe *p, char *line) {
        char *argv[ARGUMENTS_MAX] = {}, *name, *save = NULL;
        int argc = 0;

        name = strtok_r(line, " \n", &save);
        while (argc < ARGUMENTS_MAX && (argv[argc] = strtok_r(NULL, " \n", &save)))
                argc++;

        for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++)
                if (strcmp(name, commands[i].name) == 0 && argc == commands[i].n_arguments &&
                                (p->program || !commands[i].needs_program)) {
                        commands[i].run(p, argv);
                        return;
                }

        print_result(-EINVAL);
}

static int probe_load(Probe *p, int argc, char **argv) {
        _cleanup_free_ Prefix *local = NULL;
        int r;

        r = pin_open_folder(argv[0], &p->lock_fd, &p->pin_dir_fd);
        if (r != 0)
                return r;

        local = calloc((size_t) argc, sizeof(Prefix));
        if (!local)
                return -ENOMEM;

        for (int i = 1; i < argc; i++) {
                r = prefix_parse(argv[i], &local[i - 1]);
                if (r < 0)
                        return r;
        }

        r = program_new(p->pin_dir_fd, local, (size_t) argc - 1, &p->program);
        if (r < 0)
                return r;

        p->map_fd = program_map_fd(p->program);
        return reader_new(p->map_fd, &p->reader);
}

static int probe_map(Probe *p, const char *path) {
        p->map_fd = bpf_obj_get(path);
        if (p->map_fd < 0)
                return -errno;

        return reader_new(p->map_fd, &p->reader);
}

int main(int argc, char **argv) {
        _cleanup_(probe_done) Probe p = {
                        .lock_fd = -1,
                        .pin_dir_fd = -1,
                        .map_fd = -1,
                        .foreign = FOREIGN_NULL,
        };
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        int r;

        if (argc >= 3 && strcmp(argv[1], "load") == 0)
                r = probe_load(&p, argc - 2, argv + 2);
        else if (argc == 3 && strcmp(argv[1], "map") == 0)
                r = probe_map(&p, argv[2]);
        else
                r = -EINVAL;

        print_result(r);
        (void) fflush(stdout); /* the other end notices */
        if (r != 0)
                return EXIT_FAILURE;

        while (getline(&line, &size, stdin) > 0) {
                run_line(&p, line);
                (void) fflush(stdout); /* likewise */
        }

        return EXIT_SUCCESS;
}
