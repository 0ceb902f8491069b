/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c -- the order of the questions is that of how much an answer explains: a disk of
 * another size is told as that, not as the loss of its bitmap, which comes with it.
 *
 * What is not known on one side proves nothing, with one exception: a life of the machine
 * that is not known to be the same counts as another, since a bitmap in memory does not
 * outlive it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chain.h"
#include "codes.h"
#include "number.h"

enum { NUMBER_TEXT = 24 };

/* ---- judging ---- */

static bool
differ(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) != 0;
}

static bool
same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* The same run of QEMU as then. */
static bool
same_life(const struct chain *then, const struct chain *now)
{
    return same(then->process, now->process) && same(then->boot, now->boot) &&
           !differ(then->host, now->host);
}

static enum chain_event
judge_image(const struct chain *then, const struct chain *now)
{
    bool path = differ(then->image, now->image), file = differ(then->file, now->file);

    if (same(then->file, now->file) || (!path && !file))
        return CHAIN_HOLDS; /* another name for the same file is no other disk */
    if (differ(then->host, now->host))
        return CHAIN_MOVED;
    return path ? CHAIN_SWAPPED : CHAIN_RESTORED;
}

static enum chain_event
judge_absence(const struct chain *then, const struct chain *now)
{
    if (same_life(then, now))
        return CHAIN_BITMAP_REMOVED;
    if (!then->persistent)
        return CHAIN_BITMAP_LOST;
    /* nobody had the image open then: it was saved already */
    return then->process == NULL ? CHAIN_BITMAP_REMOVED : CHAIN_BITMAP_UNSAVED;
}

static enum chain_event
judge_bitmap(const struct chain *then, const struct chain_now *now)
{
    uint64_t was = then->granularity, is = now->is.granularity;

    if (!now->found)
        return judge_absence(then, &now->is);
    if (now->inconsistent)
        return CHAIN_BITMAP_INCONSISTENT;
    if ((was != 0 && is != 0 && was != is) ||
        (!then->persistent && !same_life(then, &now->is)))
        return CHAIN_BITMAP_REPLACED;
    if (now->stopped)
        return CHAIN_BITMAP_STOPPED;
    return CHAIN_HOLDS;
}

enum chain_event
chain_judge(const struct chain *then, uint64_t size, const struct chain_now *now)
{
    if (then->bitmap == NULL)
        return CHAIN_NONE;
    if (size != now->size)
        return CHAIN_RESIZED;
    enum chain_event event = judge_image(then, &now->is);
    if (event != CHAIN_HOLDS)
        return event;
    if (then->checkpoint != NULL && !now->checkpoint_found)
        return CHAIN_CHECKPOINT_GONE;
    return judge_bitmap(then, now);
}

/* ---- naming ---- */

/* Which life ended, in words that go on with "... , so the disk was read whole". */
static const char *
life_words(const struct chain *then, const struct chain *now)
{
    if (differ(then->host, now->host))
        return "the machine runs on another host";
    if (differ(then->boot, now->boot))
        return "the host was started anew";
    if (then->process != NULL && now->process == NULL)
        return "the machine's QEMU has ended";
    if (differ(then->process, now->process))
        return "the machine's QEMU was started anew";
    return "the machine may have been started anew";
}

static const char *
or_unknown(const char *s)
{
    return s != NULL ? s : "(unknown)";
}

static struct err *
disk_broke(enum chain_event event, const char *disk, const struct chain *then,
    const struct chain_now *now)
{
    switch (event) {
    case CHAIN_RESIZED:
        return fail(DiskResized, disk, (int64_t)now->size);
    case CHAIN_MOVED:
        return fail(DiskMoved, disk, or_unknown(now->is.image));
    case CHAIN_SWAPPED:
        return fail(DiskSwapped, disk, or_unknown(now->is.image), or_unknown(then->image));
    default:
        return fail(DiskRestored, disk, or_unknown(now->is.image));
    }
}

struct err *
chain_broke(enum chain_event event, const char *disk, const struct chain *then,
    const struct chain_now *now)
{
    errno = 0;
    switch (event) {
    case CHAIN_HOLDS:
    case CHAIN_NONE:
    case CHAIN_EVENTS:
        return NULL;
    case CHAIN_RESIZED:
    case CHAIN_MOVED:
    case CHAIN_SWAPPED:
    case CHAIN_RESTORED:
        return disk_broke(event, disk, then, now);
    case CHAIN_CHECKPOINT_GONE:
        return fail(CheckpointGone, disk, then->checkpoint);
    case CHAIN_BITMAP_LOST:
        return fail(BitmapLost, disk, then->bitmap, life_words(then, &now->is));
    case CHAIN_BITMAP_UNSAVED:
        return fail(BitmapUnsaved, disk, then->bitmap, life_words(then, &now->is));
    case CHAIN_BITMAP_REMOVED:
        return fail(BitmapRemoved, disk, then->bitmap);
    case CHAIN_BITMAP_INCONSISTENT:
        return fail(BitmapInconsistent, disk, then->bitmap, or_unknown(now->is.image));
    case CHAIN_BITMAP_REPLACED:
        return fail(BitmapReplaced, disk, then->bitmap);
    case CHAIN_BITMAP_STOPPED:
        return fail(BitmapStopped, disk, then->bitmap);
    case CHAIN_BITMAP_CLEARED:
        return fail(BitmapCleared, disk, then->bitmap);
    }
    return NULL;
}

/* ---- facts ---- */

static const struct {
    const char *name;
    size_t at;
} strings[] = {
    { "chain.bitmap", offsetof(struct chain, bitmap) },
    { "chain.image", offsetof(struct chain, image) },
    { "chain.file", offsetof(struct chain, file) },
    { "chain.process", offsetof(struct chain, process) },
    { "chain.boot", offsetof(struct chain, boot) },
    { "chain.host", offsetof(struct chain, host) },
    { "chain.checkpoint", offsetof(struct chain, checkpoint) },
};
enum { NSTRINGS = sizeof(strings) / sizeof(strings[0]) };

static char **
string_of(struct chain *c, size_t i)
{
    return (char **)((char *)c + strings[i].at);
}

const char *
chain_fact(const struct vault_disk *disk, const char *name)
{
    for (size_t i = 0; i < disk->nfacts; i++)
        if (strcmp(disk->facts[i].name, name) == 0)
            return disk->facts[i].value;
    return NULL;
}

/* What is no number is not known. */
static uint64_t
number_fact(const struct vault_disk *disk, const char *name)
{
    const char *value = chain_fact(disk, name);
    uint64_t number = 0;

    return value != NULL && number_parse(value, &number) ? number : 0;
}

struct err *
chain_read(const struct vault_disk *disk, struct chain *ret)
{
    const char *persistent = chain_fact(disk, "chain.persistent");
    struct chain c = { 0 };

    for (size_t i = 0; i < NSTRINGS; i++) {
        const char *value = chain_fact(disk, strings[i].name);

        if (value == NULL || value[0] == '\0')
            continue;
        *string_of(&c, i) = strdup(value);
        if (*string_of(&c, i) == NULL) {
            chain_done(&c);
            return fail(OutOfMemory);
        }
    }
    c.persistent = persistent != NULL && strcmp(persistent, "yes") == 0;
    c.granularity = number_fact(disk, "chain.granularity");
    c.dirty = number_fact(disk, "chain.dirty");
    *ret = c;
    return NULL;
}

struct err *
chain_facts_add(struct chain_facts *to, const char *name, const char *value)
{
    struct vault_fact *more = realloc(to->f, (to->n + 1) * sizeof(*more));

    if (more == NULL)
        return fail(OutOfMemory);
    to->f = more;
    more[to->n] = (struct vault_fact){ .name = strdup(name), .value = strdup(value) };
    to->n++;
    if (more[to->n - 1].name == NULL || more[to->n - 1].value == NULL)
        return fail(OutOfMemory);
    return NULL;
}

static struct err *
add_number(struct chain_facts *to, const char *name, uint64_t value)
{
    char text[NUMBER_TEXT];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    TRY(chain_facts_add(to, name, text));
    return NULL;
}

/* Without a bitmap the rest says nothing that anybody will ask for. */
struct err *
chain_write(const struct chain *c, struct chain_facts *to)
{
    if (c->bitmap == NULL)
        return NULL;
    for (size_t i = 0; i < NSTRINGS; i++) {
        const char *value = *(char *const *)((const char *)c + strings[i].at);

        if (value != NULL)
            TRY(chain_facts_add(to, strings[i].name, value));
    }
    TRY(chain_facts_add(to, "chain.persistent", c->persistent ? "yes" : "no"));
    if (c->granularity != 0)
        TRY(add_number(to, "chain.granularity", c->granularity));
    TRY(add_number(to, "chain.dirty", c->dirty));
    return NULL;
}

void
chain_facts_done(struct chain_facts *f)
{
    for (size_t i = 0; i < f->n; i++) {
        free(f->f[i].name);
        free(f->f[i].value);
    }
    free(f->f);
    *f = (struct chain_facts){ 0 };
}

void
chain_done(struct chain *c)
{
    for (size_t i = 0; i < NSTRINGS; i++)
        free(*string_of(c, i));
    *c = (struct chain){ 0 };
}
