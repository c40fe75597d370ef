/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Messages for people go through gettext(3). --json output, exit codes and D-Bus names never do.
 */
#include <libintl.h>

#define _(text) gettext(text)
#define N_(text) text /* marked for translation where a table is built, translated where it is used */
