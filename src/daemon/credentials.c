/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * systemd's credentials (systemd.exec(5), LoadCredential=). Floor 6. Without systemd the variable is not set and the file
 * is used, so that the same configuration serves both.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "credentials.h"
#include "trailkeep/file.h"

/**
 * credential_dup_path() - find the file that holds a secret
 * @credential: name of the credential
 * @fallback:   path from the configuration, used where there is no such credential; borrowed
 * @ret_path:   the path; the caller frees it
 *
 * A credential that exists but cannot be read is still the answer: whoever set it up meant it, and the error that
 * follows names it.
 *
 * Return: 0 or -ENOMEM.
 */
int credential_dup_path(const char *credential, const char *fallback, char **ret_path) {
        const char *folder = getenv("CREDENTIALS_DIRECTORY");
        _cleanup_free_ char *path = NULL;

        if (folder && folder[0] == '/') {
                path = path_join(folder, credential);
                if (!path)
                        return -ENOMEM;
                if (access(path, F_OK) < 0)
                        free(TAKE_PTR(path));
        }
        if (!path)
                path = strdup(fallback);
        if (!path)
                return -ENOMEM;

        *ret_path = TAKE_PTR(path);
        return 0;
}

/**
 * credential_dup_next_path() - find the file that holds the next root secret while it is being replaced
 * @fallback:   path of the present one from the configuration; the next one lies beside it, with ".new"; borrowed
 * @ret_path:   the path, whether there is such a file or not; the caller frees it
 *
 * Return: 0 or -ENOMEM.
 */
int credential_dup_next_path(const char *fallback, char **ret_path) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s.new", fallback) < 0)
                return -ENOMEM;
        return credential_dup_path(CREDENTIAL_NEXT_ROOT_SECRET, path, ret_path);
}
