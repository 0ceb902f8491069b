/* SPDX-License-Identifier: Apache-2.0 */
/* backup_disk.c -- one disk: as in the parent, by a list of changes, or read whole. */
#include <string.h>

#include "backup_internal.h"
#include "codes.h"

static const struct vault_disk *
find_disk(const struct vault_point *p, const char *name)
{
    for (size_t i = 0; p != NULL && i < p->ndisks; i++)
        if (strcmp(p->disks[i].name, name) == 0)
            return &p->disks[i];
    return NULL;
}

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

/* Why the list cannot be used; NULL: it can. */
static const char *
list_problem(const struct backup *b, const struct vault_point *parent,
    const struct vault_disk_writer *d, const struct vault_disk *of, uint64_t size)
{
    if (b->has_base && (parent == NULL ||
            memcmp(&parent->id, &b->base, sizeof(b->base)) != 0))
        return "another point became the newest while the backup ran";
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

/* *ret_by_list = false: read it whole. */
static struct err *
use_list(struct backup *b, struct vault_writer *w, const struct vault_point *parent,
    const struct vault_disk_writer *d, const struct backup_disk *disk, bool *ret_by_list)
{
    const struct vault_disk *of = find_disk(parent, disk->name);
    uint64_t block_len = vault_block_len(b->v), size = disk->source->size;
    const char *why = list_problem(b, parent, d, of, size);

    *ret_by_list = false;
    if (why != NULL)
        return weaker(b, w, disk->name, &b->warned_list,
            fail(ChangedListUnused, disk->name, why));
    if (b->changed == NULL)
        TRY(changed_read(b->o->changed, size / block_len + (size % block_len != 0),
            &b->changed));
    *ret_by_list = true;
    return NULL;
}

/* What the point says of the disk.  A disk that was read by a list has no stamp: the list is
 * believed for this point, not for later ones. */
static void
describe(struct vault_disk *about, const struct backup_disk *disk,
    const struct vault_disk *same,
    bool by_list)
{
    const struct source_stamp *s = &disk->source->stamp;

    *about = (struct vault_disk){ .source = disk->source->name, .dev = s->dev,
        .inode = s->inode, .mtime_ns = s->mtime_ns, .ctime_ns = s->ctime_ns,
        .read_start_ns = s->read_start_ns, .stamped = s->known && !by_list };
    if (same == NULL)
        return;
    about->stamped = true;
    about->dev = same->dev;
    about->inode = same->inode;
    about->mtime_ns = same->mtime_ns;
    about->ctime_ns = same->ctime_ns;
    about->read_start_ns = same->read_start_ns;
}

struct err *
backup_one(struct backup *b, struct vault_writer *w, const struct vault_point *parent,
    const struct backup_disk *disk, size_t number)
{
    const struct vault_disk *of = find_disk(parent, disk->name);
    struct vault_disk_writer *d = NULL;
    struct vault_disk about;
    bool same = false, by_list = false;

    TRY(vault_disk_begin(w, disk->name, disk->source->size, &d));
    if (disk->source->busy)
        TRY(weaker(b, w, disk->name, &b->warned[number],
            fail(DiskInUse, disk->source->name, disk->name)));
    if (!b->o->reread)
        TRY(unwritten(d, of, disk->source, &same));
    if (same) {
        TRY(vault_disk_same(d, of));
    } else {
        if (b->o->changed != NULL)
            TRY(use_list(b, w, parent, d, disk, &by_list));
        TRY(backup_pipe(b, w, d, disk, by_list ? of : NULL));
    }
    TRY(source_check(disk->source));
    describe(&about, disk, same ? of : NULL, by_list);
    TRY(vault_disk_end(d, &about));
    return NULL;
}
