/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One line of gpsd's JSON, see gpsd_json(5), to a Fix. Floor 2, pure.
 *
 * libgps' gps_unpack() does the reading. It always returns 0 and keeps in one struct what every class of message
 * wrote, so four things are done around it, each for a reason found in its source (3.22, API 11):
 *
 * - Only TPV and SKY are passed on, and only if the line is one whole object that names one class. After an error it
 *   goes on where it stopped, and a second "class" behind that place makes it go round for ever; and a line that
 *   breaks off is success to it.
 * - The flags are cleared before each call: those of a TPV survive a SKY.
 * - An absent time or status reads as 0. gpsd itself reports neither a time of 0 nor a status below 2, so 0 is absent.
 * - It counts the used satellites in the list, which gpsd may have cut short; uSat is therefore taken from the line
 *   itself.
 *
 * Which sky belongs to a fix: the last of the same receiver and the same epoch. Where TPV and SKY both have a time,
 * the epoch is the same if the times are. Most NMEA receivers give their SKY none: then it belongs to the epoch of
 * the first TPV that follows, and to all further TPVs of that time. Several SKYs of one epoch add up, since newer
 * versions of gpsd put hdop and uSat in different ones.
 *
 * What gpsd makes of u-blox' binary protocol has the SKY after the TPV of its epoch. A fix is worth more in time than
 * whole, so it waits for such a SKY only if there was one in the epoch before, and no longer than until the next TPV.
 * Where a SKY without a time comes in the middle of an epoch, TPVs before it go without: it does not say that it is
 * theirs.
 */
#include <math.h>
#include <string.h>
#include "trailkeep/bytes.h"
#include "gnss-parse.h"

#define CLASS_KEY "\"class\":"
#define LINE_START "{" CLASS_KEY "\""
#define USAT_KEY "\"uSat\":"
#define USAT_MAX 9999

/**
 * gnss_parser_init() - begin with nothing known
 * @parser:     wiped and made ready, whatever it held
 */
void gnss_parser_init(GnssParser *parser) {
        bytes_wipe(parser, sizeof(*parser));
}

static bool has_class(const char *line, const char *class) {
        size_t size = strlen(class);

        return strncmp(line + strlen(LINE_START), class, size) == 0 && line[strlen(LINE_START) + size] == '"';
}

static int64_t time_ms_of(timespec_t time) {
        if (time.tv_sec <= 0)
                return TIME_MS_NONE;
        return (int64_t)time.tv_sec * 1000 + (time.tv_nsec + 500000) / 1000000;
}

static void copy_device(char ret[static FIX_DEVICE_MAX], const char *path) {
        size_t size = strnlen(path, FIX_DEVICE_MAX - 1);

        memcpy(ret, path, size);
        ret[size] = 0;
}

static bool is_device(const char *device, const char *path) {
        return strncmp(device, path, FIX_DEVICE_MAX - 1) == 0;
}

static double present(double value) {
        return isfinite(value) ? value : NAN;
}

static int used_satellites(const char *line) {
        const char *p = strstr(line, USAT_KEY);
        int n = -1;

        if (!p)
                return -1;
        for (p += strlen(USAT_KEY); *p >= '0' && *p <= '9' && n <= USAT_MAX; p++)
                n = (n < 0 ? 0 : n * 10) + (*p - '0');
        return n <= USAT_MAX ? n : -1;
}

/* The sky of a receiver; a new one takes the place of the one not heard of for longest. */
static GnssSky *find_sky(GnssParser *parser, const char *device) {
        GnssSky *oldest = parser->skies;

        for (size_t i = 0; i < GNSS_SKIES_MAX; i++) {
                GnssSky *sky = parser->skies + i;

                if (sky->is_used && is_device(sky->device, device))
                        return sky;
                if (sky->seen < oldest->seen)
                        oldest = sky;
        }
        *oldest = (GnssSky){ .tpv_ms = TIME_MS_NONE, .late_ms = TIME_MS_NONE };
        copy_device(oldest->device, device);
        return oldest;
}

/* Forgets what was said of another epoch. */
static void begin_epoch(GnssSky *sky, int64_t time_ms) {
        sky->is_used = true;
        sky->time_ms = time_ms;
        sky->has_epoch = false;
        sky->hdop = NAN;
        sky->satellites_used = -1;
}

static void take_sky(GnssParser *parser, const char *line) {
        const struct gps_data_t *gps = &parser->gps;
        GnssSky *sky = find_sky(parser, gps->dev.path);
        int64_t time_ms = time_ms_of(gps->skyview_time);
        int satellites_used = used_satellites(line);
        bool is_same_epoch = sky->is_used && sky->time_ms == time_ms && (time_ms != TIME_MS_NONE || !sky->has_epoch);

        if (!is_same_epoch)
                begin_epoch(sky, time_ms);
        sky->seen = ++parser->n_seen;
        if (isfinite(gps->dop.hdop))
                sky->hdop = gps->dop.hdop;
        if (satellites_used >= 0)
                sky->satellites_used = satellites_used;
        if (time_ms != TIME_MS_NONE && time_ms == sky->tpv_ms && (isfinite(sky->hdop) || sky->satellites_used >= 0))
                sky->late_ms = time_ms;
}

static void note_tpv(GnssSky *sky, int64_t time_ms) {
        if (time_ms == sky->tpv_ms)
                return;
        sky->is_late = sky->late_ms != TIME_MS_NONE && sky->late_ms == sky->tpv_ms;
        sky->tpv_ms = time_ms;
}

static bool is_of_epoch(GnssSky *sky, int64_t time_ms) {
        if (!sky->has_epoch) {
                sky->has_epoch = true;
                sky->epoch_ms = time_ms;
        }
        if (sky->time_ms != TIME_MS_NONE && time_ms != TIME_MS_NONE)
                return sky->time_ms == time_ms;
        return sky->epoch_ms == time_ms;
}

/* Of a receiver that has said something of its sky; else NULL. */
static const GnssSky *known_sky(const GnssParser *parser, const char *device) {
        for (size_t i = 0; i < GNSS_SKIES_MAX; i++)
                if (parser->skies[i].is_used && is_device(parser->skies[i].device, device))
                        return parser->skies + i;
        return NULL;
}

static void add_sky(GnssParser *parser, Fix *fix) {
        const GnssSky *known = known_sky(parser, fix->device);
        GnssSky *sky;

        if (!known)
                return;
        sky = parser->skies + (known - parser->skies);
        note_tpv(sky, fix->time_ms);
        if (is_of_epoch(sky, fix->time_ms)) {
                fix->hdop = sky->hdop;
                fix->satellites_used = sky->satellites_used;
        }
}

static bool is_complete(const Fix *fix) {
        return isfinite(fix->hdop) && fix->satellites_used >= 0;
}

static Fix fix_from_gps(const struct gps_data_t *gps) {
        const struct gps_fix_t *from = &gps->fix;
        Fix fix = fix_absent;

        fix.time_ms = time_ms_of(from->time);
        fix.mode = from->mode;
        fix.status = from->status > 0 ? from->status : -1;
        /* A place is two numbers; written so that NAN does not pass. */
        if (fabs(from->latitude) <= 90 && fabs(from->longitude) <= 180) {
                fix.lat_deg = from->latitude;
                fix.lon_deg = from->longitude;
        }
        fix.alt_hae_m = present(from->altHAE);
        fix.alt_msl_m = present(from->altMSL);
        fix.speed_mps = present(from->speed);
        fix.track_deg = present(from->track);
        fix.climb_mps = present(from->climb);
        fix.eph_m = present(from->eph);
        fix.epv_m = present(from->epv);
        fix.eps_mps = present(from->eps);
        copy_device(fix.device, gps->dev.path);

        return fix;
}

static bool is_one_object(const char *line, size_t size) {
        return size > strlen(LINE_START) && memchr(line, 0, size) == NULL && line[size - 1] == '}' &&
               strncmp(line, LINE_START, strlen(LINE_START)) == 0;
}

/**
 * gnss_parser_line() - take one line from gpsd
 * @parser:     state, changed
 * @line:       without its line end, followed by a 0 byte; gps_unpack() asks for a writable one
 * @size:       without the 0 byte
 * @ret_fix:    set if the line is a fix, untouched otherwise; gpsd may report a mode before a place
 *
 * Return: what the line is. Garbage changes nothing.
 */
GnssLine gnss_parser_line(GnssParser *parser, char *line, size_t size, Fix *ret_fix) {
        bool is_sky;
        Fix fix;

        if (!is_one_object(line, size))
                return GNSS_LINE_GARBAGE;
        if (has_class(line, "VERSION"))
                return GNSS_LINE_VERSION;
        is_sky = has_class(line, "SKY");
        if (!is_sky && !has_class(line, "TPV"))
                return GNSS_LINE_OTHER;
        if (strstr(line + strlen(LINE_START), CLASS_KEY))
                return GNSS_LINE_GARBAGE;

        parser->gps.set = 0;
        if (gps_unpack(line, &parser->gps) < 0)
                return GNSS_LINE_GARBAGE;
        if (is_sky) {
                if (!(parser->gps.set & SATELLITE_SET))
                        return GNSS_LINE_OTHER; /* more satellites than this libgps has room for */
                take_sky(parser, line);
                return GNSS_LINE_SKY;
        }
        fix = fix_from_gps(&parser->gps);
        add_sky(parser, &fix);
        if (fix.mode < MODE_2D)
                return GNSS_LINE_NO_FIX;
        *ret_fix = fix;

        return GNSS_LINE_FIX;
}

/**
 * gnss_parser_awaits_sky() - whether what a fix lacks is likely to follow
 * @parser:     borrowed; the fix is its last
 * @fix:        borrowed
 *
 * Return: true if the receiver reported its sky after the fix in the epoch before, and has not yet in this one.
 */
bool gnss_parser_awaits_sky(const GnssParser *parser, const Fix *fix) {
        const GnssSky *sky = known_sky(parser, fix->device);

        return sky && sky->is_late && fix->time_ms != TIME_MS_NONE && sky->late_ms != fix->time_ms && !is_complete(fix);
}

/**
 * gnss_parser_complete() - give a fix the sky that followed it
 * @parser:     borrowed
 * @fix:        with a time; changed if the last SKY of its receiver is of its epoch
 *
 * Return: true if it lacks nothing of it now.
 */
bool gnss_parser_complete(const GnssParser *parser, Fix *fix) {
        const GnssSky *sky = known_sky(parser, fix->device);
        bool is_known = sky && (sky->time_ms == fix->time_ms ||
                                (sky->time_ms == TIME_MS_NONE && sky->has_epoch && sky->epoch_ms == fix->time_ms));

        if (is_known) {
                fix->hdop = sky->hdop;
                fix->satellites_used = sky->satellites_used;
        }
        return is_complete(fix);
}
