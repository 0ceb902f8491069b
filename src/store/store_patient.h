/* SPDX-License-Identifier: Apache-2.0 */
/* store_patient.h -- a store that waits for one that is away for a while.
 *
 * A wrapper over any store: a call whose failure is transient by the class tree is made again
 * after a wait (retry.h), by whichever thread made it.  So a backup stands still while its
 * vault is away, with what its packer holds, and goes on.
 *
 * A put whose answer was lost may find its own object: where the bytes are the same, the name
 * counts as new.  (So of two callers who put the same bytes both may see it as new, if the
 * answer of one was lost; names of a vault are hashes of the bytes, or random.)
 *
 * After each wait ${again} looks whether the place is still the same one.  A file system that
 * was mounted anew may lack what was put and not yet durable.  Then the wrapper goes over to
 * it, and fails each call with StoreReturned (class vault.conflict) until store_patient_begin
 * says that its user begins anew: whoever went on would rely on what is gone.  A listing that
 * broke in the middle fails so too, once, since its receiver has some of it. */
#ifndef STORE_PATIENT_H
#define STORE_PATIENT_H

#include "retry.h"
#include "store.h"

struct store_patient_options {
    struct retry *retry; /* borrowed */
    /* Does ${s}, which has failed, still stand for the place that it was opened by?  Then *ret
     * is NULL; else another store for that place, which the wrapper takes.  A failure means
     * that the place cannot be reached.  NULL: it always does. */
    struct err *(*again)(void *arg, struct store *s, struct store **ret);
    void *arg;
    const char *path; /* for messages; copied */
};

/* Owns ${inner} when it worked. */
struct err *store_patient_new(struct store *inner, const struct store_patient_options *o,
    struct store **ret) must_use;

/* What relies on earlier calls begins anew: StoreReturned has been heard. */
void store_patient_begin(struct store *patient);

#endif
