/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading trailkeep.conf(5) and its drop-ins. Floor 2.
 *
 * Order: every default of the table, then PATH, then *.conf in PATH.d/ in the order of their bytes; the later one wins.
 * An empty value is the default again, so that a drop-in can take back what a file before it set. Within one file a key
 * may stand once: the second one is nearly always a forgotten first.
 *
 * For each key it is remembered where it was set last, so that what only shows when all is read (one key needs another)
 * can name a line too.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "config-reader.h"
#include "config-table.h"
#include "config-value.h"
#include "trailkeep/file.h"

#define FILES_MAX 128 /* the main file and its drop-ins */

typedef struct Loading {
        Config *config;
        ConfigError *error;
        char *files[FILES_MAX];
        size_t n_files;
        char section[32];                   /* "" before the first */
        ConfigPlace places[CONFIG_KEYS_MAX]; /* where each key was set last; file NULL: nowhere */
} Loading;

static void loading_done(Loading *loading) {
        for (size_t i = 0; i < loading->n_files; i++)
                free(loading->files[i]);
        config_free(loading->config);
}

/**
 * config_free() - free a configuration
 * @config:     or NULL
 *
 * Return: NULL.
 */
Config *config_free(Config *config) {
        if (!config)
                return NULL;
        free(config->state_dir);
        free(config->root_secret_file);
        free(config->device_key_file);
        free(config->subject);
        free(config->gpsd_address);
        free(config->store_url);
        free(config->media_dir);
        free(config->ca_file);
        free(config->cert_file);
        free(config->key_file);
        free(config);
        return NULL;
}

static int fail_memory(ConfigError *ret_error) {
        (void)snprintf(ret_error->text, sizeof(ret_error->text), "out of memory"); /* fits */
        return -ENOMEM;
}

static int set_defaults(Config *config) {
        for (size_t i = 0; i < config_n_keys; i++) {
                int r = config_value_set(&config_keys[i], "", config);

                if (r < 0)
                        return r;
        }
        /* No string is NULL from here on, unless its key has left the table. */
        return config->state_dir && config->root_secret_file && config->device_key_file && config->subject &&
                               config->gpsd_address && config->media_dir && config->store_url && config->ca_file &&
                               config->cert_file && config->key_file
                       ? 0
                       : -EINVAL;
}

static int on_section(const ConfigPlace *place, const char *section, void *userdata) {
        Loading *loading = userdata;

        if (!config_section_exists(section))
                return config_fail(loading->error, place, "unknown section [%s]; the nearest valid one is [%s]",
                                   config_word_for_message(section), config_section_nearest(section));
        (void)snprintf(loading->section, sizeof(loading->section), "%s", section); /* one of the table: fits */
        return 0;
}

static int fail_unknown_key(Loading *loading, const ConfigPlace *place, const char *name) {
        const ConfigKey *elsewhere = config_key_find_elsewhere(name);

        if (elsewhere && strcmp(elsewhere->section, loading->section) != 0)
                return config_fail(loading->error, place, "unknown key %s= in [%s]; %s= belongs in [%s]",
                                   config_word_for_message(name), loading->section, elsewhere->name,
                                   elsewhere->section);
        return config_fail(loading->error, place, "unknown key %s= in [%s]; the nearest valid one is %s=",
                           config_word_for_message(name), loading->section, config_key_nearest(loading->section, name));
}

static int fail_value(Loading *loading, const ConfigPlace *place, const ConfigKey *key, const char *value) {
        const char *nearest = config_value_nearest(key, value);
        char form[CONFIG_FORM_MAX];

        config_value_form(key, form);
        if (nearest)
                return config_fail(loading->error, place, "%s= must be %s; the nearest valid one is %s", key->name,
                                   form, nearest);
        return config_fail(loading->error, place, "%s= must be %s", key->name, form);
}

static int on_value(const ConfigPlace *place, const char *name, const char *value, void *userdata) {
        Loading *loading = userdata;
        const ConfigKey *key;
        ConfigPlace *before;
        int r;

        if (!*loading->section)
                return config_fail(loading->error, place, "%s= stands before the first [Section]",
                                   config_word_for_message(name));
        key = config_key_find(loading->section, name);
        if (!key)
                return fail_unknown_key(loading, place, name);
        before = &loading->places[key - config_keys];
        /* The names are the ones in files[], so one file is one pointer. */
        if (before->file == place->file)
                return config_fail(loading->error, place, "%s= stands in line %u already", key->name, before->line);
        r = config_value_set(key, value, loading->config);
        if (r == -ENOMEM)
                return fail_memory(loading->error);
        if (r < 0)
                return fail_value(loading, place, key, value);
        *before = *place;
        return 0;
}

static int load_file(Loading *loading, const char *path) {
        const ConfigHandler handler = { .section = on_section, .value = on_value, .userdata = loading };
        _cleanup_bytes_ Bytes text = { 0 };
        ConfigPlace place = { .file = path };
        int r;

        r = file_read(path, CONFIG_FILE_BYTES_MAX, &text);
        if (r == -EFBIG)
                return config_fail(loading->error, &place, "is larger than %zu KiB", CONFIG_FILE_BYTES_MAX / 1024);
        if (r < 0) {
                errno = -r;
                (void)config_fail(loading->error, &place, "cannot be read: %m"); /* r says more than its result */
                return r;
        }
        if (loading->n_files == ELEMENTSOF(loading->files))
                return config_fail(loading->error, &place, "more than %d drop-ins", FILES_MAX - 1);
        place.file = loading->files[loading->n_files] = strdup(path);
        if (!place.file)
                return fail_memory(loading->error);
        loading->n_files++;
        *loading->section = 0;
        r = config_read_text(place.file, (const char *)text.data, text.size, &handler, loading->error);
        return r == -ENOMEM ? fail_memory(loading->error) : r;
}

static int load_main(Loading *loading, const char *path) {
        ConfigPlace place = { .file = path };
        int r;

        r = load_file(loading, path);
        if (r == -ENOENT)
                /* The result to return is -ENOENT. */
                (void)config_fail(loading->error, &place,
                                  "there is no such file; install the one that comes with trailkeep, make an empty one "
                                  "(every key has a default), or name another with --config FILE");
        return r;
}

static int is_drop_in(const struct dirent *entry) {
        size_t n = strlen(entry->d_name), n_suffix = strlen(".conf");

        return entry->d_name[0] != '.' && n > n_suffix && strcmp(entry->d_name + n - n_suffix, ".conf") == 0;
}

static int compare_bytes(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name); /* not alphasort(), which follows the locale */
}

static int load_drop_ins(Loading *loading, const char *path) {
        size_t n_dir = strlen(path) + sizeof(".d");
        _cleanup_free_ char *dir = malloc(n_dir);
        struct dirent **entries = NULL;
        int n, r = 0;

        if (!dir)
                return fail_memory(loading->error);
        (void)snprintf(dir, n_dir, "%s.d", path); /* fits */
        n = scandir(dir, &entries, is_drop_in, compare_bytes);
        if (n < 0 && errno == ENOENT)
                return 0;
        if (n < 0) {
                r = -errno;
                (void)config_fail(loading->error, &(ConfigPlace){.file = dir}, "cannot be read: %m"); /* r says more */
                return r;
        }
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *file = path_join(dir, entries[i]->d_name);

                if (r == 0)
                        r = file ? load_file(loading, file) : fail_memory(loading->error);
                free(entries[i]);
        }
        free(entries);
        return r;
}

static int fail_together(Loading *loading, size_t offset, const char *sentence) {
        ConfigPlace place = { .file = loading->files[0] }; /* where the key is at its default */

        for (size_t i = 0; i < config_n_keys; i++)
                if (config_keys[i].offset == offset && loading->places[i].file)
                        place = loading->places[i];
        return config_fail(loading->error, &place, "%s", sentence);
}

static bool is_below(const char *path, const char *dir) {
        size_t n = strlen(dir);

        return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == 0);
}

/* What is right alone but not together. */
static int check_together(Loading *loading) {
        const Config *config = loading->config;

        if (is_below(config->root_secret_file, config->state_dir))
                return fail_together(loading, offsetof(Config, root_secret_file),
                                     "RootSecretFile= must not be below StateDirectory=: what it seals is there");
        if (strcmp(config->root_secret_file, config->device_key_file) == 0)
                return fail_together(loading, offsetof(Config, device_key_file),
                                     "DeviceKeyFile= and RootSecretFile= must be two files");
        if (config->interval_parked_usec < config->interval_moving_usec)
                return fail_together(loading, offsetof(Config, interval_parked_usec),
                                     "IntervalParked= must be at least IntervalMoving=");
        if (*config->key_file && !*config->cert_file)
                return fail_together(loading, offsetof(Config, key_file),
                                     "KeyFile= needs the CertificateFile= that it belongs to");
        return 0;
}

/**
 * config_load() - read the configuration
 * @path:       of the main file; drop-ins are *.conf in the folder of that name with ".d" behind it, which may be
 * missing
 * @ret_config: owned by the caller; untouched on failure
 * @ret_error:  filled on failure only
 *
 * Return: 0; -EINVAL if something in a file is wrong; -ENOENT if the main file is missing; -ENOMEM; -errno of reading.
 */
int config_load(const char *path, Config **ret_config, ConfigError *ret_error) {
        _cleanup_(loading_done) Loading loading = { .error = ret_error };
        int r;

        loading.config = calloc(1, sizeof(*loading.config));
        if (!loading.config)
                return fail_memory(ret_error);
        r = set_defaults(loading.config);
        if (r < 0) /* the table is right, a test sees to that: so it is memory */
                return fail_memory(ret_error);
        r = load_main(&loading, path);
        if (r < 0)
                return r;
        r = load_drop_ins(&loading, path);
        if (r < 0)
                return r;
        r = check_together(&loading);
        if (r < 0)
                return r;
        *ret_config = TAKE_PTR(loading.config);
        return 0;
}
