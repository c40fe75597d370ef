/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepd --init. Floor 6. Makes the root secret and the device key (ECDSA P-256) where they are missing, with mode
 * 0400, and never touches one that is there: to lose the root secret is to lose everything recorded.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "init.h"
#include "trailkeep/file.h"
#include "trailkeep/keyring.h"

static int make(const char *what, const char *path, int (*maker)(const char *path)) {
        _cleanup_free_ char *folder = strdup(path);
        char *slash = folder ? strrchr(folder, '/') : NULL;
        int r;

        if (!folder)
                return -ENOMEM;
        if (slash && slash != folder) {
                *slash = '\0';
                r = dir_make(folder, 0755);
                if (r < 0) {
                        fprintf(stderr, "Cannot make the folder %s: %s. No %s was made.\n", folder, strerror(-r), what);
                        return r;
                }
        }

        r = maker(path);
        if (r == -EEXIST) {
                printf("The %s is there already: %s\n", what, path);
                return 0;
        }
        if (r < 0) {
                fprintf(stderr, "Cannot write the %s %s: %s. Nothing was left behind.\n", what, path, strerror(-r));
                return r;
        }
        printf("Made the %s: %s\n", what, path);
        return 0;
}

/**
 * init_run() - make what a start needs and does not find
 * @config:     names the files; borrowed
 *
 * Says on stdout what it made or found, on stderr what went wrong.
 *
 * Return: 0, or -errno of the first that could not be made; the other may have been made.
 */
int init_run(const Config *config) {
        int r, q;

        r = make("root secret", config->root_secret_file, keyring_make_root);
        q = make("device key", config->device_key_file, keyring_make_device_key);
        return r < 0 ? r : q;
}
