/* SPDX-License-Identifier: Apache-2.0 */
/* qga_decode.c -- the guest's answers become values; nothing in them is believed. */
#include <sodium.h>
#include <string.h>

#include "codes.h"
#include "qga_internal.h"

enum { STREAM_MAX = 16 << 20 }; /* bytes that the agent itself keeps of a stream */

/* A string that fits with its NUL; false when it is none or is longer. */
static bool
text_of(const json_t *object, const char *name, char *to, size_t room)
{
    const char *s = json_string_value(json_object_get(object, name));

    if (s == NULL || strlen(s) >= room)
        return false;
    memcpy(to, s, strlen(s) + 1);
    return true;
}

struct err *
qga_encode(struct view data, char **ret)
{
    size_t room = sodium_base64_ENCODED_LEN(data.len, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(room);

    if (text == NULL)
        return fail(OutOfMemory);
    *ret = sodium_bin2base64(text, room, data.data, data.len, sodium_base64_VARIANT_ORIGINAL);
    return NULL;
}

struct err *
qga_decode_bytes(const json_t *value, size_t max, uint8_t **ret, size_t *ret_len, bool *ret_ok)
{
    const char *text = json_string_value(value);
    size_t len = text != NULL ? json_string_length(value) : 0, got = 0;
    size_t room = len / 4 * 3 + 3;

    *ret_ok = text != NULL && room <= max + 6;
    if (!*ret_ok)
        return NULL;
    auto_free uint8_t *data = malloc(room + 1);
    if (data == NULL)
        return fail(OutOfMemory);
    /* an agent may break long texts into lines */
    *ret_ok = sodium_base642bin(data, room, text, len, "\r\n", &got, NULL,
                  sodium_base64_VARIANT_ORIGINAL) == 0 &&
        got <= max;
    if (!*ret_ok)
        return NULL;
    data[got] = '\0';
    *ret = take(data);
    *ret_len = got;
    return NULL;
}

/* One stream of a program: what is missing was empty. */
static struct err *
decode_stream(const json_t *status, const char *name, const char *cut_name, uint8_t **ret,
    size_t *ret_len, bool *cut, bool *ok)
{
    const json_t *text = json_object_get(status, name);

    if (text != NULL) {
        TRY(qga_decode_bytes(text, STREAM_MAX, ret, ret_len, ok));
        *cut |= json_is_true(json_object_get(status, cut_name));
        return NULL;
    }
    *ret = calloc(1, 1);
    *ret_len = 0;
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

static struct err *
decode_exited(const json_t *value, struct qga_result *r, bool *ok)
{
    json_t *exit = json_object_get(value, "exitcode");
    json_t *signal = json_object_get(value, "signal");

    *ok = (exit == NULL || json_is_integer(exit)) &&
          (signal == NULL || json_is_integer(signal));
    r->exit = json_integer_value(exit);
    r->signal = (int)json_integer_value(signal);
    if (*ok)
        TRY(decode_stream(value, "out-data", "out-truncated", &r->out, &r->out_len, &r->cut,
            ok));
    if (*ok)
        TRY(decode_stream(value, "err-data", "err-truncated", &r->err, &r->err_len, &r->cut,
            ok));
    return NULL;
}

struct err *
qga_decode_status(const json_t *value, struct qga_status *ret, bool *ret_ok)
{
    const json_t *exited = json_object_get(value, "exited");
    struct qga_status s = { json_is_true(exited), { 0 } };
    struct err *e = NULL;

    *ret_ok = json_is_boolean(exited);
    if (*ret_ok && s.exited)
        e = decode_exited(value, &s.result, ret_ok);
    if (e != NULL || !*ret_ok) {
        qga_result_done(&s.result);
        return e;
    }
    *ret = s;
    return NULL;
}

struct err *
qga_decode_piece(const json_t *value, size_t max, struct qga_piece *ret, bool *ret_ok)
{
    json_t *count = json_object_get(value, "count"), *eof = json_object_get(value, "eof");
    struct qga_piece p = { .eof = json_is_true(eof) };

    *ret_ok = json_is_integer(count) && json_is_boolean(eof);
    if (!*ret_ok)
        return NULL;
    TRY(qga_decode_bytes(json_object_get(value, "buf-b64"), max, &p.data, &p.len, ret_ok));
    if (!*ret_ok)
        return NULL;
    *ret_ok = json_integer_value(count) == (json_int_t)p.len && (p.len > 0 || p.eof);
    if (*ret_ok)
        *ret = p;
    else
        free(p.data);
    return NULL;
}

static bool
decode_filesystem(const json_t *value, struct qga_fs *ret)
{
    return text_of(value, "mountpoint", ret->mountpoint, sizeof(ret->mountpoint)) &&
        text_of(value, "type", ret->type, sizeof(ret->type)) &&
        text_of(value, "name", ret->device, sizeof(ret->device));
}

struct err *
qga_decode_filesystems(const json_t *value, struct qga_fs **ret, size_t *ret_n, bool *ret_ok)
{
    size_t n = json_array_size(value);

    *ret_ok = json_is_array(value) && n <= QGA_FS_MAX;
    if (!*ret_ok)
        return NULL;
    auto_free struct qga_fs *list = calloc(n + 1, sizeof(list[0]));
    if (list == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < n && *ret_ok; i++)
        *ret_ok = decode_filesystem(json_array_get(value, i), &list[i]);
    if (!*ret_ok)
        return NULL;
    *ret = take(list);
    *ret_n = n;
    return NULL;
}

bool
qga_decode_os(const json_t *value, struct qga_os *ret)
{
    struct qga_os os = { .family = QGA_OTHER };

    if (!json_is_object(value))
        return false;
    (void)text_of(value, "id", os.id, sizeof(os.id));
    (void)text_of(value, "version-id", os.version_id, sizeof(os.version_id));
    (void)text_of(value, "kernel-release", os.kernel, sizeof(os.kernel));
    (void)text_of(value, "machine", os.machine, sizeof(os.machine));
    if (strcmp(os.id, "mswindows") == 0)
        os.family = QGA_WINDOWS;
    else if (strcmp(os.id, "freebsd") != 0)
        os.family = QGA_LINUX;
    *ret = os;
    return true;
}
