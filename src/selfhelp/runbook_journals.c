/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_journals.c -- which journals are a machine's.
 *
 * They are found by its identity.  Journals of a firn that knew none have the machine's name as
 * it was typed then: they are found by that. */
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "runbook_internal.h"

const char *
run_identity(const struct target *t)
{
    return t->identity != NULL ? t->identity : t->name;
}

bool
run_is_of(const struct journal *j, const struct target *t)
{
    return strcmp(journal_target(j), run_identity(t)) == 0 ||
        strcmp(journal_target(j), t->name) == 0;
}

static size_t
count(char *const *ids)
{
    size_t n = 0;

    while (ids[n] != NULL)
        n++;
    return n;
}

/* ${more} behind ${ids}, of both JOURNAL_UNFINISHED_MAX at most; takes ${more}. */
static struct err *
append(char ***ids, char **more)
{
    size_t n = count(*ids), take_n = count(more);
    size_t room = n < JOURNAL_UNFINISHED_MAX ? JOURNAL_UNFINISHED_MAX - n : 0;
    char **all = realloc(*ids, (n + take_n + 1) * sizeof(*all));

    if (all == NULL) {
        journal_ids_free(more);
        return fail(OutOfMemory);
    }
    *ids = all;
    for (size_t i = 0; i < take_n; i++) {
        if (i < room)
            all[n++] = more[i];
        else
            free(more[i]);
    }
    all[n] = NULL;
    free(more);
    return NULL;
}

struct err *
run_unfinished(const struct run *r, char ***ret)
{
    const char *folder = r->policy->journals;
    char **ids = NULL, **old = NULL;
    struct err *e;

    TRY(journal_unfinished(folder, run_identity(r->t), &ids));
    if (strcmp(run_identity(r->t), r->t->name) == 0) {
        *ret = ids;
        return NULL;
    }
    e = journal_unfinished(folder, r->t->name, &old);
    if (e == NULL)
        e = append(&ids, old);
    if (e != NULL) {
        journal_ids_free(ids);
        return e;
    }
    *ret = ids;
    return NULL;
}
