/* SPDX-License-Identifier: Apache-2.0 */
/* remedy_file_back.c -- a file whose place somebody else may have taken since.
 *
 * What is there may be anything: a folder, a link that leads nowhere, a file too large to be
 * read.  It stays, and an undoing that stumbled over it would never come to its end. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "remedy_internal.h"
#include "text.h"

enum { BESIDE_MAX = 9 }; /* files with old bytes beside one */

/* A folder?  Not all machines tell it by the code of a file that cannot be read. */
static struct err *
is_folder(struct target *t, const char *path, bool *ret)
{
    char **names = NULL;

    TRY(target_file_list(t, path, &names, ret));
    target_names_free(names);
    return NULL;
}

struct err *
remedy_bytes_see(struct target *t, const char *path, void **ret_data, struct remedy_bytes *ret)
{
    bool found = false;
    struct err *e = target_file_read(t, path, ret_data, &ret->len, &found);

    if (e == NULL) { /* an empty file is one, too */
        ret->data = !found ? NULL : *ret_data != NULL ? *ret_data : "";
        return NULL;
    }
    ret->other = err_has(e, E_InputInvalid) || err_has(e, E_GuestFileTooLarge);
    if (!ret->other) {
        struct err *also = is_folder(t, path, &ret->other);

        if (also != NULL || !ret->other)
            return err_also(e, also);
    }
    err_free(e);
    return NULL;
}

bool
remedy_bytes_same(const struct remedy_bytes *a, const struct remedy_bytes *b)
{
    return !a->other && !b->other && (a->data == NULL) == (b->data == NULL) &&
        a->len == b->len && (a->data == NULL || memcmp(a->data, b->data, a->len) == 0);
}

bool
remedy_bytes_begun(const struct remedy_bytes *now, const void *made, size_t len)
{
    return made != NULL && now->data != NULL && now->len <= len &&
        memcmp(now->data, made, now->len) == 0;
}

/* A name beside ${path} where ${old} can lie or lies already. */
static struct err *
find_beside(struct target *t, const char *path, const struct remedy_bytes *old, char **ret,
    bool *ret_there)
{
    for (int i = 1; i <= BESIDE_MAX; i++) {
        auto_free char *name = NULL;
        auto_free void *data = NULL;
        struct remedy_bytes now = { 0 };

        if (asprintf(&name, i == 1 ? "%s%s" : "%s%s.%d", path, TARGET_OLD, i) < 0)
            return fail(OutOfMemory);
        TRY(remedy_bytes_see(t, name, &data, &now));
        *ret_there = remedy_bytes_same(&now, old);
        if (!*ret_there && (now.other || now.data != NULL))
            continue;
        *ret = take(name);
        return NULL;
    }
    return fail(InputInvalid, path, "too many files with its old bytes lie beside it");
}

struct err *
remedy_leave_file(struct target *t, const char *path, const struct remedy_bytes *old,
    const struct remedy_bytes *now, char **ret_kept)
{
    const char *who = now->other ? "somebody else has put something else into its place since"
                                 : "somebody else has written to it since";
    auto_free char *beside = NULL;
    struct text words = { 0 };
    bool there = false;

    if (old->data != NULL) {
        TRY(find_beside(t, path, old, &beside, &there));
        if (!there)
            TRY(target_file_write(t, beside, old->data, old->len));
        text_fmt(&words, "%s; what it was before lies in %s", who, beside);
    } else
        text_fmt(&words, "%s; there was none before", who);
    if (words.no_memory)
        return fail(OutOfMemory);
    *ret_kept = words.s;
    return NULL;
}
