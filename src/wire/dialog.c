/* SPDX-License-Identifier: Apache-2.0 */
/* dialog.c -- see dialog.h.
 *
 * Every line that comes while a reply is awaited is a reply, an event or nonsense, and
 * nonsense ends the dialogue: after it nobody knows which answer belongs to which question. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "dialog.h"
#include "json_read.h"
#include "text.h"

static struct err *
set_up(struct dialog *d, const char *name, const struct dialog_failures *failures)
{
    d->failures = failures;
    d->name = strdup(name);
    return d->name == NULL ? fail(OutOfMemory) : NULL;
}

struct err *
dialog_open(struct dialog *d, const char *path, const char *name,
    const struct dialog_failures *failures, struct deadline by)
{
    TRY(set_up(d, name, failures));
    struct err *e = line_connect(path, by, &d->line);
    if (e != NULL && !err_has(e, E_OutOfMemory) && !err_has(e, E_InputInvalid))
        e = err_because(failures->unreachable(name), e);
    return e;
}

struct err *
dialog_over(struct dialog *d, int fd, const char *name,
    const struct dialog_failures *failures)
{
    auto_fd int owned = fd;

    TRY(set_up(d, name, failures));
    return line_from_fd(take_fd(owned), &d->line);
}

void
dialog_done(struct dialog *d)
{
    line_free(d->line);
    free(d->name);
    *d = (struct dialog){ 0 };
}

/* How a wait for ${what} ended when it did not bring a whole line. */
static struct err *
ended(struct dialog *d, const char *what, enum line_state state)
{
    switch (state) {
    case LINE_WHOLE:
        return NULL;
    case LINE_LATE:
        return d->failures->silent(d->name, what);
    case LINE_CLOSED:
        return d->failures->gone(d->name, what);
    case LINE_LONG:
        return d->failures->wrong(d->name, "a line is longer than any answer may be");
    }
    abort(); /* there is no other state */
}

static struct err *
make_request(struct dialog *d, const char *command, json_t *arguments, uint8_t before,
    struct deadline by, struct text *to)
{
    json_auto_t *request = NULL;
    json_int_t id = (json_int_t)++d->last_id;

    TRY(json_build(command, &request, "{s:s, s:I, s:O*}", "execute", command, "id", id,
        "arguments", arguments));
    if (d->tells_time &&
        json_object_set_new(request, "ms", json_integer(deadline_poll_ms(by))) != 0)
        return fail(OutOfMemory);
    auto_free char *words = json_dumps(request, JSON_COMPACT);
    if (words == NULL)
        return fail(OutOfMemory);
    if (before != 0)
        text_add(to, (const char *)&before, 1);
    text_str(to, words);
    text_str(to, "\n");
    return to->no_memory ? fail(OutOfMemory) : NULL;
}

struct err *
dialog_send(struct dialog *d, const char *command, json_t *arguments, uint8_t before,
    struct deadline by)
{
    enum line_state state = LINE_WHOLE;
    struct text t = { 0 };

    if (d->cut && before == 0)
        return d->failures->gone(d->name, command);
    struct err *e = make_request(d, command, arguments, before, by, &t);
    if (e == NULL)
        e = line_send(d->line, t.s, t.len, by, &state);
    text_done(&t);
    TRY(e);
    d->cut = state != LINE_WHOLE;
    return ended(d, command, state);
}

static bool
is_blank(struct view line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
            return false;
    return true;
}

struct err *
dialog_next(struct dialog *d, const char *what, size_t max, struct deadline by, json_t **ret,
    size_t *ret_len)
{
    const struct json_limits limits = { max, DIALOG_DEPTH_MAX, DIALOG_VALUES_MAX };
    enum line_state state = LINE_WHOLE;
    json_auto_t *read = NULL;
    struct view line = { 0 };
    char why[JSON_WHY_MAX];

    do {
        TRY(line_next(d->line, max, by, &line, &state));
        TRY(ended(d, what, state));
    } while (is_blank(line));
    TRY(json_read(line, &limits, why, &read));
    if (read == NULL)
        return d->failures->wrong(d->name, why);
    if (!json_is_object(read))
        return d->failures->wrong(d->name, "a line is no object");
    *ret_len = line.len;
    *ret = take(read);
    return NULL;
}

static enum err_qmp
class_number(const char *name)
{
    for (int i = ERR_QMP_GENERIC; i < ERR_QMP_CLASSES; i++)
        if (strcmp(name, err_qmp_name(i)) == 0)
            return (enum err_qmp)i;
    return ERR_QMP_UNKNOWN;
}

struct err *
dialog_refusal(struct dialog *d, const json_t *o, struct dialog_refusal *ret)
{
    const json_t *error = json_object_get(o, "error");
    const char *name = json_string_value(json_object_get(error, "class"));
    const char *words = json_string_value(json_object_get(error, "desc"));
    struct text t = { 0 };

    if (error == NULL)
        return NULL;
    if (name == NULL || words == NULL)
        return d->failures->wrong(d->name, "an error has no class or no description");
    text_inline(&t, words);
    if (t.no_memory) {
        text_done(&t);
        return fail(OutOfMemory);
    }
    snprintf(ret->words, sizeof(ret->words), "%s", t.len > 0 ? t.s : "no reason given");
    text_done(&t);
    ret->error_class = class_number(name);
    ret->refused = true;
    return NULL;
}

/* Does ${o} answer the last request?  A reply to an earlier one is for nobody. */
static struct err *
is_mine(struct dialog *d, json_t *o, bool *ret)
{
    json_t *id = json_object_get(o, "id");

    if (id == NULL && !d->ids_may_lack)
        return d->failures->wrong(d->name, "a reply does not say to which request");
    *ret = id == NULL ||
           (json_is_integer(id) && json_integer_value(id) == (json_int_t)d->last_id);
    return NULL;
}

static struct err *
take_line(struct dialog *d, json_t *o, size_t len, json_t **ret,
    struct dialog_refusal *ret_refusal, bool *ret_done)
{
    json_t *value = json_object_get(o, "return"), *error = json_object_get(o, "error");

    if (value == NULL && error == NULL) {
        if (d->event != NULL && json_is_string(json_object_get(o, "event")))
            return d->event(d->event_arg, o, len);
        return d->failures->wrong(d->name, "a line is neither a reply nor an event");
    }
    TRY(is_mine(d, o, ret_done));
    if (!*ret_done)
        return NULL;
    *ret = json_incref(value);
    return dialog_refusal(d, o, ret_refusal);
}

struct err *
dialog_reply(struct dialog *d, const char *command, size_t max, struct deadline by,
    json_t **ret, struct dialog_refusal *ret_refusal)
{
    struct dialog_refusal refusal = { 0 };
    json_auto_t *value = NULL;
    bool done = false;
    size_t len = 0;

    while (!done) {
        json_auto_t *o = NULL;
        TRY(dialog_next(d, command, max, by, &o, &len));
        TRY(take_line(d, o, len, &value, &refusal, &done));
    }
    *ret_refusal = refusal;
    if (!refusal.refused)
        *ret = take(value);
    return NULL;
}
