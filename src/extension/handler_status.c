/* SPDX-License-Identifier: Apache-2.0 */
/* Status and heartbeat files.  Readers cut long texts; a cut in JSON would leave nonsense, so
 * a detail that is too long is replaced as a whole by a note that it was. */
#include <string.h>

#include "clock.h"
#include "codes.h"
#include "handler.h"
#include "number.h"
#include "os.h"

static const char *const state_words[] = {
    [HANDLER_NO_STATUS] = "",
    [HANDLER_TRANSITIONING] = "transitioning",
    [HANDLER_WARNING] = "warning",
    [HANDLER_ERROR] = "error",
    [HANDLER_SUCCESS] = "success",
};

static void
put_message(struct doc_out *o, const char *text, size_t max)
{
    char cut[HANDLER_DETAIL_MAX + 1];
    size_t n = strlen(text);

    if (n > max) {
        n = max;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--; /* not in the middle of a character */
    }
    memcpy(cut, text, n);
    cut[n] = '\0';
    doc_open(o, "formattedMessage", '{');
    doc_put_string(o, "lang", "en-US");
    doc_put_string(o, "message", cut);
    doc_close(o, '}');
}

static void
put_detail(struct doc_out *o, const struct handler_status *s)
{
    bool fits = strlen(s->detail) <= HANDLER_DETAIL_MAX;

    doc_open(o, "substatus", '[');
    doc_open(o, NULL, '{');
    doc_put_string(o, "name", s->code_name != NULL ? s->code_name : "facts");
    doc_put_string(o, "status", state_words[s->state]);
    doc_put_string(o, "code", s->code_name != NULL ? s->code_name : "0");
    put_message(o, fits ? s->detail : "{\"left_out\":\"too long for a status file\"}",
        HANDLER_DETAIL_MAX);
    doc_close(o, '}');
    doc_close(o, ']');
}

/* Take the text of ${o} and put it into a file. */
static struct err *
write_doc(struct doc_out *o, const char *path)
{
    auto_free char *text = NULL;

    TRY(doc_out_take(o, &text));
    TRY(os_write(path, text, strlen(text)));
    return NULL;
}

static struct err *
status_path(const struct handler *h, const char *file, char **ret)
{
    auto_free char *stem = NULL;
    struct text t = { 0 };

    TRY(os_join(h->status_folder, file, &stem));
    text_fmt(&t, "%s.status", stem);
    if (t.no_memory)
        return fail(OutOfMemory);
    *ret = t.s;
    return NULL;
}

struct err *
handler_status_write(const struct handler *h, const char *file, const struct handler_status *s)
{
    auto_free char *path = NULL;
    char now[NUMBER_TIME_MAX];
    struct doc_out o = { 0 };

    TRY(status_path(h, file, &path));
    TRY(os_make_folder(h->status_folder));
    number_time(now, clock_real_ns());
    doc_open(&o, NULL, '[');
    doc_open(&o, NULL, '{');
    doc_put_string(&o, "version", "1.0");
    doc_put_string(&o, "timestampUTC", now);
    doc_open(&o, "status", '{');
    doc_put_string(&o, "name", h->name);
    doc_put_string(&o, "operation", s->operation);
    doc_put_string(&o, "status", state_words[s->state]);
    doc_put_int(&o, "code", s->code);
    put_message(&o, s->message, HANDLER_MESSAGE_MAX);
    doc_put_string(&o, "configurationAppliedTime", now);
    if (s->detail != NULL)
        put_detail(&o, s);
    doc_close(&o, '}');
    doc_close(&o, '}');
    doc_close(&o, ']');
    TRY(write_doc(&o, path));
    return NULL;
}

struct err *
handler_status_parse(const char *path, const char *bytes, size_t len, enum handler_state *ret)
{
    auto_ptr(doc) d = NULL;
    const char *word;

    TRY(doc_parse(path, bytes, len, &d));
    word = doc_string(doc_get(doc_get(doc_first(doc_root(d)), "status"), "status"), "");
    for (size_t i = HANDLER_TRANSITIONING; i <= HANDLER_SUCCESS; i++) {
        if (strcmp(word, state_words[i]) == 0) {
            *ret = (enum handler_state)i;
            return NULL;
        }
    }
    return fail(InputInvalid, path, "it has no status that the contract knows");
}

struct err *
handler_status_read(const struct handler *h, const char *file, enum handler_state *ret)
{
    auto_free char *path = NULL, *bytes = NULL;
    size_t len = 0;
    struct err *e;

    *ret = HANDLER_NO_STATUS;
    TRY(status_path(h, file, &path));
    TRY(os_read(path, HANDLER_FILE_MAX, &bytes, &len));
    if (bytes == NULL)
        return NULL;
    e = handler_status_parse(path, bytes, len, ret);
    err_free(e); /* what cannot be read is no status */
    return NULL;
}

struct err *
handler_status_failure(const struct handler *h, const char *file, char **ret_code,
    char **ret_detail)
{
    auto_free char *path = NULL, *bytes = NULL, *code = NULL, *detail = NULL;
    const struct doc_value *status, *first;
    auto_ptr(doc) d = NULL;
    struct err *e;
    size_t len = 0;

    *ret_code = *ret_detail = NULL;
    TRY(status_path(h, file, &path));
    TRY(os_read(path, HANDLER_FILE_MAX, &bytes, &len));
    if (bytes == NULL)
        return NULL;
    e = doc_parse(path, bytes, len, &d);
    err_free(e); /* what cannot be read tells of nothing */
    status = doc_get(doc_first(doc_root(d)), "status");
    first = doc_first(doc_get(status, "substatus"));
    if (strcmp(doc_string(doc_get(status, "status"), ""), state_words[HANDLER_ERROR]) != 0 ||
        first == NULL)
        return NULL;
    code = strdup(doc_string(doc_get(first, "code"), ""));
    detail = strdup(doc_string(doc_get(doc_get(first, "formattedMessage"), "message"), ""));
    if (code == NULL || detail == NULL)
        return fail(OutOfMemory);
    *ret_code = take(code);
    *ret_detail = take(detail);
    return NULL;
}

/* The document in a file; *ret is NULL when there is none that can be read. */
static struct err *
read_doc(const char *path, struct doc **ret)
{
    auto_free char *bytes = NULL;
    size_t len = 0;
    struct err *e = os_read(path, HANDLER_FILE_MAX, &bytes, &len);

    *ret = NULL;
    if (e == NULL && bytes != NULL)
        e = doc_parse(path, bytes, len, ret);
    if (err_code(e) == E_OutOfMemory)
        return e;
    err_free(e); /* what cannot be read tells of nothing */
    return NULL;
}

static void
put_field(struct doc_out *o, const char *name, const struct doc_value *v)
{
    if (doc_kind(v) == DOC_NUMBER)
        doc_put_json(o, name, doc_number(v));
    else
        doc_put_string(o, name, doc_string(v, NULL));
}

struct err *
handler_status_put(const struct handler *h, const char *file, struct doc_out *o,
    const char *name)
{
    auto_free char *path = NULL;
    auto_ptr(doc) d = NULL;

    TRY(status_path(h, file, &path));
    TRY(read_doc(path, &d));
    const struct doc_value *top = doc_first(doc_root(d)), *status = doc_get(top, "status");
    if (doc_kind(status) != DOC_OBJECT) {
        doc_put_string(o, name, NULL);
        return NULL;
    }
    doc_open(o, name, '{');
    put_field(o, "operation", doc_get(status, "operation"));
    put_field(o, "status", doc_get(status, "status"));
    put_field(o, "code", doc_get(status, "code"));
    const struct doc_value *first = doc_first(doc_get(status, "substatus"));
    const char *code = doc_string(doc_get(first, "code"), "0");
    doc_put_string(o, "name", strcmp(code, "0") != 0 ? code : NULL);
    put_field(o, "message", doc_get(doc_get(status, "formattedMessage"), "message"));
    put_field(o, "time", doc_get(top, "timestampUTC"));
    doc_close(o, '}');
    return NULL;
}

struct err *
handler_heartbeat_put(const struct handler *h, struct doc_out *o, const char *name)
{
    auto_ptr(doc) d = NULL;

    TRY(read_doc(h->heartbeat, &d));
    const struct doc_value *beat = doc_get(doc_first(doc_root(d)), "heartbeat");
    if (doc_kind(beat) != DOC_OBJECT) {
        doc_put_string(o, name, NULL);
        return NULL;
    }
    doc_open(o, name, '{');
    put_field(o, "status", doc_get(beat, "status"));
    put_field(o, "message", doc_get(doc_get(beat, "formattedMessage"), "message"));
    doc_close(o, '}');
    return NULL;
}

struct err *
handler_heartbeat(const struct handler *h, bool ready, const char *message)
{
    auto_free char *folder = strdup(h->heartbeat);
    struct doc_out o = { 0 };
    char *slash;

    if (folder == NULL)
        return fail(OutOfMemory);
    slash = strrchr(folder, '/');
    if (slash != NULL) {
        *slash = '\0';
        TRY(os_make_folder(folder));
    }
    doc_open(&o, NULL, '[');
    doc_open(&o, NULL, '{');
    doc_put_json(&o, "version", "1.0");
    doc_open(&o, "heartbeat", '{');
    doc_put_string(&o, "status", ready ? "ready" : "notready");
    doc_put_int(&o, "code", 0);
    doc_put_string(&o, "message", message); /* older readers want it here */
    put_message(&o, message, HANDLER_MESSAGE_MAX);
    doc_close(&o, '}');
    doc_close(&o, '}');
    doc_close(&o, ']');
    TRY(write_doc(&o, h->heartbeat));
    return NULL;
}
