/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vault.db. Floor 2.
 *
 * An SQLite database (application_id 0x746b7674 "tkvt", user_version 2) with journal_mode=TRUNCATE, synchronous=FULL
 * and secure_delete=ON, the only combination that leaves no deleted byte in any file. Written seldom: it costs five
 * syncs.
 *
 *   vault    one row, id 1
 *     installation     16 random bytes; in lower case hex the first folder in the store
 *     incarnation      1, counts up should the vault ever be made anew under the same installation
 *     salt             32 random bytes; key-encryption key = HKDF(root secret, salt), see keyring.c
 *     ledger_key       key of the ledger's entries, wrapped (60 bytes)
 *     catalogue_key    key of the erasures here and of the objects' labels in journal.db, wrapped
 *     ledger_head      sealed under the ledger key: number and hash of the last entry, see ledger.c
 *     powered_on_usec  time with the power on up to boottime_usec of boot
 *     boot             16 bytes, the kernel's boot id
 *     boottime_usec    CLOCK_BOOTTIME when powered_on_usec was written
 *
 *   parcel   see parcels.c       ledger   see ledger.c       erasure  see erasures.c       session  see vault-time.c
 *   mark     see marks.c         damage   see damages.c
 *   evidence, evidence_head   see evidence.c             ledger_volume   see ledger.c
 *
 * Wrapped keys and sealed values are as in keyring.c and aead.c, their additional data as in seal.c. There is no check
 * value: if neither of the two keys above unwraps, the root secret is another one; if one does, the vault is damaged.
 *
 * Nothing here says in plain text whose data there is, when in wall-clock time, or where: subjects, sources and ranges
 * of time are sealed under the key of the parcel they belong to and become unreadable with it; what powered-on time
 * means in true time is sealed under the catalogue key. What is in plain text are numbers, lanes, purposes, fates, and powered-on time, which counts from the first start of the box.
 *
 * Powered-on time goes on while the daemon is not running but the box is: with the same boot id the difference in
 * CLOCK_BOOTTIME is added, with another one what that clock shows. Only a box that is cut off within an hour after the
 * last write loses that hour, and keeps data that much longer.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include "journal-error.h"
#include "ledger-head.h"
#include "trailkeep/id.h"
#include "vault.h"

#define VAULT_INCARNATION 1

struct Vault {
        Db *db;
        const Clock *clock;
        Secret *root;
        Keyring *keyring;
        Aead *ledger_aead, *catalogue_aead;
        SealScope scope;
        char installation[2 * INSTALLATION_SIZE + 1];
        sd_id128_t boot;
        uint64_t powered_on_usec, boottime_usec; /* at this start */
        uint64_t saved_usec;                     /* powered-on time as last written */
        VaultStart start;
};

/* The stored row, borrowed from the statement that reads it. */
typedef struct VaultRow {
        const void *salt, *ledger_key, *catalogue_key;
        size_t n_salt, n_ledger_key, n_catalogue_key;
        sd_id128_t boot;
        uint64_t powered_on_usec, boottime_usec;
} VaultRow;

static void vault_write_hex(Vault *vault) {
        for (size_t i = 0; i < INSTALLATION_SIZE; i++)
                /* always two digits and a 0 */
                (void)snprintf(vault->installation + 2 * i, 3, "%02x", vault->scope.installation[i]);
}

static int vault_wrap(const Vault *vault, Keyring *keyring, SealKind kind, const Secret *key, Bytes *ret) {
        SealAd ad = seal_ad(&vault->scope, kind, SEAL_NO_LANE, 0);

        return keyring_wrap(keyring, ad.bytes, sizeof(ad.bytes), key, ret);
}

static int vault_unwrap(Vault *vault, SealKind kind, const void *wrapped, size_t n_wrapped, Secret **ret) {
        SealAd ad = seal_ad(&vault->scope, kind, SEAL_NO_LANE, 0);

        return keyring_unwrap(vault->keyring, ad.bytes, sizeof(ad.bytes), wrapped, n_wrapped, ret);
}

/* Makes the one row: everything in it is new. */
static int vault_create(Vault *vault) {
        _cleanup_(secret_freep) Secret *ledger_key = NULL, *catalogue_key = NULL;
        _cleanup_bytes_ Bytes wrapped_ledger = { 0 }, wrapped_catalogue = { 0 }, head = { 0 };
        uint8_t salt[KEYRING_SALT_SIZE];
        LedgerHead first;
        int r;

        vault->scope.incarnation = VAULT_INCARNATION;
        r = random_bytes(vault->scope.installation, INSTALLATION_SIZE);
        if (r >= 0)
                r = random_bytes(salt, sizeof(salt));
        if (r >= 0)
                r = secret_new_random(&ledger_key);
        if (r >= 0)
                r = secret_new_random(&catalogue_key);
        if (r >= 0)
                r = keyring_new(vault->root, salt, &vault->keyring);
        if (r >= 0)
                r = vault_wrap(vault, vault->keyring, SEAL_KIND_LEDGER_KEY, ledger_key, &wrapped_ledger);
        if (r >= 0)
                r = vault_wrap(vault, vault->keyring, SEAL_KIND_CATALOGUE_KEY, catalogue_key, &wrapped_catalogue);
        if (r >= 0)
                r = aead_new(AEAD_AES_256_GCM, ledger_key, &vault->ledger_aead);
        if (r >= 0)
                r = aead_new(AEAD_AES_256_GCM, catalogue_key, &vault->catalogue_aead);
        if (r >= 0)
                r = ledger_head_first(&vault->scope, &first);
        if (r >= 0)
                r = ledger_head_seal(&first, &vault->scope, vault->ledger_aead, &head);
        if (r < 0)
                return r;
        return db_run(vault->db, "INSERT INTO vault VALUES(1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      DB_BLOB(vault->scope.installation, INSTALLATION_SIZE), DB_INT(vault->scope.incarnation),
                      DB_BLOB(salt, sizeof(salt)), DB_BYTES(&wrapped_ledger), DB_BYTES(&wrapped_catalogue),
                      DB_BYTES(&head), DB_INT(0), DB_BLOB(vault->boot.bytes, sizeof(vault->boot.bytes)),
                      DB_INT(vault->boottime_usec));
}

static int vault_open_keys(Vault *vault, const VaultRow *row) {
        _cleanup_(secret_freep) Secret *ledger_key = NULL, *catalogue_key = NULL;
        int r, r_ledger, r_catalogue;

        r = keyring_new(vault->root, row->salt, &vault->keyring);
        if (r < 0)
                return r;
        r_ledger = vault_unwrap(vault, SEAL_KIND_LEDGER_KEY, row->ledger_key, row->n_ledger_key, &ledger_key);
        r_catalogue = vault_unwrap(vault, SEAL_KIND_CATALOGUE_KEY, row->catalogue_key, row->n_catalogue_key,
                                   &catalogue_key);
        if (r_ledger < 0 || r_catalogue < 0)
                return MIN(r_ledger, r_catalogue);
        if (r_ledger == KEYRING_E_FOREIGN && r_catalogue == KEYRING_E_FOREIGN)
                return JOURNAL_E_SECRET;
        if (!ledger_key || !catalogue_key)
                return -EBADMSG;
        r = aead_new(AEAD_AES_256_GCM, ledger_key, &vault->ledger_aead);
        if (r < 0)
                return r;
        return aead_new(AEAD_AES_256_GCM, catalogue_key, &vault->catalogue_aead);
}

static int vault_read_row(Vault *vault, sqlite3_stmt *statement, VaultRow *ret) {
        VaultRow row = {
                .salt = sqlite3_column_blob(statement, 2),
                .n_salt = (size_t)sqlite3_column_bytes(statement, 2),
                .ledger_key = sqlite3_column_blob(statement, 3),
                .n_ledger_key = (size_t)sqlite3_column_bytes(statement, 3),
                .catalogue_key = sqlite3_column_blob(statement, 4),
                .n_catalogue_key = (size_t)sqlite3_column_bytes(statement, 4),
                .powered_on_usec = db_column_u64(statement, 5),
                .boottime_usec = db_column_u64(statement, 7),
        };

        if (sqlite3_column_bytes(statement, 0) != INSTALLATION_SIZE || row.n_salt != KEYRING_SALT_SIZE ||
            sqlite3_column_bytes(statement, 6) != sizeof(row.boot.bytes))
                return -EBADMSG;
        memcpy(vault->scope.installation, sqlite3_column_blob(statement, 0), INSTALLATION_SIZE);
        vault->scope.incarnation = (uint32_t)sqlite3_column_int64(statement, 1);
        memcpy(row.boot.bytes, sqlite3_column_blob(statement, 6), sizeof(row.boot.bytes));
        *ret = row;
        return 0;
}

static bool vault_resume_powered_on(Vault *vault, const VaultRow *row) {
        bool is_same_boot = !sd_id128_is_null(vault->boot) && sd_id128_equal(row->boot, vault->boot) &&
                            vault->boottime_usec >= row->boottime_usec;

        vault->saved_usec = row->powered_on_usec;
        vault->powered_on_usec =
                row->powered_on_usec + vault->boottime_usec - (is_same_boot ? row->boottime_usec : 0);
        return is_same_boot;
}

static void vault_note_start(Vault *vault, bool is_same_boot) {
        vault->start = (VaultStart){
                .boot = vault->boot,
                .is_same_boot = is_same_boot,
                .boot_on_usec = vault->powered_on_usec - MIN(vault->powered_on_usec, vault->boottime_usec),
                .on_minus_boottime_usec = (int64_t)vault->powered_on_usec - (int64_t)vault->boottime_usec,
        };
}

static int vault_load(Vault *vault) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        VaultRow row;
        int r;

        r = db_start(vault->db, "SELECT installation, incarnation, salt, ledger_key, catalogue_key, powered_on_usec,"
                                " boot, boottime_usec FROM vault", &statement);
        if (r < 0)
                return r;
        r = db_step(vault->db, statement);
        if (r < 0)
                return r;
        vault_note_start(vault, false);
        if (r == 0)
                return vault_create(vault);
        r = vault_read_row(vault, statement, &row);
        if (r < 0)
                return r;
        vault_note_start(vault, vault_resume_powered_on(vault, &row));
        r = vault_open_keys(vault, &row);
        if (r != 0)
                return r;
        db_finish(TAKE_PTR(statement)); /* what it holds open would be in the way */
        return db_upgrade(vault->db, vault_format());
}

/**
 * vault_open() - open the vault, or make it at the first start
 * @path:       of vault.db; its folder must exist
 * @root:       root secret; taken, also on failure
 * @clock:      borrowed, must outlive the vault
 * @ret:        owned by the caller; untouched on failure
 * @error:      filled on failure
 *
 * Return: 0; JOURNAL_E_SECRET, JOURNAL_E_CORRUPT, JOURNAL_E_NEWER, JOURNAL_E_BUSY: nothing was touched; < 0.
 */
int vault_open(const char *path, Secret *root, const Clock *clock, Vault **ret, JournalError *error) {
        _cleanup_(vault_freep) Vault *vault = NULL;
        int r;

        vault = calloc(1, sizeof(*vault));
        if (!vault) {
                secret_free(root);
                return journal_refuse(error, -ENOMEM, "out of memory");
        }
        vault->root = root;
        vault->clock = clock;
        vault->boottime_usec = clock_boottime_usec(clock);
        r = sd_id128_get_boot(&vault->boot);
        if (r < 0)
                /* Without a boot id every start counts as a new boot: powered-on time runs ahead, never behind. */
                vault->boot = SD_ID128_NULL;
        r = db_open(path, vault_format(), &vault->db);
        if (r == 0)
                r = db_check(vault->db);
        if (r != 0)
                return journal_refuse_file(error, r, path);
        r = vault_load(vault);
        if (r == JOURNAL_E_SECRET)
                return r; /* the caller knows the file's name */
        if (r < 0)
                return journal_refuse_file(error, r, path);
        vault_write_hex(vault);
        *ret = TAKE_PTR(vault);
        return 0;
}

/**
 * vault_free() - close the vault and forget its keys
 * @vault:      or NULL
 *
 * Return: NULL.
 */
Vault *vault_free(Vault *vault) {
        if (!vault)
                return NULL;
        db_free(vault->db);
        secret_free(vault->root);
        keyring_free(vault->keyring);
        aead_free(vault->ledger_aead);
        aead_free(vault->catalogue_aead);
        free(vault);
        return NULL;
}

/**
 * vault_db() - its database
 * @vault:      the vault
 *
 * Return: borrowed.
 */
Db *vault_db(Vault *vault) {
        return vault->db;
}

/**
 * vault_scope() - what everything sealed is bound to
 * @vault:      the vault
 *
 * Return: borrowed.
 */
const SealScope *vault_scope(const Vault *vault) {
        return &vault->scope;
}

/**
 * vault_installation() - the installation's id
 * @vault:      the vault
 *
 * Return: 32 hex digits, borrowed.
 */
const char *vault_installation(const Vault *vault) {
        return vault->installation;
}

/**
 * vault_keyring() - what wraps parcel keys
 * @vault:      the vault
 *
 * Return: borrowed, until vault_adopt().
 */
Keyring *vault_keyring(Vault *vault) {
        return vault->keyring;
}

/**
 * vault_ledger_aead() - what seals the ledger
 * @vault:      the vault
 *
 * Return: borrowed.
 */
Aead *vault_ledger_aead(Vault *vault) {
        return vault->ledger_aead;
}

/**
 * vault_exchange_ledger_aead() - seal the ledger with another key
 * @vault:      the vault
 * @next:       taken
 *
 * Return: the one before, the caller's.
 */
Aead *vault_exchange_ledger_aead(Vault *vault, Aead *next) {
        Aead *before = vault->ledger_aead;

        vault->ledger_aead = next;
        return before;
}

/**
 * vault_catalogue_aead() - what seals erasures and objects
 * @vault:      the vault
 *
 * Return: borrowed.
 */
Aead *vault_catalogue_aead(Vault *vault) {
        return vault->catalogue_aead;
}

/**
 * vault_start() - where this start of the daemon lies in powered-on time
 * @vault:      the vault
 *
 * Return: borrowed.
 */
const VaultStart *vault_start(const Vault *vault) {
        return &vault->start;
}

/**
 * vault_ledger_head() - the end of the ledger
 * @vault:      the vault
 * @ret:        the head; untouched on failure
 *
 * Return: 0; -EBADMSG if it is damaged; < 0.
 */
int vault_ledger_head(Vault *vault, LedgerHead *ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        Bytes sealed;
        int r;

        r = db_start(vault->db, "SELECT ledger_head FROM vault", &statement);
        if (r < 0)
                return r;
        r = db_step(vault->db, statement);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        sealed = db_column_bytes(statement, 0);
        return ledger_head_open(&vault->scope, vault->ledger_aead, &sealed, ret);
}

/**
 * vault_powered_on_usec() - how long the box has been on since the vault was made
 * @vault:      the vault
 *
 * Return: µs.
 */
uint64_t vault_powered_on_usec(const Vault *vault) {
        return vault->powered_on_usec + (clock_boottime_usec(vault->clock) - vault->boottime_usec);
}

/**
 * vault_realtime_ms() - what the clock of the box shows
 * @vault:      the vault
 *
 * Return: ms since 1970, right or wrong.
 */
int64_t vault_realtime_ms(const Vault *vault) {
        return (int64_t)(clock_realtime_usec(vault->clock) / USEC_PER_MSEC);
}

/**
 * vault_saved_powered_on_usec() - powered-on time as it was last written
 * @vault:      the vault
 *
 * Return: µs.
 */
uint64_t vault_saved_powered_on_usec(const Vault *vault) {
        return vault->saved_usec;
}

/**
 * vault_save_powered_on() - write powered-on time down
 * @vault:      within a transaction
 *
 * Return: 0; < 0.
 */
int vault_save_powered_on(Vault *vault) {
        uint64_t now_usec = vault_powered_on_usec(vault);

        vault->saved_usec = now_usec; /* should the transaction fail, it is written with the next one */
        return db_run(vault->db, "UPDATE vault SET powered_on_usec = ?, boot = ?, boottime_usec = ?", DB_INT(now_usec),
                      DB_BLOB(vault->boot.bytes, sizeof(vault->boot.bytes)), DB_INT(clock_boottime_usec(vault->clock)));
}

/**
 * vault_root() - the root secret
 * @vault:      the vault
 *
 * Return: borrowed.
 */
const Secret *vault_root(const Vault *vault) {
        return vault->root;
}

/**
 * vault_adopt() - use another key-encryption key from here on
 * @vault:      whose vault_rotate() was committed
 * @next:       what it gave; taken
 */
void vault_adopt(Vault *vault, Keyring *next) {
        keyring_free(vault->keyring);
        vault->keyring = next;
}
