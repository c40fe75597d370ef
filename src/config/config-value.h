/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One value: from text to the field of its key, and in words what may stand there. Private to config. Pure.
 */
#include "config-table.h"
#include "trailkeep/config.h"
#include "trailkeep/macros.h"

#define CONFIG_FORM_MAX 256

int config_value_set(const ConfigKey *key, const char *text, Config *config) _must_check_;
void config_value_form(const ConfigKey *key, char ret[static CONFIG_FORM_MAX]);
const char *config_value_nearest(const ConfigKey *key, const char *text);
int config_url_normalize(const char *text, char **ret_url) _must_check_;
