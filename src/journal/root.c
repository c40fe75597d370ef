/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state folder's lock, and the root secret that opens its vault. Floor 2.
 *
 * While the root secret is being replaced there are two, the present and the next one, and the vault opens with one of
 * them: which one is decided by the commit in replace-root.c. So the present one is tried first, then the next one. A
 * wrong or missing secret is found before anything is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include "journal-error.h"
#include "root.h"
#include "trailkeep/file.h"

#define STATE_DIR_MODE 0700

/**
 * state_lock() - have the state folder alone
 * @dir:        made with mode 0700 if it is not there
 * @ret_fd:     holds the lock until it is closed; untouched on failure
 * @error:      filled on failure
 *
 * Return: 0; JOURNAL_E_BUSY; < 0.
 */
int state_lock(const char *dir, int *ret_fd, JournalError *error) {
        _cleanup_free_ char *path = path_join(dir, "lock");
        _cleanup_close_ int fd = -1;
        int r;

        if (!path)
                return journal_refuse(error, -ENOMEM, "out of memory");
        r = dir_make(dir, STATE_DIR_MODE);
        if (r >= 0 && chmod(dir, STATE_DIR_MODE) < 0)
                r = -errno;
        if (r < 0)
                return journal_refuse(error, r, "%s cannot be made private: %s", dir, strerror(-r));
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return journal_refuse(error, -errno, "%s cannot be opened: %s", path, strerror(errno));
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return journal_refuse(error, errno == EWOULDBLOCK ? JOURNAL_E_BUSY : -errno,
                                      "%s is in use by another process; stop that one first", dir);
        *ret_fd = fd;
        fd = -1;
        return 0;
}

/**
 * state_lock_shared() - keep a state folder from being written to
 * @dir:        may be a copy, which has no lock
 * @ret_fd:     holds the lock until it is closed; untouched on failure, and where there is none
 * @error:      filled on failure
 *
 * Return: 0; JOURNAL_E_BUSY: a daemon has it; < 0.
 */
int state_lock_shared(const char *dir, int *ret_fd, JournalError *error) {
        _cleanup_free_ char *path = path_join(dir, "lock");
        _cleanup_close_ int fd = -1;

        if (!path)
                return journal_refuse(error, -ENOMEM, "out of memory");
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return 0;
        if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
                return journal_refuse(error, JOURNAL_E_BUSY, "%s is in use: stop the daemon first, or copy the folder",
                                      dir);
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/**
 * file_has_content() - whether a file is there and not empty
 * @path:       of the file
 *
 * Return: whether it is.
 */
bool file_has_content(const char *path) {
        struct stat st;

        return stat(path, &st) >= 0 && st.st_size > 0;
}

static int root_read(const char *path, Secret **ret, JournalError *error) {
        int r = keyring_read_root(path, ret);

        if (r == 0)
                return 0;
        if (r == KEYRING_E_MISSING)
                return journal_refuse(
                                error, JOURNAL_E_SECRET,
                                "the root secret %s is missing; nothing was touched: put it back or, on a new box, run "
                                "trailkeepd --init",
                                path);
        if (r == KEYRING_E_EXPOSED)
                return journal_refuse(error, JOURNAL_E_SECRET,
                                      "the root secret %s can be read or written by others; nothing was touched: chmod "
                                      "it to 0400",
                                      path);
        if (r == KEYRING_E_MALFORMED)
                return journal_refuse(
                                error, JOURNAL_E_SECRET,
                                "the root secret %s is not a file of exactly %d bytes; nothing was touched: put the "
                                "right one back",
                                path, SECRET_SIZE);
        return journal_refuse(error, r, "the root secret %s cannot be read: %s", path, strerror(-r));
}

static int root_try(const char *root_path, const char *vault_path, const Clock *clock, Vault **ret,
                    JournalError *error) {
        Secret *root = NULL;
        int r;

        r = root_read(root_path, &root, error);
        if (r != 0)
                return r;
        r = vault_open(vault_path, root, clock, ret, error);
        if (r == JOURNAL_E_SECRET)
                return journal_refuse(error, r,
                                      "the root secret %s is not the one that %s was made with; nothing was touched: "
                                      "put the right one back, or move the folder away to start anew without what was "
                                      "recorded",
                                      root_path, vault_path);
        return r;
}

/**
 * root_open_vault() - open the vault with the present root secret, else with the next one
 * @options:    where they are
 * @clock:      borrowed, must outlive the vault
 * @ret:        owned by the caller; untouched on failure
 * @ret_is_next: whether it was the next one; untouched on failure
 * @error:      filled on failure: about the present one
 *
 * The next one opens only a vault that is there; a new one is made under the present.
 *
 * Return: 0; JOURNAL_E_SECRET, JOURNAL_E_CORRUPT, JOURNAL_E_NEWER, JOURNAL_E_BUSY: nothing was touched; < 0.
 */
int root_open_vault(const JournalOptions *options, const Clock *clock, Vault **ret, bool *ret_is_next,
                    JournalError *error) {
        _cleanup_free_ char *vault_path = path_join(options->state_dir, "vault.db");
        _cleanup_free_ char *journal_path = path_join(options->state_dir, "journal.db");
        const char *next_path = options->next_root_secret_file;
        JournalError next_error;
        int r;

        if (!vault_path || !journal_path)
                return journal_refuse(error, -ENOMEM, "out of memory");
        if (!file_has_content(vault_path) && file_has_content(journal_path))
                return journal_refuse(error, JOURNAL_E_CORRUPT,
                                      "%s is missing and without its keys %s cannot be read; nothing was touched: "
                                      "restore it, or move the folder away to start anew",
                                      vault_path, journal_path);
        r = root_try(options->root_secret_file, vault_path, clock, ret, error);
        if (r == JOURNAL_E_SECRET && next_path && file_has_content(vault_path) &&
            root_try(next_path, vault_path, clock, ret, &next_error) == 0) {
                *ret_is_next = true;
                return 0;
        }
        if (r == 0)
                *ret_is_next = false;
        return r;
}
