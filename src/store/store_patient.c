/* SPDX-License-Identifier: Apache-2.0 */
/* store_patient.c -- make the call, wait, make it again.
 *
 * Stores of earlier lives are kept until the end: other threads may be within their calls.
 * The one that counts now, and whether it was changed, is guarded by a lock that is never held
 * during a call. */
#include <pthread.h>
#include <string.h>

#include "codes.h"
#include "store_patient.h"

enum { LIVES_MAX = 16, COMPARE_LEN = 1 << 20 };

struct patient {
    struct store store;
    struct store_patient_options o;
    char *path;
    pthread_mutex_t lock;
    struct store *life[LIVES_MAX]; /* the last of them counts */
    unsigned lives;
    bool returned; /* the place was changed, and nobody has begun anew */
};

/* One call, as it is made each time. */
struct call {
    const char *name;
    struct err *(*make)(struct store *s, struct call *c);
    const struct store_piece *pieces;
    size_t npieces;
    bool repeated; /* it was made before, and what came of that is not known */
    bool *ret_new, *ret_found;
    uint64_t off;
    void *buf;
    size_t len, *ret_len;
    uint64_t *ret_stat;
    store_list_fn *each;
    void *arg;
    bool given; /* some of a listing */
    const char *path;
    const char *const *folders;
};

/* ---- the wait, and what is there after it ---- */

static struct err *
living(struct patient *p, struct store **ret)
{
    pthread_mutex_lock(&p->lock);
    *ret = p->life[p->lives - 1];
    bool returned = p->returned;
    pthread_mutex_unlock(&p->lock);
    errno = 0;
    return returned ? fail(StoreReturned, p->path) : NULL;
}

/* ${s} failed, and a wait was made for it: go over to what is there now, if that is another
 * one.  What cannot be reached is told by the next call. */
static void
look_again(struct patient *p, struct store *s)
{
    auto_ptr(store) other = NULL;

    if (p->o.again == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    if (s == p->life[p->lives - 1] && p->lives < LIVES_MAX) {
        err_free(p->o.again(p->o.arg, s, &other));
        if (other != NULL) {
            p->life[p->lives++] = take(other);
            p->returned = true;
        }
    }
    pthread_mutex_unlock(&p->lock);
}

static struct err *
run(struct patient *p, struct call *c)
{
    for (;;) {
        uint64_t seen = retry_seen(p->o.retry);
        struct store *s;

        TRY(living(p, &s));
        struct err *e = c->make(s, c);
        if (e == NULL) {
            if (c->repeated)
                retry_worked(p->o.retry);
            return NULL;
        }
        if (err_has(e, E_StoreReturned)) /* a wait was made for it */
            return e;
        TRY(retry_after(p->o.retry, seen, e));
        look_again(p, s);
        c->repeated = true;
    }
}

/* ---- put: did an earlier try take the name? ---- */

static size_t
length_of(const struct call *c)
{
    size_t len = 0;

    for (size_t i = 0; i < c->npieces; i++)
        len += c->pieces[i].len;
    return len;
}

static bool
is_at(const struct call *c, size_t off, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < c->npieces && len > 0; i++) {
        size_t have = c->pieces[i].len;

        if (off >= have) {
            off -= have;
            continue;
        }
        size_t n = have - off < len ? have - off : len;
        if (memcmp((const uint8_t *)c->pieces[i].data + off, data, n) != 0)
            return false;
        data += n;
        len -= n;
        off = 0;
    }
    return len == 0;
}

/* Are the bytes under the name the ones that were to be put? */
static struct err *
is_ours(struct store *s, const struct call *c, bool *ret)
{
    auto_free uint8_t *buf = malloc(COMPARE_LEN);
    size_t all = length_of(c), got = 0;
    uint64_t len = 0;
    bool found = false;

    *ret = false;
    if (buf == NULL)
        return fail(OutOfMemory);
    TRY(s->call->stat(s, c->name, &len, &found));
    if (!found || len != all)
        return NULL;
    for (size_t at = 0; at < all; at += got) {
        TRY(s->call->get(s, c->name, at, buf, COMPARE_LEN, &got, &found));
        if (!found || got == 0 || !is_at(c, at, buf, got))
            return NULL;
    }
    *ret = true;
    return NULL;
}

static struct err *
make_put(struct store *s, struct call *c)
{
    bool fresh = false;

    TRY(s->call->put(s, c->name, c->pieces, c->npieces, &fresh));
    if (!fresh && c->repeated)
        TRY(is_ours(s, c, &fresh));
    *c->ret_new = fresh;
    return NULL;
}

static struct err *
patient_put(struct store *s, const char *name, const struct store_piece *pieces, size_t npieces,
    bool *ret_new)
{
    return run((struct patient *)s, &(struct call){ .name = name, .make = make_put,
        .pieces = pieces, .npieces = npieces, .ret_new = ret_new });
}

/* ---- the others ---- */

static struct err *
make_get(struct store *s, struct call *c)
{
    return s->call->get(s, c->name, c->off, c->buf, c->len, c->ret_len, c->ret_found);
}

static struct err *
patient_get(struct store *s, const char *name, uint64_t off, void *buf, size_t len,
    size_t *ret_len, bool *ret_found)
{
    return run((struct patient *)s, &(struct call){ .name = name, .make = make_get, .off = off,
        .buf = buf, .len = len, .ret_len = ret_len, .ret_found = ret_found });
}

static struct err *
make_stat(struct store *s, struct call *c)
{
    return s->call->stat(s, c->name, c->ret_stat, c->ret_found);
}

static struct err *
patient_stat(struct store *s, const char *name, uint64_t *ret_len, bool *ret_found)
{
    return run((struct patient *)s, &(struct call){ .name = name, .make = make_stat,
        .ret_stat = ret_len, .ret_found = ret_found });
}

static struct err *
make_barrier(struct store *s, struct call *c)
{
    return s->call->barrier(s, c->folders, c->len);
}

static struct err *
patient_barrier(struct store *s, const char *const *folders, size_t nfolders)
{
    return run((struct patient *)s, &(struct call){ .make = make_barrier, .folders = folders,
        .len = nfolders });
}

static struct err *
make_replace(struct store *s, struct call *c)
{
    return s->call->replace(s, c->name, c->pieces, c->npieces);
}

static struct err *
patient_replace(struct store *s, const char *name, const struct store_piece *pieces,
    size_t npieces)
{
    return run((struct patient *)s, &(struct call){ .name = name, .make = make_replace,
        .pieces = pieces, .npieces = npieces });
}

/* A try before this one may have removed it. */
static struct err *
make_remove(struct store *s, struct call *c)
{
    TRY(s->call->remove(s, c->name, c->ret_found));
    *c->ret_found |= c->repeated;
    return NULL;
}

static struct err *
patient_remove(struct store *s, const char *name, bool *ret_found)
{
    return run((struct patient *)s, &(struct call){ .name = name, .make = make_remove,
        .ret_found = ret_found });
}

/* ---- list: its receiver must see each object once ---- */

static struct err *
note_given(void *arg, const char *name, uint64_t len)
{
    struct call *c = arg;

    c->given = true;
    return c->each(c->arg, name, len);
}

/* To go on in the middle of a listing nobody can: its receiver has some of it. */
static struct err *
make_list(struct store *s, struct call *c)
{
    return c->given ? fail(StoreReturned, c->path) : s->call->list(s, c->name, note_given, c);
}

static struct err *
patient_list(struct store *s, const char *folder, store_list_fn *each, void *arg)
{
    struct patient *p = (struct patient *)s;

    return run(p, &(struct call){ .name = folder, .make = make_list, .each = each, .arg = arg,
        .path = p->path });
}

/* ---- making and freeing ---- */

static void
patient_free(struct store *s)
{
    struct patient *p = (struct patient *)s;

    for (unsigned i = 0; i < p->lives; i++)
        store_free(p->life[i]);
    pthread_mutex_destroy(&p->lock);
    free(p->path);
    free(p);
}

static const struct store_vtable patient_calls = {
    .put = patient_put,
    .get = patient_get,
    .stat = patient_stat,
    .list = patient_list,
    .barrier = patient_barrier,
    .replace = patient_replace,
    .remove = patient_remove,
    .free = patient_free,
};

struct err *
store_patient_new(struct store *inner, const struct store_patient_options *o,
    struct store **ret)
{
    struct patient *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return fail(OutOfMemory);
    p->path = strdup(o->path);
    if (p->path == NULL) {
        free(p);
        return fail(OutOfMemory);
    }
    p->store.call = &patient_calls;
    p->store.place = p->path;
    p->o = *o;
    pthread_mutex_init(&p->lock, NULL);
    p->life[p->lives++] = inner;
    *ret = &p->store;
    return NULL;
}

void
store_patient_begin(struct store *patient)
{
    struct patient *p = (struct patient *)patient;

    pthread_mutex_lock(&p->lock);
    p->returned = false;
    pthread_mutex_unlock(&p->lock);
}
