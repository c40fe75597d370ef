/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepd --replace-root-secret. Floor 6.
 *
 *   the next secret is there, FILE.new -> the vault is wrapped under it -> FILE.new is renamed to FILE
 *
 * Each arrow is durable before the next begins, and each start of the daemon tries FILE and then FILE.new. Whatever
 * ends it in between, doing it again goes on from there. A credential of systemd cannot be put in place by us: then
 * the last step is said instead of done.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "credentials.h"
#include "init.h"
#include "replace-root.h"
#include "trailkeep/clock.h"
#include "trailkeep/file.h"
#include "trailkeep/gate.h"
#include "trailkeep/keyring.h"

/* The first arrow. One that is there is taken: of an earlier try, or brought by whoever wants this one. */
static int make_next(const Config *config, const char *next_path) {
        int r;

        if (access(next_path, F_OK) >= 0)
                r = file_sync(next_path);
        else if ((r = keyring_make_root(next_path)) == 0) {
                r = init_give_to_daemon(next_path, config->state_dir);
                if (r < 0)
                        (void)unlink(next_path); /* nothing lies under it yet; what went wrong is said below */
        }
        if (r < 0)
                fprintf(stderr, "The next root secret %s cannot be made durable: %s. Nothing was changed.\n", next_path,
                        strerror(-r));
        return r;
}

static int switch_vault(const Config *config, const char *path, const char *next_path) {
        const JournalOptions options = {
                .state_dir = config->state_dir,
                .root_secret_file = path,
                .next_root_secret_file = next_path,
        };
        const GateActor actor = {.uid = getuid(), .role = "offline"};
        _cleanup_free_ char *body = NULL;
        JournalError error = {0};
        int r;

        r = gate_describe_key_change(GATE_KEYS_ROOT_REPLACED, config->subject, &actor, &clock_system, &body);
        if (r < 0) {
                fprintf(stderr, "The change cannot be described: %s. Nothing was changed.\n", strerror(-r));
                return r;
        }
        r = journal_replace_root(&options, &clock_system, body, &error);
        if (r != 0)
                fprintf(stderr, "%s.\n", error.text);
        return r < 0 ? r : r == 0 ? 0 : -EPERM;
}

static int put_in_place(const char *path, const char *next_path) {
        int r = rename(next_path, path) < 0 ? -errno : file_sync(path);

        if (r < 0)
                fprintf(stderr,
                        "What is recorded lies under the next root secret now, which could not be put in the place of "
                        "%s: %s. Nothing is lost, and the daemon starts with %s; run this again.\n",
                        path, strerror(-r), next_path);
        else
                printf("The root secret was replaced: %s. The one before opens nothing of this box any more.\n", path);
        return r;
}

static int finish(const Config *config, const char *path, const char *next_path) {
        if (strcmp(path, config->root_secret_file) == 0)
                return put_in_place(path, next_path);
        printf("What is recorded lies under the next root secret now: %s. Load it as the credential %s, then remove "
               "it; until then the daemon starts with it as it is.\n",
               next_path, CREDENTIAL_ROOT_SECRET);
        return 0;
}

/**
 * replace_root_run() - replace the root secret
 * @config:     names the files; borrowed
 *
 * Says on stdout what it did, on stderr what went wrong, what holds now and what to do.
 *
 * Return: 0; < 0: the box opens with the secrets that are there, and this may be run again.
 */
int replace_root_run(const Config *config) {
        _cleanup_free_ char *path = NULL, *next_path = NULL;
        int r;

        r = credential_dup_path(CREDENTIAL_ROOT_SECRET, config->root_secret_file, &path);
        if (r == 0)
                r = credential_dup_next_path(config->root_secret_file, &next_path);
        if (r != 0) {
                fprintf(stderr, "Out of memory. Nothing was changed.\n");
                return r;
        }
        r = make_next(config, next_path);
        if (r == 0)
                r = switch_vault(config, path, next_path);
        return r < 0 ? r : finish(config, path, next_path);
}
