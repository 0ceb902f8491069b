/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of a machine that is off.
 *
 * CurrentControlSet is made by Windows when it starts; on the disk it is the set that
 * Select\Current names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codes.h"
#include "target_hive_internal.h"

#define CURRENT "CurrentControlSet"

enum { KEY_ROOM = ACTION_VALUE_MAX + 64 };

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
