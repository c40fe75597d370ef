/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another root secret for a vault that nobody has open. Floor 2.
 *
 *   1  the next secret is made durable beside the present one     (by the caller)
 *   2  one transaction wraps every key under it, with a new salt, and notes it in the ledger
 *   3  the next secret takes the place of the present one         (by the caller)
 *
 * The commit of 2 is the switch: before it the vault opens with the present secret, after it with the next one, and
 * each start tries both. So the power may go at any point, and doing it again goes on where it ended. A vault wrapped
 * for both secrets at once would open with either, but then whoever has the present one, which is why it is replaced,
 * would have the next one too.
 */
#include <errno.h>
#include <string.h>
#include "journal-error.h"
#include "ledger.h"
#include "root.h"
#include "trailkeep/file.h"

static int replace_check(const JournalOptions *options, const Vault *vault, const Secret *next, JournalError *error) {
        if (memcmp(secret_bytes(vault_root(vault)), secret_bytes(next), SECRET_SIZE) == 0)
                return journal_refuse(error, -EINVAL,
                                      "%s is the same secret as %s, which would replace nothing; nothing was changed: "
                                      "remove %s and try again",
                                      options->next_root_secret_file, options->root_secret_file,
                                      options->next_root_secret_file);
        return 0;
}

static int replace_commit(Vault *vault, const Secret *next, const char *ledger_body) {
        _cleanup_(keyring_freep) Keyring *keyring = NULL;
        _cleanup_transaction_ Db *transaction = NULL;
        int r;

        r = db_begin(vault_db(vault), &transaction);
        if (r >= 0)
                r = ledger_append(vault, ledger_body);
        if (r >= 0)
                r = vault_rewrap(vault, next, &keyring);
        return r < 0 ? r : db_commit(&transaction);
}

static int replace_in(const JournalOptions *options, Vault *vault, const char *ledger_body, JournalError *error) {
        _cleanup_(secret_freep) Secret *next = NULL;
        const char *next_path = options->next_root_secret_file;
        int r;

        r = keyring_read_root(next_path, &next);
        if (r != 0)
                return journal_refuse(error, r < 0 ? r : JOURNAL_E_SECRET,
                                      "the next root secret %s is not a file of exactly %d bytes that its owner alone "
                                      "can read; nothing was changed: make it one, or remove it to have one made",
                                      next_path, SECRET_SIZE);
        r = replace_check(options, vault, next, error);
        if (r < 0)
                return r;
        r = replace_commit(vault, next, ledger_body);
        if (r < 0)
                return journal_refuse(error, r,
                                      "the keys could not be wrapped under the next root secret: %s; nothing is lost: "
                                      "keep both %s and %s, mend the cause and try again",
                                      strerror(-r), options->root_secret_file, next_path);
        return 0;
}

/* Whether the vault opens with the next secret alone, from the file. */
static int replace_prove(const JournalOptions *options, const Clock *clock, JournalError *error) {
        _cleanup_(vault_freep) Vault *vault = NULL;
        JournalOptions after = *options;
        bool is_next;

        after.root_secret_file = options->next_root_secret_file;
        after.next_root_secret_file = NULL;
        return root_open_vault(&after, clock, &vault, &is_next, error);
}

/**
 * journal_replace_root() - put every key under another root secret
 * @options:    names both secrets, which must be durable, and the state folder
 * @clock:      borrowed during the call
 * @ledger_body: JSON text, written in the same transaction
 * @ret_error:  filled on failure
 *
 * Once it returns 0 the vault opens with the next secret alone, as was tried. Where that was so before, nothing is
 * done.
 *
 * Return: 0; JOURNAL_E_BUSY: it is in use; JOURNAL_E_SECRET, JOURNAL_E_CORRUPT, JOURNAL_E_NEWER, -ENOENT, -EINVAL:
 * nothing was changed; other < 0: one of the two secrets opens the vault, both are to be kept, and it may be called
 * again.
 */
int journal_replace_root(const JournalOptions *options, const Clock *clock, const char *ledger_body,
                         JournalError *ret_error) {
        _cleanup_free_ char *path = path_join(options->state_dir, "vault.db");
        _cleanup_(vault_freep) Vault *vault = NULL;
        _cleanup_close_ int lock_fd = -1;
        bool is_next = false;
        int r;

        if (!path)
                return journal_refuse(ret_error, -ENOMEM, "out of memory");
        if (!file_has_content(path))
                return journal_refuse(ret_error, -ENOENT,
                                      "%s is not there, so nothing lies under the root secret; nothing was changed",
                                      path);
        r = state_lock(options->state_dir, &lock_fd, ret_error);
        if (r == 0)
                r = root_open_vault(options, clock, &vault, &is_next, ret_error);
        if (r != 0 || is_next)
                return r;
        r = replace_in(options, vault, ledger_body, ret_error);
        if (r != 0)
                return r;
        vault_free(TAKE_PTR(vault));
        return replace_prove(options, clock, ret_error);
}
