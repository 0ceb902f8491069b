/* SPDX-License-Identifier: Apache-2.0 */
/* store_mem.c -- a list of objects under one lock, for tests and rehearsals. */
#include <pthread.h>
#include <string.h>

#include "codes.h"
#include "store.h"

struct object {
    struct object *next;
    size_t len;
    uint8_t *data;
    char name[];
};

struct mem {
    struct store store;
    pthread_mutex_t lock;
    struct object *first;
};

static struct object **
find(struct mem *m, const char *name)
{
    struct object **at = &m->first;

    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

static void
object_free(struct object *o)
{
    if (o != NULL)
        free(o->data);
    free(o);
}

static struct err *
object_new(const char *name, const struct store_piece *pieces, size_t npieces,
    struct object **ret)
{
    size_t name_len = strlen(name) + 1, len = 0, at = 0;
    struct object *o;

    for (size_t i = 0; i < npieces; i++)
        len += pieces[i].len;
    o = calloc(1, sizeof(*o) + name_len);
    if (o != NULL)
        o->data = malloc(len + 1);
    if (o == NULL || o->data == NULL) {
        object_free(o);
        return fail(OutOfMemory);
    }
    memcpy(o->name, name, name_len);
    o->len = len;
    for (size_t i = 0; i < npieces; at += pieces[i].len, i++)
        if (pieces[i].len > 0)
            memcpy(o->data + at, pieces[i].data, pieces[i].len);
    *ret = o;
    return NULL;
}

static struct err *
mem_put(struct store *s, const char *name, const struct store_piece *pieces, size_t npieces,
    bool *ret_new)
{
    struct mem *m = (struct mem *)s;
    struct object *o;

    TRY(object_new(name, pieces, npieces, &o));
    pthread_mutex_lock(&m->lock);
    struct object **at = find(m, name);
    *ret_new = *at == NULL;
    if (*at == NULL) {
        *at = o;
        o = NULL;
    }
    pthread_mutex_unlock(&m->lock);
    object_free(o);
    return NULL;
}

static struct err *
mem_get(struct store *s, const char *name, uint64_t off, void *buf, size_t len,
    size_t *ret_len, bool *ret_found)
{
    struct mem *m = (struct mem *)s;

    pthread_mutex_lock(&m->lock);
    const struct object *o = *find(m, name);
    *ret_found = o != NULL;
    if (o != NULL) {
        size_t left = off < o->len ? o->len - (size_t)off : 0;

        *ret_len = len < left ? len : left;
        if (*ret_len > 0)
            memcpy(buf, o->data + off, *ret_len);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

static struct err *
mem_stat(struct store *s, const char *name, uint64_t *ret_len, bool *ret_found)
{
    struct mem *m = (struct mem *)s;

    pthread_mutex_lock(&m->lock);
    const struct object *o = *find(m, name);
    *ret_found = o != NULL;
    if (o != NULL)
        *ret_len = o->len;
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

/* ${each} may call the store, so it works on a copy of the names. */
struct listed {
    struct listed *next;
    size_t len;
    char name[STORE_NAME_MAX + 1];
};

static struct err *
snapshot(struct mem *m, const char *folder, struct listed **ret)
{
    size_t len = strlen(folder);

    for (const struct object *o = m->first; o != NULL; o = o->next) {
        if (strncmp(o->name, folder, len) != 0 || o->name[len] != '/')
            continue;
        struct listed *l = calloc(1, sizeof(*l));
        if (l == NULL)
            return fail(OutOfMemory);
        memcpy(l->name, o->name, strlen(o->name));
        l->len = o->len;
        l->next = *ret;
        *ret = l;
    }
    return NULL;
}

static struct err *
mem_list(struct store *s, const char *folder, store_list_fn *each, void *arg)
{
    struct mem *m = (struct mem *)s;
    struct listed *all = NULL;

    pthread_mutex_lock(&m->lock);
    struct err *e = snapshot(m, folder, &all);
    pthread_mutex_unlock(&m->lock);
    while (all != NULL) {
        struct listed *next = all->next;

        if (e == NULL)
            e = each(arg, all->name, all->len);
        free(all);
        all = next;
    }
    return e;
}

static struct err *
mem_barrier(struct store *s, const char *const *folders, size_t nfolders)
{
    (void)s;
    (void)folders;
    (void)nfolders;
    return NULL;
}

static struct err *
mem_remove(struct store *s, const char *name, bool *ret_found)
{
    struct mem *m = (struct mem *)s;

    pthread_mutex_lock(&m->lock);
    struct object **at = find(m, name), *o = *at;
    *ret_found = o != NULL;
    if (o != NULL)
        *at = o->next;
    pthread_mutex_unlock(&m->lock);
    object_free(o);
    return NULL;
}

static struct err *
mem_replace(struct store *s, const char *name, const struct store_piece *pieces, size_t npieces)
{
    struct mem *m = (struct mem *)s;
    struct object *o, *old;

    TRY(object_new(name, pieces, npieces, &o));
    pthread_mutex_lock(&m->lock);
    struct object **at = find(m, name);
    old = *at;
    o->next = old == NULL ? NULL : old->next;
    *at = o;
    pthread_mutex_unlock(&m->lock);
    object_free(old);
    return NULL;
}

static void
mem_free(struct store *s)
{
    struct mem *m = (struct mem *)s;

    while (m->first != NULL) {
        struct object *o = m->first;

        m->first = o->next;
        object_free(o);
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static const struct store_vtable mem_calls = {
    .put = mem_put,
    .get = mem_get,
    .stat = mem_stat,
    .list = mem_list,
    .barrier = mem_barrier,
    .replace = mem_replace,
    .remove = mem_remove,
    .free = mem_free,
};

struct err *
store_mem_new(struct store **ret)
{
    struct mem *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return fail(OutOfMemory);
    m->store.call = &mem_calls;
    pthread_mutex_init(&m->lock, NULL);
    *ret = &m->store;
    return NULL;
}
