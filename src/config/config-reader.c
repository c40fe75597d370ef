/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The syntax of trailkeep.conf(5). Pure.
 *
 *   file     = *( line LF ), UTF-8, at most 64 KiB, no NUL, no CR, no byte order mark, no control character but TAB
 *   line     = blank / comment / section / key, at most 4096 bytes, blanks at both ends are not part of it
 *   comment  = ( "#" / ";" ) anything             on a line of its own only
 *   section  = "[" name "]"
 *   key      = name "=" value                     blanks around "=" are not part of either; no quotes, no continuation
 *
 * Why not inih, which Debian has: it reports no line number to its handler, cuts a value at 195 characters and
 * everything from " ;" on, both without a word. Here anything that is not understood is an error that names its line.
 *
 * A message never repeats a value: somebody may have put a password there.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "config-reader.h"
#include "trailkeep/bytes.h"
#include "trailkeep/parse.h"

#define BLANKS " \t"
#define MESSAGE_WORD_MAX 32
#define MESSAGE_PATH_MAX 255

/**
 * config_fail() - write the one sentence for the person
 * @ret_error:  filled; what does not fit is cut off
 * @place:      file and line it is about
 * @format:     literal format of printf(3)
 *
 * Return: -EINVAL, to be returned on.
 */
int config_fail(ConfigError *ret_error, const ConfigPlace *place, const char *format, ...) {
        size_t size = sizeof(ret_error->text);
        va_list arguments;
        int n;

        if (place->line > 0)
                n = snprintf(ret_error->text, size, "%.*s:%u: ", MESSAGE_PATH_MAX, place->file, place->line);
        else
                n = snprintf(ret_error->text, size, "%.*s: ", MESSAGE_PATH_MAX, place->file);
        if (n < 0 || (size_t)n >= size)
                return -EINVAL;

        va_start(arguments, format);
        /* The message is a help and may be cut off; the result is what counts. */
        (void)vsnprintf(ret_error->text + n, size - (size_t)n, format, arguments);
        va_end(arguments);
        return -EINVAL;
}

/**
 * config_word_for_message() - a word from the file, if it may be repeated in a message
 * @word:       borrowed
 *
 * Return: @word, if it is short and all letters, as keys and sections are; else "…", since a line of a key file may
 * have got here.
 */
const char *config_word_for_message(const char *word) {
        size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

        return n > 0 && n <= MESSAGE_WORD_MAX && word[n] == 0 ? word : "…";
}

/* Cuts blanks off both ends, in place. */
static char *trim(char *s) {
        size_t n;

        s += strspn(s, BLANKS);
        n = strlen(s);
        while (n > 0 && strchr(BLANKS, s[n - 1]))
                n--;
        s[n] = 0;
        return s;
}

static bool has_control_character(const char *line, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
                        return true;
        return false;
}

/* What no line may have, whatever it is. */
static int check_line(const ConfigPlace *place, const char *line, size_t size, ConfigError *ret_error) {
        if (memchr(line, 0, size))
                return config_fail(ret_error, place, "has a NUL byte; this is not a text file");
        if (size > CONFIG_LINE_BYTES_MAX)
                return config_fail(ret_error, place, "is longer than %zu bytes", CONFIG_LINE_BYTES_MAX);
        if (!utf8_is_valid(line, size))
                return config_fail(ret_error, place, "is not UTF-8");
        if (size > 0 && line[size - 1] == '\r')
                return config_fail(ret_error, place, "ends with CR LF, as on Windows; convert the file to LF alone");
        if (place->line == 1 && size >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
                return config_fail(ret_error, place, "starts with a byte order mark; save the file without one");
        if (has_control_character(line, size))
                return config_fail(ret_error, place, "has a control character");
        return 0;
}

/* A comment behind a value would become part of it, or swallow half of it: neither is what was meant. */
static bool has_comment_behind(const char *value) {
        for (const char *p = strpbrk(value, BLANKS); p; p = strpbrk(p + 1, BLANKS))
                if (p[1] == '#' || p[1] == ';')
                        return true;
        return false;
}

static int read_section(const ConfigPlace *place, char *line, const ConfigHandler *handler, ConfigError *ret_error) {
        char *end = strchr(line, ']');

        if (!end || end[1] != 0)
                return config_fail(ret_error, place, "a section is written [Name], with nothing behind it");
        *end = 0;
        return handler->section(place, line + 1, handler->userdata);
}

static int read_key(const ConfigPlace *place, char *line, const ConfigHandler *handler, ConfigError *ret_error) {
        char *equals = strchr(line, '=');
        char *key, *value;

        if (!equals || equals == line)
                return config_fail(ret_error, place, "is neither Key=value, [Section] nor a comment (# or ;)");
        *equals = 0;
        key = trim(line);
        value = trim(equals + 1);
        if (has_comment_behind(value))
                return config_fail(ret_error, place, "%s=: a comment must stand on a line of its own",
                                   config_word_for_message(key));
        if (*value && value[strlen(value) - 1] == '\\')
                return config_fail(ret_error, place, "%s=: a value cannot be continued on the next line",
                                   config_word_for_message(key));
        return handler->value(place, key, value, handler->userdata);
}

static int read_line(const ConfigPlace *place, char *line, const ConfigHandler *handler, ConfigError *ret_error) {
        char *text = trim(line);

        if (*text == 0 || *text == '#' || *text == ';')
                return 0;
        if (*text == '[')
                return read_section(place, text, handler, ret_error);
        return read_key(place, text, handler, ret_error);
}

/**
 * config_read_text() - read the contents of one file
 * @file:       its name, for messages and the handler's places
 * @text:       contents; need not be 0-terminated
 * @size:       in bytes
 * @handler:    called for each section and key
 * @ret_error:  on failure the sentence, unless the handler has failed: then what it wrote
 *
 * Return: 0; -EINVAL if it is not of that syntax; -ENOMEM; what the handler returned.
 */
int config_read_text(const char *file, const char *text, size_t size, const ConfigHandler *handler,
                     ConfigError *ret_error) {
        _cleanup_bytes_ Bytes line = { .limit = CONFIG_LINE_BYTES_MAX };
        ConfigPlace place = { .file = file };

        if (size > CONFIG_FILE_BYTES_MAX)
                return config_fail(ret_error, &place, "is larger than %zu KiB", CONFIG_FILE_BYTES_MAX / 1024);
        while (size > 0) {
                const char *end = memchr(text, '\n', size);
                size_t n_line = end ? (size_t)(end - text) : size;
                int r;

                place.line++;
                bytes_truncate(&line, 0);
                r = check_line(&place, text, n_line, ret_error);
                if (r >= 0)
                        r = bytes_append(&line, text, n_line);
                if (r >= 0 && n_line > 0)
                        r = read_line(&place, (char *)line.data, handler, ret_error);
                if (r != 0)
                        return r;
                text += n_line + (end != NULL);
                size -= n_line + (end != NULL);
        }
        return 0;
}
