/* SPDX-License-Identifier: Apache-2.0 */
/* rehearsal_vault.c -- the looks at the vault. */
#include <inttypes.h>
#include <sys/statvfs.h>

#include "bytes.h"
#include "codes.h"
#include "rehearsal_internal.h"
#include "text.h"

enum { ROOM_LOOK_MS = 10000 };

struct err *
rehearse_vault(struct rehearsing *r)
{
    struct err *e = job_open(r->j, &r->vault);

    if (e != NULL && rehearsing_ends(e))
        return e;
    if (e != NULL)
        return rehearsing_say(r, REHEARSAL_FAILS, e, "cannot be opened");
    if ((vault_can(r->vault) & VAULT_CAN_WRITE) == 0)
        return rehearsing_say(r, REHEARSAL_FAILS, fail(KeyCannotWrite),
            "this key may not write");
    r->has |= HAS_VAULT;
    return rehearsing_say(r, REHEARSAL_OK, NULL, "opens; this key may write%s",
        (vault_can(r->vault) & VAULT_CAN_READ) != 0 ? " and read" : ", and not read");
}

/* The points are read as a backup reads them: for the one that it goes on from. */
struct err *
rehearse_vault_write(struct rehearsing *r)
{
    struct vault_trial t;

    struct err *e = vault_try(r->vault, r->name, &t);
    if (e == NULL)
        e = vault_points(r->vault, &r->points);
    if (e != NULL && rehearsing_ends(e))
        return e;
    if (e != NULL) {
        r->has &= ~(unsigned)HAS_VAULT;
        return rehearsing_say(r, REHEARSAL_FAILS, e, "a backup could not be written");
    }
    int64_t ms = t.write_ns / CLOCK_MS;
    if (t.removed)
        return rehearsing_say(r, REHEARSAL_OK, NULL,
            "1 MiB written in %" PRId64 " ms, %s, removed again", ms,
            t.read ? "read back" : "not readable with this credential");
    return rehearsing_say(r, REHEARSAL_OK, NULL, "1 MiB written in %" PRId64 " ms; write-only: "
        "%s stays, since this credential may not remove it", ms, t.name);
}

/* ---- room ---- */

/* How much of it a backup would read; what cannot be told in time counts as all of the rest. */
static struct err *
to_read(struct source *s, struct deadline by, uint64_t *ret)
{
    uint64_t n = 0;

    for (uint64_t off = 0, len; off < s->size; off += len) {
        enum source_extent kind = SOURCE_DATA;
        bool changed = true;

        len = s->size - off;
        if (!deadline_passed(by) && s->tells_changes)
            TRY(source_changed(s, off, &changed, &len));
        else if (!deadline_passed(by))
            TRY(source_extent(s, off, &kind, &len));
        if (changed && kind == SOURCE_DATA)
            n += len;
    }
    *ret = n;
    return NULL;
}

/* By its bitmap where a backup could go by that, else all of its data. */
static struct err *
count(struct rehearsing *r, uint64_t *ret)
{
    struct deadline by = deadline_in_ms(ROOM_LOOK_MS);

    *ret = 0;
    for (size_t i = 0; i < running_ndisks(r->m.r); i++) {
        uint64_t one = 0;

        TRY(to_read(r->sources[i], by, &one));
        if (!add_ok(*ret, one, ret))
            *ret = UINT64_MAX;
    }
    return NULL;
}

static struct err *
free_bytes(const char *path, uint64_t *ret)
{
    struct statvfs fs;

    if (statvfs(path, &fs) != 0)
        return fail(FileUnreadable, path);
    if (!mul_ok(fs.f_bavail, fs.f_frsize, ret))
        *ret = UINT64_MAX;
    return NULL;
}

struct err *
rehearse_vault_room(struct rehearsing *r)
{
    char has[TEXT_SIZE_MAX], most[TEXT_SIZE_MAX];
    uint64_t there = 0, fresh = 0;

    struct err *e = free_bytes(r->j->vault, &there);
    if (e == NULL)
        e = count(r, &fresh);
    if (e != NULL && rehearsing_ends(e))
        return e;
    if (e != NULL)
        return rehearsing_say(r, REHEARSAL_FAILS, e, "cannot be told");
    (void)text_size(has, there);
    (void)text_size(most, fresh);
    return rehearsing_say(r, there < fresh ? REHEARSAL_WEAKER : REHEARSAL_OK,
        there < fresh ? fail(VaultRoomShort, r->j->vault, has, most) : NULL,
        "%s free; what the next backup reads is %s at most", has, most);
}
