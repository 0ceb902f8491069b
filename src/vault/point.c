/* SPDX-License-Identifier: Apache-2.0 */
/* point.c -- points as bytes.  Decoding trusts nothing: a count that the bytes cannot hold
 * ends it before memory is asked for. */
#include <string.h>

#include "codes.h"
#include "pack.h"
#include "point.h"

enum { HEIGHT_LIMIT = 8 };

/* ---- values ---- */

static void
facts_done(struct vault_fact *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(f[i].name);
        free(f[i].value);
    }
    free(f);
}

void
point_disk_done(struct vault_disk *d)
{
    free(d->name);
    free(d->source);
    facts_done(d->facts, d->nfacts);
    *d = (struct vault_disk){ 0 };
}

void
vault_point_free(struct vault_point *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->ndisks; i++)
        point_disk_done(&p->disks[i]);
    free(p->disks);
    facts_done(p->facts, p->nfacts);
    free(p->machine);
    free(p);
}

bool
point_str_ok(const char *text)
{
    return strlen(text) <= POINT_STR_MAX;
}

struct err *
point_add_fact(struct vault_fact **facts, size_t *n, const char *name, const char *value)
{
    struct vault_fact *more;

    if (*n == POINT_FACTS_MAX || !point_str_ok(name) || !point_str_ok(value))
        return fail(InputInvalid, "a fact of a recovery point", "it is too long, or too many");
    more = realloc(*facts, (*n + 1) * sizeof(*more));
    if (more == NULL)
        return fail(OutOfMemory);
    *facts = more;
    more[*n] = (struct vault_fact){ strdup(name), strdup(value) };
    (*n)++;
    return more[*n - 1].name == NULL || more[*n - 1].value == NULL ? fail(OutOfMemory) : NULL;
}

struct err *
point_copy_about(struct vault_disk *to, const struct vault_disk *from)
{
    to->stamped = from->stamped;
    to->dev = from->dev;
    to->inode = from->inode;
    to->mtime_ns = from->mtime_ns;
    to->ctime_ns = from->ctime_ns;
    to->read_start_ns = from->read_start_ns;
    if (from->source != NULL) {
        /* words for people: what does not fit is cut */
        to->source = strndup(from->source, POINT_STR_MAX);
        if (to->source == NULL)
            return fail(OutOfMemory);
    }
    for (size_t i = 0; i < from->nfacts; i++)
        TRY(point_add_fact(&to->facts, &to->nfacts, from->facts[i].name, from->facts[i].value));
    return NULL;
}

/* ---- the head ---- */

bool
point_head_read(struct view body, struct point_head *ret)
{
    struct rd r = rd_from(body.data, body.len);
    struct point_head h;
    unsigned what = rd_u8(&r);
    const uint8_t *reserved = rd_bytes(&r, 3);

    rd_copy(&r, h.session.b, sizeof(h.session.b));
    rd_copy(&r, h.cert, sizeof(h.cert));
    h.seq = rd_u64(&r);
    rd_copy(&r, h.previous, sizeof(h.previous));
    h.sealed.len = rd_u32(&r);
    h.sealed.data = rd_bytes(&r, h.sealed.len);
    h.signed_part = (struct view){ body.data, r.pos };
    h.signature = (struct view){ rd_bytes(&r, SEAL_SIGNATURE), SEAL_SIGNATURE };
    if (!rd_ended(&r) || !bytes_are_zero(reserved, 3) ||
        (what != POINT_LISTED && what != POINT_ABORT) || h.sealed.len > POINT_SEALED_MAX ||
        (what == POINT_LISTED ? h.sealed.len < SEAL_TAG : h.sealed.len != 0))
        return false;
    h.what = (enum point_what)what;
    *ret = h;
    return true;
}

void
point_head_write(struct wr *w, const struct point_head *h)
{
    wr_u8(w, (uint8_t)h->what);
    wr_zero(w, 3);
    wr_bytes(w, h->session.b, sizeof(h->session.b));
    wr_bytes(w, h->cert, sizeof(h->cert));
    wr_u64(w, h->seq);
    wr_bytes(w, h->previous, sizeof(h->previous));
    wr_u32(w, (uint32_t)h->sealed.len);
}

/* ---- reading ---- */

/* A str in fresh memory; *ret stays NULL when it is malformed. */
static struct err *
read_str(struct rd *r, char **ret)
{
    size_t len = rd_u16(r);
    const uint8_t *p = len <= POINT_STR_MAX ? rd_bytes(r, len) : NULL;

    if (p == NULL || memchr(p, 0, len) != NULL) {
        r->bad = true;
        return NULL;
    }
    *ret = strndup((const char *)p, len);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

static struct err *
read_facts(struct rd *r, struct vault_fact **ret, size_t *ret_n)
{
    size_t n = rd_u16(r);

    if (n > POINT_FACTS_MAX || n * 4 > rd_left(r))
        r->bad = true;
    if (n == 0 || r->bad)
        return NULL;
    *ret = calloc(n, sizeof(**ret));
    if (*ret == NULL)
        return fail(OutOfMemory);
    *ret_n = n;
    for (size_t i = 0; i < n && !r->bad; i++) {
        TRY(read_str(r, &(*ret)[i].name));
        TRY(read_str(r, &(*ret)[i].value));
    }
    return NULL;
}

static int64_t
read_time(struct rd *r)
{
    uint64_t t = rd_u64(r);

    if (t > INT64_MAX)
        r->bad = true;
    return r->bad ? 0 : (int64_t)t;
}

static struct err *
read_disk(struct rd *r, struct vault_disk *d)
{
    unsigned stamped;

    TRY(read_str(r, &d->name));
    d->size = rd_u64(r);
    d->height = rd_u8(r);
    rd_copy(r, d->root.b, sizeof(d->root.b));
    stamped = rd_u8(r);
    if (stamped == 1) {
        d->stamped = true;
        d->dev = rd_u64(r);
        d->inode = rd_u64(r);
        d->mtime_ns = read_time(r);
        d->ctime_ns = read_time(r);
        d->read_start_ns = read_time(r);
    }
    if (stamped > 1 || d->size > 1ULL << 62 || d->height > HEIGHT_LIMIT)
        r->bad = true;
    TRY(read_str(r, &d->source));
    return read_facts(r, &d->facts, &d->nfacts);
}

static struct err *
read_disks(struct rd *r, struct vault_point *p)
{
    size_t n = rd_u16(r);

    if (n > VAULT_DISKS_MAX || n * 40 > rd_left(r))
        r->bad = true;
    if (n == 0 || r->bad)
        return NULL;
    p->disks = calloc(n, sizeof(*p->disks));
    if (p->disks == NULL)
        return fail(OutOfMemory);
    p->ndisks = n;
    for (size_t i = 0; i < n && !r->bad; i++)
        TRY(read_disk(r, &p->disks[i]));
    return NULL;
}

struct err *
point_decode(struct view plain, struct vault_point **ret)
{
    auto_ptr(vault_point) p = calloc(1, sizeof(*p));
    struct rd r = rd_from(plain.data, plain.len);
    unsigned consistency;

    *ret = NULL;
    if (p == NULL)
        return fail(OutOfMemory);
    p->time_ns = read_time(&r);
    TRY(read_str(&r, &p->machine));
    rd_copy(&r, p->parent.b, sizeof(p->parent.b));
    consistency = rd_u8(&r);
    p->read_bytes = rd_u64(&r);
    p->new_bytes = rd_u64(&r);
    p->stored_bytes = rd_u64(&r);
    TRY(read_disks(&r, p));
    TRY(read_facts(&r, &p->facts, &p->nfacts));
    if (!rd_ended(&r) || consistency < VAULT_CRASH || consistency > VAULT_APPLICATION)
        return NULL;
    p->consistency = (enum vault_consistency)consistency;
    *ret = take(p);
    return NULL;
}

/* ---- writing ---- */

static size_t
str_len(const char *s)
{
    return 2 + (s == NULL ? 0 : strlen(s));
}

static void
write_str(struct wr *w, const char *s)
{
    size_t len = s == NULL ? 0 : strlen(s);

    wr_u16(w, (uint16_t)len);
    wr_bytes(w, s, len);
}

static size_t
facts_len(const struct vault_fact *f, size_t n)
{
    size_t len = 2;

    for (size_t i = 0; i < n; i++)
        len += str_len(f[i].name) + str_len(f[i].value);
    return len;
}

static void
write_facts(struct wr *w, const struct vault_fact *f, size_t n)
{
    wr_u16(w, (uint16_t)n);
    for (size_t i = 0; i < n; i++) {
        write_str(w, f[i].name);
        write_str(w, f[i].value);
    }
}

static size_t
plain_len(const struct vault_point *p)
{
    size_t len = 8 + str_len(p->machine) + 16 + 1 + 24 + 2 + facts_len(p->facts, p->nfacts);

    for (size_t i = 0; i < p->ndisks; i++) {
        const struct vault_disk *d = &p->disks[i];

        len += str_len(d->name) + 8 + 1 + 32 + 1 + (d->stamped ? 40U : 0U) +
            str_len(d->source) + facts_len(d->facts, d->nfacts);
    }
    return len;
}

static void
write_disk(struct wr *w, const struct vault_disk *d)
{
    write_str(w, d->name);
    wr_u64(w, d->size);
    wr_u8(w, (uint8_t)d->height);
    wr_bytes(w, d->root.b, sizeof(d->root.b));
    wr_u8(w, d->stamped);
    if (d->stamped) {
        wr_u64(w, d->dev);
        wr_u64(w, d->inode);
        wr_u64(w, (uint64_t)d->mtime_ns);
        wr_u64(w, (uint64_t)d->ctime_ns);
        wr_u64(w, (uint64_t)d->read_start_ns);
    }
    write_str(w, d->source);
    write_facts(w, d->facts, d->nfacts);
}

struct err *
point_encode(const struct vault_point *p, size_t front, uint8_t **ret, size_t *ret_len)
{
    size_t len = plain_len(p);

    if (len + SEAL_TAG > POINT_SEALED_MAX)
        return fail(InputInvalid, p->machine, "its facts do not fit into a recovery point");
    uint8_t *buf = calloc(1, front + len + SEAL_TAG + SEAL_SIGNATURE);
    if (buf == NULL)
        return fail(OutOfMemory);
    struct wr w = wr_to(buf + front, len);
    wr_u64(&w, (uint64_t)p->time_ns);
    write_str(&w, p->machine);
    wr_bytes(&w, p->parent.b, sizeof(p->parent.b));
    wr_u8(&w, (uint8_t)p->consistency);
    wr_u64(&w, p->read_bytes);
    wr_u64(&w, p->new_bytes);
    wr_u64(&w, p->stored_bytes);
    wr_u16(&w, (uint16_t)p->ndisks);
    for (size_t i = 0; i < p->ndisks; i++)
        write_disk(&w, &p->disks[i]);
    write_facts(&w, p->facts, p->nfacts);
    *ret = buf;
    *ret_len = len;
    return NULL;
}
