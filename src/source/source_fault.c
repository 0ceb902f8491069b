/* SPDX-License-Identifier: Apache-2.0 */
/* source_fault.c -- match each read against the plan; what the disk became is two atomics. */
#include <assert.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#include "codes.h"
#include "source_body.h"
#include "source_fault.h"

struct fault {
    struct source s;
    struct source *inner;
    struct source_fault plan[SOURCE_FAULTS_MAX];
    atomic_bool fired[SOURCE_FAULTS_MAX];
    size_t nplan;
    atomic_uint_fast64_t reads, asked;
    atomic_uint_fast64_t size_now;
    atomic_bool vanished;
};

static bool
matches(struct fault *f, size_t i, uint64_t call, uint64_t off, uint64_t len)
{
    const struct source_fault *p = &f->plan[i];

    if (p->onwards && atomic_load(&f->fired[i]))
        return true;
    bool match = p->call > 0 ? call == p->call : off < p->off + p->len && p->off < off + len;
    if (match)
        atomic_store(&f->fired[i], true);
    return match;
}

static struct err *
vanished(const struct fault *f, uint64_t off, uint64_t len)
{
    return fail(SourceVanished, f->s.name, (int64_t)off, (int64_t)len);
}

static struct err *
strike(struct fault *f, const struct source_fault *p, uint64_t off, uint64_t len)
{
    switch (p->kind) {
    case SOURCE_FAULT_ERROR:
    case SOURCE_FAULT_UNTOLD:
        errno = p->number;
        return fail(SourceReadFailed, f->s.name, (int64_t)off, (int64_t)len);
    case SOURCE_FAULT_VANISH:
        atomic_store(&f->vanished, true);
        return vanished(f, off, len);
    case SOURCE_FAULT_SHRINK:
    case SOURCE_FAULT_GROW:
        atomic_store(&f->size_now, p->size);
        return NULL;
    case SOURCE_FAULT_DELAY:
        (void)poll(NULL, 0, p->delay_ms);
        return NULL;
    }
    return NULL;
}

static struct err *
size_changed(const struct fault *f)
{
    uint64_t now = atomic_load(&f->size_now);

    if (now < f->s.size)
        return fail(SourceShrank, f->s.name, (int64_t)f->s.size, (int64_t)now);
    if (now > f->s.size)
        return fail(SourceGrew, f->s.name, (int64_t)f->s.size, (int64_t)now);
    return NULL;
}

static struct err *
fault_read(struct source *s, unsigned lane, uint64_t off, void *buf, size_t len)
{
    struct fault *f = (struct fault *)s;
    uint64_t call = atomic_fetch_add(&f->reads, 1) + 1;

    if (atomic_load(&f->vanished))
        return vanished(f, off, len);
    for (size_t i = 0; i < f->nplan; i++) {
        if (f->plan[i].kind == SOURCE_FAULT_UNTOLD || !matches(f, i, call, off, len))
            continue;
        TRY(strike(f, &f->plan[i], off, len));
        if (f->plan[i].kind != SOURCE_FAULT_DELAY)
            break;
    }
    if (off + len > atomic_load(&f->size_now))
        TRY(size_changed(f));
    TRY(source_read(f->inner, lane, off, buf, len));
    return NULL;
}

static struct err *
fault_extent(struct source *s, uint64_t off, enum source_extent *ret_kind, uint64_t *ret_len)
{
    TRY(source_extent(((struct fault *)s)->inner, off, ret_kind, ret_len));
    return NULL;
}

static struct err *
fault_changed(struct source *s, uint64_t off, bool *ret_changed, uint64_t *ret_len)
{
    struct fault *f = (struct fault *)s;
    uint64_t call = atomic_fetch_add(&f->asked, 1) + 1;

    if (atomic_load(&f->vanished))
        return vanished(f, off, 1);
    for (size_t i = 0; i < f->nplan; i++)
        if (f->plan[i].kind == SOURCE_FAULT_UNTOLD && matches(f, i, call, off, 1))
            TRY(strike(f, &f->plan[i], off, 1));
    TRY(source_changed(f->inner, off, ret_changed, ret_len));
    return NULL;
}

static struct err *
fault_unwritten(struct source *s, const struct source_stamp *then, bool *ret_same)
{
    TRY(source_unwritten(((struct fault *)s)->inner, then, ret_same));
    return NULL;
}

static struct err *
fault_check(struct source *s)
{
    struct fault *f = (struct fault *)s;

    if (atomic_load(&f->vanished))
        return vanished(f, 0, s->size);
    TRY(size_changed(f));
    TRY(source_check(f->inner));
    return NULL;
}

static void
fault_free(struct source *s)
{
    struct fault *f = (struct fault *)s;

    source_free(f->inner);
    free(f);
}

static const struct source_vtable fault_calls = {
    .read = fault_read,
    .extent = fault_extent,
    .changed = fault_changed,
    .unwritten = fault_unwritten,
    .check = fault_check,
    .free = fault_free,
};

struct err *
source_fault_new(struct source *inner, const struct source_fault *plan, size_t n,
    struct source **ret)
{
    struct fault *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return fail(OutOfMemory);
    assert(n <= SOURCE_FAULTS_MAX);
    auto_ptr(source) s = &f->s;
    TRY(source_init(s, &fault_calls, inner->name));
    memcpy(f->plan, plan, n * sizeof(plan[0]));
    f->nplan = n;
    s->size = inner->size;
    s->lanes = inner->lanes;
    s->busy = inner->busy;
    s->tells_changes = inner->tells_changes;
    s->stamp = inner->stamp;
    atomic_store(&f->size_now, inner->size);
    f->inner = inner;
    *ret = take(s);
    return NULL;
}

uint64_t
source_fault_reads(const struct source *s)
{
    return atomic_load(&((const struct fault *)s)->reads);
}
