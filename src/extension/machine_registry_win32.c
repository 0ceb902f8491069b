/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of this machine in its 64-bit view, whatever this program is. */
#include <string.h>
#include <windows.h>

#include "codes.h"
#include "machine_win32.h"
#include "wide.h"

static bool
is_gone(LSTATUS status)
{
    return status == ERROR_FILE_NOT_FOUND || status == ERROR_PATH_NOT_FOUND;
}

static void
close_key(HKEY *key)
{
    if (*key != NULL)
        (void)RegCloseKey(*key);
}
#define auto_key __attribute__((cleanup(close_key))) HKEY

/* "HKLM\SOFTWARE\..." below HKEY_LOCAL_MACHINE; *ret is NULL when it is not there. */
static struct err *
open_key(struct target *t, const char *key, REGSAM rights, const char *what, HKEY *ret)
{
    auto_free wchar_t *wide = NULL;
    LSTATUS status;

    *ret = NULL;
    TRY(wide_from(key + strlen("HKLM\\"), &wide));
    status = RegOpenKeyExW(HKEY_LOCAL_MACHINE, wide, 0, rights | KEY_WOW64_64KEY, ret);
    if (status == ERROR_SUCCESS)
        return NULL;
    *ret = NULL;
    return is_gone(status) ? NULL : machine_refused(t, what, (unsigned long)status);
}

/* A value may grow between being measured and being read: then once more. */
static LSTATUS
query(HKEY key, const wchar_t *name, DWORD *ret_type, uint8_t **ret, DWORD *ret_len)
{
    LSTATUS status = ERROR_MORE_DATA;

    for (int tries = 0; tries < 3 && status == ERROR_MORE_DATA; tries++) {
        status = RegQueryValueExW(key, name, NULL, ret_type, NULL, ret_len);
        if (status != ERROR_SUCCESS || *ret_len > TARGET_VALUE_MAX)
            return status;
        free(*ret);
        *ret = malloc(*ret_len + 1);
        if (*ret == NULL)
            return ERROR_OUTOFMEMORY;
        status = RegQueryValueExW(key, name, NULL, ret_type, *ret, ret_len);
    }
    return status;
}

struct err *
machine_reg_get(struct target *t, const char *key, const char *name, struct target_value *ret,
    bool *ret_found)
{
    static const char what[] = "read a registry value";
    auto_free wchar_t *wide = NULL;
    auto_free uint8_t *data = NULL;
    auto_key open = NULL;
    DWORD type = 0, len = 0;
    LSTATUS status;

    *ret_found = false;
    TRY(wide_from(name, &wide));
    TRY(open_key(t, key, KEY_QUERY_VALUE, what, &open));
    if (open == NULL)
        return NULL;
    status = query(open, wide, &type, &data, &len);
    if (is_gone(status))
        return NULL;
    if (status == ERROR_OUTOFMEMORY)
        return fail(OutOfMemory);
    if (status != ERROR_SUCCESS)
        return machine_refused(t, what, (unsigned long)status);
    if (len > TARGET_VALUE_MAX)
        return fail(InputInvalid, key, "a value of it is too long");
    *ret = (struct target_value){ .type = type, .data = take(data), .len = len };
    *ret_found = true;
    return NULL;
}

struct err *
machine_reg_set(struct target *t, const char *key, const char *name,
    const struct target_value *v)
{
    auto_free wchar_t *wide_key = NULL, *wide = NULL;
    auto_key open = NULL;
    LSTATUS status;

    TRY(wide_from(key + strlen("HKLM\\"), &wide_key));
    TRY(wide_from(name, &wide));
    status = RegCreateKeyExW(HKEY_LOCAL_MACHINE, wide_key, 0, NULL, 0,
        KEY_SET_VALUE | KEY_WOW64_64KEY, NULL, &open, NULL);
    if (status == ERROR_SUCCESS)
        status = RegSetValueExW(open, wide, 0, v->type, v->data, (DWORD)v->len);
    else
        open = NULL;
    return status == ERROR_SUCCESS
        ? NULL
        : machine_refused(t, "write a registry value", (unsigned long)status);
}

struct err *
machine_reg_delete(struct target *t, const char *key, const char *name)
{
    static const char what[] = "delete a registry value";
    auto_free wchar_t *wide = NULL;
    auto_key open = NULL;
    LSTATUS status;

    TRY(wide_from(name, &wide));
    TRY(open_key(t, key, KEY_SET_VALUE, what, &open));
    if (open == NULL)
        return NULL;
    status = RegDeleteValueW(open, wide);
    return status == ERROR_SUCCESS || is_gone(status)
        ? NULL
        : machine_refused(t, what, (unsigned long)status);
}

struct err *
machine_reg_key(struct target *t, const char *key, bool *ret_found)
{
    auto_key open = NULL;

    TRY(open_key(t, key, KEY_QUERY_VALUE, "read a registry key", &open));
    *ret_found = open != NULL;
    return NULL;
}

struct err *
machine_reg_delete_key(struct target *t, const char *key)
{
    static const char what[] = "delete a registry key";
    auto_free wchar_t *wide = NULL;
    auto_key open = NULL;
    DWORD keys = 0, values = 0;
    LSTATUS status;

    TRY(open_key(t, key, KEY_QUERY_VALUE, what, &open));
    if (open == NULL)
        return NULL;
    status = RegQueryInfoKeyW(open, NULL, NULL, NULL, &keys, NULL, NULL, &values, NULL, NULL,
        NULL, NULL);
    if (status == ERROR_SUCCESS && (keys > 0 || values > 0))
        status = ERROR_DIR_NOT_EMPTY;
    if (status != ERROR_SUCCESS)
        return machine_refused(t, what, (unsigned long)status);
    TRY(wide_from(key + strlen("HKLM\\"), &wide));
    status = RegDeleteKeyExW(HKEY_LOCAL_MACHINE, wide, KEY_WOW64_64KEY, 0);
    return status == ERROR_SUCCESS || is_gone(status)
        ? NULL
        : machine_refused(t, what, (unsigned long)status);
}
