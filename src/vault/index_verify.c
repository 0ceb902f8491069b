/* SPDX-License-Identifier: Apache-2.0 */
/* index_verify.c -- every run whole: its name must be the hash of its bytes, and it must open
 * to the last page.  A run is mended when its bytes then hash to its name. */
#include <string.h>

#include "codes.h"
#include "index_shared.h"

static struct err *
open_all(struct store *s, const struct keys *k, struct seal *seal, const char *name)
{
    uint8_t page[RUN_PAGE_PLAIN];
    auto_ptr(run) r = NULL;
    bool ok = true;

    TRY(run_open(s, k, seal, name, &r));
    for (uint32_t i = 0; ok && i < r->npages; i++)
        TRY(run_page(s, k, seal, r, i, page, &ok));
    return ok ? NULL : fail(ObjectDamaged, name);
}

static struct err *
check_run(struct store *s, const struct keys *k, bool repair, struct seal *seal,
    const char *name, uint64_t *bytes, bool *ret_mended, bool *ret_wrong)
{
    auto_object o = { 0 };
    uint8_t hash[32], want[32];
    bool found = false;

    if (!bytes_from_hex(name + strlen("runs/"), want, sizeof(want)))
        return fail(ObjectForeign, name);
    TRY(object_read(s, name, KIND_RUN, &k->vault, RUN_BODY_MAX, &o, &found));
    if (!found)
        return NULL;
    *bytes += o.len;
    TRY(object_hash(&o, hash));
    if (memcmp(hash, want, sizeof(hash)) != 0)
        return fail(ObjectDamaged, name);
    *ret_wrong = o.mended;
    if (o.mended && repair) {
        TRY(store_replace(s, name, o.raw, o.len));
        *ret_mended = true;
    }
    return open_all(s, k, seal, name);
}

struct err *
index_check(struct store *s, const struct keys *k, bool repair, index_mend_fn *each, void *arg,
    uint64_t *ret_objects, uint64_t *ret_bytes)
{
    auto_ptr(seal) seal = NULL;
    auto_names names = { 0 };

    TRY(seal_new(&seal));
    TRY(names_list(s, "runs", &names));
    for (size_t i = 0; i < names.n; i++) {
        bool mended = false, wrong = false;
        struct err *e = check_run(s, k, repair, seal, names.names[i], ret_bytes, &mended,
            &wrong);

        if (e != NULL && !err_is(e, C_vault) && !err_is(e, C_store_io))
            return e;
        ++*ret_objects;
        if (e != NULL || wrong)
            TRY(each(arg, names.names[i], mended && e == NULL, e));
    }
    return NULL;
}
