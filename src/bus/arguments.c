/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The arguments of methods. Floor 5, pure but for the message that is read.
 *
 * sd-bus has checked the signature of the message; here it is about what is inside the dictionaries: each key has one
 * type, none may be given twice, and an unknown one is refused, since an option that is quietly ignored is a wish that
 * is not granted.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "arguments.h"
#include "error.h"
#include "trailkeep/parse.h"

#define TIME_MS_LAST INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z, the last that RFC 3339 can write */

typedef struct ArgumentSpec {
        const char *key, *type;
        int (*read)(sd_bus_message *message, const char *key, BusRequest *request, sd_bus_error *error);
} ArgumentSpec;

static int complain(sd_bus_error *error, const char *argument, const char *what) {
        char text[256];

        (void)snprintf(text, sizeof(text), "%s: %s", argument, what); /* cut off at worst */
        return bus_error_set(error, BUS_ERROR_INVALID_ARGS, text);
}

static int find_purpose(const char *argument, const char *name, Purpose *ret, sd_bus_error *error) {
        char text[200];
        size_t used;

        if (purpose_from_string(name, ret) == 0)
                return 0;

        used = (size_t)snprintf(text, sizeof(text), "not a purpose; they are");
        for (Purpose purpose = 0; purpose < PURPOSE_MAX && used < sizeof(text); purpose++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", purpose_to_string(purpose));

        return complain(error, argument, text);
}

static int read_keep(sd_bus_message *message, const char *key, BusRequest *request, sd_bus_error *error) {
        int value, r;

        r = sd_bus_message_read(message, "b", &value);
        if (r < 0)
                return r;
        request->is_kept = value;

        return 0;
}

static int read_keep_stored(sd_bus_message *message, const char *key, BusRequest *request, sd_bus_error *error) {
        int value, r;

        r = sd_bus_message_read(message, "b", &value);
        if (r < 0)
                return r;
        request->scope.keep_stored = value;

        return 0;
}

static int read_actor(sd_bus_message *message, const char *key, BusRequest *request, sd_bus_error *error) {
        const char *value;
        size_t length;
        int r;

        r = sd_bus_message_read(message, "s", &value);
        if (r < 0)
                return r;
        length = strlen(value);
        if (length == 0 || length >= sizeof(request->actor))
                return complain(error, key, "must be 1 to 128 bytes long");
        memcpy(request->actor, value, length + 1);

        return 0;
}

static int read_clip(sd_bus_message *message, const char *key, BusRequest *request, sd_bus_error *error) {
        const char *value;
        size_t length;
        int r;

        r = sd_bus_message_read(message, "s", &value);
        if (r < 0)
                return r;
        length = strlen(value);
        if (length == 0 || length > RECORD_CLIP_MAX)
                return complain(error, key, "must be 1 to 128 bytes long");
        memcpy(request->clip, value, length + 1);

        return 0;
}

static int read_time(sd_bus_message *message, const char *key, BusRequest *request, sd_bus_error *error) {
        int64_t value;
        int r;

        r = sd_bus_message_read(message, "x", &value);
        if (r < 0)
                return r;
        if (value < 0 || value > TIME_MS_LAST)
                return complain(error, key, "must be milliseconds since 1970, up to the year 9999");
        if (strcmp(key, "since") == 0)
                request->scope.since_ms = value;
        else
                request->scope.until_ms = value;

        return 0;
}

static int read_purposes(sd_bus_message *message, const char *key, BusRequest *request, sd_bus_error *error) {
        const char *name;
        int r;

        request->scope.purposes = 0;
        r = sd_bus_message_enter_container(message, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(message, "s", &name)) > 0) {
                Purpose purpose;

                r = find_purpose(key, name, &purpose, error);
                if (r < 0)
                        return r;
                request->scope.purposes |= UINT32_C(1) << purpose;
        }
        if (r < 0)
                return r;
        if (request->scope.purposes == 0)
                return complain(error, key, "must name at least one; leave it out for all");

        return sd_bus_message_exit_container(message);
}

/* The value of one key, which stands next in the message. */
static int read_value(sd_bus_message *message, const ArgumentSpec *spec, BusRequest *request, sd_bus_error *error) {
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(message, &type, &contents);
        if (r < 0)
                return r;
        if (strcmp(contents, spec->type) != 0) {
                char text[64];

                (void)snprintf(text, sizeof(text), "must be of type '%s'", spec->type); /* fits */
                return complain(error, spec->key, text);
        }

        r = sd_bus_message_enter_container(message, 'v', spec->type);
        if (r < 0)
                return r;
        r = spec->read(message, spec->key, request, error);
        if (r < 0)
                return r;

        return sd_bus_message_exit_container(message);
}

/* Which of the keys this is; n_specs: none of them. */
static size_t find_spec(const char *key, const ArgumentSpec *specs, size_t n_specs) {
        size_t i = 0;

        while (i < n_specs && strcmp(specs[i].key, key) != 0)
                i++;

        return i;
}

static int complain_unknown(sd_bus_error *error, const char *key, const ArgumentSpec *specs, size_t n_specs) {
        char text[128] = "unknown; known are";
        size_t used = strlen(text);

        for (size_t i = 0; i < n_specs && used < sizeof(text); i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", specs[i].key);
        /* A long key is not repeated: it might be cut inside a character, and D-Bus carries only whole ones. */
        return complain(error, strlen(key) > 64 ? "(a key of more than 64 bytes)" : key, text);
}

static int read_options(sd_bus_message *message, const ArgumentSpec *specs, size_t n_specs, BusRequest *request,
                        sd_bus_error *error) {
        uint32_t seen = 0;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                const char *key;
                size_t i;

                r = sd_bus_message_read(message, "s", &key);
                if (r < 0)
                        return r;
                i = find_spec(key, specs, n_specs);
                if (i == n_specs)
                        return complain_unknown(error, key, specs, n_specs);
                if (seen & UINT32_C(1) << i)
                        return complain(error, key, "given twice");
                seen |= UINT32_C(1) << i;
                r = read_value(message, &specs[i], request, error);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        return sd_bus_message_exit_container(message);
}

/**
 * arguments_read_purpose() - read the argument "purpose"
 * @message:    a call, at its first argument
 * @request:    its purpose is set
 * @error:      says that it is none
 *
 * Return: 0, or < 0 for sd-bus.
 */
int arguments_read_purpose(sd_bus_message *message, BusRequest *request, sd_bus_error *error) {
        const char *name;
        int r;

        r = sd_bus_message_read(message, "s", &name);
        if (r < 0)
                return r;

        return find_purpose("purpose", name, &request->purpose, error);
}

/**
 * arguments_read_grant() - read the arguments of Consent1.Grant
 * @message:    the call
 * @request:    purpose and actor are set
 * @error:      names the argument that is wrong
 *
 * Return: >= 0, or < 0 for sd-bus.
 */
int arguments_read_grant(sd_bus_message *message, BusRequest *request, sd_bus_error *error) {
        static const ArgumentSpec specs[] = { { "actor", "s", read_actor } };
        int r;

        r = arguments_read_purpose(message, request, error);
        if (r < 0)
                return r;

        return read_options(message, specs, ELEMENTSOF(specs), request, error);
}

/**
 * arguments_read_withdraw() - read the arguments of Consent1.Withdraw
 * @message:    the call
 * @request:    purpose, actor and whether to keep are set
 * @error:      names the argument that is wrong
 *
 * Return: >= 0, or < 0 for sd-bus.
 */
int arguments_read_withdraw(sd_bus_message *message, BusRequest *request, sd_bus_error *error) {
        static const ArgumentSpec specs[] = { { "keep", "b", read_keep }, { "actor", "s", read_actor } };
        int r;

        r = arguments_read_purpose(message, request, error);
        if (r < 0)
                return r;

        return read_options(message, specs, ELEMENTSOF(specs), request, error);
}

/**
 * arguments_read_erase() - read the arguments of Data1.Erase
 * @message:    the call
 * @request:    scope and actor are set; what is not said means all
 * @error:      names the argument that is wrong
 *
 * Return: >= 0, or < 0 for sd-bus.
 */
int arguments_read_erase(sd_bus_message *message, BusRequest *request, sd_bus_error *error) {
        static const ArgumentSpec specs[] = {
                { "purposes", "as", read_purposes },       { "since", "x", read_time }, { "until", "x", read_time },
                { "keep-stored", "b", read_keep_stored }, { "clip", "s", read_clip },        { "actor", "s", read_actor },
        };
        int r;

        request->scope = (GateErase){
                .purposes = (UINT32_C(1) << PURPOSE_MAX) - 1,
                .since_ms = TIME_MS_NONE,
                .until_ms = TIME_MS_NONE,
        };
        r = read_options(message, specs, ELEMENTSOF(specs), request, error);
        if (r < 0)
                return r;
        if (request->scope.until_ms != TIME_MS_NONE && request->scope.since_ms > request->scope.until_ms)
                return complain(error, "until", "must not lie before since");

        return r;
}
