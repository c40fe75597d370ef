/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a terminal can do: colours, a line of progress, a question.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "trailkeep/macros.h"

bool terminal_has_colours(FILE *file);
size_t terminal_columns(FILE *file);                          /* SIZE_MAX: no terminal */
const char *terminal_paint(FILE *file, const char *sequence); /* the escape sequence, or "" */
#define TERMINAL_RED "\033[31m"
#define TERMINAL_GREEN "\033[32m"
#define TERMINAL_YELLOW "\033[33m"
#define TERMINAL_BOLD "\033[1m"
#define TERMINAL_FAINT "\033[2m"
#define TERMINAL_PLAIN "\033[0m"

/* Progress on stderr; nothing happens when it is no terminal. */
void terminal_progress(const char *format, ...) _printf_(1, 2);
void terminal_progress_end(void);

/* Asks on stderr, reads stdin. False on anything but a yes in the language of the user. */
bool terminal_can_ask(void);
bool terminal_confirm(const char *question);
