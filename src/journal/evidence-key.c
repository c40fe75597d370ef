/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first key of a chain of evidence as a text file: five lines, in this order, and nothing else. Floor 2.
 *
 *   trailkeep-evidence 1
 *   installation 0123456789abcdef0123456789abcdef
 *   chain 2
 *   first 17 4                                     seq of its first link in the strands of decisions and of parcels
 *   key 64 hex digits
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "evidence-key.h"
#include "evidence.h"
#include "trailkeep/parse.h"

#define KEY_TEXT_MAX 512
#define DIGITS_MAX 20 /* of a 64-bit number; the format below says so, too */

/**
 * evidence_key_done() - forget a key
 * @key:        empty afterwards
 */
void evidence_key_done(EvidenceKey *key) {
        secret_free(key->key);
        *key = (EvidenceKey){ 0 };
}

static void write_hex(const uint8_t *bytes, size_t size, char *ret) {
        for (size_t i = 0; i < size; i++)
                (void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]); /* always two digits and a 0 */
}

static int read_heads(Vault *vault, uint64_t *ret_chain, uint64_t first[static EVIDENCE_STRAND_MAX]) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        EvidenceHead head;
        int r;

        r = db_start(vault_db(vault), "SELECT " EVIDENCE_HEAD_COLUMNS " FROM evidence_head", &statement);
        while (r >= 0 && (r = db_step(vault_db(vault), statement)) > 0) {
                r = evidence_head_read(statement, &head);
                if (r < 0 || head.strand < EVIDENCE_DECISIONS || head.strand >= EVIDENCE_STRAND_MAX)
                        return r < 0 ? r : -EBADMSG;
                first[head.strand] = head.first;
                *ret_chain = head.chain;
        }
        return r;
}

/**
 * evidence_key_format() - the text of a chain's first key
 * @vault:      within the transaction that began the chain
 * @first:      the key
 * @ret:        appended to; wiped by whoever is done with it
 *
 * Return: 0; < 0.
 */
int evidence_key_format(Vault *vault, const Secret *first, Bytes *ret) {
        char text[KEY_TEXT_MAX], hex[2 * SECRET_SIZE + 1];
        uint64_t chain = 0, seq[EVIDENCE_STRAND_MAX] = { 0 };
        int r;

        r = read_heads(vault, &chain, seq);
        if (r < 0)
                return r;
        write_hex(secret_bytes(first), SECRET_SIZE, hex);
        /* always fits */
        (void)snprintf(text, sizeof(text),
                       "trailkeep-evidence 1\ninstallation %s\nchain %" PRIu64 "\nfirst %" PRIu64 " %" PRIu64
                       "\nkey %s\n",
                       vault_installation(vault), chain, seq[EVIDENCE_DECISIONS], seq[EVIDENCE_PARCELS], hex);
        r = bytes_append_string(ret, text);
        bytes_wipe(text, sizeof(text));
        bytes_wipe(hex, sizeof(hex));
        return r;
}

static int digit_of(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_hex(const char *text, uint8_t *ret, size_t size) {
        if (strlen(text) != 2 * size)
                return -EBADMSG;
        for (size_t i = 0; i < size; i++) {
                int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);

                if (high < 0 || low < 0)
                        return -EBADMSG;
                ret[i] = (uint8_t)(high << 4 | low);
        }
        return 0;
}

/**
 * evidence_key_parse() - read such a text
 * @text:       whole
 * @ret:        freed with evidence_key_done(); untouched on failure
 *
 * Return: 0; -EBADMSG if it is none; -ENOMEM.
 */
int evidence_key_parse(const char *text, EvidenceKey *ret) {
        char installation[2 * INSTALLATION_SIZE + 1], hex[2 * SECRET_SIZE + 1];
        char chain[DIGITS_MAX + 1], decisions[DIGITS_MAX + 1], parcels[DIGITS_MAX + 1];
        uint8_t bytes[SECRET_SIZE];
        EvidenceKey key = { 0 };
        int n = 0, r = -EBADMSG;

        if (sscanf(text,
                   "trailkeep-evidence 1 installation %32[0-9a-f] chain %20[0-9] first %20[0-9] %20[0-9]"
                   " key %64[0-9a-f]\n%n",
                   installation, chain, decisions, parcels, hex, &n) == 5 && n > 0 && text[n] == 0)
                r = read_hex(installation, key.installation, INSTALLATION_SIZE);
        if (r >= 0 && (parse_u64(chain, 0, UINT64_MAX, &key.chain) < 0 ||
                       parse_u64(decisions, 0, UINT64_MAX, &key.first[EVIDENCE_DECISIONS]) < 0 ||
                       parse_u64(parcels, 0, UINT64_MAX, &key.first[EVIDENCE_PARCELS]) < 0))
                r = -EBADMSG;
        if (r >= 0)
                r = read_hex(hex, bytes, SECRET_SIZE);
        if (r >= 0)
                r = secret_new(bytes, &key.key);
        bytes_wipe(bytes, sizeof(bytes));
        bytes_wipe(hex, sizeof(hex));
        if (r >= 0)
                *ret = key;
        return r;
}
