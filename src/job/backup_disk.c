/* SPDX-License-Identifier: Apache-2.0 */
/* backup_disk.c -- one disk: as in the parent, by a list of changes, by its bitmap, or read
 * whole. */
#include <string.h>

#include "audit.h"
#include "backup_internal.h"
#include "bytes.h"
#include "codes.h"

/* Less than was asked for: the point says so, and the user is told once. */
static struct err *
weaker(struct backup *b, struct vault_writer *w, const char *disk, bool *told, struct err *e)
{
    struct err *failed = vault_backup_fact(w, err_id(e), disk);

    if (failed == NULL && !*told && b->o->warn != NULL)
        b->o->warn(b->o->arg, e);
    else
        err_free(e);
    *told = *told || failed == NULL;
    return failed;
}

/* Nothing has written to it since the parent was read. */
static struct err *
unwritten(const struct vault_disk_writer *d, const struct vault_disk *of, struct source *s,
    bool *ret)
{
    *ret = false;
    if (of == NULL || !of->stamped || !vault_disk_can_share(d, of))
        return NULL;
    struct source_stamp then = { .known = true, .dev = of->dev, .inode = of->inode,
        .size = of->size, .mtime_ns = of->mtime_ns, .ctime_ns = of->ctime_ns,
        .read_start_ns = of->read_start_ns };
    return source_unwritten(s, &then, ret);
}

/* Why the parent's map cannot be built upon; NULL: it can. */
static const char *
parent_problem(const struct vault_point *parent, const struct vault_disk_writer *d,
    const struct vault_disk *of, uint64_t size)
{
    if (parent == NULL)
        return "the machine has no recovery point yet";
    if (of == NULL)
        return "the machine's newest point has no disk of this name";
    if (of->size != size)
        return "the disk's size has changed";
    if (!vault_disk_can_share(d, of))
        return "the machine's newest point was written with another key";
    return NULL;
}

static bool
is_point(const struct vault_point *p, const struct vault_key *id)
{
    return p != NULL && memcmp(&p->id, id, sizeof(*id)) == 0;
}

static const char *const other_newest = "another point became the newest while the backup ran";

/* ---- by a list ---- */

/* *ret = NULL: read it whole. */
static struct err *
use_list(struct backup *b, struct vault_writer *w, const struct vault_point *parent,
    const struct vault_disk_writer *d, const struct backup_disk *disk,
    const struct changed **ret)
{
    const struct vault_disk *of = vault_point_disk(parent, disk->name);
    uint64_t block_len = vault_block_len(b->v), size = disk->source->size;
    const char *why = b->has_base && !is_point(parent, &b->base) ?
                          other_newest : parent_problem(parent, d, of, size);

    if (why != NULL)
        return weaker(b, w, disk->name, &b->warned_list,
            fail(ChangedListUnused, disk->name, why));
    if (b->changed == NULL)
        TRY(changed_read(b->o->changed, div_up(size, block_len), &b->changed));
    *ret = b->changed;
    return NULL;
}

/* ---- by a bitmap ---- */

/* Less than was asked for happened before the backup began. */
static struct err *
tell_broken(struct backup *b, struct vault_writer *w, struct backup_disk *disk)
{
    bool told = false;

    if (disk->broke_code != NULL)
        return vault_backup_fact(w, disk->broke_code, disk->name);
    if (disk->broke == NULL)
        return NULL;
    disk->broke_code = err_id(disk->broke);
    return weaker(b, w, disk->name, &told, take(disk->broke));
}

/* *ret = NULL: the server would not say. */
static struct err *
ask(struct backup *b, struct vault_writer *w, const struct backup_disk *disk, size_t number,
    struct changed **ret)
{
    struct err *e = changed_ask(disk->source, vault_block_len(b->v), ret);

    if (err_code(e) != E_SourceReadFailed)
        return e;
    errno = 0;
    return weaker(b, w, disk->name, &b->warned_bitmap[number],
        err_because(fail(ChangesUntold, disk->name), e));
}

/* What speaks against reading only ${c}; NULL: nothing. */
static struct err *
bitmap_problem(const struct vault_point *parent, const struct vault_disk_writer *d,
    const struct backup_disk *disk, const struct changed *c)
{
    const struct vault_disk *of = vault_point_disk(parent, disk->name);
    const struct chain_now now = { .size = disk->source->size };
    const char *why = !is_point(parent, disk->since) ?
                          other_newest : parent_problem(parent, d, of, disk->source->size);

    errno = 0;
    if (why != NULL)
        return fail(ChangesUnused, disk->name, why);
    if (disk->then != NULL && changed_told_bytes(c) < disk->then->dirty)
        return chain_broke(CHAIN_BITMAP_CLEARED, disk->name, disk->then, &now);
    return NULL;
}

/* *ret_asked: what the source tells; NULL: nothing.  *ret_use: it is good for this point. */
static struct err *
use_bitmap(struct backup *b, struct vault_writer *w, const struct vault_point *parent,
    const struct vault_disk_writer *d, const struct backup_disk *disk, size_t number,
    struct changed **ret_asked, bool *ret_use)
{
    if (!disk->source->tells_changes)
        return NULL;
    TRY(ask(b, w, disk, number, ret_asked));
    if (*ret_asked == NULL || disk->since == NULL)
        return NULL;
    struct err *why = bitmap_problem(parent, d, disk, *ret_asked);
    *ret_use = why == NULL;
    return why == NULL ? NULL : weaker(b, w, disk->name, &b->warned_bitmap[number], why);
}

/* Hold some of what it calls clean against the parent.  *ret_use = false: it lied. */
static struct err *
audit(struct backup *b, struct vault_writer *w, const struct vault_point *parent,
    const struct backup_disk *disk, size_t number, const struct changed *c, bool *ret_use,
    struct chain_facts *facts)
{
    const struct vault_disk *of = vault_point_disk(parent, disk->name);
    struct audit a;

    TRY(audit_begin(parent, of, &a));
    TRY(audit_run(b, disk, parent, of, c, &a));
    TRY(audit_facts(&a, parent->time_ns, facts));
    *ret_use = a.wrong == 0;
    errno = 0;
    return a.wrong == 0 ? NULL : weaker(b, w, disk->name, &b->warned_bitmap[number],
        fail(BitmapFalse, disk->name, (int64_t)a.wrong, (int64_t)a.checked));
}

/* ---- what the point says of the disk ---- */

/* How the next point can tell what changed since this one. */
static struct err *
keep_chain(const struct backup_disk *disk, const struct changed *asked, bool by_bitmap,
    struct chain_facts *facts)
{
    struct chain keep;

    if (by_bitmap)
        TRY(chain_facts_add(facts, "chain.read", "changed"));
    if (disk->chain == NULL || (disk->goes_on && asked == NULL))
        return NULL;
    keep = *disk->chain;
    keep.dirty = disk->goes_on ? changed_told_bytes(asked) : 0;
    return chain_write(&keep, facts);
}

/* A disk that was read by a list or a bitmap has no stamp: these are believed for this point,
 * not for later ones. */
static void
describe(struct vault_disk *about, const struct backup_disk *disk,
    const struct vault_disk *same, bool in_part)
{
    const struct source_stamp *s = &disk->source->stamp;

    about->source = disk->source->name;
    about->dev = s->dev;
    about->inode = s->inode;
    about->mtime_ns = s->mtime_ns;
    about->ctime_ns = s->ctime_ns;
    about->read_start_ns = s->read_start_ns;
    about->stamped = s->known && !in_part;
    if (same == NULL)
        return;
    about->stamped = true;
    about->dev = same->dev;
    about->inode = same->inode;
    about->mtime_ns = same->mtime_ns;
    about->ctime_ns = same->ctime_ns;
    about->read_start_ns = same->read_start_ns;
}

/* ---- one disk ---- */

/* What is gathered on the way; its end frees it. */
struct one {
    struct changed *asked;
    struct chain_facts facts;
    bool in_part;
};

static struct err *
read_disk(struct backup *b, struct vault_writer *w, const struct vault_point *parent,
    struct vault_disk_writer *d, struct backup_disk *disk, size_t number, struct one *one)
{
    const struct vault_disk *of = vault_point_disk(parent, disk->name);
    const struct changed *changed = NULL;
    bool by_bitmap = false;

    if (b->o->changed != NULL)
        TRY(use_list(b, w, parent, d, disk, &changed));
    else
        TRY(use_bitmap(b, w, parent, d, disk, number, &one->asked, &by_bitmap));
    if (by_bitmap)
        TRY(audit(b, w, parent, disk, number, one->asked, &by_bitmap, &one->facts));
    if (by_bitmap)
        changed = one->asked;
    one->in_part = changed != NULL;
    TRY(backup_pipe(b, w, d, disk, of, changed));
    TRY(keep_chain(disk, one->asked, by_bitmap, &one->facts));
    return NULL;
}

static struct err *
back_up(struct backup *b, struct vault_writer *w, const struct vault_point *parent,
    struct backup_disk *disk, size_t number, struct one *one)
{
    const struct vault_disk *of = vault_point_disk(parent, disk->name);
    struct vault_disk_writer *d = NULL;
    struct vault_disk about = { 0 };
    bool same = false;

    TRY(vault_disk_begin(w, disk->name, disk->source->size, &d));
    if (disk->source->busy)
        TRY(weaker(b, w, disk->name, &b->warned[number],
            fail(DiskInUse, disk->source->name, disk->name)));
    TRY(tell_broken(b, w, disk));
    if (!b->o->reread)
        TRY(unwritten(d, of, disk->source, &same));
    if (same)
        TRY(vault_disk_same(d, of));
    else
        TRY(read_disk(b, w, parent, d, disk, number, one));
    TRY(source_check(disk->source));
    for (size_t i = 0; i < disk->about.n; i++)
        TRY(chain_facts_add(&one->facts, disk->about.f[i].name, disk->about.f[i].value));
    about.facts = one->facts.f;
    about.nfacts = one->facts.n;
    describe(&about, disk, same ? of : NULL, one->in_part);
    TRY(vault_disk_end(d, &about));
    return NULL;
}

struct err *
backup_one(struct backup *b, struct vault_writer *w, const struct vault_point *parent,
    struct backup_disk *disk, size_t number)
{
    struct one one = { 0 };
    struct err *e = back_up(b, w, parent, disk, number, &one);

    changed_free(one.asked);
    chain_facts_done(&one.facts);
    return e;
}
