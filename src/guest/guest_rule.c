/* SPDX-License-Identifier: Apache-2.0 */
/* The extension says it as a variable of the failure, which goes where the failure goes: by its
 * document, and by the guard. */
#include <string.h>

#include "guest_rule.h"

static bool
says_end(const struct err *e)
{
    for (size_t i = 0; i < err_nargs(e); i++) {
        const struct err_arg *a = err_arg(e, i);

        if (strcmp(a->name, "goes_on") == 0 && a->str != NULL && strcmp(a->str, "false") == 0)
            return strcmp(err_class(e), "guest.script") == 0;
    }
    return false;
}

bool
guest_rule_ends(const struct err *e)
{
    for (; e != NULL; e = err_cause(e))
        if (says_end(e))
            return true;
    return false;
}
