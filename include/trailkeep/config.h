/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * trailkeep.conf(5) and its drop-ins, read once into one immutable struct. One table (src/config/config-table.c) holds
 * key, type, default, limits and help; the man page is made from it. Floor 2, since retention is set per purpose and
 * purposes are model's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "log.h"
#include "macros.h"
#include "purpose.h"

typedef struct Config {
        /* [Device] */
        char *state_dir;        /* StateDirectory= */
        char *root_secret_file; /* RootSecretFile=; the credential trailkeep.root-secret goes before it */
        char *device_key_file;  /* DeviceKeyFile=; PEM, P-256 */
        char *subject;          /* Subject=; the default subject */
        LogLevel log_level;     /* LogLevel= */
        bool independent_clock; /* IndependentClock= */
        /* [Gnss] */
        char *gpsd_address;     /* Gpsd=; HOST:PORT */
        bool filter;            /* Filter= */
        uint64_t interval_moving_usec, interval_parked_usec; /* IntervalMoving= IntervalParked= */
        double distance_m, heading_deg, max_speed_mps;       /* Distance= Heading= MaxSpeed= */
        uint64_t min_mode;                                   /* MinMode= */
        /* [Journal] */
        uint64_t commit_interval_usec; /* CommitInterval= */
        uint64_t max_use_bytes, keep_free_bytes; /* MaxUse= KeepFree=; 0: by the file system */
        uint64_t retention_usec[PURPOSE_MAX]; /* RetentionLocation= ... */
        uint64_t alarm_retention_usec;        /* RetentionAlarms= */
        char *media_dir;                      /* MediaDir=; "" : in state_dir */
        /* [Store] */
        char *store_url;   /* Url=; "" : local use only */
        char *ca_file;     /* CaFile=; "" : the system's */
        char *cert_file;   /* CertificateFile= */
        char *key_file;    /* KeyFile=; "" : DeviceKeyFile */
        uint64_t send_interval_usec; /* Interval= */
        uint64_t object_records_max; /* ObjectRecords= */
        uint64_t object_bytes_max;   /* ObjectBytes=, before compression */
        uint64_t timeout_usec;       /* Timeout= */
} Config;

/* One sentence for the person: file, line, what is wrong, the nearest valid key. Bounded, no secrets. */
typedef struct ConfigError { char text[512]; } ConfigError;

int config_load(const char *path, Config **ret_config, ConfigError *ret_error) _must_check_;
Config *config_free(Config *config);
DEFINE_CLEANUP(Config, config_free);
int config_print_man(FILE *out) _must_check_; /* the OPTIONS part of trailkeep.conf(5), in scdoc */
int config_print_sample(FILE *out) _must_check_; /* trailkeep.conf with every key commented out */
