/* SPDX-License-Identifier: Apache-2.0 */
/* qmp.c -- a dialogue that begins with a greeting, and a ring of events beside it. */
#include <stdlib.h>

#include "codes.h"
#include "dialog.h"
#include "json_read.h"
#include "qmp.h"

struct kept_event {
    json_t *event;
    size_t len;
};

struct qmp {
    struct dialog dialog;
    struct qmp_version version;
    struct kept_event events[QMP_EVENTS_MAX];
    unsigned first, nevents;
    size_t events_len;
    uint64_t lost;
};

static struct err *
unreachable(const char *name)
{
    return fail(QmpUnreachable, name);
}

static struct err *
silent(const char *name, const char *what)
{
    return fail(QmpSilent, name, what);
}

static struct err *
gone(const char *name, const char *what)
{
    return fail(QmpGone, name, what);
}

static struct err *
wrong(const char *name, const char *why)
{
    return fail(QmpWrong, name, why);
}

static const struct dialog_failures failures = { unreachable, silent, gone, wrong };

static json_t *
take_oldest(struct qmp *q)
{
    struct kept_event oldest = q->events[q->first];

    q->first = (q->first + 1) % QMP_EVENTS_MAX;
    q->nevents--;
    q->events_len -= oldest.len;
    return oldest.event;
}

static struct err *
keep_event(void *arg, json_t *event, size_t len)
{
    struct qmp *q = arg;

    while (q->nevents == QMP_EVENTS_MAX ||
        (q->nevents > 0 && q->events_len + len > QMP_EVENTS_BYTES)) {
        json_decref(take_oldest(q));
        q->lost++;
    }
    q->events[(q->first + q->nevents++) % QMP_EVENTS_MAX] =
        (struct kept_event){ json_incref(event), len };
    q->events_len += len;
    return NULL;
}

/* {"QMP": {"version": {"qemu": {"major": ...}}, "capabilities": [...]}} */
static struct err *
read_greeting(struct qmp *q, struct deadline by)
{
    json_auto_t *greeting = NULL;
    int major, minor, micro;
    size_t len;

    TRY(dialog_next(&q->dialog, "its greeting", QMP_REPLY_MAX, by, &greeting, &len));
    if (json_unpack(greeting, "{s:{s:{s:{s:i, s:i, s:i}}}}", "QMP", "version", "qemu", "major",
            &major, "minor", &minor, "micro", &micro) != 0 ||
        major < 0 || minor < 0 || micro < 0)
        return fail(QmpWrong, q->dialog.name, "it greets like something else");
    q->version = (struct qmp_version){ (unsigned)major, (unsigned)minor, (unsigned)micro };
    return NULL;
}

struct err *
qmp_open(const char *path, const char *name, struct deadline by, struct qmp **ret)
{
    auto_ptr(qmp) q = calloc(1, sizeof(*q));

    if (q == NULL)
        return fail(OutOfMemory);
    TRY(dialog_open(&q->dialog, path, name, &failures, by));
    TRY(read_greeting(q, by));
    q->dialog.event = keep_event;
    q->dialog.event_arg = q;
    TRY(qmp_execute(q, "qmp_capabilities", NULL, by, NULL));
    *ret = take(q);
    return NULL;
}

struct qmp_version
qmp_version(const struct qmp *q)
{
    return q->version;
}

bool
qmp_peer(const struct qmp *q, struct ucred *ret)
{
    return line_peer(q->dialog.line, ret);
}

struct err *
qmp_execute(struct qmp *q, const char *command, json_t *arguments, struct deadline by,
    json_t **ret_value)
{
    struct dialog_refusal no = { 0 };
    json_auto_t *value = NULL;

    TRY(dialog_send(&q->dialog, command, arguments, 0, by));
    TRY(dialog_reply(&q->dialog, command, QMP_REPLY_MAX, by, &value, &no));
    if (no.refused && no.error_class == ERR_QMP_COMMAND_NOT_FOUND)
        return fail(QmpCommandMissing, q->dialog.name, command);
    if (no.refused)
        return err_with_os(fail(QmpRefused, q->dialog.name, command, no.words),
            no.error_class);
    if (ret_value != NULL)
        *ret_value = take(value);
    return NULL;
}

struct err *
qmp_event(struct qmp *q, struct deadline by, json_t **ret)
{
    bool ready;
    size_t len;

    while (q->nevents == 0) {
        json_auto_t *o = NULL;
        TRY(line_wait(q->dialog.line, by, &ready));
        if (!ready) {
            *ret = NULL;
            return NULL;
        }
        struct err *e = dialog_next(&q->dialog, "an event", QMP_REPLY_MAX, by, &o, &len);
        if (err_code(e) == E_QmpSilent) { /* a part of a line came, no more */
            err_free(e);
            *ret = NULL;
            return NULL;
        }
        TRY(e);
        if (json_is_string(json_object_get(o, "event")))
            TRY(keep_event(q, o, len));
    }
    *ret = take_oldest(q);
    return NULL;
}

uint64_t
qmp_events_lost(const struct qmp *q)
{
    return q->lost;
}

void
qmp_free(struct qmp *q)
{
    if (q == NULL)
        return;
    while (q->nevents > 0)
        json_decref(take_oldest(q));
    dialog_done(&q->dialog);
    free(q);
}
