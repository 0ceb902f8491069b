/* SPDX-License-Identifier: Apache-2.0 */
/* trial.c -- could a backup be written to this vault now?
 *
 * What is written lies where a backup's packs go, once there are any: a folder of its own may
 * have other rights.  Its name is made of the writer's id, so that what a killed trial left is
 * found by the next one of the same key; a second trial at the same time takes another number.
 * No reader of a vault looks at such names. */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "codes.h"
#include "keys_internal.h"
#include "vault_internal.h"

enum { TRIES = 4 };

/* Where there are packs, among them. */
static struct err *
note_pack(void *arg, const char *name, uint64_t len)
{
    bool *found = arg;

    (void)len;
    *found = *found || strncmp(name, "packs/", strlen("packs/")) == 0;
    return NULL;
}

static void
trial_name(const struct vault *v, bool packs, unsigned number, char to[VAULT_TRIAL_NAME])
{
    char writer[2 * VAULT_KEY_LEN + 1];

    vault_key_hex(&v->keys->cert->writer, writer);
    snprintf(to, VAULT_TRIAL_NAME, "%strial-%s-%u", packs ? "packs/" : "", writer, number);
}

/* A failure that only says that this credential may not do it. */
static struct err *
unless_denied(struct err *e, bool *ret_done)
{
    *ret_done = e == NULL;
    if (err_code(e) != E_StorePermission)
        return e;
    err_free(e);
    return NULL;
}

static struct err *
read_back(struct vault *v, const char *name, const uint8_t *data, bool *ret_there,
    bool *ret_read)
{
    auto_free uint8_t *got = NULL;
    size_t len = 0;
    bool found = true;

    TRY(unless_denied(store_get_all(v->store, name, VAULT_TRIAL_LEN, &got, &len, &found),
        ret_read));
    *ret_there = found;
    if (!*ret_read || !found)
        return NULL;
    if (len != VAULT_TRIAL_LEN || memcmp(got, data, len) != 0)
        return fail(StoreUnfit, name, "it gives back other bytes than were stored");
    return NULL;
}

/* Write it under this name, read it, remove it.  *ret_lost: somebody else had the name, or took
 * it away meanwhile. */
static struct err *
try_name(struct vault *v, const uint8_t *data, struct vault_trial *t, bool *ret_lost)
{
    bool found, fresh = false, there = true;
    int64_t began_ns;

    TRY(unless_denied(store_remove(v->store, t->name, &found), &t->removed));
    began_ns = clock_mono_ns();
    TRY(store_put(v->store, t->name, data, VAULT_TRIAL_LEN, &fresh));
    t->write_ns = clock_mono_ns() - began_ns;
    struct err *e = fresh ? read_back(v, t->name, data, &there, &t->read) : NULL;
    *ret_lost = !fresh || !there;
    if (fresh)
        e = err_also(e, unless_denied(store_remove(v->store, t->name, &found), &t->removed));
    return e;
}

struct err *
vault_try(struct vault *v, const char *machine, struct vault_trial *ret)
{
    auto_free uint8_t *data = aligned_alloc(STORE_ALIGN, VAULT_TRIAL_LEN);
    struct vault_trial t = { 0 };
    bool packs = false, lost = true;

    if (data == NULL)
        return fail(OutOfMemory);
    if ((v->keys->can & VAULT_CAN_WRITE) == 0)
        return fail(KeyCannotWrite);
    if (!cert_allows(v->keys->cert, machine))
        return fail(WriterMachineDenied, machine);
    TRY(store_list(v->store, "packs", note_pack, &packs));
    seal_random(data, VAULT_TRIAL_LEN);
    for (unsigned i = 0; i < TRIES && lost; i++) {
        unsigned number = i;

        if (i + 1 == TRIES) /* the others may be taken for good, where nothing can be removed */
            seal_random(&number, sizeof(number));
        t = (struct vault_trial){ 0 };
        trial_name(v, packs, number, t.name);
        TRY(try_name(v, data, &t, &lost));
    }
    if (lost)
        return fail(StoreUnfit, t.name, "what was stored there is not there any more");
    *ret = t;
    return NULL;
}
