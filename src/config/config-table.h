/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The table of keys of trailkeep.conf(5), and lookups in it. Private to config. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include "trailkeep/macros.h"

typedef enum ConfigType {
        CONFIG_TYPE_BOOL,     /* bool */
        CONFIG_TYPE_TIMESPAN, /* uint64_t, µs */
        CONFIG_TYPE_SIZE,     /* uint64_t, bytes */
        CONFIG_TYPE_COUNT,    /* uint64_t */
        CONFIG_TYPE_NUMBER,   /* double */
        CONFIG_TYPE_LEVEL,    /* LogLevel */
        CONFIG_TYPE_NAME,     /* char *, letters, digits and . _ - */
        CONFIG_TYPE_PATH,     /* char *, absolute, or "" where the default is */
        CONFIG_TYPE_ADDRESS,  /* char *, HOST:PORT */
        CONFIG_TYPE_URL,      /* char *, https, normalised, or "" */
        CONFIG_TYPE_MAX,
} ConfigType;

/* Default and limits are written as in the file, so that the manual shows them as a person would write them. */
typedef struct ConfigKey {
        const char *section, *name;
        ConfigType type;
        size_t offset; /* of the field in Config */
        const char *default_text;
        const char *min, *max; /* both included; NULL for types without limits */
        const char *unit;      /* of a NUMBER, as in "50 metres"; else NULL */
        const char *help;      /* sentences; each line at most 110 columns */
} ConfigKey;

#define CONFIG_KEYS_MAX 64 /* room for one mark per key */

extern const ConfigKey config_keys[];
extern const size_t config_n_keys;

const ConfigKey *config_key_find(const char *section, const char *name);
const ConfigKey *config_key_find_elsewhere(const char *name);
const char *config_section_nearest(const char *section);
const char *config_key_nearest(const char *section, const char *name);
bool config_section_exists(const char *section);
