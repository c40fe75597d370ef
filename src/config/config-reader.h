/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The syntax of one configuration file. Private to config. Pure; rules and reasons stand in config-reader.c.
 */
#include <stddef.h>
#include "trailkeep/config.h"
#include "trailkeep/macros.h"

#define CONFIG_FILE_BYTES_MAX ((size_t)64 * 1024)
#define CONFIG_LINE_BYTES_MAX ((size_t)4096)

/* Where something stands. */
typedef struct ConfigPlace {
        const char *file;
        unsigned line; /* from 1; 0: the file as a whole */
} ConfigPlace;

/* Each is called in the order of the file; anything but 0 ends the reading. */
typedef struct ConfigHandler {
        int (*section)(const ConfigPlace *place, const char *section, void *userdata);
        int (*value)(const ConfigPlace *place, const char *key, const char *value, void *userdata);
        void *userdata;
} ConfigHandler;

int config_read_text(const char *file, const char *text, size_t size, const ConfigHandler *handler,
                     ConfigError *ret_error) _must_check_;
int config_fail(ConfigError *ret_error, const ConfigPlace *place, const char *format, ...) _printf_(3, 4);
const char *config_word_for_message(const char *word);
