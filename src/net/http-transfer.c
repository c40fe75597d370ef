/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One request and its answer on a libcurl handle: the options every request has, the body on its way out, and of the
 * answer the status, Retry-After and Date. Floor 2. HTTP semantics: RFC 9110.
 *
 * The body of an answer is thrown away: what counts is the status, and an error page of a server is nobody's message to
 * log. Past a bound the connection is cut, which leaves the status as it was.
 */
#include "http-transfer.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "build-config.h"
#include "curl-set.h"
#include "retry-after.h"
#include "tcp-socket.h"
#include "trailkeep/bytes.h"

#define HEADER_BYTES_MAX (32 * 1024)
#define ANSWER_BYTES_MAX (256 * 1024)
#define UNSENT_BYTES_MAX (16 * 1024)

static size_t http_transfer_on_read(char *buffer, size_t size, size_t n, void *userdata) {
        HttpTransfer *transfer = userdata;
        size_t n_now = MIN(size * n, transfer->n_body - transfer->n_sent);

        if (n_now > 0)
                memcpy(buffer, transfer->body + transfer->n_sent, n_now);
        transfer->n_sent += n_now;
        if (transfer->n_sent == transfer->n_body)
                transfer->sent_usec = clock_boottime_usec(transfer->clock);
        return n_now;
}

/* libcurl sends again by itself when a connection it kept open turns out to be dead. */
static int http_transfer_on_seek(void *userdata, curl_off_t offset, int origin) {
        HttpTransfer *transfer = userdata;

        if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > transfer->n_body)
                return CURL_SEEKFUNC_FAIL;
        transfer->n_sent = (size_t)offset;
        return CURL_SEEKFUNC_OK;
}

static size_t http_transfer_on_write(char *data, size_t size, size_t n, void *userdata) {
        HttpTransfer *transfer = userdata;

        transfer->n_answer_bytes += size * n;
        if (transfer->n_answer_bytes <= ANSWER_BYTES_MAX)
                return size * n;
        transfer->is_answer_cut = true;
        return 0;
}

/* Copies the value of a header line when it is that header; a value that does not fit is none. */
static void http_transfer_take_header(const char *line, size_t n_line, const char *name,
                                      char ret[static HTTP_VALUE_MAX]) {
        size_t n_name = strlen(name);

        if (n_line <= n_name || strncasecmp(line, name, n_name) != 0 || line[n_name] != ':')
                return;
        line += n_name + 1;
        n_line -= n_name + 1;
        for (; n_line > 0 && strchr(" \t", *line); line++)
                n_line--;
        while (n_line > 0 && strchr(" \t\r\n", line[n_line - 1]))
                n_line--;
        if (n_line >= HTTP_VALUE_MAX)
                return;
        memcpy(ret, line, n_line);
        ret[n_line] = '\0';
}

static size_t http_transfer_on_header(char *line, size_t size, size_t n, void *userdata) {
        HttpTransfer *transfer = userdata;
        size_t n_line = size * n;

        transfer->n_header_bytes += n_line;
        if (transfer->n_header_bytes > HEADER_BYTES_MAX)
                return 0;
        if (n_line > 5 && memcmp(line, "HTTP/", 5) == 0) /* a status line; an interim answer may have come before it */
                transfer->retry_after[0] = transfer->date[0] = transfer->age[0] = '\0';
        http_transfer_take_header(line, n_line, "Retry-After", transfer->retry_after);
        http_transfer_take_header(line, n_line, "Date", transfer->date);
        http_transfer_take_header(line, n_line, "Age", transfer->age);
        transfer->date_usec = clock_boottime_usec(transfer->clock);
        return n_line;
}

/* What waits in the kernel cannot be overtaken by an alarm, nor taken back by a withdrawal: keep it small. */
static int http_transfer_on_socket(void *userdata, curl_socket_t fd, curlsocktype purpose) {
        return tcp_socket_limit_unsent(fd, UNSENT_BYTES_MAX) < 0 ? CURL_SOCKOPT_ERROR : CURL_SOCKOPT_OK;
}

static CURLcode http_transfer_set_common(HttpTransfer *transfer) {
        CURL_SET(transfer->easy, ERRORBUFFER, transfer->error);
        CURL_SET(transfer->easy, NOSIGNAL, 1L);
        CURL_SET(transfer->easy, NOPROGRESS, 1L);
        CURL_SET(transfer->easy, USERAGENT, "trailkeep/" TRAILKEEP_VERSION);

        /* Nothing from outside decides where data goes: no redirect, proxy variable, other protocol or login. */
        CURL_SET(transfer->easy, PROTOCOLS_STR, "https");
        CURL_SET(transfer->easy, REDIR_PROTOCOLS_STR, "https");
        CURL_SET(transfer->easy, FOLLOWLOCATION, 0L);
        CURL_SET(transfer->easy, PROXY, "");
        CURL_SET(transfer->easy, NETRC, (long)CURL_NETRC_IGNORED);
        CURL_SET(transfer->easy, DISALLOW_USERNAME_IN_URL, 1L);
        CURL_SET(transfer->easy, PATH_AS_IS, 1L);

        CURL_SET(transfer->easy, HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
        CURL_SET(transfer->easy, PIPEWAIT, 1L);
        CURL_SET(transfer->easy, TCP_KEEPALIVE, 0L);
        CURL_SET(transfer->easy, QUICK_EXIT, 1L); /* cancelling does not wait for a name server */
        CURL_SET(transfer->easy, UPLOAD_BUFFERSIZE, (long)UNSENT_BYTES_MAX);
        CURL_SET(transfer->easy, SOCKOPTFUNCTION, http_transfer_on_socket);

        CURL_SET(transfer->easy, HEADERFUNCTION, http_transfer_on_header);
        CURL_SET(transfer->easy, HEADERDATA, transfer);
        CURL_SET(transfer->easy, WRITEFUNCTION, http_transfer_on_write);
        CURL_SET(transfer->easy, WRITEDATA, transfer);
        return CURLE_OK;
}

static CURLcode http_transfer_set_method(HttpTransfer *transfer, const HttpRequest *request) {
        CURL_SET(transfer->easy, URL, request->url);
        if (strcmp(request->method, "PUT") == 0) {
                CURL_SET(transfer->easy, UPLOAD, 1L);
                CURL_SET(transfer->easy, INFILESIZE_LARGE, (curl_off_t)request->n_body);
                CURL_SET(transfer->easy, READFUNCTION, http_transfer_on_read);
                CURL_SET(transfer->easy, READDATA, transfer);
                CURL_SET(transfer->easy, SEEKFUNCTION, http_transfer_on_seek);
                CURL_SET(transfer->easy, SEEKDATA, transfer);
        } else if (strcmp(request->method, "HEAD") == 0) {
                CURL_SET(transfer->easy, NOBODY, 1L);
        } else if (strcmp(request->method, "DELETE") == 0) {
                CURL_SET(transfer->easy, CUSTOMREQUEST, "DELETE");
        } else if (strcmp(request->method, "GET") != 0)
                return CURLE_BAD_FUNCTION_ARGUMENT;
        return CURLE_OK;
}

static int http_transfer_add_header(HttpTransfer *transfer, const char *name, const char *value) {
        _cleanup_bytes_ Bytes line = {};
        struct curl_slist *headers;
        int r;

        if (!value)
                return 0;
        r = bytes_append_string(&line, name);
        if (r < 0)
                return r;
        r = bytes_append_string(&line, value);
        if (r < 0)
                return r;
        headers = curl_slist_append(transfer->headers, (const char *)line.data);
        if (!headers)
                return -ENOMEM;
        transfer->headers = headers;
        return 0;
}

static int http_transfer_set_headers(HttpTransfer *transfer, const HttpRequest *request) {
        int r;

        /* Not sent: the client certificate has been judged by then, and waiting for 100 costs a round trip. */
        r = http_transfer_add_header(transfer, "Expect:", "");
        if (r < 0)
                return r;
        r = http_transfer_add_header(transfer, "Content-Type: ", request->content_type);
        if (r < 0)
                return r;
        r = http_transfer_add_header(transfer, "Content-Encoding: ", request->content_encoding);
        if (r < 0)
                return r;
        return curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK ? 0 : -EINVAL;
}

/* The host of an https URL without login, for the messages. */
static int http_transfer_parse_url(const char *url, char **ret_host) {
        CURLU *parts = curl_url();
        char *scheme = NULL, *user = NULL, *host = NULL;
        int r = -EINVAL;

        if (!parts)
                return -ENOMEM;
        if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
            curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK && strcmp(scheme, "https") == 0 &&
            curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_NO_USER &&
            curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
                *ret_host = strdup(host);
                r = *ret_host ? 0 : -ENOMEM;
        }
        curl_free(scheme);
        curl_free(user);
        curl_free(host);
        curl_url_cleanup(parts);
        return r;
}

/**
 * http_transfer_init() - prepare a handle for a request
 * @transfer: filled in, and must not move afterwards; http_transfer_done() it, also after a failure
 * @easy:     a fresh handle, taken also on failure
 * @request:  borrowed for the call, its body until http_transfer_done()
 * @tls:      how to connect, borrowed until the connection is closed
 * @clock:    borrowed until http_transfer_done()
 *
 * Return: 0, -EINVAL for a request that cannot be, or -ENOMEM.
 */
int http_transfer_init(HttpTransfer *transfer, CURL *easy, const HttpRequest *request, Tls *tls, const Clock *clock) {
        CURLcode code;
        int r;

        *transfer = (HttpTransfer){
                .easy = easy,
                .clock = clock,
                .body = request->body,
                .n_body = request->n_body,
                .sent_usec = clock_boottime_usec(clock),
        };

        r = http_transfer_parse_url(request->url, &transfer->host);
        if (r < 0)
                return r;
        code = http_transfer_set_common(transfer);
        if (code == CURLE_OK)
                code = http_transfer_set_method(transfer, request);
        if (code == CURLE_OK)
                code = tls_apply(tls, easy);
        if (code != CURLE_OK)
                return code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
        return http_transfer_set_headers(transfer, request);
}

/**
 * http_transfer_done() - let go of the handle and all that belongs to it
 * @transfer: no longer on the loop; done twice is fine
 */
void http_transfer_done(HttpTransfer *transfer) {
        if (transfer->easy)
                curl_easy_cleanup(transfer->easy);
        curl_slist_free_all(transfer->headers);
        free(transfer->host);
        *transfer = (HttpTransfer){};
}

/**
 * http_transfer_moved_bytes() - how far this request itself has come
 * @transfer: on the loop
 *
 * Return: bytes of the body taken by libcurl and of the answer given by it.
 */
uint64_t http_transfer_moved_bytes(const HttpTransfer *transfer) {
        return (uint64_t)transfer->n_sent + transfer->n_header_bytes + transfer->n_answer_bytes;
}

/**
 * http_transfer_get_result() - what came of it
 * @transfer: ended, not done
 * @code:     how it ended
 * @tls:      what it was connected with
 * @ret:      status or fault; borrows @ret_text
 * @ret_text: a sentence
 */
void http_transfer_get_result(const HttpTransfer *transfer, CURLcode code, const Tls *tls, HttpResult *ret,
                              char ret_text[static HTTP_FAULT_TEXT_MAX]) {
        HttpFailure failure = {
                .code = code,
                .detail = transfer->error,
                .host = transfer->host,
                .not_after = tls->not_after,
                .not_before = tls->not_before,
        };
        char today[TLS_DAY_MAX];
        long status = 0, os_errno = 0;

        *ret = (HttpResult){ .message = ret_text, .bytes_sent = transfer->n_sent };
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status); /* stays 0: there is none */
        if ((code == CURLE_OK || transfer->is_answer_cut) && status > 0) {
                ret->status = (unsigned)status;
                ret->retry_after_usec = retry_after_parse(transfer->retry_after, transfer->date,
                                                          clock_realtime_usec(transfer->clock));
                (void)snprintf(ret_text, HTTP_FAULT_TEXT_MAX, "the server %s answered %ld", /* it fits */
                               transfer->host, status);
                return;
        }

        (void)curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &failure.verify_error); /* 0: as without */
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_errno);
        failure.os_errno = (int)os_errno;
        tls_format_day(tls->judged_sec, today);
        failure.today = today;
        ret->fault = http_fault_translate(&failure, ret_text);
}

/**
 * http_transfer_get_date() - what time the server said it was
 * @transfer: ended with a status, not done
 * @tls:      what it was connected with
 * @ret:      untouched when false is returned
 *
 * A Date is the second in which the answer was made (RFC 9110 §6.6.1), somewhere between the request and its arrival
 * here. One that comes with an Age was made for somebody else, some time ago (RFC 9111 §5.1).
 *
 * Return: whether it said one that can be used.
 */
bool http_transfer_get_date(const HttpTransfer *transfer, const Tls *tls, HttpDate *ret) {
        uint64_t way_usec = transfer->date_usec - MIN(transfer->sent_usec, transfer->date_usec);
        int64_t date_sec;

        /* curl_getdate() also takes bare numbers as dates; every HTTP-date begins with a day's name. */
        if (transfer->age[0] != '\0' || !isalpha((unsigned char)transfer->date[0]))
                return false;
        date_sec = curl_getdate(transfer->date, NULL);
        if (date_sec < 0 || !tls_is_valid_at(tls, date_sec))
                return false;
        *ret = (HttpDate){
                .utc_usec = date_sec * (int64_t)USEC_PER_SEC + (int64_t)USEC_PER_SEC / 2,
                .boottime_usec = transfer->date_usec - way_usec / 2,
                .uncertainty_usec = USEC_PER_SEC + way_usec / 2,
        };
        return true;
}
