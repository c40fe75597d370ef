/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the verbs print: JSON as it is, states in words, what several verbs show alike.
 */
#include <jansson.h>

#include "ctl.h"
#include "table.h"

int output_json(json_t *document) _must_check_;
int output_json_line(json_t *document) _must_check_;
void output_say(const Ctl *ctl, const char *format, ...) _printf_(2, 3);

/* A state of the daemon in the language of the user, and the colour it deserves. Unknown ones are shown as they are. */
const char *output_state(const char *state, TableColour *ret_colour);

int64_t output_lanes_total(const json_t *lanes, const char *counter);
int output_lanes(const Ctl *ctl, const json_t *device) _must_check_;
void output_errors(Table *table, const json_t *last_errors);
