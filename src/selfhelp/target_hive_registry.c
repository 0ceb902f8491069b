/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of a machine that is off, and its services, which are keys of it.
 *
 * CurrentControlSet is made by Windows when it starts; on the disk it is the set that
 * Select\Current names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codes.h"
#include "target_hive_internal.h"
#include "text.h"

#define SERVICES "HKLM\\SYSTEM\\CurrentControlSet\\Services\\"
#define CURRENT "CurrentControlSet"

enum { KEY_ROOM = ACTION_VALUE_MAX + 64, STRINGS_MAX = 64 };

/* The hive of "HKLM\SYSTEM\..." and the key's path in it. */
static struct err *
where(const struct target_hive *h, const char *key, struct hive_file **ret, char path[KEY_ROOM])
{
    static const char *const names[HIVE_COUNT] = { "SYSTEM", "SOFTWARE" };
    const char *rest = key + (strncasecmp(key, "HKLM\\", 5) == 0 ? 5 : 0);
    size_t current = strlen(CURRENT);

    for (size_t i = 0; i < HIVE_COUNT; i++) {
        size_t n = strlen(names[i]);

        if (strncasecmp(rest, names[i], n) != 0 || (rest[n] != '\\' && rest[n] != '\0') ||
            h->hive[i] == NULL)
            continue;
        rest += n + (rest[n] == '\\');
        *ret = h->hive[i];
        if (i == HIVE_SYSTEM && strncasecmp(rest, CURRENT, current) == 0 &&
            (rest[current] == '\\' || rest[current] == '\0'))
            (void)snprintf(path, KEY_ROOM, "ControlSet%03u%s", (unsigned)h->control_set,
                rest + current);
        else
            (void)snprintf(path, KEY_ROOM, "%s", rest);
        return NULL;
    }
    return fail(DiskElsewhere, key);
}

static struct err *
get(const struct regf *r, uint32_t key, const char *name, struct target_value *ret,
    bool *ret_found)
{
    struct regf_value v;
    uint8_t *data;

    *ret_found = regf_find_value(r, key, name, &v);
    if (!*ret_found)
        return NULL;
    if (v.len > TARGET_VALUE_MAX)
        return fail(InputInvalid, "a registry value", "it is longer than firn reads");
    data = malloc(v.len + 1U);
    if (data == NULL)
        return fail(OutOfMemory);
    regf_value_data(r, &v, data);
    *ret = (struct target_value){ v.type, data, v.len };
    return NULL;
}

struct err *
hive_reg_get(struct target *t, const char *key, const char *name, struct target_value *ret,
    bool *ret_found)
{
    struct hive_file *f;
    char path[KEY_ROOM];
    uint32_t cell;

    TRY(where((struct target_hive *)t, key, &f, path));
    cell = regf_find(hive_file_regf(f), path);
    *ret_found = false;
    if (cell != 0)
        TRY(get(hive_file_regf(f), cell, name, ret, ret_found));
    return NULL;
}

static struct err *
edit(struct target *t, const char *key, enum hive_edit_kind kind, const char *name,
    const struct target_value *v)
{
    struct hive_edit e = { .kind = kind, .name = name };
    struct hive_file *f;
    char path[KEY_ROOM];

    TRY(where((struct target_hive *)t, key, &f, path));
    e.key = path;
    if (v != NULL)
        e.value = *v;
    if (path[0] == '\0')
        return fail(InputInvalid, "a registry key", "it is the root of a hive");
    TRY(hive_file_edit(f, &e, 1));
    return NULL;
}

struct err *
hive_reg_set(struct target *t, const char *key, const char *name, const struct target_value *v)
{
    TRY(edit(t, key, HIVE_SET, name, v));
    return NULL;
}

struct err *
hive_reg_delete(struct target *t, const char *key, const char *name)
{
    TRY(edit(t, key, HIVE_DELETE, name, NULL));
    return NULL;
}

struct err *
hive_reg_key(struct target *t, const char *key, bool *ret_found)
{
    struct hive_file *f;
    char path[KEY_ROOM];

    TRY(where((struct target_hive *)t, key, &f, path));
    *ret_found = regf_find(hive_file_regf(f), path) != 0;
    return NULL;
}

struct err *
hive_reg_delete_key(struct target *t, const char *key)
{
    TRY(edit(t, key, HIVE_DELETE_KEY, "", NULL));
    return NULL;
}

/* ---- services ---- */

static struct err *
get_number(const struct regf *r, uint32_t key, const char *name, uint32_t *ret)
{
    struct target_value v = { 0 };
    uint64_t number;
    bool found;

    TRY(get(r, key, name, &v, &found));
    if (found && target_value_number(&v, &number))
        *ret = (uint32_t)number;
    target_value_done(&v);
    return NULL;
}

static struct err *
get_text(const struct regf *r, uint32_t key, const char *name, char **ret)
{
    struct text t = { 0 };
    struct target_value v = { 0 };
    bool found;

    TRY(get(r, key, name, &v, &found));
    if (!found)
        return NULL;
    text_str(&t, "");
    regf_utf16_text(&t, v.data, v.len);
    target_value_done(&v);
    *ret = t.s;
    return t.no_memory ? fail(OutOfMemory) : NULL;
}

/* A list of strings, each with its NUL and one more at the end. */
static struct err *
get_list(const struct regf *r, uint32_t key, const char *name, char ***ret)
{
    struct target_value v = { 0 };
    char **list;
    size_t n = 0;
    bool found;

    TRY(get(r, key, name, &v, &found));
    if (!found)
        return NULL;
    list = calloc(STRINGS_MAX + 1, sizeof *list);
    for (size_t at = 0; list != NULL && at + 1 < v.len && n < STRINGS_MAX;) {
        struct text t = { 0 };
        size_t len = 0;

        while (at + len + 1 < v.len && (v.data[at + len] != 0 || v.data[at + len + 1] != 0))
            len += 2;
        if (len == 0)
            break;
        regf_utf16_text(&t, v.data + at, len);
        list[n] = t.s;
        at += len + 2;
        if (t.no_memory || list[n++] == NULL) {
            target_names_free(list);
            list = NULL;
        }
    }
    target_value_done(&v);
    *ret = list;
    return list == NULL ? fail(OutOfMemory) : NULL;
}

static struct err *
service_key(const char *name, char key[KEY_ROOM])
{
    if ((size_t)snprintf(key, KEY_ROOM, SERVICES "%s", name) >= KEY_ROOM)
        return fail(InputInvalid, "the name of a service", "it is too long");
    return NULL;
}

static struct err *
fill(const struct regf *r, uint32_t cell, struct target_service *s)
{
    s->state = SERVICE_IS_STOPPED;
    TRY(get_number(r, cell, "Type", &s->type));
    TRY(get_number(r, cell, "Start", &s->start));
    TRY(get_number(r, cell, "ErrorControl", &s->error_control));
    TRY(get_text(r, cell, "ImagePath", &s->image));
    TRY(get_text(r, cell, "ObjectName", &s->account));
    TRY(get_text(r, cell, "DisplayName", &s->display));
    TRY(get_list(r, cell, "DependOnService", &s->depends));
    return NULL;
}

struct err *
hive_service_get(struct target *t, const char *name, struct target_service *ret,
    bool *ret_found)
{
    struct target_service s = { 0 };
    char key[KEY_ROOM], path[KEY_ROOM];
    struct hive_file *f;
    struct err *e;
    uint32_t cell, start;

    TRY(service_key(name, key));
    TRY(where((struct target_hive *)t, key, &f, path));
    cell = regf_find(hive_file_regf(f), path);
    /* a key without a start type is what is left of a service */
    *ret_found = cell != 0 && regf_find_dword(hive_file_regf(f), path, "Start", &start);
    if (!*ret_found)
        return NULL;
    e = fill(hive_file_regf(f), cell, &s);
    if (e != NULL) {
        target_service_done(&s);
        return e;
    }
    *ret = s;
    return NULL;
}

struct err *
hive_service_set_start(struct target *t, const char *name, uint32_t start)
{
    struct target_value v = { 0 };
    char key[KEY_ROOM];
    struct err *e;

    TRY(service_key(name, key));
    TRY(target_value_of_number(TARGET_REG_DWORD, start, &v));
    e = hive_reg_set(t, key, "Start", &v);
    target_value_done(&v);
    return e;
}

struct making {
    struct hive_edit edit[8];
    size_t n;
};

static void
making_done(struct making *m)
{
    for (size_t i = 0; i < m->n; i++)
        target_value_done(&m->edit[i].value);
}

static struct err *
add_number(struct making *m, const char *name, uint32_t number)
{
    struct hive_edit *e = &m->edit[m->n++];

    *e = (struct hive_edit){ .kind = HIVE_SET, .name = name };
    TRY(target_value_of_number(TARGET_REG_DWORD, number, &e->value));
    return NULL;
}

static struct err *
add_text(struct making *m, const char *name, uint32_t type, const char *s)
{
    struct hive_edit *e = &m->edit[m->n];

    if (s == NULL)
        return NULL;
    *e = (struct hive_edit){ .kind = HIVE_SET, .name = name };
    m->n++;
    TRY(target_value_of_text(type, s, &e->value));
    return NULL;
}

static struct err *
add_list(struct making *m, const char *name, char *const *list)
{
    struct hive_edit *e = &m->edit[m->n];
    struct target_value one, *all = &e->value;

    if (list == NULL || list[0] == NULL)
        return NULL;
    *e = (struct hive_edit){ .kind = HIVE_SET, .name = name };
    m->n++;
    all->type = TARGET_REG_MULTI_SZ;
    all->data = calloc(1, TARGET_VALUE_MAX);
    if (all->data == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; list[i] != NULL; i++) {
        TRY(target_value_of_text(TARGET_REG_SZ, list[i], &one));
        if (one.len > TARGET_VALUE_MAX - 2 - all->len) {
            target_value_done(&one);
            return fail(InputInvalid, "what a service depends on", "it is too long");
        }
        memcpy(all->data + all->len, one.data, one.len);
        all->len += one.len;
        target_value_done(&one);
    }
    all->len += 2;
    return NULL;
}

static struct err *
add_all(struct making *m, const struct target_service *s)
{
    TRY(add_number(m, "Type", s->type));
    TRY(add_number(m, "Start", s->start));
    TRY(add_number(m, "ErrorControl", s->error_control));
    TRY(add_text(m, "ImagePath", TARGET_REG_EXPAND_SZ, s->image));
    TRY(add_text(m, "ObjectName", TARGET_REG_SZ, s->account));
    TRY(add_text(m, "DisplayName", TARGET_REG_SZ, s->display));
    TRY(add_list(m, "DependOnService", s->depends));
    return NULL;
}

/* All values in one step: there is no moment at which half a service is there. */
struct err *
hive_service_create(struct target *t, const char *name, const struct target_service *s)
{
    __attribute__((cleanup(making_done))) struct making m = { 0 };
    char key[KEY_ROOM], path[KEY_ROOM];
    struct hive_file *f;

    TRY(service_key(name, key));
    TRY(where((struct target_hive *)t, key, &f, path));
    TRY(add_all(&m, s));
    for (size_t i = 0; i < m.n; i++)
        m.edit[i].key = path;
    TRY(hive_file_edit(f, m.edit, m.n));
    return NULL;
}
