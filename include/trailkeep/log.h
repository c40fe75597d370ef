/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The log: one line per event on stderr, with the <N> priority prefix of sd-daemon(3) when systemd reads it. Floor 0.
 *
 * A line is a literal format and values that are no one's personal data. As a net below that rule every finished line
 * passes log_redact(), which masks whatever looks like a coordinate, an e-mail address, a token or URL credentials.
 * Floors 0-3 log at debug only; whoever handles an error logs it, once. The level is the only global of this program.
 */
#include <stddef.h>
#include "macros.h"

typedef enum LogLevel {
        LOG_LEVEL_ERROR,
        LOG_LEVEL_WARNING,
        LOG_LEVEL_NOTICE,
        LOG_LEVEL_INFO,
        LOG_LEVEL_DEBUG,
        LOG_LEVEL_MAX
} LogLevel;

void log_set_level(LogLevel level);
LogLevel log_get_level(void);
int log_level_from_string(const char *name, LogLevel *ret_level) _must_check_;

void log_line(LogLevel level, const char *module, const char *format, ...) _printf_(3, 4);
void log_redact(char *line);

/* Each file that logs defines LOG_MODULE before it includes this header. */
#define log_error(...) log_line(LOG_LEVEL_ERROR, LOG_MODULE, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, LOG_MODULE, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, LOG_MODULE, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, LOG_MODULE, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, LOG_MODULE, __VA_ARGS__)
