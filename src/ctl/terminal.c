/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a terminal can do. Floor 6.
 *
 * Progress is one line on stderr that is written over itself, so that standard output stays what it is without a
 * terminal. Colours follow NO_COLOR (no-color.org) and TERM=dumb.
 */
#include "terminal.h"

#include <errno.h>
#include <langinfo.h>
#include <regex.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "format.h"

#define ERASE_LINE "\r\033[K"

/**
 * terminal_has_colours() - whether to write colours to a file
 * @file:       where to
 *
 * Return: true when it is a terminal that has them and nobody asked for none.
 */
bool terminal_has_colours(FILE *file) {
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        if (!isatty(fileno(file)))
                return false;
        if (no_color && *no_color)
                return false;

        return term && *term && strcmp(term, "dumb") != 0;
}

/**
 * terminal_paint() - a colour, where there are colours
 * @file:       where it is going to be written
 * @sequence:   one of TERMINAL_
 *
 * Return: @sequence or "".
 */
const char *terminal_paint(FILE *file, const char *sequence) {
        return terminal_has_colours(file) ? sequence : "";
}

/**
 * terminal_columns() - how wide a terminal is
 * @file:       where it is going to be written
 *
 * Return: columns, 80 where the terminal does not know, SIZE_MAX where there is none.
 */
size_t terminal_columns(FILE *file) {
        struct winsize size;

        if (!isatty(fileno(file)))
                return SIZE_MAX;
        if (ioctl(fileno(file), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                return 80;

        return size.ws_col;
}

/**
 * terminal_progress() - replace the line of progress
 * @format:     one line without its end; cut where the terminal ends
 */
void terminal_progress(const char *format, ...) {
        char line[512];
        va_list args;

        if (!isatty(STDERR_FILENO))
                return;

        va_start(args, format);
        vsnprintf(line, sizeof(line), format, args);
        va_end(args);
        text_clip(line, terminal_columns(stderr) - 1);

        fprintf(stderr, ERASE_LINE "%s", line); /* progress that cannot be shown is not missed */
        fflush(stderr);
}

/**
 * terminal_progress_end() - take the line of progress away
 */
void terminal_progress_end(void) {
        if (!isatty(STDERR_FILENO))
                return;

        fprintf(stderr, ERASE_LINE);
        fflush(stderr);
}

/**
 * terminal_can_ask() - whether there is somebody to answer
 *
 * Return: true when both the question and the answer go over a terminal.
 */
bool terminal_can_ask(void) {
        return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* In German "j" is a yes, in Chinese "是"; the C library knows. */
static bool is_yes(const char *answer) {
        regex_t regex;
        bool is_match;

        if (regcomp(&regex, nl_langinfo(YESEXPR), REG_EXTENDED | REG_NOSUB) != 0)
                return strchr("yY", answer[0]) && answer[0];

        is_match = regexec(&regex, answer, 0, NULL, 0) == 0;
        regfree(&regex);
        return is_match;
}

/**
 * terminal_confirm() - ask for a yes
 * @question:   whole, with the choices at its end
 *
 * Return: true only on a yes; an empty line, an end of input and all else is a no.
 */
bool terminal_confirm(const char *question) {
        char answer[64];

        fprintf(stderr, "%s ", question); /* unseen, it gets no yes */
        fflush(stderr);
        if (!fgets(answer, sizeof(answer), stdin))
                return false;

        return is_yes(answer);
}
