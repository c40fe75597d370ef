/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sentences for refusals at start. Floor 2.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "db.h"
#include "journal-error.h"

/**
 * journal_refuse() - say why the journal is not opened
 * @error:      filled
 * @r:          what to return
 * @format:     literal; one sentence naming what is wrong, which file, what was kept and what to do
 *
 * Return: @r.
 */
int journal_refuse(JournalError *error, int r, const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void)vsnprintf(error->text, sizeof(error->text), format, args); /* cut off if a path is that long */
        va_end(args);
        return r;
}

/**
 * journal_refuse_file() - the sentence for what db_open() and reading a database can say
 * @error:      filled
 * @r:          DB_E_NEWER, DB_E_BUSY or < 0
 * @path:       of the database
 *
 * Return: JOURNAL_E_NEWER, JOURNAL_E_BUSY, JOURNAL_E_CORRUPT for -EBADMSG, else @r.
 */
int journal_refuse_file(JournalError *error, int r, const char *path) {
        if (r == DB_E_NEWER)
                return journal_refuse(
                                error, JOURNAL_E_NEWER,
                                "%s was written by a later version of trailkeep; nothing was touched: install that "
                                "version again",
                                path);
        if (r == DB_E_BUSY)
                return journal_refuse(error, JOURNAL_E_BUSY, "%s is open in another process; stop that one first",
                                      path);
        if (r == -EBADMSG)
                return journal_refuse(
                                error, JOURNAL_E_CORRUPT,
                                "%s is damaged or not a database of trailkeep; it was left as it is: restore it, or "
                                "move its folder away to start anew",
                                path);
        return journal_refuse(error, r, "%s cannot be opened: %s; it was left as it is", path, strerror(-r));
}

/**
 * journal_refuse_copy() - the sentence for a database that is only to be read
 * @error:      filled
 * @r:          DB_E_NEWER, DB_E_BUSY or < 0
 * @path:       of the database
 *
 * Return: as journal_refuse_file().
 */
int journal_refuse_copy(JournalError *error, int r, const char *path) {
        if (r == DB_E_BUSY || r == -EBUSY)
                return journal_refuse(error, JOURNAL_E_BUSY, "%s is in use: stop the daemon, or copy its folder", path);
        if (r == -EROFS)
                return journal_refuse(error, r,
                                      "%s was copied while it was written to, and is not put right here: let the daemon "
                                      "that it is of start once more and stop, then copy its folder", path);
        return journal_refuse_file(error, r, path);
}
