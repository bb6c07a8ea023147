/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Arguments, run, exit status. */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "manager.h"

/* LSB's exit codes, as systemd.exec(5) lists them. */
enum {
        EXIT_INVALIDARGUMENT = 2,
        EXIT_NOPERMISSION = 4,
        EXIT_NOTINSTALLED = 5,
        EXIT_NOTCONFIGURED = 6,
};

static const char *arg_config = NULL;
static const char *arg_cgroup_root = NULL;
static const char *arg_pin_dir = NULL;
static int arg_log_level = -1;
static bool arg_test_config = false;

static void help(void) {
        printf("cgacctd [OPTIONS...]\n\n"
               "Account the network traffic of every control group.\n\n"
               "  -h --help               Show this help\n"
               "     --version            Show the version\n"
               "     --config=FILE        Read this file instead of cgacctd.conf and its drop-ins\n"
               "     --cgroup-root=DIR    Account the hierarchy below this directory\n"
               "     --pin-dir=DIR        Pin BPF objects in this directory on bpffs\n"
               "     --log-level=LEVEL    Log what is at least so important: debug, info, notice,\n"
               "                          warning, err\n"
               "     --test-config        Say what is wrong with the configuration, print what is in\n"
               "                          effect, and exit\n"
               "\nSee the cgacctd(8) man page for details.\n");
}

static int invalid_argument(const char *option, const char *value, const char *allowed) {
        log_error("Invalid value '%s' for %s: %s.", value, option, allowed);
        return -EINVAL;
}

static int parse_directory(const char *option, const char *value, const char **ret) {
        if (value[0] != '/')
                return invalid_argument(option, value, "an absolute path is needed");

        *ret = value;
        return 0;
}

/* Returns 1 to go on, 0 to exit with success, or a negative errno, logged. */
static int parse_argv(int argc, char *argv[]) {
        enum {
                ARG_VERSION = 0x100,
                ARG_CONFIG,
                ARG_CGROUP_ROOT,
                ARG_PIN_DIR,
                ARG_LOG_LEVEL,
                ARG_TEST_CONFIG,
        };
        static const struct option options[] = {
                        {"help", no_argument, NULL, 'h'},
                        {"version", no_argument, NULL, ARG_VERSION},
                        {"config", required_argument, NULL, ARG_CONFIG},
                        {"cgroup-root", required_argument, NULL, ARG_CGROUP_ROOT},
                        {"pin-dir", required_argument, NULL, ARG_PIN_DIR},
                        {"log-level", required_argument, NULL, ARG_LOG_LEVEL},
                        {"test-config", no_argument, NULL, ARG_TEST_CONFIG},
                        {},
        };
        int c, r = 0;

        while (r >= 0 && (c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        help();
                        return 0;
                case ARG_VERSION:
                        printf("cgacctd %s\n", PROJECT_VERSION);
                        return 0;
                case ARG_CONFIG:
                        arg_config = optarg;
                        break;
                case ARG_CGROUP_ROOT:
                        r = parse_directory("--cgroup-root=", optarg, &arg_cgroup_root);
                        break;
                case ARG_PIN_DIR:
                        r = parse_directory("--pin-dir=", optarg, &arg_pin_dir);
                        break;
                case ARG_LOG_LEVEL:
                        arg_log_level = log_level_from_string(optarg);
                        if (arg_log_level < 0)
                                r = invalid_argument("--log-level=", optarg,
                                                "debug, info, notice, warning or err");
                        break;
                case ARG_TEST_CONFIG:
                        arg_test_config = true;
                        break;
                default:
                        return -EINVAL; /* getopt_long() said what is wrong */
                }

        if (r < 0)
                return r;

        if (optind < argc) {
                log_error("Too many arguments: '%s'. There are options only.", argv[optind]);
                return -EINVAL;
        }

        return 1;
}

static void on_config_problem(const char *message, void *userdata) {
        (void) userdata;
        log_warning("%s", message);
}

/* The command line goes before the configuration. */
static int override(char **field, const char *arg) {
        char *copy;

        if (!arg)
                return 0;

        copy = strdup(arg);
        if (!copy)
                return -ENOMEM;

        free(*field);
        *field = copy;
        return 0;
}

/* Returns the number of problems, or a negative errno. */
static int load_config(Config **ret) {
        _cleanup_(config_freep) Config *c = NULL;
        int n, r;

        n = config_load("", arg_config, on_config_problem, NULL, &c);
        if (n < 0)
                return n;

        r = override(&c->cgroup_root, arg_cgroup_root);
        if (r >= 0)
                r = override(&c->pin_directory, arg_pin_dir);
        if (r < 0)
                return r;

        if (arg_log_level >= 0)
                c->log_level = arg_log_level;

        *ret = TAKE_PTR(c);
        return n;
}

/* SIGPIPE would end the daemon, with everything attached, when a reader of its stderr goes away. */
static int prepare_signals(void) {
        static const int signals[] = {SIGHUP, SIGTERM, SIGINT};
        sigset_t set;

        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;

        sigemptyset(&set);
        for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
                sigaddset(&set, signals[i]);

        return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

static int run_daemon(Config *config) {
        _cleanup_(manager_freep) Manager *m = NULL;
        int r;

        log_set_level(config->log_level);

        r = manager_new(config, load_config, &m);
        if (r < 0)
                return r;

        return manager_run(m);
}

static int exit_status(int r) {
        switch (r) {
        case -EPERM:
                return EXIT_NOPERMISSION;
        case -EOPNOTSUPP:
                return EXIT_NOTINSTALLED;
        case -ENODEV:
                return EXIT_NOTCONFIGURED;
        default:
                return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        }
}

int main(int argc, char *argv[]) {
        Config *config;
        int r, n;

        log_open();

        r = parse_argv(argc, argv);
        if (r <= 0)
                return r < 0 ? EXIT_INVALIDARGUMENT : EXIT_SUCCESS;

        n = load_config(&config);
        if (n < 0) {
                log_error_errno(n, "Cannot read the configuration %s", arg_config ?: "");
                return EXIT_NOTCONFIGURED;
        }

        if (arg_test_config) {
                config_print(config, stdout);
                config_free(config);
                return n > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        }

        r = prepare_signals();
        if (r < 0) {
                config_free(config);
                log_error_errno(r, "Cannot set up signals");
                return EXIT_FAILURE;
        }

        return exit_status(run_daemon(config));
}
