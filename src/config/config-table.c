/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one table of keys: the reader, the defaults, the manual and the sample file are all made from it. Pure.
 *
 * A key is added here and in Config (include/trailkeep/config.h), and nowhere else.
 */
#include <string.h>
#include <strings.h>
#include "build-config.h"
#include "config-table.h"
#include "trailkeep/config.h"
#include "trailkeep/nearest.h"

#define FIELD(name) offsetof(Config, name)
#define RETENTION(name, field, default_text) \
        "Journal", "Retention" name, CONFIG_TYPE_TIMESPAN, FIELD(field), default_text, "1h", "3650d", NULL

const ConfigKey config_keys[] = {
        { "Device", "StateDirectory", CONFIG_TYPE_PATH, FIELD(state_dir), TRAILKEEP_STATE_DIR, NULL, NULL, NULL,
          "Folder of the journal and the vault. Everything in it is sealed." },
        { "Device", "RootSecretFile", CONFIG_TYPE_PATH, FIELD(root_secret_file), TRAILKEEP_CONFIG_DIR "/root.secret",
          NULL, NULL, NULL,
          "The secret under which everything is sealed; \"trailkeepd --init\" makes it. Not below StateDirectory=.\n"
          "The systemd credential trailkeep.root-secret goes before it." },
        { "Device", "DeviceKeyFile", CONFIG_TYPE_PATH, FIELD(device_key_file), TRAILKEEP_CONFIG_DIR "/device.key",
          NULL, NULL, NULL,
          "Private key of this device, P-256 in PEM; \"trailkeepd --init\" makes it." },
        { "Device", "Subject", CONFIG_TYPE_NAME, FIELD(subject), "default", NULL, NULL, NULL,
          "Pseudonym of the person whose data is recorded while nobody else is known to be." },
        { "Device", "LogLevel", CONFIG_TYPE_LEVEL, FIELD(log_level), "info", NULL, NULL, NULL,
          "The least urgent messages that are still logged. No level shows where somebody was." },
        { "Device", "IndependentClock", CONFIG_TYPE_BOOL, FIELD(independent_clock), "no", NULL, NULL, NULL,
          "Whether what synchronises the system's clock is something else than this box's receiver, such as NTP over\n"
          "the network. Only then do clock and receiver, where they agree, prove true time without the store." },

        { "Gnss", "Gpsd", CONFIG_TYPE_ADDRESS, FIELD(gpsd_address), "127.0.0.1:2947", NULL, NULL, NULL,
          "Where gpsd listens. There is no connection to it unless the purpose location is consented to." },
        { "Gnss", "Filter", CONFIG_TYPE_BOOL, FIELD(filter), "yes", NULL, NULL, NULL,
          "Whether only the fixes that say something new are kept. With no, every fix that gpsd reports is." },
        { "Gnss", "IntervalMoving", CONFIG_TYPE_TIMESPAN, FIELD(interval_moving_usec), "10s", "0", "1d", NULL,
          "While moving a fix is kept at the latest after this time." },
        { "Gnss", "IntervalParked", CONFIG_TYPE_TIMESPAN, FIELD(interval_parked_usec), "5min", "1s", "7d", NULL,
          "While parked a fix is kept each time this has passed. At least IntervalMoving=." },
        { "Gnss", "Distance", CONFIG_TYPE_NUMBER, FIELD(distance_m), "50", "0", "100000", "metres",
          "A fix that is farther than this from the last one kept is kept at once." },
        { "Gnss", "Heading", CONFIG_TYPE_NUMBER, FIELD(heading_deg), "15", "1", "180", "degrees",
          "A fix whose direction of travel differs by more than this from the last one kept is kept at once." },
        { "Gnss", "MinMode", CONFIG_TYPE_COUNT, FIELD(min_mode), "2", "2", "3", NULL,
          "What a fix must at least have: 2 latitude and longitude, 3 height as well." },
        { "Gnss", "MaxSpeed", CONFIG_TYPE_NUMBER, FIELD(max_speed_mps), "100", "1", "10000", "metres per second",
          "A fix that could only have been reached faster than this is not believed." },

        { "Journal", "CommitInterval", CONFIG_TYPE_TIMESPAN, FIELD(commit_interval_usec), "1s", "0", "1min", NULL,
          "How long records may wait to be written together. What was not yet written is lost in a power cut." },
        { "Journal", "MaxUse", CONFIG_TYPE_SIZE, FIELD(max_use_bytes), "0", "0", "1024G", NULL,
          "How much room what is recorded may take, media beside the databases included. What is over it is evicted:\n"
          "media first, then diagnostics, tracks, events, and alarms last; in each the oldest. 0: half of the file\n"
          "system. At least 1M." },
        { "Journal", "KeepFree", CONFIG_TYPE_SIZE, FIELD(keep_free_bytes), "0", "0", "1024G", NULL,
          "How much room is left to others on the file system of StateDirectory=: with less the journal grows no more,\n"
          "and what is old makes room for what is new. 0: a twentieth of the file system, at most 1G." },
        { RETENTION("Location", retention_usec[PURPOSE_LOCATION], "30d"),
          "How long what was recorded for the purpose location is kept here, sent or not; then it is destroyed." },
        { RETENTION("Audio", retention_usec[PURPOSE_AUDIO], "7d"),
          "The same for the purpose audio." },
        { RETENTION("Video", retention_usec[PURPOSE_VIDEO], "7d"),
          "The same for the purpose video." },
        { RETENTION("Picture", retention_usec[PURPOSE_PICTURE], "7d"),
          "The same for the purpose picture." },
        { RETENTION("Diagnostics", retention_usec[PURPOSE_DIAGNOSTICS], "30d"),
          "The same for the purpose diagnostics." },
        { RETENTION("Notifications", retention_usec[PURPOSE_NOTIFICATIONS], "30d"),
          "The same for the purpose notifications; alarms have a limit of their own." },
        { RETENTION("Sharing", retention_usec[PURPOSE_SHARING], "30d"),
          "The same for the purpose sharing." },
        { RETENTION("Maps", retention_usec[PURPOSE_MAPS], "30d"),
          "The same for the purpose maps." },
        { RETENTION("Analytics", retention_usec[PURPOSE_ANALYTICS], "30d"),
          "The same for the purpose analytics." },
        { RETENTION("Updates", retention_usec[PURPOSE_UPDATES], "30d"),
          "The same for the purpose updates." },
        { RETENTION("Alarms", alarm_retention_usec, "90d"),
          "The same for alarms." },

        { "Journal", "MediaDir", CONFIG_TYPE_PATH, FIELD(media_dir), "", NULL, NULL, NULL,
          "Folder for the bytes of audio, video and pictures, on a removable card perhaps; what they are stays in\n"
          "StateDirectory=, and both are sealed. None: in StateDirectory=. See MEDIA ON A CARD." },

        { "Store", "Url", CONFIG_TYPE_URL, FIELD(store_url), "", NULL, NULL, NULL,
          "The object store that tracks are sent to. None: they stay on this device until they expire." },
        { "Store", "CaFile", CONFIG_TYPE_PATH, FIELD(ca_file), "", NULL, NULL, NULL,
          "Certificates, in PEM, of the authorities that the store's certificate may come from. None: the system's." },
        { "Store", "CertificateFile", CONFIG_TYPE_PATH, FIELD(cert_file), "", NULL, NULL, NULL,
          "Certificate of this device, in PEM, that is shown to the store. None: no certificate is shown." },
        { "Store", "KeyFile", CONFIG_TYPE_PATH, FIELD(key_file), "", NULL, NULL, NULL,
          "Private key of CertificateFile=, in PEM. None: that of DeviceKeyFile=." },
        { "Store", "Interval", CONFIG_TYPE_TIMESPAN, FIELD(send_interval_usec), "1min", "0", "7d", NULL,
          "How long records may wait to be sent together. Alarms do not wait." },
        { "Store", "ObjectRecords", CONFIG_TYPE_COUNT, FIELD(object_records_max), "1000", "1", "100000", NULL,
          "At most so many records go into one object." },
        { "Store", "ObjectBytes", CONFIG_TYPE_SIZE, FIELD(object_bytes_max), "256K", "4K", "16M", NULL,
          "At most so many bytes, before compression, go into one object." },
        { "Store", "Timeout", CONFIG_TYPE_TIMESPAN, FIELD(timeout_usec), "30s", "1s", "1h", NULL,
          "A transfer in which no byte moves for this long is given up and tried again." },
};
const size_t config_n_keys = ELEMENTSOF(config_keys);

_Static_assert(ELEMENTSOF(config_keys) <= CONFIG_KEYS_MAX, "more keys than marks");

/**
 * config_key_find() - the key of a name in a section
 * @section:    without brackets, exactly as in the table
 * @name:       exactly as in the table
 *
 * Return: the key; NULL: there is none.
 */
const ConfigKey *config_key_find(const char *section, const char *name) {
        for (size_t i = 0; i < config_n_keys; i++)
                if (strcmp(config_keys[i].section, section) == 0 && strcmp(config_keys[i].name, name) == 0)
                        return &config_keys[i];
        return NULL;
}

/**
 * config_key_find_elsewhere() - the key of a name in whichever section has it
 * @name:       in any case
 *
 * Return: the first such key; NULL: there is none.
 */
const ConfigKey *config_key_find_elsewhere(const char *name) {
        for (size_t i = 0; i < config_n_keys; i++)
                if (strcasecmp(config_keys[i].name, name) == 0)
                        return &config_keys[i];
        return NULL;
}

/**
 * config_section_exists() - whether a section has keys
 * @section:    without brackets
 *
 * Return: whether it is in the table.
 */
bool config_section_exists(const char *section) {
        for (size_t i = 0; i < config_n_keys; i++)
                if (strcmp(config_keys[i].section, section) == 0)
                        return true;
        return false;
}

/**
 * config_section_nearest() - what somebody who wrote an unknown section may have meant
 * @section:    without brackets
 *
 * Return: the name of the section that is spelled most like it.
 */
const char *config_section_nearest(const char *section) {
        const char *sections[CONFIG_KEYS_MAX];

        for (size_t i = 0; i < config_n_keys; i++)
                sections[i] = config_keys[i].section;
        return nearest_word(section, sections, config_n_keys);
}

/**
 * config_key_nearest() - what somebody who wrote an unknown key may have meant
 * @section:    one that exists
 * @name:       the unknown key
 *
 * Return: the name of the key of that section that is spelled most like it.
 */
const char *config_key_nearest(const char *section, const char *name) {
        const char *names[CONFIG_KEYS_MAX];
        size_t n = 0;

        for (size_t i = 0; i < config_n_keys; i++)
                if (strcmp(config_keys[i].section, section) == 0)
                        names[n++] = config_keys[i].name;
        return nearest_word(name, names, n);
}
