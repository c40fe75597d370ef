/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A fix: one TPV of gpsd with mode >= 2, with what the last SKY of the same epoch said. Field names and units are those
 * of gpsd_json(5); an absent value is NAN (or NULL, TIME_MS_NONE, -1), never zero. Floor 1, pure.
 */
#include <stdint.h>
#include "macros.h"
#include "parse.h"

#define FIX_DEVICE_MAX 128

typedef struct Fix {
        int64_t time_ms; /* gpsd's time, uncorrected; TIME_MS_NONE */
        int mode;        /* 2: 2D, 3: 3D */
        int status;      /* gpsd's status; -1 absent */
        double lat_deg, lon_deg;
        double alt_hae_m, alt_msl_m;
        double speed_mps, track_deg, climb_mps;
        double eph_m, epv_m, eps_mps;
        double hdop;
        int satellites_used; /* uSat; -1 absent */
        char device[FIX_DEVICE_MAX]; /* path of the receiver as gpsd names it; "" absent */
} Fix;

extern const Fix fix_absent; /* every value absent */

/* The fix as a GeoJSON Feature; third coordinate altHAE; properties carry gpsd_json(5)'s names. Caller frees, wiped. */
int fix_to_geojson(const Fix *fix, char **ret_json) _must_check_;
