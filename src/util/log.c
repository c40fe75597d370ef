/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One line per event on stderr. Floor 0.
 *
 * Where stderr is the systemd journal ($JOURNAL_STREAM names its device and inode, systemd.exec(5)) the line is
 * "<N>module: text" with the priority of sd-daemon(3); the journal adds name and process. Elsewhere it is
 * "trailkeepd[module]: text". That is found out for each line instead of being remembered, so that the level stays the
 * only global; a line costs one fstat(2) more, and lines are rare.
 *
 * A line goes out in one write(2), so that lines of two threads never mix. Control characters become blanks: text from
 * a receiver or a server cannot start a line of its own.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "trailkeep/bytes.h"
#include "trailkeep/log.h"

#define LINE_MAX_BYTES 1024

static _Atomic int log_level = LOG_LEVEL_INFO;

static const struct {
        const char *name;
        int priority; /* of sd-daemon(3) */
} levels[LOG_LEVEL_MAX] = {
        [LOG_LEVEL_ERROR] = { "error", 3 },
        [LOG_LEVEL_WARNING] = { "warning", 4 },
        [LOG_LEVEL_NOTICE] = { "notice", 5 },
        [LOG_LEVEL_INFO] = { "info", 6 },
        [LOG_LEVEL_DEBUG] = { "debug", 7 },
};

/**
 * log_set_level() - set how much is logged
 * @level:      the least urgent level that is still written
 */
void log_set_level(LogLevel level) {
        atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

/**
 * log_get_level() - how much is logged
 *
 * Return: the least urgent level that is still written.
 */
LogLevel log_get_level(void) {
        return (LogLevel)atomic_load_explicit(&log_level, memory_order_relaxed);
}

/**
 * log_level_from_string() - the level of a name
 * @name:       "error", "warning", "notice", "info" or "debug"
 * @ret_level:  the level; untouched on failure
 *
 * Return: 0; -EINVAL if there is no such level.
 */
int log_level_from_string(const char *name, LogLevel *ret_level) {
        for (size_t i = 0; i < ELEMENTSOF(levels); i++)
                if (strcmp(levels[i].name, name) == 0) {
                        *ret_level = (LogLevel)i;
                        return 0;
                }
        return -EINVAL;
}

static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        char expected[64];
        struct stat st;

        if (!stream || fstat(STDERR_FILENO, &st) < 0)
                return false;
        (void)snprintf(expected, sizeof(expected), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino); /* fits */
        return strcmp(stream, expected) == 0;
}

static int format_prefix(LogLevel level, const char *module, char *line, size_t n_line) {
        if (stderr_is_journal())
                return snprintf(line, n_line, "<%d>%s: ", levels[level].priority, module);
        return snprintf(line, n_line, "%s[%s]: ", program_invocation_short_name, module);
}

static void blank_control_characters(char *line) {
        for (char *p = line; *p; p++)
                if ((unsigned char)*p < 0x20 || *p == 0x7f)
                        *p = ' ';
}

static void write_line(const char *line, size_t n_line) {
        ssize_t n;

        do
                n = write(STDERR_FILENO, line, n_line);
        while (n < 0 && errno == EINTR);
        /* There is nowhere to report to that a line of the log was lost. */
}

/**
 * log_line() - write one line, if the level asks for it
 * @level:      how urgent
 * @module:     which part of the program, one word
 * @format:     literal format of printf(3)
 *
 * Never fails and keeps errno. A line of more than 1 KiB is cut off.
 */
void log_line(LogLevel level, const char *module, const char *format, ...) {
        char line[LINE_MAX_BYTES + 1];
        int saved = errno, n_prefix;
        va_list arguments;
        size_t n;

        if (level > log_get_level())
                return;
        n_prefix = format_prefix(level, module, line, sizeof(line));
        if (n_prefix < 0 || (size_t)n_prefix >= sizeof(line) - 1)
                return;

        va_start(arguments, format);
        errno = saved; /* for %m */
        if (vsnprintf(line + n_prefix, sizeof(line) - (size_t)n_prefix, format, arguments) < 0)
                line[n_prefix] = 0;
        va_end(arguments);

        blank_control_characters(line + n_prefix);
        log_redact(line + n_prefix);
        n = strlen(line);
        line[n] = '\n';
        write_line(line, n + 1);
        bytes_wipe(line, sizeof(line));
        errno = saved;
}
