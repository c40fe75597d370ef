/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A D-Bus message's arguments as JSON values. Floor 6, pure.
 *
 * Numbers become integers or reals, strings, paths and signatures strings, arrays of dictionary entries objects, other
 * arrays and structs arrays, variants what is in them. A message of one argument gives that argument, one of none gives
 * null, any other an array. A real that JSON cannot hold (not a number, infinite) is null.
 */
#include <errno.h>
#include <string.h>

#include "client.h"

/* What the daemon sends is at most a{sv} in a{sv} in an array; deeper things are not from it. */
#define DEPTH_MAX 8

static int read_value(sd_bus_message *message, char type, const char *contents, unsigned depth, json_t **ret);

static json_t *json_from_unsigned(uint64_t value) {
        return value <= INT64_MAX ? json_integer((json_int_t)value) : json_real((double)value);
}

/* sd-bus writes integers of each width into the union's member of that width. */
static json_t *json_from_basic(char type, const void *data) {
        switch (type) {
        case SD_BUS_TYPE_BOOLEAN:
                return json_boolean(*(const int *)data);
        case SD_BUS_TYPE_BYTE:
                return json_integer(*(const uint8_t *)data);
        case SD_BUS_TYPE_INT16:
                return json_integer(*(const int16_t *)data);
        case SD_BUS_TYPE_UINT16:
                return json_integer(*(const uint16_t *)data);
        case SD_BUS_TYPE_INT32:
                return json_integer(*(const int32_t *)data);
        case SD_BUS_TYPE_UINT32:
                return json_integer(*(const uint32_t *)data);
        case SD_BUS_TYPE_INT64:
                return json_integer(*(const int64_t *)data);
        case SD_BUS_TYPE_UINT64:
                return json_from_unsigned(*(const uint64_t *)data);
        case SD_BUS_TYPE_DOUBLE: {
                json_t *real = json_real(*(const double *)data);
                return real ? real : json_null();
        }
        case SD_BUS_TYPE_STRING:
        case SD_BUS_TYPE_OBJECT_PATH:
        case SD_BUS_TYPE_SIGNATURE:
                return json_string(*(const char *const *)data);
        default: /* a type of the wire, not an enum of ours: file descriptors are never sent */
                return NULL;
        }
}

static int read_basic(sd_bus_message *message, char type, json_t **ret) {
        union {
                int boolean;
                uint64_t number;
                double real;
                const char *string;
        } value = { 0 };
        json_t *json;
        int r;

        r = sd_bus_message_read_basic(message, type, &value);
        if (r < 0)
                return r;
        json = json_from_basic(type, &value);
        if (!json)
                return -ENOMEM;

        *ret = json;
        return 0;
}

static int read_entry(sd_bus_message *message, const char *contents, unsigned depth, json_t *object) {
        _cleanup_json_ json_t *value = NULL;
        const char *key, *inner;
        char type;
        int r;

        r = sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, contents);
        if (r <= 0)
                return r;
        r = sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &key);
        if (r < 0)
                return r;
        r = sd_bus_message_peek_type(message, &type, &inner);
        if (r < 0)
                return r;
        r = read_value(message, type, inner, depth, &value);
        if (r < 0)
                return r;
        if (json_object_set_new(object, key, TAKE_PTR(value)) < 0)
                return -ENOMEM;

        r = sd_bus_message_exit_container(message);
        return r < 0 ? r : 1;
}

static int read_dictionary(sd_bus_message *message, const char *contents, unsigned depth, json_t **ret) {
        _cleanup_json_ json_t *object = json_object();
        char entry[64];
        size_t n = strlen(contents);
        int r;

        if (!object)
                return -ENOMEM;
        if (n < 4 || n - 2 >= sizeof(entry) || contents[1] != SD_BUS_TYPE_STRING)
                return -EBADMSG;
        memcpy(entry, contents + 1, n - 2); /* less the braces */
        entry[n - 2] = '\0';

        r = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, contents);
        if (r < 0)
                return r;
        do
                r = read_entry(message, entry, depth, object);
        while (r > 0);
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(object);
        return 0;
}

/* Arrays, structs, and the arguments of the message themselves. */
static int read_items(sd_bus_message *message, unsigned depth, json_t *array) {
        const char *contents;
        char type;
        int r;

        for (;;) {
                _cleanup_json_ json_t *value = NULL;

                r = sd_bus_message_peek_type(message, &type, &contents);
                if (r <= 0)
                        return r;
                r = read_value(message, type, contents, depth, &value);
                if (r < 0)
                        return r;
                if (json_array_append_new(array, TAKE_PTR(value)) < 0)
                        return -ENOMEM;
        }
}

static int read_container(sd_bus_message *message, char type, const char *contents, unsigned depth, json_t **ret) {
        _cleanup_json_ json_t *array = json_array();
        int r;

        if (!array)
                return -ENOMEM;
        r = sd_bus_message_enter_container(message, type, contents);
        if (r < 0)
                return r;
        r = read_items(message, depth, array);
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;

        if (type == SD_BUS_TYPE_VARIANT)
                *ret = json_incref(json_array_get(array, 0));
        else
                *ret = TAKE_PTR(array);
        return 0;
}

static int read_value(sd_bus_message *message, char type, const char *contents, unsigned depth, json_t **ret) {
        if (depth >= DEPTH_MAX)
                return -EBADMSG;
        if (type == SD_BUS_TYPE_ARRAY && contents[0] == SD_BUS_TYPE_DICT_ENTRY_BEGIN)
                return read_dictionary(message, contents, depth + 1, ret);
        if (type == SD_BUS_TYPE_ARRAY || type == SD_BUS_TYPE_STRUCT || type == SD_BUS_TYPE_VARIANT)
                return read_container(message, type, contents, depth + 1, ret);

        return read_basic(message, type, ret);
}

/**
 * bus_message_to_json() - read all arguments of a message
 * @message:    at its beginning; left at its end
 * @ret:        the value, as the head of this file says; the caller's
 *
 * Return: 0, or -errno: -EBADMSG for what the daemon never sends.
 */
int bus_message_to_json(sd_bus_message *message, json_t **ret) {
        _cleanup_json_ json_t *arguments = json_array();
        int r;

        if (!arguments)
                return -ENOMEM;
        r = read_items(message, 0, arguments);
        if (r < 0)
                return r;

        if (json_array_size(arguments) == 0)
                *ret = json_null();
        else if (json_array_size(arguments) == 1)
                *ret = json_incref(json_array_get(arguments, 0));
        else
                *ret = TAKE_PTR(arguments);
        return 0;
}
