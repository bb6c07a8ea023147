/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>

#include "attachment.h"
#include "pin.h"

/* bpf(2) takes an O_PATH descriptor: cgroup_v1v2_get_from_fd() in kernel/cgroup/cgroup.c uses fget_raw(). */
static int attach_one(
                int program_fd, int cgroup_fd, enum bpf_attach_type type, int pin_dir_fd, const char *name) {
        _cleanup_close_ int link_fd = -1;

        link_fd = bpf_link_create(program_fd, cgroup_fd, type, NULL);
        if (link_fd < 0)
                return -errno;

        /* If it fails, closing the descriptor detaches again. */
        return pin_object(pin_dir_fd, name, link_fd);
}

int attachment_create(const Program *p, int pin_dir_fd, uint64_t cgroup_id, int cgroup_fd) {
        char ingress[PIN_NAME_MAX], egress[PIN_NAME_MAX];
        int r;

        assert(p);

        pin_link_name(cgroup_id, PIN_INGRESS, ingress);
        pin_link_name(cgroup_id, PIN_EGRESS, egress);

        r = attach_one(program_ingress_fd(p), cgroup_fd, BPF_CGROUP_INET_INGRESS, pin_dir_fd, ingress);
        if (r == 0) {
                r = attach_one(program_egress_fd(p), cgroup_fd, BPF_CGROUP_INET_EGRESS, pin_dir_fd, egress);
                if (r < 0)
                        (void) pin_remove(pin_dir_fd, ingress); /* the error that counts is the first */
        }

        /* css_tryget_online_from_dir() in kernel/cgroup/cgroup.c, for a cgroup whose removal has begun. */
        return r == -ENOENT ? ATTACHMENT_GONE : r;
}

int attachment_remove(int pin_dir_fd, uint64_t cgroup_id) {
        char name[PIN_NAME_MAX];
        int result = 0;

        for (PinDirection d = 0; d < _PIN_DIRECTION_MAX; d++) {
                int r = pin_remove(pin_dir_fd, pin_link_name(cgroup_id, d, name));

                if (r < 0)
                        result = r;
        }

        return result;
}

static int update_one(int pin_dir_fd, const char *name, int program_fd) {
        _cleanup_close_ int link_fd = -1;
        int r;

        r = pin_get(pin_dir_fd, name, &link_fd);
        if (r < 0)
                return r;

        return bpf_link_update(link_fd, program_fd, NULL) < 0 ? -errno : 0;
}

int attachment_update(const Program *p, int pin_dir_fd, uint64_t cgroup_id) {
        char name[PIN_NAME_MAX];
        int r;

        assert(p);

        r = update_one(pin_dir_fd, pin_link_name(cgroup_id, PIN_INGRESS, name), program_ingress_fd(p));
        if (r < 0)
                return r;

        return update_one(pin_dir_fd, pin_link_name(cgroup_id, PIN_EGRESS, name), program_egress_fd(p));
}
