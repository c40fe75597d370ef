/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * libcurl's multi handle on sd-event. Floor 2.
 */
#include <curl/curl.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "trailkeep/macros.h"

typedef struct HttpLoop HttpLoop;
typedef void (*HttpLoopDone)(CURL *easy, CURLcode code, void *userdata);

int http_loop_new(sd_event *event, HttpLoopDone done, void *userdata, HttpLoop **ret) _must_check_;
HttpLoop *http_loop_free(HttpLoop *loop);
DEFINE_CLEANUP(HttpLoop, http_loop_free);
int http_loop_make_easy(HttpLoop *loop, CURL **ret) _must_check_;
int http_loop_add(HttpLoop *loop, CURL *easy) _must_check_;
void http_loop_remove(HttpLoop *loop, CURL *easy);
uint64_t http_loop_moved_bytes(const HttpLoop *loop);
