/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same on every system. */
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "os.h"
#include "text.h"

struct err *
os_join(const char *dir, const char *name, char **ret)
{
    struct text t = { 0 };

    text_fmt(&t, "%s/%s", dir, name);
    if (t.no_memory)
        return fail(OutOfMemory);
    *ret = t.s;
    return NULL;
}

bool
os_is_unfinished(const char *name, size_t *ret_len)
{
    static const char end[] = ".new";
    size_t len = strlen(name), digits = len < sizeof(end) ? 0 : len - (sizeof(end) - 1);

    if (digits == 0 || strcmp(name + digits, end) != 0)
        return false;
    for (len = digits; len > 0 && name[len - 1] >= '0' && name[len - 1] <= '9';)
        len--;
    if (len == digits || len < 2 || name[len - 1] != '.')
        return false;
    *ret_len = len - 1;
    return true;
}

void
os_names_done(struct os_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->name[i]);
    free(names->name);
    *names = (struct os_names){ 0 };
}
