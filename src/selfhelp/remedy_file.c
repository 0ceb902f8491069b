/* SPDX-License-Identifier: Apache-2.0 */
/* remedy_file.c -- files: there or not, their encoding, copies and renames.
 *
 * What is overwritten is kept in the record, byte for byte; a file too large for that is
 * refused.  It goes back only over what firn wrote: that is made again from the record (an
 * encoding) or stands in it (a copy).  What somebody else has written since stays
 * (remedy_file_back.c).
 *
 * Encodings are told by the bytes: a byte order mark, zero bytes in every second place, UTF-8
 * that is well-formed, else Windows-1252. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "remedy_internal.h"
#include "text.h"
#include "utf8.h"

enum encoding { ENC_ASCII, ENC_UTF8, ENC_UTF8_MARK, ENC_UTF16LE, ENC_UTF16BE, ENC_CP1252 };

static const char *
encoding_name(enum encoding e)
{
    static const char *const names[] = { "ASCII", "UTF-8", "UTF-8 with a byte order mark",
        "UTF-16", "UTF-16 (big-endian)", "Windows-1252" };

    return names[e];
}

/* ---- there or not ---- */

static struct err *
exists(struct target *t, const char *path, bool *ret)
{
    auto_free char *real = NULL;

    *ret = false;
    TRY(target_latest(t, path, &real));
    if (real != NULL)
        TRY(target_exists(t, real, ret));
    return NULL;
}

static struct err *
look_exists(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    bool found;

    (void)by;
    TRY(exists(t, action_get(a, "path"), &found));
    return remedy_saw(ret, found ? REMEDY_HOLDS : REMEDY_NOT, "it is %s",
        found ? "there" : "not there");
}

static struct err *
look_absent(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    TRY(look_exists(t, a, by, ret));
    ret->state = ret->state == REMEDY_HOLDS ? REMEDY_NOT : REMEDY_HOLDS;
    return NULL;
}

/* ---- encodings ---- */

static bool
is_utf8(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint8_t c = data[i];
        size_t more = c < 0x80 ? 0 : c < 0xc2 ? len : c < 0xe0 ? 1 : c < 0xf0 ? 2 :
            c < 0xf5 ? 3 : len;

        if (more > len - i - 1)
            return false;
        for (size_t k = 1; k <= more; k++)
            if ((data[i + k] & 0xc0) != 0x80)
                return false;
        i += more + 1;
    }
    return true;
}

static enum encoding
encoding_of(const uint8_t *data, size_t len)
{
    bool ascii = true;

    if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        return ENC_UTF8_MARK;
    if (len >= 2 && memcmp(data, "\xff\xfe", 2) == 0)
        return ENC_UTF16LE;
    if (len >= 2 && memcmp(data, "\xfe\xff", 2) == 0)
        return ENC_UTF16BE;
    if (len >= 2 && data[0] != 0 && data[1] == 0)
        return ENC_UTF16LE;
    if (len >= 2 && data[0] == 0 && data[1] != 0)
        return ENC_UTF16BE;
    for (size_t i = 0; ascii && i < len; i++)
        ascii = data[i] < 0x80;
    return ascii ? ENC_ASCII : is_utf8(data, len) ? ENC_UTF8 : ENC_CP1252;
}

static struct err *
look_bytes(struct target *t, const char *path, const char *want, struct remedy_look *ret)
{
    auto_free void *data = NULL;
    size_t len = 0;
    bool found;

    TRY(target_file_read(t, path, &data, &len, &found));
    if (!found)
        return remedy_saw(ret, REMEDY_NOT, "the file is not there");
    enum encoding e = encoding_of(data, len);
    bool so = e == ENC_ASCII || (e == ENC_UTF8 && strcmp(want, "utf-8") == 0);

    return remedy_saw(ret, so ? REMEDY_HOLDS : REMEDY_NOT, "the file is %s",
        encoding_name(e));
}

static struct err *
look_encoding(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    (void)by;
    TRY(look_bytes(t, action_get(a, "path"), action_get(a, "want"), ret));
    return NULL;
}

static struct err *
look_converted(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    (void)by;
    TRY(look_bytes(t, action_get(a, "path"), action_get(a, "to"), ret));
    return NULL;
}

static char *
wanted_converted(const struct action *a)
{
    char *s;

    return asprintf(&s, "the file is %s", strcmp(action_get(a, "to"), "ascii") == 0
                   ? "ASCII" : "UTF-8") < 0 ? NULL : s;
}

/* The characters 0x80 to 0x9f of Windows-1252; 0: none. */
static const uint16_t cp1252_high[32] = { 0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020,
    0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c,
    0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e,
    0x0178 };

static void
add_char(struct text *t, uint32_t c)
{
    char s[UTF8_MAX];

    text_add(t, s, utf8_put(s, c));
}

/* What people type instead, for a file that must be ASCII; NULL: no such. */
static const char *
ascii_for(uint32_t c)
{
    static const struct {
        uint32_t c;
        const char *s;
    } all[] = { { 0x2018, "'" }, { 0x2019, "'" }, { 0x201c, "\"" }, { 0x201d, "\"" },
        { 0x2013, "-" }, { 0x2014, "-" }, { 0x2026, "..." }, { 0xa0, " " }, { 0xfeff, "" },
        { 0x200b, "" } };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].c == c)
            return all[i].s;
    return NULL;
}

static uint32_t
next_char(enum encoding e, const uint8_t *data, size_t len, size_t *at)
{
    size_t i = *at;

    if (e == ENC_UTF16LE || e == ENC_UTF16BE) {
        *at = i + 2 <= len ? i + 2 : len;
        if (i + 2 > len)
            return UINT32_MAX;
        return e == ENC_UTF16LE ? (uint32_t)(data[i] | data[i + 1] << 8)
                                : (uint32_t)(data[i] << 8 | data[i + 1]);
    }
    if (e == ENC_CP1252) {
        *at = i + 1;
        return data[i] >= 0x80 && data[i] < 0xa0
            ? (cp1252_high[data[i] - 0x80] != 0 ? cp1252_high[data[i] - 0x80] : UINT32_MAX)
            : data[i];
    }
    uint8_t c = data[i];
    unsigned more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

    if (!is_utf8(data + i, more + 1 <= len - i ? more + 1 : len - i)) {
        *at = i + 1;
        return UINT32_MAX;
    }
    uint32_t v = more == 0 ? c : c & (0x3fU >> more);

    for (unsigned k = 1; k <= more; k++)
        v = v << 6 | (data[i + k] & 0x3f);
    *at = i + more + 1;
    return v;
}

static enum encoding
encoding_named(const char *from, const uint8_t *data, size_t len)
{
    if (from == NULL || strcmp(from, "utf-16") == 0)
        return encoding_of(data, len);
    return strcmp(from, "cp1252") == 0 ? ENC_CP1252 : strcmp(from, "utf-16le") == 0
        ? ENC_UTF16LE : strcmp(from, "utf-16be") == 0 ? ENC_UTF16BE : ENC_UTF8;
}

/* Every character arrives, or nothing is written. */
static struct err *
convert(const char *path, const uint8_t *data, size_t len, enum encoding from, bool ascii,
    struct text *to)
{
    for (size_t at = 0; at < len;) {
        uint32_t c = next_char(from, data, len, &at);
        const char *instead = c >= 0x80 && ascii ? ascii_for(c) : NULL;

        if (c == 0xfeff) /* the mark, wherever it stands */
            continue;
        if (c == UINT32_MAX || c == 0 || c > 0xffff || (c >= 0xd800 && c <= 0xdfff) ||
            (c >= 0x80 && ascii && instead == NULL))
            return fail(InputInvalid, path, "it holds characters that cannot be converted");
        if (instead != NULL)
            text_str(to, instead);
        else
            add_char(to, c);
    }
    return to->no_memory ? fail(OutOfMemory) : NULL;
}

static struct err *
record_path(struct target *t, const struct action *a, json_t **ret)
{
    TRY(remedy_record_file(t, action_get(a, "path"), ret));
    return NULL;
}

static struct err *
apply_convert(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    const char *path = action_get(a, "path");
    auto_free void *data = NULL;
    struct text to = { 0 };
    size_t len = 0;
    bool found;

    (void)before;
    (void)by;
    (void)ret;
    TRY(target_file_read(t, path, &data, &len, &found));
    if (!found)
        return fail(TargetRefused, t->name, "convert a file that is missing", ENOENT);
    struct err *e = convert(path, data, len, encoding_named(action_get(a, "from"), data, len),
        strcmp(action_get(a, "to"), "ascii") == 0, &to);

    if (e == NULL)
        e = target_file_write(t, path, to.s == NULL ? "" : to.s, to.len);
    text_done(&to);
    TRY(e);
    return NULL;
}

/* ---- back ---- */

static struct err *
undo_convert(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, char **ret_kept)
{
    const char *path = json_string_value(json_object_get(before, "path"));
    const char *own = action_get(a, "path");
    auto_free uint8_t *was = NULL;
    auto_free void *data = NULL;
    struct remedy_bytes old = { 0 }, now = { 0 };
    struct text made = { 0 };
    bool ours;

    (void)by;
    if (path == NULL || strcmp(path, own) != 0)
        return remedy_bad_record(a);
    TRY(remedy_recorded_file(before, &was, &old.len));
    TRY(remedy_bytes_see(t, path, &data, &now));
    old.data = was;
    if (remedy_bytes_same(&old, &now) || was == NULL) /* what was not there was not converted */
        return NULL;
    struct err *e = convert(path, was, old.len, encoding_named(action_get(a, "from"), was,
        old.len), strcmp(action_get(a, "to"), "ascii") == 0, &made);

    ours = !now.other && (now.data == NULL ||
        (e == NULL && remedy_bytes_begun(&now, made.s == NULL ? "" : made.s, made.len)));
    text_done(&made);
    if (err_code(e) == E_OutOfMemory)
        return e;
    err_free(e); /* what cannot be converted was not written */
    if (ours)
        TRY(remedy_restore_file(t, before));
    else
        TRY(remedy_leave_file(t, path, &old, &now, ret_kept));
    return NULL;
}

/* ---- copy, rename, delete ---- */

static struct err *
look_copied(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    auto_free void *one = NULL, *two = NULL;
    size_t len1 = 0, len2 = 0;
    bool found1, found2;

    (void)by;
    TRY(target_file_read(t, action_get(a, "from"), &one, &len1, &found1));
    TRY(target_file_read(t, action_get(a, "to"), &two, &len2, &found2));
    bool same = found1 && found2 && len1 == len2 && memcmp(one, two, len1) == 0;

    return remedy_saw(ret, same ? REMEDY_HOLDS : REMEDY_NOT,
        !found1 ? "the file to copy is not there" : !found2 ? "the copy is not there"
            : same ? "both are the same" : "another file is in its place");
}

/* What is there, and what will be.  A source too large for the record is read again by undo. */
static struct err *
record_copy(struct target *t, const struct action *a, json_t **ret)
{
    auto_free void *data = NULL;
    json_t *made = NULL;
    size_t len = 0;
    bool found;

    TRY(target_file_read(t, action_get(a, "from"), &data, &len, &found));
    TRY(remedy_record_file(t, action_get(a, "to"), ret));
    if (!found || len > REMEDY_RECORD_MAX)
        return NULL;
    made = remedy_to_hex(data, len);
    if (made != NULL && json_object_set_new(*ret, "made", made) == 0)
        return NULL;
    json_decref(take(*ret));
    return fail(OutOfMemory);
}

/* Did firn write it?  By the record, or by the source as it is now. */
static struct err *
is_our_copy(struct target *t, const struct action *a, const json_t *before,
    const struct remedy_bytes *now, bool *ret)
{
    auto_free uint8_t *made = NULL;
    auto_free void *data = NULL;
    struct remedy_bytes from = { 0 };
    size_t made_len = 0;

    if (json_object_get(before, "made") != NULL &&
        !remedy_from_hex(json_object_get(before, "made"), &made, &made_len))
        return remedy_bad_record(a);
    *ret = remedy_bytes_begun(now, made, made_len);
    if (*ret || now->other)
        return NULL;
    TRY(remedy_bytes_see(t, action_get(a, "from"), &data, &from));
    *ret = remedy_bytes_begun(now, from.data, from.len);
    return NULL;
}

static struct err *
undo_copy(struct target *t, const struct action *a, const json_t *before, struct deadline by,
    char **ret_kept)
{
    const char *path = json_string_value(json_object_get(before, "path"));
    auto_free uint8_t *was = NULL;
    auto_free void *data = NULL;
    struct remedy_bytes old = { 0 }, now = { 0 };
    bool ours = true;

    (void)by;
    if (path == NULL || strcmp(path, action_get(a, "to")) != 0)
        return remedy_bad_record(a);
    TRY(remedy_recorded_file(before, &was, &old.len));
    TRY(remedy_bytes_see(t, path, &data, &now));
    old.data = was;
    if (remedy_bytes_same(&old, &now))
        return NULL;
    if (now.data != NULL || now.other)
        TRY(is_our_copy(t, a, before, &now, &ours));
    if (ours)
        TRY(remedy_restore_file(t, before));
    else
        TRY(remedy_leave_file(t, path, &old, &now, ret_kept));
    return NULL;
}

static struct err *
apply_copy(struct target *t, const struct action *a, const json_t *before, struct deadline by,
    struct remedy_done *ret)
{
    auto_free void *data = NULL;
    size_t len = 0;
    bool found;

    (void)before;
    (void)by;
    (void)ret;
    TRY(target_file_read(t, action_get(a, "from"), &data, &len, &found));
    if (!found)
        return fail(TargetRefused, t->name, "copy a file that is missing", ENOENT);
    TRY(target_file_write(t, action_get(a, "to"), data, len));
    return NULL;
}

static struct err *
look_renamed(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    bool from, to;

    (void)by;
    TRY(exists(t, action_get(a, "from"), &from));
    TRY(exists(t, action_get(a, "to"), &to));
    return remedy_saw(ret, !from && to ? REMEDY_HOLDS : REMEDY_NOT,
        from ? "it has its old name" : to ? "it has its new name" : "it is not there");
}

static struct err *
record_rename(struct target *t, const struct action *a, json_t **ret)
{
    bool from, to;

    TRY(exists(t, action_get(a, "from"), &from));
    TRY(exists(t, action_get(a, "to"), &to));
    TRY(remedy_json(json_pack("{s:b, s:b}", "from", from, "to", to), ret));
    return NULL;
}

static struct err *
apply_rename(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    (void)by;
    (void)ret;
    if (json_is_true(json_object_get(before, "to")))
        return fail(InputInvalid, action_get(a, "to"), "a file of that name is there already");
    TRY(target_file_rename(t, action_get(a, "from"), action_get(a, "to")));
    return NULL;
}

static struct err *
undo_rename(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, char **ret_kept)
{
    const json_t *had_from = json_object_get(before, "from");
    bool from, to;

    (void)by;
    (void)ret_kept;
    if (!json_is_boolean(had_from))
        return remedy_bad_record(a);
    TRY(exists(t, action_get(a, "from"), &from));
    TRY(exists(t, action_get(a, "to"), &to));
    if (json_is_true(had_from) && !json_is_true(json_object_get(before, "to")) && !from && to)
        TRY(target_file_rename(t, action_get(a, "to"), action_get(a, "from")));
    return NULL;
}

static char *
wanted_to(const struct action *a)
{
    char *s;

    return asprintf(&s, "it is at %s", action_get(a, "to")) < 0 ? NULL : s;
}

static struct err *
apply_delete(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    (void)before;
    (void)by;
    (void)ret;
    TRY(target_file_delete(t, action_get(a, "path")));
    return NULL;
}

#define FILES TARGET_FILES

const struct remedy_body remedy_files[] = {
    { "file.exists", FILES, 0, look_exists, NULL, NULL, NULL, NULL },
    { "file.absent", FILES, 0, look_absent, NULL, NULL, NULL, NULL },
    { "file.encoding", FILES, 0, look_encoding, NULL, NULL, NULL, NULL },
    { "file.convert", FILES, FILES, look_converted, wanted_converted, record_path,
        apply_convert, undo_convert },
    { "file.copy", FILES, FILES, look_copied, wanted_to, record_copy, apply_copy, undo_copy },
    { "file.rename", FILES, FILES, look_renamed, wanted_to, record_rename, apply_rename,
        undo_rename },
    { "file.delete", FILES, FILES, look_absent, NULL, NULL, apply_delete, NULL },
    { 0 },
};
