/* SPDX-License-Identifier: Apache-2.0 */
/* The contract gives Windows no scripts: applications take part there through the system's
 * own writers. */
#include "script.h"

struct scripts {
    int unused;
};

struct err *
script_open(struct scripts **ret)
{
    *ret = NULL;
    return NULL;
}

struct err *
script_check(void)
{
    return NULL;
}

void
scripts_free(struct scripts *s)
{
    (void)s; /* there are none */
}

struct err *
script_run_pre(struct scripts *s, bool *ret_warned)
{
    (void)s;
    *ret_warned = false;
    return NULL;
}

struct err *
script_run_post(struct scripts *s, bool *ret_warned)
{
    (void)s;
    *ret_warned = false;
    return NULL;
}

bool
script_goes_on(const struct scripts *s)
{
    (void)s;
    return true;
}
