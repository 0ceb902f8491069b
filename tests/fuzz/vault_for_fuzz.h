/* SPDX-License-Identifier: Apache-2.0 */
/* vault_for_fuzz.h -- a vault in memory whose owner signs what a fuzzer invents, so that the
 * parsers behind signatures are reached: what a stolen key could write. */
#ifndef VAULT_FOR_FUZZ_H
#define VAULT_FOR_FUZZ_H

#include <assert.h>
#include <stdlib.h>

#include "keys_internal.h"
#include "vault_internal.h"

static struct vault *fuzz_vault;

static void
fuzz_vault_free(void)
{
    vault_free(fuzz_vault);
}

static struct vault *
vault_for_fuzz(void)
{
    const struct vault_params params = { .kdf_mib = 8, .block_len = VAULT_BLOCK_MIN };
    struct secret *pass = NULL;
    struct store *s = NULL;
    struct vault_key id;

    if (fuzz_vault != NULL)
        return fuzz_vault;
    bool ok = secret_copy("fuzz", 4, &pass) == NULL && store_mem_new(&s) == NULL &&
        vault_init(s, &params, pass, &id) == NULL &&
        vault_open(s, &(struct vault_unlock){ .passphrase = pass }, 2, &fuzz_vault) == NULL;
    assert(ok);
    secret_free(pass);
    (void)atexit(fuzz_vault_free);
    return fuzz_vault;
}

static void
fuzz_drop(struct vault *v, const char *name)
{
    bool found;

    err_free(store_remove(v->store, name, &found));
}

#endif
