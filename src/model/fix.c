/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fix as a GeoJSON Feature (RFC 7946). Floor 1, pure but for the heap.
 *
 *   {"type":"Feature",
 *    "geometry":{"type":"Point","coordinates":[lon, lat, altHAE]},
 *    "properties":{"time":"2026-11-23T17:33:23.000Z","mode":3, ...}}
 *
 * The third coordinate is the height above the ellipsoid, as RFC 7946 §4 asks. Property names and units are those of a
 * TPV in gpsd_json(5), and uSat and hdop of its SKY. An absent value is absent.
 *
 * Numbers are written with 12 significant digits: 1e-9 degree at worst, a tenth of a millimetre, and short enough that
 * the noise of binary fractions ("9.9000000000000004") does not show.
 *
 * Coordinates do not stay behind in the heap: the text grows in a Bytes, which wipes what it leaves, and the numbers in
 * jansson's nodes are set to 0 before they are freed. What jansson formats on its stack is overwritten by later calls.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include "trailkeep/bytes.h"
#include "trailkeep/fix.h"

#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(12))

const Fix fix_absent = {
        .time_ms = TIME_MS_NONE,
        .status = -1,
        .lat_deg = NAN,
        .lon_deg = NAN,
        .alt_hae_m = NAN,
        .alt_msl_m = NAN,
        .speed_mps = NAN,
        .track_deg = NAN,
        .climb_mps = NAN,
        .eph_m = NAN,
        .epv_m = NAN,
        .eps_mps = NAN,
        .hdop = NAN,
        .satellites_used = -1,
};

/* Sets every number below a node to 0, so that freeing the tree leaves none in the heap. */
static void json_wipe(json_t *node) {
        json_t *child;
        const char *key;
        size_t i;

        /* Neither call fails on a real number and 0. */
        if (json_is_real(node))
                (void)json_real_set(node, 0);
        json_array_foreach(node, i, child)
                json_wipe(child);
        json_object_foreach(node, key, child)
                json_wipe(child);
}

static void json_wipe_unrefp(json_t **node) {
        if (!*node)
                return;
        json_wipe(*node);
        json_decref(*node);
        *node = NULL;
}

/* Each adds one member; an absent value adds nothing. 0 or -ENOMEM. */
static int add_real(json_t *object, const char *name, double value) {
        if (!isfinite(value))
                return 0;
        return json_object_set_new(object, name, json_real(value)) < 0 ? -ENOMEM : 0;
}

static int add_integer(json_t *object, const char *name, int value) {
        if (value < 0)
                return 0;
        return json_object_set_new(object, name, json_integer(value)) < 0 ? -ENOMEM : 0;
}

static int add_string(json_t *object, const char *name, const char *value) {
        /* A path that is not UTF-8 cannot be said in JSON; the fix is worth more than its name. */
        if (*value == 0 || !utf8_is_valid(value, strlen(value)))
                return 0;
        return json_object_set_new(object, name, json_string(value)) < 0 ? -ENOMEM : 0;
}

static int add_properties(json_t *properties, const Fix *fix) {
        char time[RFC3339_MS_MAX];
        int r;

        format_rfc3339_ms(fix->time_ms, time);
        r = add_string(properties, "time", time);
        if (r < 0)
                return r;
        const struct {
                const char *name;
                int value;
        } integers[] = {
                { "mode", fix->mode },
                { "status", fix->status },
                { "uSat", fix->satellites_used },
        };
        for (size_t i = 0; i < ELEMENTSOF(integers) && r >= 0; i++)
                r = add_integer(properties, integers[i].name, integers[i].value);

        const struct {
                const char *name;
                double value;
        } reals[] = {
                { "altHAE", fix->alt_hae_m },
                { "altMSL", fix->alt_msl_m },
                { "speed", fix->speed_mps },
                { "track", fix->track_deg },
                { "climb", fix->climb_mps },
                { "eph", fix->eph_m },
                { "epv", fix->epv_m },
                { "eps", fix->eps_mps },
                { "hdop", fix->hdop },
        };
        for (size_t i = 0; i < ELEMENTSOF(reals) && r >= 0; i++)
                r = add_real(properties, reals[i].name, reals[i].value);

        return r < 0 ? r : add_string(properties, "device", fix->device);
}

/* A Point; null for a fix without a place (RFC 7946 §3.2, "unlocated"). */
static int geometry_new(const Fix *fix, json_t **ret_geometry) {
        _cleanup_(json_wipe_unrefp) json_t *geometry = NULL;

        if (isnan(fix->lat_deg))
                geometry = json_null();
        else
                geometry = json_pack("{s:s, s:[f, f]}", "type", "Point", "coordinates", fix->lon_deg, fix->lat_deg);
        if (!geometry)
                return -ENOMEM;
        if (!json_is_null(geometry) && isfinite(fix->alt_hae_m) &&
            json_array_append_new(json_object_get(geometry, "coordinates"), json_real(fix->alt_hae_m)) < 0)
                return -ENOMEM;

        *ret_geometry = TAKE_PTR(geometry);
        return 0;
}

static int feature_new(const Fix *fix, json_t **ret_feature) {
        _cleanup_(json_wipe_unrefp) json_t *feature = NULL;
        json_t *geometry = NULL;
        int r;

        r = geometry_new(fix, &geometry);
        if (r < 0)
                return r;
        feature = json_pack("{s:s, s:o, s:{}}", "type", "Feature", "geometry", geometry, "properties");
        if (!feature)
                return -ENOMEM;
        r = add_properties(json_object_get(feature, "properties"), fix);
        if (r < 0)
                return r;
        *ret_feature = TAKE_PTR(feature);
        return 0;
}

/* jansson 2.14 does not look at the result when it writes a key, and would go on behind a hole: so it sticks here. */
typedef struct Text {
        Bytes bytes;
        int r;
} Text;

static int append_chunk(const char *chunk, size_t size, void *userdata) {
        Text *text = userdata;

        if (text->r >= 0)
                text->r = bytes_append(&text->bytes, chunk, size);
        return text->r;
}

static void text_done(Text *text) {
        bytes_done(&text->bytes);
}

/**
 * fix_to_geojson() - a fix as the text of a GeoJSON Feature
 * @fix:        borrowed; without latitude and longitude its geometry is null
 * @ret_json:   0-terminated, "{" first; the caller frees it with string_wipe_free(); untouched on failure
 *
 * Return: 0; -EINVAL if only one of latitude and longitude is there, or they are not on earth; -ENOMEM.
 */
int fix_to_geojson(const Fix *fix, char **ret_json) {
        _cleanup_(json_wipe_unrefp) json_t *feature = NULL;
        _cleanup_(text_done) Text text = { 0 };
        int r;

        if (isnan(fix->lat_deg) != isnan(fix->lon_deg))
                return -EINVAL;
        if (fabs(fix->lat_deg) > 90 || fabs(fix->lon_deg) > 180)
                return -EINVAL;
        r = feature_new(fix, &feature);
        if (r < 0)
                return r;
        if (json_dump_callback(feature, append_chunk, &text, DUMP_FLAGS) < 0 || text.r < 0)
                return -ENOMEM;

        *ret_json = (char *)TAKE_PTR(text.bytes.data);
        text.bytes = (Bytes){ 0 };
        return 0;
}
