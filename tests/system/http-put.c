/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Drives net alone against a real server, for test-tls.py and test-http.py. Says on standard output what came of each
 * request, one line each: fault, status, bytes of the body sent, Retry-After in ms, message.
 *
 *   http-put [--ca FILE] [--cert FILE] [--key FILE] [--timeout-ms N] [--now UNIX | --not-before UNIX] [--repeat N]
 *            [--parallel N] [--cancel-at-once] [--free-in-callback] [--linger] METHOD URL [BODY-FILE]
 *
 * True time is what the kernel says, --now, or unknown and not before --not-before. What the server says of it comes on
 * standard error: "date", µs since 1970, uncertainty in µs, and how far the kernel is ahead in ms.
 */
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "trailkeep/bytes.h"
#include "trailkeep/clock.h"
#include "trailkeep/file.h"
#include "trailkeep/http.h"
#include "trailkeep/log.h"
#include "trailkeep/parse.h"

#define SLOTS_MAX 16

typedef struct Drive {
        sd_event *event;
        Http *http;
        HttpSlot *slots[SLOTS_MAX];
        HttpRequest request;
        Bytes body;
        uint64_t n_left;     /* to start */
        uint64_t n_running;
        uint64_t now_sec;    /* 0: the real clock */
        bool is_vague;
        bool free_in_callback, cancel_at_once, linger;
        int r;
} Drive;

typedef struct Seat {
        Drive *drive;
        size_t i;
} Seat;

static void get_time(HttpTime *ret, void *userdata) {
        const Drive *drive = userdata;

        ret->utc_sec = (int64_t)(drive->now_sec > 0 ? drive->now_sec : clock_realtime_usec(&clock_system) / USEC_PER_SEC);
        ret->is_exact = !drive->is_vague;
}

static void on_date(const HttpDate *date, void *userdata) {
        int64_t now_usec = date->utc_usec + (int64_t)(clock_boottime_usec(&clock_system) - date->boottime_usec);

        fprintf(stderr, "date %lld %llu %lld\n", (long long)date->utc_usec, (unsigned long long)date->uncertainty_usec,
                (long long)((int64_t)clock_realtime_usec(&clock_system) - now_usec) / 1000);
}

static void start_next(Drive *drive, Seat *seat);

static void on_done(const HttpResult *result, void *userdata) {
        Seat *seat = userdata;
        Drive *drive = seat->drive;

        printf("%s %u %llu %llu %s\n", http_fault_to_string(result->fault), result->status,
               (unsigned long long)result->bytes_sent, (unsigned long long)(result->retry_after_usec / USEC_PER_MSEC),
               result->message);
        fflush(stdout);
        drive->n_running--;
        if (drive->free_in_callback) {
                drive->http = http_free(drive->http);
                (void)sd_event_exit(drive->event, 0); /* it runs */
                return;
        }
        drive->slots[seat->i] = http_slot_free(drive->slots[seat->i]);
        start_next(drive, seat);
        if (drive->n_running == 0 && !drive->linger)
                (void)sd_event_exit(drive->event, 0); /* it runs */
}

static void start_next(Drive *drive, Seat *seat) {
        int r;

        if (drive->n_left == 0)
                return;
        drive->n_left--;
        r = http_start(drive->http, &drive->request, on_done, seat, &drive->slots[seat->i]);
        if (r < 0) {
                printf("start 0 0 0 %s\n", strerror(-r));
                drive->r = r;
                return;
        }
        drive->n_running++;
        if (drive->cancel_at_once) {
                drive->slots[seat->i] = http_slot_free(drive->slots[seat->i]);
                drive->n_running--;
                printf("cancelled\n");
                fflush(stdout);
        }
}

#define EXPORTED __attribute__((visibility("default")))

/* Stands in for the C library's: "slow.invalid" takes 20 s, so that a test can cancel while it is looked up. */
EXPORTED int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret) {
        struct sockaddr_in *address;

        if (node && strcmp(node, "slow.invalid") == 0)
                (void)poll(NULL, 0, 20000);
        if (!node || strcmp(node, "localhost") != 0)
                return EAI_NONAME;
        *ret = calloc(1, sizeof(**ret) + sizeof(*address));
        if (!*ret)
                return EAI_MEMORY;
        address = (void *)(*ret + 1);
        *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        address->sin_port = htons((uint16_t)(service ? strtoul(service, NULL, 10) : 0));
        **ret = (struct addrinfo){ .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP,
                                   .ai_addrlen = sizeof(*address), .ai_addr = (void *)address };
        return 0;
}

EXPORTED void freeaddrinfo(struct addrinfo *info) {
        free(info);
}

typedef struct Arguments {
        HttpOptions options;
        uint64_t timeout_ms, n_repeat, n_parallel;
        int optind;
} Arguments;

static uint64_t number(const char *text) {
        uint64_t value = 0;

        if (parse_u64(text, 0, UINT32_MAX, &value) < 0) {
                fprintf(stderr, "not a number: %s\n", text);
                exit(2);
        }
        return value;
}

static void parse_arguments(int argc, char **argv, Drive *drive, Arguments *ret) {
        static const struct option options[] = {
                { "ca", required_argument, NULL, 'a' },          { "cert", required_argument, NULL, 'c' },
                { "key", required_argument, NULL, 'k' },         { "timeout-ms", required_argument, NULL, 't' },
                { "repeat", required_argument, NULL, 'r' },      { "parallel", required_argument, NULL, 'p' },
                { "cancel-at-once", no_argument, NULL, 'x' },    { "free-in-callback", no_argument, NULL, 'f' },
                { "linger", no_argument, NULL, 'l' },            { "now", required_argument, NULL, 'n' },
                { "not-before", required_argument, NULL, 'b' },  {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'a': ret->options.ca_file = optarg; break;
                case 'c': ret->options.cert_file = optarg; break;
                case 'k': ret->options.key_file = optarg; break;
                case 't': ret->options.timeout_usec = number(optarg) * USEC_PER_MSEC; break;
                case 'r': drive->n_left = number(optarg); break;
                case 'p': ret->n_parallel = MIN(number(optarg), (uint64_t)SLOTS_MAX); break;
                case 'x': drive->cancel_at_once = true; break;
                case 'f': drive->free_in_callback = true; break;
                case 'l': drive->linger = true; break;
                case 'n': drive->now_sec = number(optarg); break;
                case 'b': drive->now_sec = number(optarg); drive->is_vague = true; break;
                default: exit(2);
                }
        ret->optind = optind;
        if (argc - optind < 2)
                exit(2);
}

int main(int argc, char **argv) {
        Drive drive = { .n_left = 1 };
        Arguments arguments = { .n_parallel = 1 };
        char text[HTTP_CREDENTIALS_TEXT_MAX];
        Seat seats[SLOTS_MAX];

        signal(SIGPIPE, SIG_IGN);
        log_set_level(LOG_LEVEL_DEBUG);
        parse_arguments(argc, argv, &drive, &arguments);
        arguments.options.clock = (HttpClock){ .get_time = get_time, .date = on_date, .userdata = &drive };
        drive.request = (HttpRequest){ .method = argv[arguments.optind], .url = argv[arguments.optind + 1] };
        if (argc - arguments.optind > 2) {
                if (file_read(argv[arguments.optind + 2], 64 * 1024 * 1024, &drive.body) < 0)
                        return 2;
                drive.request.body = drive.body.data;
                drive.request.n_body = drive.body.size;
                drive.request.content_type = "application/octet-stream";
        }

        if (http_check_credentials(&arguments.options, text) < 0)
                fprintf(stderr, "credentials: %s\n", text);
        if (sd_event_default(&drive.event) < 0 ||
            http_new(drive.event, &clock_system, &arguments.options, &drive.http) < 0)
                return 2;
        for (size_t i = 0; i < arguments.n_parallel; i++) {
                seats[i] = (Seat){ &drive, i };
                start_next(&drive, &seats[i]);
        }
        if (drive.r == 0 && (drive.n_running > 0 || drive.linger) && sd_event_loop(drive.event) < 0)
                return 2;

        for (size_t i = 0; i < SLOTS_MAX; i++)
                http_slot_free(drive.slots[i]);
        http_free(drive.http);
        sd_event_unref(drive.event);
        bytes_done(&drive.body);
        return drive.r < 0 ? 1 : 0;
}
