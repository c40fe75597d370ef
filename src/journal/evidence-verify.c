/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verifying the evidence of a box, by somebody who has the first key of a chain and a copy of vault.db, and of
 * journal.db if its records are to be checked too. Floor 2; needs no other key, and writes nothing.
 *
 * From the first key the key of each link is derived in turn, so each link can be checked by itself: none can have been
 * altered, put in, taken out or moved since its key was destroyed, which was as soon as it was made. Links made after
 * somebody took the box over prove nothing, and cannot be told from others: whoever verifies must know from when on he
 * does not trust the box.
 *
 * The file comes from a box that may be an attacker's, so nothing in it is believed: sizes are checked, and a number
 * that would keep this computing for hours is refused.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "evidence-verify.h"
#include "evidence.h"
#include "journal-error.h"
#include "lanes.h"
#include "root.h"
#include "trailkeep/file.h"

#define KEY_FILE_MAX 1024
#define GAP_MAX UINT64_C(10000000) /* links missing in a row: a box that closes a parcel a second has these in 16 weeks */

/* Along one strand. */
typedef struct Walk {
        Verifying *verifying;
        EvidenceStrand strand;
        JournalStrand *result;
        Secret *key;        /* of the link with number seq */
        uint64_t seq;
        uint64_t n_missing; /* so far */
        uint64_t n_excused; /* as the last link about pruning says */
        uint8_t tag[MAC_SIZE]; /* of the link before */
        bool has_tag, is_over, is_bad;
} Walk;

/**
 * verifying_trouble() - say what does not hold
 * @verifying:  counts it
 * @format:     literal
 */
void verifying_trouble(Verifying *verifying, const char *format, ...) {
        char text[256];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args); /* fits */
        va_end(args);
        verifying->evidence->troubles++;
        verifying->options->trouble(text, verifying->options->userdata);
}

static const char *strand_name(EvidenceStrand strand) {
        return strand == EVIDENCE_PARCELS ? "parcels" : "decisions";
}

static int walk_on(Walk *walk) {
        Secret *next = NULL;
        int r = evidence_next_key(walk->key, &next);

        if (r < 0)
                return r;
        secret_free(walk->key);
        walk->key = next;
        walk->seq++;
        return 0;
}

static int walk_over_gap(Walk *walk, uint64_t to) {
        uint64_t from = walk->seq;
        int r = 0;

        if (to <= from)
                return 0;
        if (to - from > GAP_MAX)
                return -EBADMSG;
        walk->has_tag = false;
        walk->n_missing += to - from;
        if (walk->strand == EVIDENCE_DECISIONS) {
                walk->is_bad = true;
                verifying_trouble(walk->verifying, "links %" PRIu64 " to %" PRIu64 " of decisions are missing", from,
                                  to - 1);
        }
        while (r >= 0 && walk->seq < to)
                r = walk_on(walk);
        return r;
}

/* Links of parcels may be missing only before a link that says how many. */
static void walk_check_pruned(Walk *walk, const EvidenceLink *link) {
        if (link->fact.kind != EVIDENCE_PRUNED)
                return;
        if (link->fact.n != walk->n_missing)
                verifying_trouble(walk->verifying,
                                  "%" PRIu64 " links of parcels are missing up to link %" PRIu64
                                  ", of which %" PRIu64 " were pruned",
                                  walk->n_missing, link->seq, link->fact.n);
        walk->n_excused = walk->n_missing;
        walk->verifying->evidence->pruned = link->fact.n;
}

static int walk_note_time(Walk *walk, const EvidenceLink *link) {
        JournalStrand *result = walk->result;
        uint64_t mask;
        int r;

        r = evidence_clock_mask(walk->key, &mask);
        if (r < 0)
                return r;
        result->links++;
        if (result->links == 1)
                result->since_ms = (int64_t)(link->clock ^ mask);
        if (walk->is_bad)
                return 0;
        result->until_ms = (int64_t)(link->clock ^ mask);
        result->powered_on_until_usec = link->made_on_usec;
        return 0;
}

static int walk_check_link(Walk *walk, const EvidenceLink *link) {
        Verifying *verifying = walk->verifying;
        uint8_t tag[MAC_SIZE];
        int r;

        r = evidence_link_tag(link, &verifying->scope, walk->key, tag);
        if (r < 0)
                return r;
        if (memcmp(tag, link->tag, MAC_SIZE) != 0) {
                walk->is_bad = true;
                verifying_trouble(verifying, "link %" PRIu64 " of %s does not hold: it was altered, or put in its place",
                                  link->seq, strand_name(walk->strand));
                return 0;
        }
        if (walk->has_tag && memcmp(walk->tag, link->before, MAC_SIZE) != 0) {
                walk->is_bad = true;
                verifying_trouble(verifying, "link %" PRIu64 " of %s does not follow the one before it", link->seq,
                                  strand_name(walk->strand));
        }
        walk_check_pruned(walk, link);
        walk->is_over |= link->fact.kind == EVIDENCE_END;
        r = walk_note_time(walk, link);
        return r < 0 ? r : verify_fact(verifying, link);
}

static int walk_link(Walk *walk, const EvidenceLink *link) {
        int r;

        if (walk->is_over)
                verifying_trouble(walk->verifying, "link %" PRIu64 " of %s comes after the end of the chain", link->seq,
                                  strand_name(walk->strand));
        r = walk_over_gap(walk, link->seq);
        if (r >= 0)
                r = walk_check_link(walk, link);
        if (r < 0)
                return r;
        memcpy(walk->tag, link->tag, MAC_SIZE);
        walk->has_tag = true;
        return walk_on(walk);
}

/* The end of the present chain: only who has the key of the next link can have sealed it. */
static int walk_check_head(Walk *walk, const EvidenceHead *head, const uint8_t *seal) {
        uint8_t computed[MAC_SIZE];
        int r;

        r = evidence_head_seal(head, &walk->verifying->scope, walk->key, computed);
        if (r < 0)
                return r;
        if (head->seq + 1 != walk->seq || memcmp(computed, seal, MAC_SIZE) != 0 ||
            memcmp(head->tag, walk->tag, MAC_SIZE) != 0)
                verifying_trouble(walk->verifying, "the end of %s does not hold: links were cut off at the end",
                                  strand_name(walk->strand));
        return 0;
}

static int walk_end(Walk *walk) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        Verifying *verifying = walk->verifying;
        EvidenceHead head;
        int r;

        if (walk->strand == EVIDENCE_PARCELS && walk->n_missing > walk->n_excused)
                verifying_trouble(verifying, "%" PRIu64 " links of parcels are missing",
                                  walk->n_missing - walk->n_excused);
        r = db_start(verifying->vault, "SELECT " EVIDENCE_HEAD_COLUMNS ", seal FROM evidence_head WHERE strand = ?",
                     &statement, DB_INT(walk->strand));
        if (r >= 0)
                r = db_step(verifying->vault, statement);
        if (r > 0)
                r = evidence_head_read(statement, &head) < 0 ? 0 : 1;
        if (r < 0)
                return r;
        if (r > 0 && head.chain == verifying->key.chain && sqlite3_column_bytes(statement, 5) == MAC_SIZE) {
                verifying->evidence->is_current = true;
                return walk_check_head(walk, &head, sqlite3_column_blob(statement, 5));
        }
        if (!walk->is_over)
                verifying_trouble(verifying, "%s of the chain break off without an end", strand_name(walk->strand));
        return 0;
}

static int verify_strand(Verifying *verifying, EvidenceStrand strand, JournalStrand *result) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        Walk walk = {
                .verifying = verifying,
                .strand = strand,
                .result = result,
                .seq = verifying->key.first[strand],
                .has_tag = true, /* zeroes before the first one */
        };
        EvidenceLink link;
        int r;

        r = evidence_strand_key(verifying->key.key, strand, &walk.key);
        if (r >= 0)
                r = db_start(verifying->vault,
                             "SELECT " EVIDENCE_COLUMNS
                             " FROM evidence WHERE strand = ? AND chain = ? AND seq >= ? ORDER BY seq",
                             &statement, DB_INT(strand), DB_INT(verifying->key.chain), DB_INT(walk.seq));
        while (r >= 0 && (r = db_step(verifying->vault, statement)) > 0) {
                r = evidence_link_read(statement, &link);
                if (r >= 0)
                        r = walk_link(&walk, &link);
        }
        if (r >= 0)
                r = walk_end(&walk);
        secret_free(walk.key);
        return r;
}

static int verify_read_scope(Verifying *verifying, const char *path, JournalError *error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = db_start(verifying->vault, "SELECT installation FROM vault", &statement);
        if (r >= 0)
                r = db_step(verifying->vault, statement);
        if (r < 0)
                return journal_refuse_file(error, r, path);
        if (r == 0 || sqlite3_column_bytes(statement, 0) != INSTALLATION_SIZE ||
            memcmp(sqlite3_column_blob(statement, 0), verifying->key.installation, INSTALLATION_SIZE) != 0)
                return journal_refuse(error, JOURNAL_E_SECRET, "the key is of another installation than %s", path);
        memcpy(verifying->scope.installation, verifying->key.installation, INSTALLATION_SIZE);
        return 0;
}

static int verify_open(Verifying *verifying, JournalError *error) {
        _cleanup_free_ char *vault_path = path_join(verifying->options->state_dir, "vault.db");
        _cleanup_free_ char *journal_path = path_join(verifying->options->state_dir, "journal.db");
        int r;

        if (!vault_path || !journal_path)
                return journal_refuse(error, -ENOMEM, "out of memory");
        r = vault_open_copy(vault_path, &verifying->vault);
        if (r != 0)
                return journal_refuse_copy(error, r, vault_path);
        r = verify_read_scope(verifying, vault_path, error);
        if (r != 0 || !file_has_content(journal_path))
                return r;
        r = lanes_open_copy(journal_path, &verifying->journal);
        return r == 0 ? 0 : journal_refuse_copy(error, r, journal_path);
}

static int verify_read_key(Verifying *verifying, JournalError *error) {
        _cleanup_bytes_ Bytes text = { 0 };
        int r;

        r = file_read(verifying->options->key_file, KEY_FILE_MAX, &text);
        if (r < 0)
                return journal_refuse(error, r, "the key %s cannot be read: %s", verifying->options->key_file,
                                      strerror(-r));
        r = text.size > 0 ? evidence_key_parse((const char *)text.data, &verifying->key) : -EBADMSG;
        if (r < 0)
                return journal_refuse(error, JOURNAL_E_SECRET,
                                      "%s is no key of evidence, as trailkeepctl evidence start writes it",
                                      verifying->options->key_file);
        return 0;
}

static int verify_all(Verifying *verifying) {
        int r;

        r = verify_ledger_chain(verifying);
        if (r >= 0)
                r = verify_strand(verifying, EVIDENCE_DECISIONS, &verifying->evidence->decisions);
        if (r >= 0)
                r = verify_strand(verifying, EVIDENCE_PARCELS, &verifying->evidence->parcels);
        verifying->evidence->ledger_last = verifying->ledger.seq;
        return r < 0 || !verifying->evidence->is_current ? r : verify_rest(verifying);
}

/**
 * journal_verify_evidence() - check the evidence of a box with the first key of a chain
 * @options:    where the copy and the key are, and who is told what does not hold
 * @ret:        what was found; undefined unless 0 is returned
 * @ret_error:  filled on failure
 *
 * Return: 0: gone through to the end, @ret->troubles says whether all holds; JOURNAL_E_SECRET: it is no key, or of
 * another installation; JOURNAL_E_BUSY: the daemon has it open; JOURNAL_E_CORRUPT, JOURNAL_E_NEWER; < 0.
 */
int journal_verify_evidence(const JournalVerification *options, JournalEvidence *ret, JournalError *ret_error) {
        Verifying verifying = { .options = options, .evidence = ret };
        _cleanup_close_ int lock_fd = -1;
        int r;

        *ret = (JournalEvidence){ 0 };
        r = verify_read_key(&verifying, ret_error);
        if (r == 0)
                r = state_lock_shared(options->state_dir, &lock_fd, ret_error);
        if (r == 0)
                r = verify_open(&verifying, ret_error);
        if (r == 0) {
                ret->chain = verifying.key.chain;
                r = verify_all(&verifying);
                if (r < 0)
                        r = journal_refuse_copy(ret_error, r, options->state_dir);
        }
        db_free(verifying.vault);
        db_free(verifying.journal);
        evidence_key_done(&verifying.key);
        return r;
}
