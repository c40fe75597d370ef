/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target of the configuration reader: whatever the bytes are, they are read or refused with a sentence, and every
 * value that a reader hands on is taken or refused by every key.
 */
#include <stdlib.h>
#include <string.h>
#include "config-reader.h"
#include "config-table.h"
#include "config-value.h"
#include "fuzz.h"
#include "trailkeep/nearest.h"

static int on_section(const ConfigPlace *place, const char *section, void *userdata) {
        if (!config_section_exists(section) && !config_section_nearest(section))
                abort();
        return 0;
}

static int on_value(const ConfigPlace *place, const char *key, const char *value, void *userdata) {
        if (nearest_distance(key, value) > 64)
                abort();
        for (size_t i = 0; i < config_n_keys; i++)
                if (config_value_set(&config_keys[i], value, userdata) > 0)
                        abort();
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Config *config = calloc(1, sizeof(*config));
        const ConfigHandler handler = { on_section, on_value, config };
        ConfigError error = { "" };
        int r;

        if (!config)
                return 0;
        r = config_read_text("input", (const char *)data, size, &handler, &error);
        if ((r < 0) != (error.text[0] != 0) || !memchr(error.text, 0, sizeof(error.text)))
                abort();
        config_free(config);
        return 0;
}
