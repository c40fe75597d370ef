/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepd --init. Floor 6. Makes the root secret and the device key (ECDSA P-256) where they are missing, with mode
 * 0400, and never touches one that is there: to lose the root secret is to lose everything recorded.
 *
 * A package and an administrator run it as root, the daemon runs as a user of its own. What root makes is given to the
 * owner of the state folder, who is that user; the folder of the secrets stays root's, so that the user can read them
 * and neither replace nor remove them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"
#include "trailkeep/file.h"
#include "trailkeep/keyring.h"

/**
 * init_give_to_daemon() - let the owner of the state folder have a secret that was just made
 * @path:       of the secret; nobody else can read it
 * @state_dir:  the state folder; need not be there
 *
 * Until this is done, and for good if power fails before, only root can read it: too few, never too many.
 *
 * Return: 0, also where root does not run this; -errno.
 */
int init_give_to_daemon(const char *path, const char *state_dir) {
        struct stat st;

        if (geteuid() != 0)
                return 0;
        if (stat(state_dir, &st) < 0)
                return errno == ENOENT ? 0 : -errno; /* a first start as root makes it, and it is root's */
        return lchown(path, st.st_uid, st.st_gid) < 0 ? -errno : 0;
}

static int make(const char *what, const char *path, const char *state_dir, int (*maker)(const char *path)) {
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
        if (r == 0) {
                r = init_give_to_daemon(path, state_dir);
                if (r < 0)
                        (void)unlink(path); /* it holds nothing yet; what went wrong is said below */
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

        r = make("root secret", config->root_secret_file, config->state_dir, keyring_make_root);
        q = make("device key", config->device_key_file, config->state_dir, keyring_make_device_key);
        return r < 0 ? r : q;
}
