/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the text of a value to the field of its key. Pure but for the heap.
 *
 * config_value_form() says in words what config_value_set() accepts; the manual and every message use it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "config-value.h"
#include "trailkeep/log.h"
#include "trailkeep/nearest.h"
#include "trailkeep/parse.h"

#define NAME_BYTES_MAX 64
#define PATH_BYTES_MAX 4095
#define PATH_COMPONENT_BYTES_MAX 255

static const char *const level_names[LOG_LEVEL_MAX] = { "error", "warning", "notice", "info", "debug" };

/* A number of the key's type as uint64_t: µs, bytes or a plain count. */
static int parse_whole(ConfigType type, const char *text, uint64_t *ret) {
        if (type == CONFIG_TYPE_TIMESPAN)
                return parse_timespan(text, ret);
        if (type == CONFIG_TYPE_SIZE)
                return parse_size(text, ret);
        return parse_u64(text, 0, UINT64_MAX, ret);
}

static int set_whole(const ConfigKey *key, const char *text, uint64_t *field) {
        uint64_t value, min, max;

        /* The limits are of the table; a test parses each. */
        if (parse_whole(key->type, text, &value) < 0 || parse_whole(key->type, key->min, &min) < 0 ||
            parse_whole(key->type, key->max, &max) < 0)
                return -EINVAL;
        if (value < min || value > max)
                return -ERANGE;
        *field = value;
        return 0;
}

static int set_number(const ConfigKey *key, const char *text, double *field) {
        double min, max;

        if (parse_double(key->min, -1e300, 1e300, &min) < 0 || parse_double(key->max, -1e300, 1e300, &max) < 0)
                return -EINVAL;
        return parse_double(text, min, max, field);
}

static int check_name(const char *text) {
        size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

        return n > 0 && n <= NAME_BYTES_MAX && text[n] == 0 && text[0] != '.' ? 0 : -EINVAL;
}

/* HOST:PORT with a numeric host, [IPv6] or localhost: gpsd is beside us, and no name server may hold up the loop. */
static int check_address(const char *text) {
        const char *colon = strrchr(text, ':');
        char host[INET6_ADDRSTRLEN + 2];
        uint8_t binary[sizeof(struct in6_addr)];
        uint64_t port;
        size_t n;

        if (!colon || (size_t)(colon - text) >= sizeof(host) || parse_u64(colon + 1, 1, 65535, &port) < 0)
                return -EINVAL;
        n = (size_t)(colon - text);
        memcpy(host, text, n);
        host[n] = 0;
        if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
                host[n - 1] = 0;
                return inet_pton(AF_INET6, host + 1, binary) == 1 ? 0 : -EINVAL;
        }
        return strcmp(host, "localhost") == 0 || inet_pton(AF_INET, host, binary) == 1 ? 0 : -EINVAL;
}

/* Absolute, without "." and "..", with single slashes and none at the end. */
static int path_normalize(const char *text, char **ret_path) {
        _cleanup_free_ char *path = NULL;
        char *end;

        if (text[0] != '/' || strlen(text) > PATH_BYTES_MAX)
                return -EINVAL;
        path = malloc(strlen(text) + 1);
        if (!path)
                return -ENOMEM;
        end = path;
        for (const char *p = text; *p;) {
                size_t n = strcspn(p, "/");

                if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.') || n > PATH_COMPONENT_BYTES_MAX)
                        return -EINVAL;
                if (n > 0) {
                        *end++ = '/';
                        memcpy(end, p, n);
                        end += n;
                }
                p += n + (p[n] == '/');
        }
        if (end == path)
                return -EINVAL; /* the root itself is no place for anything of ours */
        *end = 0;
        *ret_path = TAKE_PTR(path);
        return 0;
}

static int dup_checked(int check_result, const char *text, char **ret) {
        char *copy;

        if (check_result < 0)
                return check_result;
        copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

static int set_string(const ConfigKey *key, const char *text, char **field) {
        char *value = NULL;
        int r = -EINVAL;

        if (*text == 0 && *key->default_text == 0)
                r = dup_checked(0, text, &value);
        else if (key->type == CONFIG_TYPE_NAME)
                r = dup_checked(check_name(text), text, &value);
        else if (key->type == CONFIG_TYPE_ADDRESS)
                r = dup_checked(check_address(text), text, &value);
        else if (key->type == CONFIG_TYPE_PATH)
                r = path_normalize(text, &value);
        else if (key->type == CONFIG_TYPE_URL)
                r = config_url_normalize(text, &value);
        if (r < 0)
                return r;
        free(*field);
        *field = value;
        return 0;
}

/**
 * config_value_set() - parse a value and put it into its field
 * @key:        of the table
 * @text:       the value, without blanks around it; "" is the default
 * @config:     changed; untouched on failure
 *
 * Return: 0; -EINVAL if it is not of the form of its type; -ERANGE if it is beyond the limits; -ENOMEM.
 */
int config_value_set(const ConfigKey *key, const char *text, Config *config) {
        void *field = (uint8_t *)config + key->offset;

        if (*text == 0)
                text = key->default_text;
        switch (key->type) {
        case CONFIG_TYPE_BOOL:
                return parse_bool(text, field);
        case CONFIG_TYPE_TIMESPAN:
        case CONFIG_TYPE_SIZE:
        case CONFIG_TYPE_COUNT:
                return set_whole(key, text, field);
        case CONFIG_TYPE_NUMBER:
                return set_number(key, text, field);
        case CONFIG_TYPE_LEVEL:
                return log_level_from_string(text, field);
        case CONFIG_TYPE_NAME:
        case CONFIG_TYPE_PATH:
        case CONFIG_TYPE_ADDRESS:
        case CONFIG_TYPE_URL:
                return set_string(key, text, field);
        case CONFIG_TYPE_MAX:
                break;
        }
        return -EINVAL;
}

static const char *type_form(const ConfigKey *key) {
        switch (key->type) {
        case CONFIG_TYPE_BOOL:
                return "yes or no";
        case CONFIG_TYPE_TIMESPAN:
                return "a time such as 90s, 1min 30s, 2h or 30d (without a unit: seconds)";
        case CONFIG_TYPE_SIZE:
                return "a size in bytes such as 4096, 64K or 1M";
        case CONFIG_TYPE_COUNT:
                return "a whole number";
        case CONFIG_TYPE_NUMBER:
                return "a number";
        case CONFIG_TYPE_LEVEL:
                return "error, warning, notice, info or debug";
        case CONFIG_TYPE_NAME:
                return "1 to 64 letters, digits and . _ - that do not start with a point";
        case CONFIG_TYPE_PATH:
                return "an absolute path without . or .. in it";
        case CONFIG_TYPE_ADDRESS:
                return "HOST:PORT with a numeric address or localhost, such as 127.0.0.1:2947 or [::1]:2947";
        case CONFIG_TYPE_URL:
                return "https://HOST[:PORT][/PATH] without user name, password, ? or #";
        case CONFIG_TYPE_MAX:
                break;
        }
        return "";
}

/**
 * config_value_form() - say what may stand as a value
 * @key:        of the table
 * @ret:        a phrase, such as "a whole number from 2 to 3"
 */
void config_value_form(const ConfigKey *key, char ret[static CONFIG_FORM_MAX]) {
        int n;

        /* A test sees to it that every phrase fits. */
        n = snprintf(ret, CONFIG_FORM_MAX, "%s%s%s", type_form(key), key->unit ? " of " : "",
                     key->unit ? key->unit : "");
        if (key->min && n > 0 && n < CONFIG_FORM_MAX)
                (void)snprintf(ret + n, CONFIG_FORM_MAX - (size_t)n, ", from %s to %s", key->min, key->max);
}

/**
 * config_value_nearest() - the word that somebody who wrote an unknown one may have meant
 * @key:        of the table
 * @text:       the value that was refused
 *
 * Return: the nearest valid value, for the types that have a few only; else NULL.
 */
const char *config_value_nearest(const ConfigKey *key, const char *text) {
        if (key->type != CONFIG_TYPE_LEVEL)
                return NULL;
        return nearest_word(text, level_names, ELEMENTSOF(level_names));
}
