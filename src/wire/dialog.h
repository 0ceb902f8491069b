/* SPDX-License-Identifier: Apache-2.0 */
/* dialog.h -- requests and replies as lines of JSON: what QEMU's monitor and the guest agent
 * have in common.  Private to qmp and qga_link.
 *
 * A request has an id of its own; replies with another one are left over from an earlier
 * request and dropped.  The other side is not trusted: whatever it sends, the outcome is a
 * reply or a failure, by the deadline. */
#ifndef DIALOG_H
#define DIALOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "auto.h"
#include "clock.h"
#include "err.h"
#include "line.h"

enum {
    DIALOG_DEPTH_MAX = 32,
    DIALOG_VALUES_MAX = 256 * 1024, /* in one line */
    DIALOG_WORDS_MAX = 512 /* bytes of a refusal that are kept */
};

/* The failures of one kind of other side. */
struct dialog_failures {
    struct err *(*unreachable)(const char *name);
    struct err *(*silent)(const char *name, const char *what);
    struct err *(*gone)(const char *name, const char *what);
    struct err *(*wrong)(const char *name, const char *why);
};

struct dialog {
    struct line *line;
    char *name;
    const struct dialog_failures *failures;
    uint64_t last_id;
    bool cut; /* a request was sent in part: only a byte that resets can follow */
    bool tells_time; /* requests say in "ms" how long the answer may take */
    /* Agents of before 2018 give no id back; QEMU's monitor always has. */
    bool ids_may_lack;
    /* Called with each event, which stays the caller's; NULL: there are none. */
    struct err *(*event)(void *arg, json_t *event, size_t len);
    void *event_arg;
};

/* The other side says no.  ${error_class} is a number of err.h, 0 for one that it does not
 * list. */
struct dialog_refusal {
    bool refused;
    enum err_qmp error_class;
    char words[DIALOG_WORDS_MAX]; /* fit for a terminal */
};

/* Zeroed memory becomes a dialog: with the socket ${path}, or over a connected one, which
 * belongs to it from here on, also after a failure.  dialog_done frees what it holds, also
 * after a failure. */
struct err *dialog_open(struct dialog *d, const char *path, const char *name,
    const struct dialog_failures *failures, struct deadline by) must_use;
struct err *dialog_over(struct dialog *d, int fd, const char *name,
    const struct dialog_failures *failures) must_use;
void dialog_done(struct dialog *d);

/* Send ${command}; ${arguments} may be NULL and stays the caller's; ${before} (0: nothing) is
 * a byte that goes ahead of it and makes the other side forget half a request. */
struct err *dialog_send(struct dialog *d, const char *command, json_t *arguments,
    uint8_t before, struct deadline by) must_use;

/* The next line that is not blank, as an object.  ${what} is what is waited for. */
struct err *dialog_next(struct dialog *d, const char *what, size_t max, struct deadline by,
    json_t **ret, size_t *ret_len) must_use;

/* The reply to what was sent last: "return" goes to *ret (the caller's), or *ret_refusal is
 * filled.  ${max} is the limit of a line in bytes. */
struct err *dialog_reply(struct dialog *d, const char *command, size_t max,
    struct deadline by, json_t **ret, struct dialog_refusal *ret_refusal) must_use;

/* Fill *ret when the reply ${o} is a refusal. */
struct err *dialog_refusal(struct dialog *d, const json_t *o,
    struct dialog_refusal *ret) must_use;

#endif
