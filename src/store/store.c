/* SPDX-License-Identifier: Apache-2.0 */
/* store.c -- what all bodies share: names are judged before a body sees them. */
#include <string.h>

#include "codes.h"
#include "frozen.h"
#include "store.h"

enum { COMPONENTS_MAX = 4 };

static bool
component_ok(const char *s, size_t len)
{
    if (len == 0 || s[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", s[i]) == NULL)
            return false;
    return true;
}

bool
store_name_ok(const char *name)
{
    unsigned n = 0;

    if (strlen(name) > STORE_NAME_MAX)
        return false;
    for (const char *p = name;; p++) {
        size_t len = strcspn(p, "/");

        if (++n > COMPONENTS_MAX || !component_ok(p, len))
            return false;
        p += len;
        if (*p == '\0')
            return true;
    }
}

/* Before each call: whatever a store does takes as long as its disk or its server likes. */
static struct err *
check(const char *name)
{
    frozen_forbids();
    return store_name_ok(name) ? NULL : fail(StoreNameInvalid, name);
}

struct err *
store_put_pieces(struct store *s, const char *name, const struct store_piece *pieces,
    size_t npieces, bool *ret_new)
{
    TRY(check(name));
    return s->call->put(s, name, pieces, npieces, ret_new);
}

struct err *
store_put(struct store *s, const char *name, const void *data, size_t len, bool *ret_new)
{
    return store_put_pieces(s, name, &(struct store_piece){ data, len }, 1, ret_new);
}

struct err *
store_get(struct store *s, const char *name, uint64_t off, void *buf, size_t len,
    size_t *ret_len, bool *ret_found)
{
    TRY(check(name));
    return s->call->get(s, name, off, buf, len, ret_len, ret_found);
}

struct err *
store_get_all(struct store *s, const char *name, size_t max, uint8_t **ret_data,
    size_t *ret_len, bool *ret_found)
{
    auto_free uint8_t *data = NULL;
    uint64_t size = 0;
    size_t got = 0;
    bool found = false;

    TRY(store_stat(s, name, &size, &found));
    if (found && size > max)
        return fail(StoreObjectTooLarge, name);
    if (found) {
        data = malloc(size + 1);
        if (data == NULL)
            return fail(OutOfMemory);
        TRY(store_get(s, name, 0, data, size, &got, &found));
    }
    *ret_found = found;
    if (!found)
        return NULL;
    *ret_data = take(data);
    *ret_len = got;
    return NULL;
}

struct err *
store_stat(struct store *s, const char *name, uint64_t *ret_len, bool *ret_found)
{
    TRY(check(name));
    return s->call->stat(s, name, ret_len, ret_found);
}

struct err *
store_list(struct store *s, const char *folder, store_list_fn *each, void *arg)
{
    TRY(check(folder));
    return s->call->list(s, folder, each, arg);
}

struct err *
store_barrier(struct store *s, const char *const *folders, size_t nfolders)
{
    frozen_forbids();
    for (size_t i = 0; i < nfolders; i++)
        if (*folders[i] != '\0') /* the root */
            TRY(check(folders[i]));
    return s->call->barrier(s, folders, nfolders);
}

struct err *
store_replace(struct store *s, const char *name, const void *data, size_t len)
{
    TRY(check(name));
    return s->call->replace(s, name, &(struct store_piece){ data, len }, 1);
}

struct err *
store_remove(struct store *s, const char *name, bool *ret_found)
{
    TRY(check(name));
    return s->call->remove(s, name, ret_found);
}

void
store_free(struct store *s)
{
    if (s != NULL)
        s->call->free(s);
}
