/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same on every system. */
#include <stdlib.h>

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

void
os_names_done(struct os_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->name[i]);
    free(names->name);
    *names = (struct os_names){ 0 };
}
