/* SPDX-License-Identifier: Apache-2.0 */
/* qga_freeze.c -- the guest's file systems: which there are, and holding them still.
 *
 * These are the bare commands.  When to freeze, for how long, and who thaws when firn itself
 * is gone, is not decided here. */
#include <limits.h>
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "qga_internal.h"

struct err *
qga_filesystems(struct qga *g, struct deadline by, struct qga_fs **ret_list, size_t *ret_n)
{
    json_auto_t *value = NULL;
    bool ok;

    TRY(qga_ask(g, "guest-get-fsinfo", NULL, by, &value));
    TRY(qga_decode_filesystems(value, ret_list, ret_n, &ok));
    return ok ? NULL : qga_odd(g, "guest-get-fsinfo");
}

struct err *
qga_is_frozen(struct qga *g, struct deadline by, bool *ret)
{
    json_auto_t *value = NULL;

    TRY(qga_ask(g, "guest-fsfreeze-status", NULL, by, &value));
    const char *word = json_string_value(value);
    if (word == NULL || (strcmp(word, "frozen") != 0 && strcmp(word, "thawed") != 0))
        return qga_odd(g, "guest-fsfreeze-status");
    *ret = word[0] == 'f';
    return NULL;
}

static struct err *
counted(struct qga *g, const char *command, json_t *arguments, struct deadline by,
    unsigned *ret_n)
{
    json_auto_t *value = NULL;

    TRY(qga_ask(g, command, arguments, by, &value));
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > INT_MAX)
        return qga_odd(g, command);
    *ret_n = (unsigned)json_integer_value(value);
    return NULL;
}

struct err *
qga_freeze(struct qga *g, const char *const *mounts, struct deadline by, unsigned *ret_n)
{
    json_auto_t *arguments = NULL, *list = NULL;

    if (mounts == NULL)
        return counted(g, "guest-fsfreeze-freeze", NULL, by, ret_n);
    list = json_array();
    for (; *mounts != NULL; mounts++) {
        json_t *one = NULL;
        TRY(json_build("a mount point", &one, "s", *mounts));
        if (json_array_append_new(list, one) != 0)
            return fail(OutOfMemory);
    }
    TRY(json_build("mount points", &arguments, "{s:O}", "mountpoints", list));
    return counted(g, "guest-fsfreeze-freeze-list", arguments, by, ret_n);
}

struct err *
qga_thaw(struct qga *g, struct deadline by, unsigned *ret_n)
{
    return counted(g, "guest-fsfreeze-thaw", NULL, by, ret_n);
}
