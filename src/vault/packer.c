/* SPDX-License-Identifier: Apache-2.0 */
/* packer.c -- two lines of packs, each with its buffers.
 *
 *   buffer:  IDLE --open--> FILLING --full--> CLOSED --last frame done--> PUTTING --> IDLE
 *
 * One lock guards the states and the small fields of a buffer; the bytes of a frame belong
 * to the thread that reserved them.  A failed put is kept in the buffer's task and comes
 * out at the next reservation that needs the buffer, or at packer_flush. */
#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "armour.h"
#include "codes.h"
#include "packer.h"
#include "pool.h"
#include "store.h"

/* Smaller packs than the format allows: three buffers of 8 MiB cost less than two of 16 MiB,
 * and let two packs be hashed, written and synced while another fills. */
enum { BUFFERS = 3, MAP_BUFFERS = 2, PUTTERS = 2, LINES = 2 };
enum { DATA_TARGET = 8 << 20, MAP_TARGET = 4 << 20, TABLE_ROOM = 65536 };

enum buffer_state { IDLE, FILLING, CLOSED, PUTTING };

struct buffer {
    struct packer *packer;
    enum packer_line line;
    enum buffer_state state;
    uint8_t *memory, *body;
    size_t target;
    uint32_t len;      /* of the body so far */
    uint32_t nframes, under_way, number;
    struct pack_frame *frame;
    uint32_t frame_room;
    uint8_t key[SEAL_KEY], origin[16];
    struct pool_task task;
};

struct packer {
    struct store *store;
    const struct keys *keys;
    struct seal *seal[PUTTERS];
    struct pool *putter;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct buffer buffer[LINES][BUFFERS];
    struct buffer *open[LINES];
    struct index_pack *packs;
    uint32_t npacks, pack_room;
    uint64_t stored;
    struct err *failed;
};

static unsigned
buffers_of(unsigned line)
{
    return line == LINE_DATA ? BUFFERS : MAP_BUFFERS;
}

static size_t
target_of(enum packer_line line)
{
    return line == LINE_DATA ? DATA_TARGET : MAP_TARGET;
}

/* ---- putting, on the background threads ---- */

static struct err *
seal_table(struct buffer *b, struct seal *seal, struct pack_head *h)
{
    struct packer *p = b->packer;
    uint8_t key[SEAL_KEY];
    uint8_t *table = b->body + b->len;

    seal_random(h->salt, sizeof(h->salt));
    TRY(seal_derive(p->keys->index_key->data, &p->keys->vault, "firn pack table", h->salt,
        sizeof(h->salt), key));
    for (uint32_t i = 0; i < b->nframes; i++)
        pack_frame_write(&b->frame[i], table + (size_t)i * PACK_FRAME_REC);
    size_t plain = (size_t)b->nframes * PACK_FRAME_REC;
    struct err *e = seal_encrypt(seal, key, 0, (struct view){ 0 }, table, plain, table);
    sodium_memzero(key, sizeof(key));
    TRY(e);
    h->nenvelopes = 1;
    h->nframes = (uint16_t)b->nframes;
    h->table_off = b->len;
    h->table_len = (uint32_t)plain + SEAL_TAG;
    b->len += h->table_len;
    return NULL;
}

static struct err *
put_pack(struct buffer *b, struct seal *seal)
{
    struct packer *p = b->packer;
    struct pack_head h = { 0 };
    struct view object;
    char name[PACK_NAME_LEN + 1];
    uint8_t hash[SEAL_HASH];
    bool fresh;

    TRY(seal_table(b, seal, &h));
    pack_head_write(&h, b->body);
    armour_put_on(b->body, b->len, b->line == LINE_DATA ? KIND_DATA_PACK : KIND_MAP_PACK,
        &p->keys->vault, &object);
    TRY(seal_sha256(object.data, object.len, hash));
    pack_name(hash, name);
    TRY(store_put(p->store, name, object.data, object.len, &fresh));
    pthread_mutex_lock(&p->lock);
    struct index_pack *pack = &p->packs[b->number];
    memcpy(pack->hash, hash, sizeof(hash));
    pack->body_len = b->len;
    pack->kind = b->line == LINE_DATA ? KIND_DATA_PACK : KIND_MAP_PACK;
    p->stored += object.len;
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static struct err *
put_task(struct pool_task *t, unsigned worker)
{
    struct buffer *b = t->arg;
    struct packer *p = b->packer;
    struct err *e = put_pack(b, p->seal[worker]);

    pthread_mutex_lock(&p->lock);
    p->failed = err_also(p->failed, e);
    b->state = IDLE;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- buffers; all with the lock held ---- */

static void
put_when_ready(struct buffer *b)
{
    if (b->state == CLOSED && b->under_way == 0) {
        b->state = PUTTING;
        pool_submit(b->packer->putter, &b->task);
    }
}

static void
close_open(struct packer *p, enum packer_line line)
{
    struct buffer *b = p->open[line];

    p->open[line] = NULL;
    if (b == NULL)
        return;
    b->state = b->nframes > 0 ? CLOSED : IDLE;
    put_when_ready(b);
}

static struct err *
new_number(struct packer *p, uint32_t *ret)
{
    if (p->npacks == p->pack_room) {
        uint32_t room = p->pack_room ? 2 * p->pack_room : 64;
        struct index_pack *more = realloc(p->packs, room * sizeof(*more));

        if (more == NULL)
            return fail(OutOfMemory);
        p->packs = more;
        p->pack_room = room;
    }
    memset(&p->packs[p->npacks], 0, sizeof(p->packs[0]));
    *ret = p->npacks++;
    return NULL;
}

/* The front of a new pack: room for its head, and its one envelope. */
static struct err *
begin_pack(struct buffer *b)
{
    const struct keys *k = b->packer->keys;
    struct pack_envelope env = { .how = ENVELOPE_DATA };
    uint8_t plain[16 + 16 + SEAL_KEY];

    TRY(new_number(b->packer, &b->number));
    seal_random(b->origin, sizeof(b->origin));
    memcpy(env.origin, b->origin, sizeof(env.origin));
    env.writer = k->cert->writer;
    if (b->line == LINE_MAP) {
        env.how = ENVELOPE_MAP;
        TRY(seal_derive(k->map_key->data, &k->vault, "firn map pack", b->origin,
            sizeof(b->origin), b->key));
    } else {
        seal_random(b->key, sizeof(b->key));
        memcpy(plain, k->vault.b, 16);
        memcpy(plain + 16, b->origin, 16);
        memcpy(plain + 32, b->key, SEAL_KEY);
        int bad = crypto_box_seal(env.box, plain, sizeof(plain), k->data_pub);
        sodium_memzero(plain, sizeof(plain));
        if (bad != 0)
            return fail(CryptoFailed, "crypto_box_seal");
    }
    memset(b->body, 0, PACK_HEAD);
    pack_envelope_write(&env, b->body + PACK_HEAD);
    b->len = PACK_HEAD + PACK_ENVELOPE;
    b->nframes = b->under_way = 0;
    b->state = FILLING;
    return NULL;
}

static size_t
round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static struct err *
need_memory(struct buffer *b)
{
    if (b->memory != NULL)
        return NULL;
    size_t room = b->target + TABLE_ROOM;
    size_t front = round_up(armour_front_max(room), STORE_ALIGN);
    size_t all = round_up(front + room + armour_back_max(room), STORE_ALIGN);

    /* a body on a boundary makes an object on one, since an armour's front is whole cells */
    b->memory = aligned_alloc(STORE_ALIGN, all);
    if (b->memory == NULL)
        return fail(OutOfMemory);
    b->body = b->memory + front;
    return NULL;
}

/* Wait for a buffer to be free, and open a pack in it. */
static struct err *
open_pack(struct packer *p, enum packer_line line)
{
    for (;;) {
        if (p->failed != NULL) {
            struct err *e = p->failed;
            p->failed = NULL;
            return e;
        }
        if (p->open[line] != NULL)
            return NULL; /* another thread was first */
        for (unsigned i = 0; i < buffers_of(line); i++) {
            struct buffer *b = &p->buffer[line][i];

            if (b->state != IDLE)
                continue;
            TRY(need_memory(b));
            TRY(begin_pack(b));
            p->open[line] = b;
            return NULL;
        }
        pthread_cond_wait(&p->changed, &p->lock);
    }
}

static bool
has_room(const struct buffer *b, const struct pack_frame *f)
{
    /* the table of all frames must fit behind the target */
    enum { FRAMES = (TABLE_ROOM - SEAL_TAG) / PACK_FRAME_REC };

    return b->nframes < FRAMES && (uint64_t)b->len + f->len + SEAL_TAG <= b->target;
}

static struct err *
add_frame(struct buffer *b, struct pack_frame *f, struct packer_place *ret)
{
    if (b->nframes == b->frame_room) {
        uint32_t room = b->frame_room ? 2 * b->frame_room : 64;
        struct pack_frame *more = realloc(b->frame, room * sizeof(*more));

        if (more == NULL)
            return fail(OutOfMemory);
        b->frame = more;
        b->frame_room = room;
    }
    f->off = b->len;
    f->ordinal = b->nframes;
    f->envelope = 0;
    *ret = (struct packer_place){ .pack = b->number, .frame = (uint16_t)b->nframes,
        .out = b->body + b->len, .key = b->key, .origin = b->origin, .held_ = b };
    b->frame[b->nframes++] = *f;
    b->len += f->len + SEAL_TAG;
    b->under_way++;
    return NULL;
}

static struct err *
reserve_locked(struct packer *p, enum packer_line line, struct pack_frame *f,
    struct packer_place *ret)
{
    if (p->open[line] != NULL && !has_room(p->open[line], f))
        close_open(p, line);
    while (p->open[line] == NULL || !has_room(p->open[line], f)) {
        if (p->open[line] != NULL)
            close_open(p, line);
        TRY(open_pack(p, line));
    }
    return add_frame(p->open[line], f, ret);
}

struct err *
packer_reserve(struct packer *p, enum packer_line line, struct pack_frame *f,
    struct packer_place *ret)
{
    pthread_mutex_lock(&p->lock);
    struct err *e = reserve_locked(p, line, f, ret);
    pthread_mutex_unlock(&p->lock);
    return e;
}

void
packer_done(struct packer *p, struct packer_place *place)
{
    struct buffer *b = place->held_;

    pthread_mutex_lock(&p->lock);
    assert(b->under_way > 0);
    b->under_way--;
    put_when_ready(b);
    pthread_mutex_unlock(&p->lock);
}

struct err *
packer_flush(struct packer *p)
{
    pthread_mutex_lock(&p->lock);
    for (unsigned line = 0; line < LINES; line++)
        close_open(p, (enum packer_line)line);
    for (unsigned line = 0; line < LINES; line++)
        for (unsigned i = 0; i < buffers_of(line); i++)
            while (p->buffer[line][i].state != IDLE)
                pthread_cond_wait(&p->changed, &p->lock);
    struct err *e = p->failed;
    p->failed = NULL;
    pthread_mutex_unlock(&p->lock);
    return e;
}

const struct index_pack *
packer_packs(const struct packer *p, uint32_t *ret_n)
{
    *ret_n = p->npacks;
    return p->packs;
}

void
packer_restart(struct packer *p)
{
    p->npacks = 0;
    for (unsigned line = 0; line < LINES; line++)
        for (unsigned i = 0; i < buffers_of(line); i++)
            free(take(p->buffer[line][i].memory));
}

uint64_t
packer_stored(struct packer *p)
{
    pthread_mutex_lock(&p->lock);
    uint64_t n = p->stored;
    pthread_mutex_unlock(&p->lock);
    return n;
}

struct err *
packer_new(struct store *s, const struct keys *k, bool gentle, struct packer **ret)
{
    auto_ptr(packer) p = calloc(1, sizeof(*p));

    if (p == NULL)
        return fail(OutOfMemory);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    p->store = s;
    p->keys = k;
    for (unsigned line = 0; line < LINES; line++)
        for (unsigned i = 0; i < buffers_of(line); i++) {
            struct buffer *b = &p->buffer[line][i];

            b->packer = p;
            b->line = (enum packer_line)line;
            b->target = target_of(b->line);
            b->task = (struct pool_task){ .run = put_task, .arg = b };
        }
    for (int i = 0; i < PUTTERS; i++)
        TRY(seal_new(&p->seal[i]));
    TRY((gentle ? pool_new_gentle : pool_new)(PUTTERS, &p->putter));
    *ret = take(p);
    return NULL;
}

void
packer_free(struct packer *p)
{
    if (p == NULL)
        return;
    pool_free(p->putter); /* ends what is being put */
    for (unsigned line = 0; line < LINES; line++)
        for (unsigned i = 0; i < buffers_of(line); i++) {
            struct buffer *b = &p->buffer[line][i];

            sodium_memzero(b->key, sizeof(b->key));
            free(b->memory);
            free(b->frame);
        }
    for (int i = 0; i < PUTTERS; i++)
        seal_free(p->seal[i]);
    err_free(p->failed);
    free(p->packs);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
