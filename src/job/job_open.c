/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a vault as the job says, making one, and listing its points.
 *
 * The passphrase is asked for last: a vault that is not there is said before anybody types. */
#include <sched.h>
#include <string.h>

#include "audit.h"
#include "codes.h"
#include "job_internal.h"
#include "secret.h"
#include "store.h"

enum { THREADS_MOST = 16 };

unsigned
job_threads(const struct job *j)
{
    cpu_set_t set;
    int n;

    if (j->threads != 0)
        return j->threads < VAULT_LANES_MAX ? j->threads : VAULT_LANES_MAX - 1;
    n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > THREADS_MOST ? THREADS_MOST : (unsigned)n;
}

static struct err *
get_passphrase(const struct job *j, bool twice, struct secret **ret)
{
    if (j->passphrase_file != NULL)
        return secret_from_file(j->passphrase_file, ret);
    return secret_ask(twice ? "Passphrase for the new vault: " : "Passphrase: ", twice, ret);
}

/* A folder without a header is told before a passphrase is asked for. */
static struct err *
expect_vault(struct store *s)
{
    uint64_t len;
    bool found, copy = false;

    TRY(store_stat(s, "firn.vault", &len, &found));
    if (!found)
        TRY(store_stat(s, "firn.vault.copy", &len, &copy));
    return found || copy ? NULL : fail(VaultMissing, store_place(s));
}

struct err *
job_check_key(const struct job *j)
{
    if ((j->key_file != NULL) + (j->writer_file != NULL) + (j->passphrase_file != NULL) > 1)
        return fail(UsageWrong, "one of --passphrase-file, --key-file and --writer-key opens "
                                "a vault, not several");
    return NULL;
}

struct err *
job_open_in(const struct job *j, struct store *store, struct vault **ret)
{
    struct vault_unlock unlock = { .key_file = j->key_file, .writer_file = j->writer_file };
    auto_ptr(secret) passphrase = NULL;
    auto_ptr(store) s = store;
    auto_ptr(vault) v = NULL;

    if (j->key_file == NULL && j->writer_file == NULL) {
        TRY(expect_vault(s));
        TRY(get_passphrase(j, false, &passphrase));
        unlock.passphrase = passphrase;
    }
    /* a lane for each worker and one for whoever gives them work */
    TRY(vault_open(take(s), &unlock, job_threads(j) + 1, &v));
    if (j->warn != NULL)
        vault_on_warning(v, j->warn, j->arg);
    *ret = take(v);
    return NULL;
}

struct err *
job_open(const struct job *j, struct vault **ret)
{
    auto_ptr(store) s = NULL;

    TRY(job_check_key(j));
    TRY(store_dir_open(j->vault, false, &s));
    return job_open_in(j, take(s), ret);
}

struct err *
job_init(const struct job *j, const struct job_init *o, struct vault_key *ret_id)
{
    const struct vault_params params = {
        .block_len = o->block_len,
        .trust_group = o->trust_group,
        .kdf_mib = o->kdf_mib,
        .label = o->label,
    };
    auto_ptr(secret) passphrase = NULL;
    auto_ptr(store) s = NULL;

    TRY(get_passphrase(j, true, &passphrase));
    TRY(store_dir_open(j->vault, true, &s));
    return vault_init(s, &params, passphrase, ret_id);
}

/* Keep those of ${machine}; the others are freed. */
static void
keep_machine(struct vault_points *p, const char *machine)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++) {
        if (strcmp(p->items[i]->machine, machine) == 0)
            p->items[n++] = p->items[i];
        else
            vault_point_free(p->items[i]);
    }
    p->n = n;
}

bool
job_point_suspect(const struct vault_points *points, const struct vault_point *p,
    const char *disk)
{
    return audit_suspects(points, p, disk);
}

struct err *
job_points(const struct job *j, const char *machine, struct vault_points **ret)
{
    auto_ptr(vault) v = NULL;

    TRY(job_open(j, &v));
    TRY(vault_points(v, ret));
    if (machine != NULL)
        keep_machine(*ret, machine);
    return NULL;
}
