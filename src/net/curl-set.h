/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Setting many options in a row: an option libcurl refuses ends the calling function with libcurl's code. Floor 2.
 */
#include <curl/curl.h>

#define CURL_SET(easy, option, value)                                             \
        do {                                                                      \
                CURLcode code_ = curl_easy_setopt(easy, CURLOPT_##option, value); \
                if (code_ != CURLE_OK)                                            \
                        return code_;                                             \
        } while (0)
