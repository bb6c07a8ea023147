/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "unit-test.h"
#include "unit.h"

#define NO_UID   ((uid_t) -1)
#define USER     "/user.slice/user-1000.slice/user@1000.service"
#define X48      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X247     X48 X48 X48 X48 X48 "xxxxxxx"
#define NAME_255 X247 ".service"
#define NAME_256 X247 "x.service"

typedef struct Case {
        const char *path, *unit, *slice;
        bool is_self;
        const char *user_unit, *user_slice;
        uid_t owner_uid;
        const char *machine;
} Case;

static void check_string(const char *path, const char *what, const char *actual, const char *expected) {
        if ((!actual && !expected) || (actual && expected && strcmp(actual, expected) == 0))
                return;

        fail_msg("%s: %s is %s, not %s", path, what, actual ?: "(none)", expected ?: "(none)");
}

static void check_case(const Case *c) {
        _cleanup_(unit_freep) Unit *u = NULL;

        assert_int_equal(unit_from_path(c->path, &u), 0);
        check_string(c->path, "unit", u->unit, c->unit);
        check_string(c->path, "slice", u->slice, c->slice);
        check_string(c->path, "user unit", u->user_unit, c->user_unit);
        check_string(c->path, "user slice", u->user_slice, c->user_slice);
        check_string(c->path, "machine", u->machine, c->machine);
        if (u->owner_uid != c->owner_uid)
                fail_msg("%s: the owner is %u", c->path, u->owner_uid);
        if (u->is_self != c->is_self)
                fail_msg("%s: is_self is %i", c->path, u->is_self);
}

#define CHECK_CASES(cases)                                            \
        for (size_t i = 0; i < sizeof(cases) / sizeof(*(cases)); i++) \
        check_case(&(cases)[i])

static void test_system_units(void **state) {
        static const Case cases[] = {
                        {.path = "/", .slice = "-.slice", .owner_uid = NO_UID},
                        {.path = "/init.scope",
                                        .unit = "init.scope",
                                        .slice = "-.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
                        {.path = "/system.slice",
                                        .unit = "system.slice",
                                        .slice = "-.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
                        {.path = "/system.slice/nginx.service",
                                        .unit = "nginx.service",
                                        .slice = "system.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
                        {.path = "/system.slice/nginx.service/a/b",
                                        .unit = "nginx.service",
                                        .slice = "system.slice",
                                        .owner_uid = NO_UID},
                        {.path = "/a.slice/a-b.slice/a-b-c.slice",
                                        .unit = "a-b-c.slice",
                                        .slice = "a-b.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
                        {.path = "/a.slice/a-b.slice/x@y@z.socket",
                                        .unit = "x@y@z.socket",
                                        .slice = "a-b.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
                        {.path = "/system.slice/dev-disk-by\\x2duuid.swap",
                                        .unit = "dev-disk-by\\x2duuid.swap",
                                        .slice = "system.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
                        {.path = "/user.slice/user-1000.slice/session-3.scope",
                                        .unit = "session-3.scope",
                                        .slice = "user-1000.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
        };

        (void) state;

        CHECK_CASES(cases);
}

/* A '_' before the name is systemd's escape for what the kernel might call a file of its own. */
static void test_escapes(void **state) {
        static const Case cases[] = {
                        {.path = "/system.slice/_cpu.service",
                                        .unit = "cpu.service",
                                        .slice = "system.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
                        {.path = "/system.slice/__x.service",
                                        .unit = "_x.service",
                                        .slice = "system.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
                        {.path = "/_cpu.slice/x.service",
                                        .unit = "x.service",
                                        .slice = "cpu.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
        };

        (void) state;

        CHECK_CASES(cases);
}

static void test_user_units(void **state) {
        static const Case cases[] = {
                        {.path = USER,
                                        .unit = "user@1000.service",
                                        .slice = "user-1000.slice",
                                        .is_self = true,
                                        .owner_uid = 1000},
                        {.path = USER "/init.scope",
                                        .unit = "user@1000.service",
                                        .slice = "user-1000.slice",
                                        .is_self = true,
                                        .user_unit = "init.scope",
                                        .user_slice = "-.slice",
                                        .owner_uid = 1000},
                        {.path = USER "/app.slice",
                                        .unit = "user@1000.service",
                                        .slice = "user-1000.slice",
                                        .is_self = true,
                                        .user_unit = "app.slice",
                                        .user_slice = "-.slice",
                                        .owner_uid = 1000},
                        {.path = USER "/app.slice/foo.service",
                                        .unit = "user@1000.service",
                                        .slice = "user-1000.slice",
                                        .is_self = true,
                                        .user_unit = "foo.service",
                                        .user_slice = "app.slice",
                                        .owner_uid = 1000},
                        {.path = USER "/app.slice/foo.service/x",
                                        .unit = "user@1000.service",
                                        .slice = "user-1000.slice",
                                        .user_unit = "foo.service",
                                        .user_slice = "app.slice",
                                        .owner_uid = 1000},
                        {.path = USER "/payload/foo.service",
                                        .unit = "user@1000.service",
                                        .slice = "user-1000.slice",
                                        .owner_uid = 1000},
                        {.path = "/user.slice/user-0.slice/user@0.service/a.scope",
                                        .unit = "user@0.service",
                                        .slice = "user-0.slice",
                                        .is_self = true,
                                        .user_unit = "a.scope",
                                        .user_slice = "-.slice",
                                        .owner_uid = 0},
        };

        (void) state;

        CHECK_CASES(cases);
}

/* "user@….service" without a user's number is a service like any other. */
static void test_no_user_manager(void **state) {
        static const char *const names[] = {
                        "user@01.service",
                        "user@-1.service",
                        "user@x.service",
                        "user@65535.service",
                        "user@4294967295.service",
                        "user@4294968296.service",
                        "user@99999999999999999999.service",
        };

        (void) state;

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                char path[256];
                Case c = {path, names[i], "-.slice", false, NULL, NULL, NO_UID};

                (void) snprintf(path, sizeof(path), "/%s/app.slice", names[i]);
                check_case(&c);
        }
}

static void test_outermost_unit_wins(void **state) {
        static const Case cases[] = {
                        {.path = "/system.slice/a.service/system.slice/nginx.service",
                                        .unit = "a.service",
                                        .slice = "system.slice",
                                        .owner_uid = NO_UID},
                        {.path = "/system.slice/a.service/user@1000.service/b.service",
                                        .unit = "a.service",
                                        .slice = "system.slice",
                                        .owner_uid = NO_UID},
                        {.path = USER "/a.service/user@7.service/b.service",
                                        .unit = "user@1000.service",
                                        .slice = "user-1000.slice",
                                        .user_unit = "a.service",
                                        .user_slice = "-.slice",
                                        .owner_uid = 1000},
                        {.path = "/lxc.payload.c1/system.slice/nginx.service",
                                        .slice = "-.slice",
                                        .owner_uid = NO_UID},
                        {.path = "/system.slice/payload/nginx.service",
                                        .slice = "system.slice",
                                        .owner_uid = NO_UID},
        };

        (void) state;

        CHECK_CASES(cases);
}

static void test_machines(void **state) {
        static const Case cases[] = {
                        {.path = "/machine.slice/machine-qemu\\x2d1\\x2dmail.scope/libvirt/emulator",
                                        .unit = "machine-qemu\\x2d1\\x2dmail.scope",
                                        .slice = "machine.slice",
                                        .owner_uid = NO_UID,
                                        .machine = "qemu-1-mail"},
                        {.path = "/machine.slice/machine-web.example.scope",
                                        .unit = "machine-web.example.scope",
                                        .slice = "machine.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID,
                                        .machine = "web.example"},
                        {.path = "/machine.slice/systemd-nspawn@my-box.service/payload/init.scope",
                                        .unit = "systemd-nspawn@my-box.service",
                                        .slice = "machine.slice",
                                        .owner_uid = NO_UID,
                                        .machine = "my-box"},

                        /* elsewhere a scope by such a name is no machine */
                        {.path = "/system.slice/machine-web.scope",
                                        .unit = "machine-web.scope",
                                        .slice = "system.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},

                        /* what is not a host name: a slash, a newline, a broken escape, a NUL, an edge */
                        {.path = "/machine.slice/machine-a-b.scope",
                                        .unit = "machine-a-b.scope",
                                        .slice = "machine.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
                        {.path = "/machine.slice/machine-a\\x0ab.scope",
                                        .unit = "machine-a\\x0ab.scope",
                                        .slice = "machine.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
                        {.path = "/machine.slice/machine-a\\x2.scope",
                                        .unit = "machine-a\\x2.scope",
                                        .slice = "machine.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
                        {.path = "/machine.slice/machine-a\\x00.scope",
                                        .unit = "machine-a\\x00.scope",
                                        .slice = "machine.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
                        {.path = "/machine.slice/machine-a\\x2d.scope",
                                        .unit = "machine-a\\x2d.scope",
                                        .slice = "machine.slice",
                                        .is_self = true,
                                        .owner_uid = NO_UID},
        };

        (void) state;

        CHECK_CASES(cases);
}

static void test_no_unit_names(void **state) {
        static const char *const names[] = {
                        "x",
                        "..service",
                        ".service",
                        "_.service",
                        "_..service",
                        ".x.service",
                        "@x.service",
                        "x@.service",
                        "x.serviceX",
                        "x.service.",
                        "x.Service",
                        "x.snapshot",
                        "x y.service",
                        "x\n.service",
                        "\nX=y.service",
                        "x%i.service",
                        "x\xff.service",
                        "\xc3\xa4.service",
                        "x@y.slice",
                        ".slice",
                        X247 "xxxxxxxx",
                        NAME_256,
        };

        (void) state;

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                char path[1024];
                Case c = {path, NULL, "system.slice", false, NULL, NULL, NO_UID};

                (void) snprintf(path, sizeof(path), "/system.slice/%s", names[i]);
                check_case(&c);

                (void) snprintf(path, sizeof(path), "/system.slice/%s/x.service", names[i]);
                check_case(&c);
        }
}

static void test_longest_name(void **state) {
        static const Case c = {"/" NAME_255, NAME_255, "-.slice", true, NULL, NULL, NO_UID};

        (void) state;

        assert_int_equal(strlen(NAME_255), 255);
        check_case(&c);
}

static void check_name(const char *path, const char *expected) {
        _cleanup_(unit_freep) Unit *u = NULL;

        assert_int_equal(unit_from_path(path, &u), 0);
        check_string(path, "name", unit_name(u), expected);
}

static void test_name(void **state) {
        (void) state;

        check_name("/", NULL);
        check_name("/system.slice", "system.slice");
        check_name("/system.slice/a.service", "a.service");
        check_name("/system.slice/a.service/x", NULL);
        check_name(USER, "user@1000.service");
        check_name(USER "/x", NULL);
        check_name(USER "/app.slice/foo.service", "foo.service");
        check_name(USER "/app.slice/foo.service/x", NULL);
}

static void test_subtree_length(void **state) {
        (void) state;

        assert_int_equal(unit_subtree_length("/"), 0);
        assert_int_equal(unit_subtree_length("/a.slice"), 0);
        assert_int_equal(unit_subtree_length("/a.slice/a-b.slice"), 0);
        assert_int_equal(unit_subtree_length("/a.slice/b.service"), strlen("/a.slice/b.service"));
        assert_int_equal(unit_subtree_length("/a.slice/b.service/c.slice/d"), strlen("/a.slice/b.service"));
        assert_int_equal(unit_subtree_length(USER "/app.slice/foo.service"), strlen(USER));
        assert_int_equal(unit_subtree_length("/docker/0123"), strlen("/docker"));
        assert_int_equal(unit_subtree_length("/x@y.slice/z"), strlen("/x@y.slice"));
        assert_int_equal(unit_subtree_length("/" NAME_256 "/z"), strlen("/" NAME_256));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_system_units),
                        cmocka_unit_test(test_escapes),
                        cmocka_unit_test(test_user_units),
                        cmocka_unit_test(test_no_user_manager),
                        cmocka_unit_test(test_outermost_unit_wins),
                        cmocka_unit_test(test_machines),
                        cmocka_unit_test(test_no_unit_names),
                        cmocka_unit_test(test_longest_name),
                        cmocka_unit_test(test_name),
                        cmocka_unit_test(test_subtree_length),
        };

        return RUN_TESTS(tests);
}
