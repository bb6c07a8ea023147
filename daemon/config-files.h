/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* ConfigFiles: which files the configuration is made of, and in which order. */

/* Called for a directory or file that cannot be looked at; error is a negative errno. */
typedef void (*ConfigFilesComplain)(const char *path, int error, void *userdata);

/* The main file, the first that exists, and then the drop-ins by name, of which the first directory's hides those
 * of the same name in later ones. All paths begin with root. To be freed with words_free(). -ENOMEM. */
int config_files_list(const char *root, ConfigFilesComplain complain, void *userdata, char ***ret);
