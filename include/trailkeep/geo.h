/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Distance and direction on the WGS84 mean sphere (radius 6371008.8 m, IUGG R1). Floor 1, pure. Angles in degrees.
 */
double geo_distance_m(double lat1_deg, double lon1_deg, double lat2_deg, double lon2_deg);
double geo_bearing_deg(double lat1_deg, double lon1_deg, double lat2_deg, double lon2_deg); /* [0, 360) */
double geo_heading_difference_deg(double a_deg, double b_deg);                              /* [0, 180], wraps */
