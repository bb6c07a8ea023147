/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints the configuration that a file amounts to; config-settings.py compares it with what is documented. */

#include "config.h"

static void on_problem(const char *message, void *userdata) {
        (void) userdata;
        (void) fprintf(stderr, "%s\n", message);
}

int main(int argc, char *argv[]) {
        _cleanup_(config_freep) Config *c = NULL;

        if (argc != 2 || config_load("", argv[1], on_problem, NULL, &c) != 0)
                return EXIT_FAILURE;

        config_print(c, stdout);
        return EXIT_SUCCESS;
}
