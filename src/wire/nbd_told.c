/* SPDX-License-Identifier: Apache-2.0 */
/* nbd_told.c -- neighbours that are alike are joined while the answer comes in, so that what
 * is kept reaches as far as it can. */
#include "auto.h"
#include "codes.h"
#include "nbd_link.h"
#include "nbd_told.h"

enum { REQUEST_MAX = 1024 * 1024 * 1024 };

struct nbd_range {
    uint64_t len;
    bool is;
};

void
nbd_told_init(struct nbd_told *t, enum nbd_context context)
{
    *t = (struct nbd_told){ .context = context };
    pthread_mutex_init(&t->lock, NULL);
}

void
nbd_told_done(struct nbd_told *t)
{
    pthread_mutex_destroy(&t->lock);
    free(t->range);
}

static bool
note(void *arg, uint32_t len, bool is)
{
    struct nbd_told *t = arg;
    struct nbd_range *last = t->n > 0 ? &t->range[t->n - 1] : NULL;

    if (len == 0)
        return false;
    if (last != NULL && last->is == is) {
        last->len += len;
        return true;
    }
    if (t->n == NBD_LINK_EXTENTS_MAX)
        return false;
    t->range[t->n++] = (struct nbd_range){ len, is };
    return true;
}

/* Ask from the block of ${off} on. */
static struct err *
ask(struct nbd_told *t, struct nbd_conn *c, const struct nbd_export *x, uint64_t off)
{
    uint64_t start = off / x->min * x->min, len = x->size - start;

    if (t->range == NULL)
        t->range = calloc(NBD_LINK_EXTENTS_MAX, sizeof(t->range[0]));
    if (t->range == NULL)
        return fail(OutOfMemory);
    if (len > REQUEST_MAX)
        len = REQUEST_MAX;
    t->n = 0;
    t->off = start;
    struct nbd_request r = { .verb = NBD_EXTENTS, .context = t->context, .off = start,
        .len = (size_t)len, .extent = note, .extent_arg = t };
    struct err *e = nbd_conn_ask(c, &r);
    if (t->context == NBD_ZEROS && err_code(e) == E_NbdServerRefused) {
        err_free(e);
        t->range[0] = (struct nbd_range){ len, false };
        t->n = 1;
        return NULL;
    }
    if (e != NULL)
        t->n = 0;
    TRY(e);
    if (t->n == 0 || start + t->range[0].len <= off)
        return fail(NbdServerWrong, c->name, "a range of no length");
    return NULL;
}

/* Is ${off} within the last answer, and in which of its ranges? */
static bool
look_up(const struct nbd_told *t, uint64_t size, uint64_t off, bool *ret_is,
    uint64_t *ret_len)
{
    uint64_t at = t->off;

    if (off < at)
        return false;
    for (size_t i = 0; i < t->n; i++) {
        if (off - at < t->range[i].len) {
            uint64_t len = t->range[i].len - (off - at);
            *ret_is = t->range[i].is;
            *ret_len = len < size - off ? len : size - off;
            return true;
        }
        at += t->range[i].len;
    }
    return false;
}

static struct err *
find(struct nbd_told *t, struct nbd_conn *c, const struct nbd_export *x, uint64_t off,
    bool *ret_is, uint64_t *ret_len)
{
    if (look_up(t, x->size, off, ret_is, ret_len))
        return NULL;
    TRY(ask(t, c, x, off));
    if (!look_up(t, x->size, off, ret_is, ret_len))
        return fail(InternalError, "a range that was found is gone");
    return NULL;
}

struct err *
nbd_told_find(struct nbd_told *t, struct nbd_conn *c, const struct nbd_export *x,
    uint64_t off, bool *ret_is, uint64_t *ret_len)
{
    pthread_mutex_lock(&t->lock);
    struct err *e = find(t, c, x, off, ret_is, ret_len);
    pthread_mutex_unlock(&t->lock);
    TRY(e);
    return NULL;
}
