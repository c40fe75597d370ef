/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading the rows of the evidence. Floor 2. Their layout stands at the head of evidence.c.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include "evidence.h"

static int column_be64(sqlite3_stmt *statement, int column, uint64_t *ret) {
        uint64_t value_be;

        if (sqlite3_column_bytes(statement, column) != sizeof(value_be))
                return -EBADMSG;
        memcpy(&value_be, sqlite3_column_blob(statement, column), sizeof(value_be));
        *ret = be64toh(value_be);
        return 0;
}

static int column_copy(sqlite3_stmt *statement, int column, uint8_t *ret, size_t size) {
        if ((size_t)sqlite3_column_bytes(statement, column) != size)
                return -EBADMSG;
        memcpy(ret, sqlite3_column_blob(statement, column), size);
        return 0;
}

/**
 * evidence_head_read() - the end of a strand as it is stored
 * @statement:  at a row that begins with EVIDENCE_HEAD_COLUMNS
 * @ret:        undefined on failure
 *
 * Return: 0; -EBADMSG.
 */
int evidence_head_read(sqlite3_stmt *statement, EvidenceHead *ret) {
        int r;

        ret->strand = (EvidenceStrand)sqlite3_column_int(statement, 0);
        r = column_be64(statement, 1, &ret->chain);
        if (r >= 0)
                r = column_be64(statement, 2, &ret->first);
        if (r >= 0)
                r = column_be64(statement, 3, &ret->seq);
        return r < 0 ? r : column_copy(statement, 4, ret->tag, MAC_SIZE);
}

/**
 * evidence_link_read() - a link as it is stored
 * @statement:  at a row of EVIDENCE_COLUMNS
 * @ret:        undefined on failure
 *
 * Return: 0; -EBADMSG.
 */
int evidence_link_read(sqlite3_stmt *statement, EvidenceLink *ret) {
        int r;

        *ret = (EvidenceLink){
                .strand = (EvidenceStrand)sqlite3_column_int(statement, 0),
                .seq = db_column_u64(statement, 1),
                .chain = db_column_u64(statement, 2),
                .fact = {
                        .kind = (EvidenceKind)sqlite3_column_int(statement, 3),
                        .ref = db_column_u64(statement, 4),
                        .n = db_column_u64(statement, 5),
                },
                .made_on_usec = db_column_u64(statement, 7),
                .clock = db_column_u64(statement, 8),
        };
        r = column_copy(statement, 6, ret->fact.digest, EVIDENCE_DIGEST_SIZE);
        if (r >= 0)
                r = column_copy(statement, 9, ret->before, MAC_SIZE);
        return r < 0 ? r : column_copy(statement, 10, ret->tag, MAC_SIZE);
}
