/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "acct.h"
#include "cleanup.h"
#include "pin.h"

#define STRINGIFY_(x) #x
#define STRINGIFY(x)  STRINGIFY_(x)

#define LAYOUT_FOLDER "v" STRINGIFY(ACCT_LAYOUT_VERSION)

static const char *const direction_suffix[_PIN_DIRECTION_MAX] = {
                [PIN_INGRESS] = "-ingress",
                [PIN_EGRESS] = "-egress",
};

const char *pin_link_name(uint64_t cgroup_id, PinDirection direction, char buf[static PIN_NAME_MAX]) {
        assert(direction < _PIN_DIRECTION_MAX);

        (void) snprintf(buf, PIN_NAME_MAX, "%" PRIu64 "%s", cgroup_id, direction_suffix[direction]);
        return buf;
}

bool pin_parse_link_name(const char *name, uint64_t *ret_cgroup_id, PinDirection *ret_direction) {
        char canonical[PIN_NAME_MAX];
        uint64_t id;

        assert(name);

        id = strtoull(name, NULL, 10);

        /* Whatever strtoull() was lenient about does not come out the same again. */
        for (PinDirection d = 0; d < _PIN_DIRECTION_MAX; d++)
                if (strcmp(name, pin_link_name(id, d, canonical)) == 0) {
                        *ret_cgroup_id = id;
                        *ret_direction = d;
                        return true;
                }

        return false;
}

#define PIN_PATH_MAX (sizeof("/proc/self/fd//") + 10 + PIN_NAME_MAX)

static const char *pin_path(int pin_dir_fd, const char *name, char buf[static PIN_PATH_MAX]) {
        assert(pin_dir_fd >= 0);
        assert(strlen(name) < PIN_NAME_MAX);

        (void) snprintf(buf, PIN_PATH_MAX, "/proc/self/fd/%d/%s", pin_dir_fd, name);
        return buf;
}

int pin_object(int pin_dir_fd, const char *name, int object_fd) {
        char path[PIN_PATH_MAX];

        return bpf_obj_pin(object_fd, pin_path(pin_dir_fd, name, path)) < 0 ? -errno : 0;
}

int pin_get(int pin_dir_fd, const char *name, int *ret_fd) {
        char path[PIN_PATH_MAX];
        int fd;

        assert(ret_fd);

        fd = bpf_obj_get(pin_path(pin_dir_fd, name, path));
        if (fd < 0)
                return -errno;

        *ret_fd = fd;
        return 0;
}

int pin_remove(int pin_dir_fd, const char *name) {
        if (unlinkat(pin_dir_fd, name, 0) < 0 && errno != ENOENT)
                return -errno;

        return 0;
}

/* mkdir and open; a symbolic link as the last component is refused. */
static int make_and_open(int dir_fd, const char *path, int *ret_fd) {
        _cleanup_close_ int fd = -1;

        if (mkdirat(dir_fd, path, 0700) < 0 && errno != EEXIST)
                return -errno;

        fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int check_folder(int fd) {
        struct statfs sfs;
        struct stat st;

        if (fstatfs(fd, &sfs) < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (sfs.f_type != BPF_FS_MAGIC)
                return PIN_NOT_BPFFS;
        if (st.st_uid != geteuid() || (st.st_mode & 022))
                return PIN_UNSAFE;

        return 0;
}

static int open_and_check(int dir_fd, const char *path, int *ret_fd) {
        _cleanup_close_ int fd = -1;
        int r;

        r = make_and_open(dir_fd, path, &fd);
        if (r < 0)
                return r;

        r = check_folder(fd);
        if (r != 0)
                return r;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* Before anything is made: what is not on bpffs stays untouched. */
static int check_parent(const char *directory) {
        _cleanup_free_ char *parent = NULL;
        struct statfs sfs;
        char *slash;

        parent = strdup(directory);
        if (!parent)
                return -ENOMEM;

        slash = strrchr(parent, '/');
        if (!slash)
                return -EINVAL;
        slash[slash == parent] = '\0';

        if (statfs(directory, &sfs) < 0 && (errno != ENOENT || statfs(parent, &sfs) < 0))
                return -errno;

        return sfs.f_type == BPF_FS_MAGIC ? 0 : PIN_NOT_BPFFS;
}

int pin_open_folder(const char *directory, int *ret_lock_fd, int *ret_fd) {
        _cleanup_close_ int lock_fd = -1, fd = -1;
        int r;

        assert(directory);
        assert(ret_lock_fd);
        assert(ret_fd);

        r = check_parent(directory);
        if (r != 0)
                return r;

        r = open_and_check(AT_FDCWD, directory, &lock_fd);
        if (r != 0)
                return r;

        if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? PIN_BUSY : -errno;

        r = open_and_check(lock_fd, LAYOUT_FOLDER, &fd);
        if (r != 0)
                return r;

        *ret_lock_fd = TAKE_FD(lock_fd);
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static bool is_ours(const char *name) {
        PinDirection direction;
        uint64_t id;

        return strcmp(name, PIN_MAP) == 0 || pin_parse_link_name(name, &id, &direction);
}

int pin_remove_all(int pin_dir_fd, unsigned *ret_removed, unsigned *ret_foreign) {
        _cleanup_closedir_ DIR *dir = NULL;
        unsigned removed = 0, foreign = 0;
        struct dirent *de;
        int fd;

        assert(ret_removed);
        assert(ret_foreign);

        fd = openat(pin_dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        dir = fdopendir(fd);
        if (!dir) {
                (void) safe_close(fd);
                return -errno;
        }

        while ((de = readdir(dir))) {
                if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
                        continue;
                if (is_ours(de->d_name) && pin_remove(pin_dir_fd, de->d_name) == 0)
                        removed++;
                else
                        foreign++;
        }

        *ret_removed = removed;
        *ret_foreign = foreign;
        return 0;
}
