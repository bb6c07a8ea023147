/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "cleanup.h"
#include "host.h"

static int get_capabilities(uint64_t *ret) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

        if (syscall(SYS_capget, &header, data) < 0)
                return -errno;

        *ret = data[0].effective | ((uint64_t) data[1].effective << 32);
        return 0;
}

int host_check_capabilities(const char **ret_missing) {
        uint64_t have = 0;
        int r;

        assert(ret_missing);

        r = get_capabilities(&have);
        if (r < 0)
                return r;

        /* CAP_SYS_ADMIN stands for both: bpf_capable() in include/linux/capability.h, bpf_net_capable() in
         * kernel/bpf/syscall.c. */
        if (have & (UINT64_C(1) << CAP_SYS_ADMIN))
                return 0;

        if (!(have & (UINT64_C(1) << CAP_BPF))) {
                *ret_missing = "CAP_BPF";
                return HOST_NO_CAPABILITY;
        }
        if (!(have & (UINT64_C(1) << CAP_NET_ADMIN))) {
                *ret_missing = "CAP_NET_ADMIN";
                return HOST_NO_CAPABILITY;
        }

        return 0;
}

int host_can_read_all(void) {
        uint64_t have = 0;
        int r;

        r = get_capabilities(&have);
        if (r < 0)
                return r;

        return !!(have & ((UINT64_C(1) << CAP_DAC_READ_SEARCH) | (UINT64_C(1) << CAP_DAC_OVERRIDE)));
}

static int open_cgroup2(const char *path, int *ret_fd) {
        _cleanup_close_ int fd = -1;
        struct statfs sfs;

        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fstatfs(fd, &sfs) < 0)
                return -errno;
        if (sfs.f_type != CGROUP2_SUPER_MAGIC)
                return HOST_NO_CGROUP2;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int open_path(const char *path, char **ret_path, int *ret_fd) {
        _cleanup_free_ char *copy = NULL;
        int r;

        copy = strdup(path);
        if (!copy)
                return -ENOMEM;

        r = open_cgroup2(path, ret_fd);
        if (r == 0)
                *ret_path = TAKE_PTR(copy);

        return r;
}

int host_open_cgroup_root(const char *path, char **ret_path, int *ret_fd) {
        static const char *const usual[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
        _cleanup_fclose_ FILE *f = NULL;
        struct mntent *m;

        assert(ret_path);
        assert(ret_fd);

        if (path)
                return open_path(path, ret_path, ret_fd);

        for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
                if (open_path(usual[i], ret_path, ret_fd) == 0)
                        return 0;

        f = setmntent("/proc/self/mounts", "re");
        if (!f)
                return -errno;

        while ((m = getmntent(f)))
                if (strcmp(m->mnt_type, "cgroup2") == 0 && open_path(m->mnt_dir, ret_path, ret_fd) == 0)
                        return 0;

        return HOST_NO_CGROUP2;
}

size_t host_max_watches(void) {
        _cleanup_fclose_ FILE *f = NULL;
        unsigned long long n;

        f = fopen("/proc/sys/fs/inotify/max_user_watches", "re");
        if (!f || fscanf(f, "%llu", &n) != 1)
                n = 8192; /* what kernels before 5.11 came with */

        return n / 2;
}
