/* SPDX-License-Identifier: Apache-2.0 */
/* target_guest_registry.c -- keys go out and in as files.
 *
 * reg.exe gives 1 for everything that goes wrong.  So a key that cannot be exported is looked
 * for in the list of its parent, and only when it does not stand there it is not there. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "codes.h"
#include "regtext.h"
#include "target_guest_internal.h"

enum { EXPORT_TRIES = 3, EXPORT_PAUSE_MS = 200 };

static struct err *
exchange_file(struct guest *m, const char **ret)
{
    if (m->exchange == NULL && asprintf(&m->exchange, "%s\\Temp\\firn-%08x.reg", m->windows,
                                   randombytes_random()) < 0) {
        m->exchange = NULL;
        return fail(OutOfMemory);
    }
    *ret = m->exchange;
    return NULL;
}

void
guest_registry_done(struct guest *m)
{
    if (m->exchange != NULL && m->g != NULL)
        err_free(guest_windows_files.delete(m, m->exchange));
}

/* The parent of ${key}, or NULL for a key directly below the root. */
static char *
parent_of(const char *key)
{
    const char *last = strrchr(key, '\\');

    return last == key + 4 ? strdup("HKLM") : strndup(key, (size_t)(last - key));
}

/* Does the list that reg.exe printed have this subkey as a line of its own? */
static bool
lists(const char *text, const char *key)
{
    static const char root[] = "HKEY_LOCAL_MACHINE";
    size_t tail = strlen(key) - 4;

    for (; text != NULL && *text != '\0'; text = strchr(text, '\n')) {
        text += strspn(text, "\r\n");
        if (strncasecmp(text, root, sizeof(root) - 1) == 0 &&
            strncasecmp(text + sizeof(root) - 1, key + 4, tail) == 0 &&
            strcspn(text + sizeof(root) - 1 + tail, "\r\n") == 0)
            return true;
    }
    return false;
}

/* ${key} cannot be exported: because it is not there?  A parent that cannot be listed is looked
 * for in the list of its own; only where the root cannot be listed is nothing known. */
static struct err *
is_missing(struct guest *m, const char *key, bool *ret)
{
    auto_free char *parent = parent_of(key);
    struct qga_result r = { 0 };
    uint32_t code;

    if (parent == NULL)
        return fail(OutOfMemory);
    const char *const argv[] = { "reg.exe", "query", parent, "/reg:64", NULL };
    TRY(guest_exec(m, argv, guest_by(m), &code, &r));
    bool listed = code == 0 && lists((const char *)r.out, key);
    qga_result_done(&r);
    if (code != 0 && strcmp(parent, "HKLM") == 0)
        return guest_refused(m, "list a registry key", code);
    if (code != 0)
        return is_missing(m, parent, ret);
    *ret = !listed;
    return NULL;
}

/* *ret_found = false: there is no such key.  *ret_file is the caller's.
 *
 * A key that is there may fail to go out once: a scanner opens the file of the last exchange
 * just when it is to be written anew, and reg.exe says 1 to that, too.  The scanner is done a
 * moment later; a key that may not be read is refused every time. */
static struct err *
export_key(struct guest *m, const char *key, uint8_t **ret_file, size_t *ret_len,
    bool *ret_found)
{
    const char *file = NULL;
    uint32_t code = 0;
    bool missing;

    TRY(exchange_file(m, &file));
    const char *const argv[] = { "reg.exe", "export", key, file, "/y", "/reg:64", NULL };
    for (int tries = 0; tries < EXPORT_TRIES; tries++) {
        TRY(tries > 0 ? target_wait(&m->t, EXPORT_PAUSE_MS) : NULL);
        TRY(guest_exec(m, argv, guest_by(m), &code, NULL));
        *ret_found = code == 0;
        if (code == 0)
            return qga_read_file(m->g, file, TARGET_FILE_MAX, guest_by(m), ret_file, ret_len);
        TRY(is_missing(m, key, &missing));
        if (missing)
            return NULL;
    }
    return guest_refused(m, "read a registry key", code);
}

static struct err *
import(struct guest *m, const char *key, const char *name, const struct target_value *v,
    const char *what)
{
    auto_free uint8_t *text = NULL;
    const char *file = NULL;
    size_t len;
    uint32_t code;

    TRY(exchange_file(m, &file));
    TRY(regtext_write(key, name, v, &text, &len));
    TRY(qga_write_file(m->g, file, (struct view){ text, len }, guest_by(m)));
    const char *const argv[] = { "reg.exe", "import", file, "/reg:64", NULL };
    TRY(guest_exec(m, argv, guest_by(m), &code, NULL));
    return code != 0 ? guest_refused(m, what, code) : NULL;
}

static struct err *
odd_export(struct guest *m)
{
    return fail(AgentWrong, m->t.name, "an exported registry key has another form");
}

struct err *
guest_reg_get(struct target *t, const char *key, const char *name, struct target_value *ret,
    bool *ret_found)
{
    struct guest *m = guest_of(t);
    auto_free uint8_t *file = NULL;
    size_t len = 0;
    bool ok;

    TRY(export_key(m, key, &file, &len, ret_found));
    if (!*ret_found)
        return NULL;
    TRY(regtext_value((struct view){ file, len }, key, name, ret, ret_found, &ok));
    return ok ? NULL : odd_export(m);
}

struct err *
guest_reg_set(struct target *t, const char *key, const char *name, const struct target_value *v)
{
    struct guest *m = guest_of(t);
    struct target_value now = { 0 };
    bool found;

    TRY(import(m, key, name, v, "write a registry value"));
    /* reg.exe passes over what it may not write, and is content */
    TRY(guest_reg_get(t, key, name, &now, &found));
    bool same = found && target_value_equal(&now, v);
    target_value_done(&now);
    return same ? NULL : guest_refused(m, "write a registry value", 5);
}

struct err *
guest_reg_delete(struct target *t, const char *key, const char *name)
{
    struct guest *m = guest_of(t);
    struct target_value now = { 0 };
    bool found;

    TRY(guest_reg_get(t, key, name, &now, &found));
    target_value_done(&now);
    if (!found)
        return NULL;
    TRY(import(m, key, name, NULL, "delete a registry value"));
    TRY(guest_reg_get(t, key, name, &now, &found));
    target_value_done(&now);
    return found ? guest_refused(m, "delete a registry value", 5) : NULL;
}

static struct err *
look_at_key(struct guest *m, const char *key, struct regtext_key *ret)
{
    auto_free uint8_t *file = NULL;
    size_t len = 0;
    bool found, ok;

    *ret = (struct regtext_key){ 0 };
    TRY(export_key(m, key, &file, &len, &found));
    if (!found)
        return NULL;
    TRY(regtext_look((struct view){ file, len }, key, ret, &ok));
    ret->there = true;
    return ok ? NULL : odd_export(m);
}

struct err *
guest_reg_key(struct target *t, const char *key, bool *ret_found)
{
    struct regtext_key look;

    TRY(look_at_key(guest_of(t), key, &look));
    *ret_found = look.there;
    return NULL;
}

struct err *
guest_reg_delete_key(struct target *t, const char *key)
{
    enum { ERROR_DIR_NOT_EMPTY = 145 };
    struct guest *m = guest_of(t);
    struct regtext_key look;

    TRY(look_at_key(m, key, &look));
    if (!look.there)
        return NULL;
    if (look.nvalues > 0 || look.nkeys > 0)
        return guest_refused(m, "delete a registry key", ERROR_DIR_NOT_EMPTY);
    return import(m, key, NULL, NULL, "delete a registry key");
}
