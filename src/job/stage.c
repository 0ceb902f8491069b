/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "codes.h"
#include "job_internal.h"
#include "stage.h"
#include "store.h"
#include "store_patient.h"

enum { HEADER_MAX = 1 << 20 };

static const char header[] = "firn.vault";

static void
tell(void *arg, struct err *noted)
{
    job_warn(arg, noted);
}

void
stages_init(struct stages *s, const struct job *j)
{
    *s = (struct stages){ .j = j };
    retry_init(&s->retry, &(struct retry_options){ .tell = tell, .arg = (void *)(uintptr_t)j,
        .most = j->retries < RETRY_MOST ? j->retries : RETRY_MOST });
}

void
stages_done(struct stages *s)
{
    retry_done(&s->retry);
    free(s->header);
}

/* ---- stages ---- */

struct err *
stage_again(struct stages *s, struct err *e)
{
    /* what the vault's threads waited for meanwhile is behind us */
    TRY(retry_after(&s->retry, retry_seen(&s->retry), e));
    if (s->patient != NULL)
        store_patient_begin(s->patient);
    return NULL;
}

void
stage_worked(struct stages *s)
{
    retry_worked(&s->retry);
}

struct err *
stage_run(struct stages *s, struct err *(*stage)(void *arg), void *arg)
{
    struct err *e;

    while ((e = stage(arg)) != NULL)
        TRY(stage_again(s, e));
    stage_worked(s);
    return NULL;
}

/* ---- the vault ---- */

/* Whatever is mounted at the path now, or nothing: it is our vault by its header alone. */
static struct err *
vault_again(void *arg, struct store *old, struct store **ret)
{
    const struct stages *s = arg;
    auto_ptr(store) other = NULL;
    auto_free uint8_t *now = NULL;
    size_t len = 0;
    bool found;

    TRY(store_dir_again(old, &other));
    if (other == NULL)
        return NULL;
    TRY(store_get_all(other, header, HEADER_MAX, &now, &len, &found));
    errno = 0;
    if (!found || len != s->header_len || memcmp(now, s->header, len) != 0)
        return fail(StoreUnreachable, s->j->vault);
    *ret = take(other);
    return NULL;
}

struct opening {
    const struct stages *s;
    struct store *ret;
};

static struct err *
open_store(void *arg)
{
    struct opening *o = arg;

    return store_dir_open(o->s->j->vault, false, &o->ret);
}

struct err *
stage_open(struct stages *s, struct vault **ret)
{
    const struct store_patient_options options = { .retry = &s->retry, .again = vault_again,
        .arg = s, .path = s->j->vault };
    struct opening o = { .s = s };
    bool found;

    TRY(job_check_key(s->j));
    TRY(stage_run(s, open_store, &o));
    auto_ptr(store) dir = take(o.ret);
    auto_ptr(store) patient = NULL;
    TRY(store_patient_new(dir, &options, &patient));
    (void)take(dir); /* the wrapper's now */
    TRY(store_get_all(patient, header, HEADER_MAX, &s->header, &s->header_len, &found));
    s->patient = patient;
    struct err *e = job_open_in(s->j, take(patient), ret);
    if (e != NULL)
        s->patient = NULL;
    return e;
}
