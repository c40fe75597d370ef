/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepctl evidence status|start. Floor 6.
 *
 * The key is given once: so the file is there before it is asked for, and nobody else can read it from the first byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "i18n.h"
#include "output.h"
#include "trailkeep/bytes.h"
#include "trailkeep/file.h"

#define KEY_MAX 1024

/**
 * ctl_evidence_status() - trailkeepctl evidence status
 * @ctl:        options and bus
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr; or -errno.
 */
int ctl_evidence_status(Ctl *ctl) {
        _cleanup_json_ json_t *properties = NULL, *document = NULL;
        json_int_t chain;
        int r;

        r = client_get_all(ctl, CLIENT_PATH, CLIENT_JOURNAL, &properties);
        if (r != CTL_EXIT_DONE)
                return r;
        chain = json_integer_value(json_object_get(properties, "EvidenceChain"));
        if (ctl->options->is_json) {
                document = json_pack("{sI}", "EvidenceChain", chain);
                return document ? output_json(document) : -ENOMEM;
        }

        if (chain > 0)
                output_say(ctl, _("What happens is vouched for by chain %lld, whose key was given out."),
                           (long long)chain);
        else
                output_say(ctl, _("Nobody has the key of the evidence. Get one with: trailkeepctl evidence start FILE"));
        return CTL_EXIT_DONE;
}

static int read_key(int fd, Bytes *ret) {
        char text[KEY_MAX];
        ssize_t n = read(fd, text, sizeof(text));
        int r = n > 0 && n < (ssize_t)sizeof(text) ? bytes_append(ret, text, (size_t)n) : -EBADMSG;

        bytes_wipe(text, sizeof(text));
        return r;
}

/* The answer to StartEvidence. */
static int ask(Ctl *ctl, Bytes *ret_key) {
        _cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *method = NULL, *reply = NULL;
        int fd, r;

        r = client_method_new(ctl, CLIENT_JOURNAL, "StartEvidence", &method);
        if (r < 0)
                return r;
        if (sd_bus_call(ctl->bus, method, 0, &error, &reply) < 0)
                return client_explain(ctl->options, &error);
        r = sd_bus_message_read(reply, "h", &fd);
        return r < 0 ? r : read_key(fd, ret_key);
}

static int fill(int fd, const char *path, const Bytes *key) {
        ssize_t n = write(fd, key->data, key->size);
        int r = n < 0 ? -errno : n == (ssize_t)key->size ? 0 : -ENOSPC;

        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        return r < 0 ? r : file_sync(path);
}

static int start(Ctl *ctl, int fd) {
        _cleanup_bytes_ Bytes key = { 0 };
        int r;

        r = ask(ctl, &key);
        if (r != CTL_EXIT_DONE)
                return r;
        r = fill(fd, ctl->options->file, &key);
        if (r < 0) {
                ctl_complain(_("the key could not be written to %s: %s; it is lost, so make room and start again"),
                             ctl->options->file, strerror(-r));
                return CTL_EXIT_FAILED;
        }
        return CTL_EXIT_DONE;
}

/**
 * ctl_evidence_start() - trailkeepctl evidence start FILE
 * @ctl:        options and bus
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr; or -errno.
 */
int ctl_evidence_start(Ctl *ctl) {
        const char *path = ctl->options->file;
        _cleanup_json_ json_t *document = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
        if (fd < 0) {
                ctl_complain(_("%s cannot be made: %s; nothing was started"), path, strerror(errno));
                return CTL_EXIT_FAILED;
        }
        r = start(ctl, fd);
        if (r != CTL_EXIT_DONE) {
                (void)unlink(path); /* it is empty, or of no use */
                return r;
        }
        if (ctl->options->is_json) {
                document = json_pack("{ss}", "file", path);
                return document ? output_json(document) : -ENOMEM;
        }

        output_say(ctl, _("The evidence begins. Its key is in %s: keep it away from this box, it is not given again."),
                   path);
        return CTL_EXIT_DONE;
}
