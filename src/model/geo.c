/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Distance and direction on a sphere. Floor 1, pure. All angles are in degrees.
 *
 * The sphere is up to 0.6 % off the ellipsoid, far below what a filter of tens of metres has to tell apart, and it has
 * neither iteration nor points where it does not converge. The haversine form keeps its digits at the few metres
 * between two fixes, where the law of cosines has lost them.
 */
#include <math.h>
#include "trailkeep/geo.h"

#define EARTH_RADIUS_M 6371008.8 /* IUGG R1 */
#define RADIANS_PER_DEGREE (M_PI / 180.0)

static double haversine(double angle_rad) {
        double s = sin(angle_rad / 2);

        return s * s;
}

/**
 * geo_distance_m() - how far apart two places are along the great circle
 * @lat1_deg:   latitude of the first
 * @lon1_deg:   longitude of the first; any number of turns
 * @lat2_deg:   latitude of the second
 * @lon2_deg:   longitude of the second
 *
 * Return: metres; NAN if a coordinate is.
 */
double geo_distance_m(double lat1_deg, double lon1_deg, double lat2_deg, double lon2_deg) {
        double lat1 = lat1_deg * RADIANS_PER_DEGREE, lat2 = lat2_deg * RADIANS_PER_DEGREE;
        double lon = (lon2_deg - lon1_deg) * RADIANS_PER_DEGREE;
        double h = haversine(lat2 - lat1) + cos(lat1) * cos(lat2) * haversine(lon);

        /* Rounding may carry antipodes a little beyond 1. Not fmin(), which would turn NAN into half a meridian. */
        return 2 * EARTH_RADIUS_M * asin(sqrt(h > 1 ? 1 : h));
}

/**
 * geo_bearing_deg() - in which direction the great circle sets out from the first place to the second
 * @lat1_deg:   latitude of the first
 * @lon1_deg:   longitude of the first
 * @lat2_deg:   latitude of the second
 * @lon2_deg:   longitude of the second
 *
 * Return: degrees from true north, clockwise, in [0, 360); 0 for the same place; NAN if a coordinate is.
 */
double geo_bearing_deg(double lat1_deg, double lon1_deg, double lat2_deg, double lon2_deg) {
        double lat1 = lat1_deg * RADIANS_PER_DEGREE, lat2 = lat2_deg * RADIANS_PER_DEGREE;
        double lon = (lon2_deg - lon1_deg) * RADIANS_PER_DEGREE;
        double y = sin(lon) * cos(lat2);
        double x = cos(lat1) * sin(lat2) - sin(lat1) * cos(lat2) * cos(lon);
        double bearing = atan2(y, x) / RADIANS_PER_DEGREE;

        if (bearing < 0)
                bearing += 360;
        /* A hair west of north rounds to 360. */
        return bearing >= 360 ? 0 : bearing;
}

/**
 * geo_heading_difference_deg() - how far one has to turn from one heading to another
 * @a_deg:      a heading, any number of turns
 * @b_deg:      another
 *
 * Return: degrees in [0, 180]; NAN if a heading is.
 */
double geo_heading_difference_deg(double a_deg, double b_deg) {
        double difference = fabs(fmod(b_deg - a_deg, 360));

        return difference > 180 ? 360 - difference : difference;
}
