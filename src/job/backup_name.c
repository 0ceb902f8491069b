/* SPDX-License-Identifier: Apache-2.0 */
/* backup_name.c -- "[NAME=]SOURCE".
 *
 * What stands before the first "=" is a name unless it has a slash or a colon: then it
 * belongs to a path or an address.  A path "a=b" is written "./a=b". */
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "codes.h"
#include "text.h"

static struct err *
wrong(const char *text, const char *problem)
{
    char why[512];

    snprintf(why, sizeof(why), "%.200s: %s", text, problem);
    return fail(UsageWrong, why);
}

/* A disk's name becomes a file's name when a folder is restored. */
static bool
name_ok(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= VAULT_NAME_MAX && strchr(name, '/') == NULL &&
        strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && text_is_visible(name);
}

/* What names the disk in ${spec}: [*ret, *ret + *ret_len). */
static void
find_base(const char *spec, const char **ret, size_t *ret_len)
{
    const char *scheme = strstr(spec, "://");
    const char *from = scheme != NULL ? scheme + 3 : spec;
    size_t len = scheme != NULL ? strcspn(from, "?#") : strlen(from);

    while (len > 0 && from[len - 1] == '/')
        len--;
    for (size_t i = len; i > 0; i--) {
        if (from[i - 1] == '/') {
            from += i;
            len -= i;
            break;
        }
    }
    *ret = from;
    *ret_len = len;
}

static struct err *
default_name(const char *spec, char **ret)
{
    const char *from;
    size_t len;

    find_base(spec, &from, &len);
    for (size_t i = len; i > 1 && strncmp(spec, "/dev/", 5) != 0; i--) {
        if (from[i - 1] == '.') {
            len = i - 1;
            break;
        }
    }
    auto_free char *name = strndup(from, len);
    if (name == NULL)
        return fail(OutOfMemory);
    if (!name_ok(name))
        return wrong(spec, "gives no name for the disk; write NAME=SOURCE");
    *ret = take(name);
    return NULL;
}

struct err *
backup_name(const char *text, char **ret_name, const char **ret_spec)
{
    size_t len = strcspn(text, "=/:");

    if (text[len] != '=' || len == 0) {
        TRY(default_name(text, ret_name));
        *ret_spec = text;
        return NULL;
    }
    auto_free char *name = strndup(text, len);
    if (name == NULL)
        return fail(OutOfMemory);
    if (!name_ok(name))
        return wrong(text, "what stands before '=' cannot be a disk's name");
    if (text[len + 1] == '\0')
        return wrong(text, "nothing stands after '='");
    *ret_name = take(name);
    *ret_spec = text + len + 1;
    return NULL;
}
