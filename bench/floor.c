/* SPDX-License-Identifier: Apache-2.0 */
/* floor -- the least work that a backup with deduplication, compression and encryption can do.
 *
 *   floor backup  STORE IMAGE MAP [LIST OLDMAP]
 *   floor restore STORE MAP IMAGE
 *   floor verify  STORE
 *
 * A tool that does more than this (a format, checks, parity, points, crash safety) is measured
 * by how little it costs beyond.  Nothing here is worth keeping data in: one file of frames, an
 * index that is written whole each time, no recovery from anything.
 *
 * backup: windows of 1 MiB, only where the file has data, are taken by two threads from a
 * counter.  Each block of 64 KiB is tested for zeros, gets its id (HMAC-SHA-256) and is looked
 * up in a set; 16 new ones make a frame, which zstd -3 compresses and AES-256-GCM seals in
 * place, and which is written at the next free offset.  At the end data, index and map are
 * synced.  With LIST (block numbers) only those blocks are read, the rest comes from OLDMAP.
 * restore: frames in the order of the store, each opened once, every id computed again,
 * neighbours written together.  verify: the same for all frames without writing. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define TOOL "floor"
#include "tool.h"

#define BLOCK 65536u
#define PER_FRAME 16u
#define FRAME (BLOCK * PER_FRAME)
#define THREADS 2
#define LEVEL 3
#define ID 32u
#define IV 12u
#define TAG 16u
#define ALL_BLOCKS 0xffffu

struct entry {                      /* a stored block */
    unsigned char id[ID];
    uint64_t off;                   /* of its frame in the store's data */
    uint32_t len;                   /* of the sealed frame */
    uint32_t place;                 /* in the opened frame, bytes */
};

struct ref {                        /* a block of a disk */
    uint64_t block, entry;
};

struct window {
    uint64_t number;
    uint32_t blocks;                /* a bit for each block that is to be read */
};

struct span {                       /* refs that lie in one frame */
    uint64_t from, to;
};

struct run {
    int image_fd, data_fd;
    uint64_t size;                  /* of the disk */
    struct entry *entries;
    uint64_t entry_count, entry_room;
    uint32_t *slots;                /* hash table: number of an entry + 1, or 0 */
    uint64_t slot_mask;
    pthread_mutex_t lock;           /* over entries and slots */
    struct ref *refs;
    atomic_ullong ref_count, next_job, data_end;
    struct window *windows;
    uint64_t window_count;
    struct span *spans;
    uint64_t span_count;
};

struct worker {
    struct run *run;
    EVP_MAC_CTX *mac;
    EVP_CIPHER_CTX *cipher;
    ZSTD_CCtx *compress;
    ZSTD_DCtx *decompress;
    unsigned char *window, *frame, *sealed;
    size_t sealed_room;
    uint64_t pending[PER_FRAME];    /* entries whose blocks are in frame */
    uint32_t pending_count;
};

static const unsigned char secret[32] = "this key guards nothing at all.";

static void
need_ok(int ok, const char *what)
{
    if (ok <= 0) {
        errno = 0;
        die("%s failed", what);
    }
}

static bool
all_zero(const unsigned char *data)
{
    for (size_t at = 0; at < BLOCK; at += 256) {
        uint64_t v[32], any = 0;
        memcpy(v, data + at, sizeof v);
        for (size_t i = 0; i < 32; i++)
            any |= v[i];
        if (any)
            return false;
    }
    return true;
}

static void
block_id(struct worker *w, const unsigned char *data, unsigned char *ret_id)
{
    size_t len;

    need_ok(EVP_MAC_init(w->mac, NULL, 0, NULL) &&
            EVP_MAC_update(w->mac, data, BLOCK) &&
            EVP_MAC_final(w->mac, ret_id, &len, ID), "an id");
}

static void
worker_init(struct worker *w, struct run *run, bool seals)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    unsigned char iv[IV] = {0};
    EVP_CIPHER *gcm = need(EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL), "AES-256-GCM");

    *w = (struct worker){.run = run};
    w->mac = need(EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "HMAC", NULL)), "HMAC");
    need_ok(EVP_MAC_init(w->mac, secret, sizeof secret, params), "HMAC");
    w->cipher = need(EVP_CIPHER_CTX_new(), "memory");
    need_ok(EVP_CipherInit_ex2(w->cipher, gcm, secret, iv, seals, NULL), "AES-256-GCM");
    w->sealed_room = IV + ZSTD_compressBound(FRAME) + TAG;
    w->sealed = need(malloc(w->sealed_room), "memory");
    w->frame = need(aligned_alloc(4096, FRAME), "memory");
    if (seals) {
        w->window = need(aligned_alloc(4096, FRAME), "memory");
        w->compress = need(ZSTD_createCCtx(), "memory");
    } else {
        w->decompress = need(ZSTD_createDCtx(), "memory");
    }
}

static void
slots_build(struct run *run)
{
    uint64_t slots = 1024;

    while (slots < 2 * run->entry_room)
        slots *= 2;
    run->slot_mask = slots - 1;
    run->slots = need(calloc(slots, sizeof *run->slots), "memory");
    for (uint64_t i = 0, h; i < run->entry_count; i++) {
        memcpy(&h, run->entries[i].id, sizeof h);
        while (run->slots[h & run->slot_mask])
            h++;
        run->slots[h & run->slot_mask] = (uint32_t)i + 1;
    }
}

/* Find or make the entry of ${id}; true when it is new and its block has to be stored. */
static bool
intern(struct run *run, const unsigned char *id, uint64_t *ret_entry)
{
    uint64_t h, slot;

    memcpy(&h, id, sizeof h);
    (void)pthread_mutex_lock(&run->lock);
    for (; (slot = run->slots[h & run->slot_mask]); h++)
        if (memcmp(run->entries[slot - 1].id, id, ID) == 0)
            break;
    if (!slot) {
        if (run->entry_count == run->entry_room)
            die("the index is full");
        memcpy(run->entries[run->entry_count].id, id, ID);
        run->slots[h & run->slot_mask] = (uint32_t)++run->entry_count;
        *ret_entry = run->entry_count - 1;
    } else {
        *ret_entry = slot - 1;
    }
    (void)pthread_mutex_unlock(&run->lock);
    return !slot;
}

static void
frame_seal(struct worker *w)
{
    struct run *run = w->run;
    unsigned char *text = w->sealed + IV;
    int n;

    if (!w->pending_count)
        return;
    size_t len = ZSTD_compressCCtx(w->compress, text, w->sealed_room - IV - TAG, w->frame,
                                   (size_t)w->pending_count * BLOCK, LEVEL);
    need_ok(!ZSTD_isError(len), "zstd");
    uint64_t off = atomic_fetch_add(&run->data_end, IV + len + TAG);
    memset(w->sealed, 0, IV);
    memcpy(w->sealed, &off, sizeof off);
    need_ok(EVP_EncryptInit_ex2(w->cipher, NULL, NULL, w->sealed, NULL) &&
            EVP_EncryptUpdate(w->cipher, text, &n, text, (int)len) &&
            EVP_EncryptFinal_ex(w->cipher, text + n, &n) &&
            EVP_CIPHER_CTX_ctrl(w->cipher, EVP_CTRL_AEAD_GET_TAG, TAG, text + len), "sealing");
    write_at(run->data_fd, w->sealed, IV + len + TAG, off);
    for (uint32_t i = 0; i < w->pending_count; i++) {
        struct entry *e = &run->entries[w->pending[i]];
        e->off = off;
        e->len = (uint32_t)(IV + len + TAG);
        e->place = i * BLOCK;
    }
    w->pending_count = 0;
}

static void
block_store(struct worker *w, uint64_t block, const unsigned char *data)
{
    struct run *run = w->run;
    unsigned char id[ID];
    uint64_t entry;

    if (all_zero(data))
        return;
    block_id(w, data, id);
    bool fresh = intern(run, id, &entry);
    run->refs[atomic_fetch_add(&run->ref_count, 1)] = (struct ref){block, entry};
    if (!fresh)
        return;
    memcpy(w->frame + (size_t)w->pending_count * BLOCK, data, BLOCK);
    w->pending[w->pending_count++] = entry;
    if (w->pending_count == PER_FRAME)
        frame_seal(w);
}

static void *
backup_thread(void *arg)
{
    struct run *run = arg;
    struct worker w;

    worker_init(&w, run, true);
    for (;;) {
        uint64_t job = atomic_fetch_add(&run->next_job, 1);
        if (job >= run->window_count)
            break;
        struct window win = run->windows[job];
        if (win.blocks == ALL_BLOCKS) {
            size_t n = read_at(run->image_fd, w.window, FRAME, win.number * FRAME);
            memset(w.window + n, 0, FRAME - n);
        }
        for (uint32_t i = 0; i < PER_FRAME; i++) {
            uint64_t block = win.number * PER_FRAME + i;
            unsigned char *data = w.window + (size_t)i * BLOCK;
            if (!(win.blocks >> i & 1))
                continue;
            if (win.blocks != ALL_BLOCKS) {
                size_t n = read_at(run->image_fd, data, BLOCK, block * BLOCK);
                memset(data + n, 0, BLOCK - n);
            }
            block_store(&w, block, data);
        }
    }
    frame_seal(&w);
    return NULL;
}

/* Open the frame of a span and compare each of its blocks with its id. */
static void
frame_open(struct worker *w, struct span span)
{
    struct run *run = w->run;
    const struct entry *first = &run->entries[run->refs[span.from].entry];
    unsigned char *text = w->sealed + IV, id[ID];
    size_t len = first->len - IV - TAG;
    uint32_t checked = UINT32_MAX;
    int n = 0;

    if (first->len < IV + TAG || first->len > w->sealed_room)
        die("a length in the index is wrong");
    if (read_at(run->data_fd, w->sealed, first->len, first->off) != first->len)
        die("the store's data is too short");
    need_ok(EVP_DecryptInit_ex2(w->cipher, NULL, NULL, w->sealed, NULL) &&
            EVP_DecryptUpdate(w->cipher, text, &n, text, (int)len) &&
            EVP_CIPHER_CTX_ctrl(w->cipher, EVP_CTRL_AEAD_SET_TAG, TAG, text + len), "opening");
    need_ok(EVP_DecryptFinal_ex(w->cipher, text + n, &n), "a frame's tag");
    size_t got = ZSTD_decompressDCtx(w->decompress, w->frame, FRAME, text, len);
    need_ok(!ZSTD_isError(got), "zstd");
    for (uint64_t i = span.from; i < span.to; i++) {
        const struct entry *e = &run->entries[run->refs[i].entry];
        if (e->place == checked)
            continue;
        need_ok(e->place + BLOCK <= got, "a place in a frame");
        block_id(w, w->frame + e->place, id);
        need_ok(memcmp(id, e->id, ID) == 0, "the check of a block's id");
        checked = e->place;
    }
}

static void
span_write(struct worker *w, struct span span)
{
    struct run *run = w->run;

    for (uint64_t i = span.from, j; i < span.to; i = j) {
        uint32_t place = run->entries[run->refs[i].entry].place;
        uint64_t off = run->refs[i].block * BLOCK, len = BLOCK;
        for (j = i + 1; j < span.to; j++, len += BLOCK)
            if (run->refs[j].block * BLOCK != off + len ||
                run->entries[run->refs[j].entry].place != place + len)
                break;
        if (off + len > run->size)
            len = run->size - off;
        write_at(run->image_fd, w->frame + place, (size_t)len, off);
    }
}

static void *
restore_thread(void *arg)
{
    struct run *run = arg;
    struct worker w;

    worker_init(&w, run, false);
    for (;;) {
        uint64_t job = atomic_fetch_add(&run->next_job, 1);
        if (job >= run->span_count)
            return NULL;
        frame_open(&w, run->spans[job]);
        if (run->image_fd >= 0)
            span_write(&w, run->spans[job]);
    }
}

static void
work(struct run *run, void *(*thread)(void *arg))
{
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, thread, run))
            die("no thread");
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
}

static char *
path_in(const char *store, const char *name)
{
    char *path;

    if (asprintf(&path, "%s/%s", store, name) < 0)
        die("no memory");
    return path;
}

/* A whole file with ${extra} bytes of room behind it; missing, it is empty if ${may_miss}. */
static void *
load(const char *path, uint64_t extra, bool may_miss, uint64_t *ret_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st = {0};

    if (fd < 0 ? !may_miss || errno != ENOENT : fstat(fd, &st))
        die("%s", path);
    uint64_t len = (uint64_t)st.st_size;
    unsigned char *data = need(malloc(len + extra + 1), "memory");
    if (read_at(fd, data, len, 0) != len)
        die("%s", path);
    (void)close(fd);
    *ret_len = len;
    return data;
}

static void
save(const char *path, const void *head, size_t head_len, const void *body, uint64_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        die("%s", path);
    write_at(fd, head, head_len, 0);
    write_at(fd, body, len, head_len);
    if (fsync(fd) || close(fd))
        die("%s", path);
}

/* Refs of a map follow in what is returned; ${ret_count} of them. */
static struct ref *
load_map(const char *path, uint64_t *ret_size, uint64_t *ret_count)
{
    uint64_t len, *data = load(path, 0, false, &len);

    if (len < sizeof *data)
        die("%s is no map", path);
    *ret_size = data[0];
    *ret_count = (len - sizeof *data) / sizeof(struct ref);
    return (struct ref *)(void *)(data + 1);
}

static void
plan_data(struct run *run)
{
    uint64_t room = (run->size + FRAME - 1) / FRAME, at = 0;

    run->windows = need(malloc((room + 1) * sizeof *run->windows), "memory");
    while (at < run->size) {
        off_t data = lseek(run->image_fd, (off_t)at, SEEK_DATA);
        if (data < 0)
            break;
        off_t hole = lseek(run->image_fd, data, SEEK_HOLE);
        at = hole < 0 ? run->size : (uint64_t)hole;
        uint64_t number = (uint64_t)data / FRAME;
        if (run->window_count && run->windows[run->window_count - 1].number >= number)
            number = run->windows[run->window_count - 1].number + 1;
        for (; number * FRAME < at; number++)
            run->windows[run->window_count++] = (struct window){number, ALL_BLOCKS};
    }
}

/* Only listed blocks are read; the other refs are those of the old map. */
static void
plan_list(struct run *run, const char *list, const char *old_map)
{
    uint64_t blocks = (run->size + BLOCK - 1) / BLOCK, old_size, old_count;
    uint64_t windows = (run->size + FRAME - 1) / FRAME;
    uint16_t *listed = need(calloc(windows + 1, sizeof *listed), "memory");
    const struct ref *old = load_map(old_map, &old_size, &old_count);
    unsigned long long block;
    FILE *f = fopen(list, "re");

    if (!f)
        die("%s", list);
    while (fscanf(f, "%llu", &block) == 1)
        if (block < blocks)
            listed[block / PER_FRAME] |= (uint16_t)(1u << block % PER_FRAME);
    (void)fclose(f);
    run->windows = need(malloc((windows + 1) * sizeof *run->windows), "memory");
    for (uint64_t i = 0; i < windows; i++)
        if (listed[i])
            run->windows[run->window_count++] = (struct window){i, listed[i]};
    for (uint64_t i = 0; i < old_count; i++)
        if (old[i].block < blocks &&
            !(listed[old[i].block / PER_FRAME] >> old[i].block % PER_FRAME & 1))
            run->refs[run->ref_count++] = old[i];
    free(listed);
}

static int
run_backup(struct run *run, const char *store, char **args, bool by_list)
{
    const char *data_path = path_in(store, "data"), *index_path = path_in(store, "index");
    struct stat st;
    uint64_t len;

    (void)mkdir(store, 0700);
    run->image_fd = open(args[0], O_RDONLY | O_CLOEXEC);
    if (run->image_fd < 0 || fstat(run->image_fd, &st))
        die("%s", args[0]);
    run->size = (uint64_t)st.st_size;
    run->refs = need(malloc((run->size / BLOCK + 1) * sizeof *run->refs), "memory");
    if (by_list)
        plan_list(run, args[2], args[3]);
    else
        plan_data(run);
    uint64_t room = run->window_count * PER_FRAME;
    run->entries = load(index_path, room * sizeof *run->entries, true, &len);
    run->entry_count = len / sizeof *run->entries;
    run->entry_room = run->entry_count + room;
    slots_build(run);
    run->data_fd = open(data_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (run->data_fd < 0 || fstat(run->data_fd, &st))
        die("%s", data_path);
    run->data_end = (uint64_t)st.st_size;
    uint64_t before = run->entry_count;
    work(run, backup_thread);
    if (fsync(run->data_fd))
        die("%s", data_path);
    save(index_path, "", 0, run->entries, run->entry_count * sizeof *run->entries);
    save(args[1], &run->size, sizeof run->size, run->refs, run->ref_count * sizeof *run->refs);
    printf("%llu blocks, %llu new\n", (unsigned long long)run->ref_count,
           (unsigned long long)(run->entry_count - before));
    return 0;
}

static int
by_place(const void *a, const void *b, void *arg)
{
    const struct ref *x = a, *y = b;
    const struct entry *entries = arg, *p = &entries[x->entry], *q = &entries[y->entry];

    if (p->off != q->off)
        return p->off < q->off ? -1 : 1;
    if (p->place != q->place)
        return p->place < q->place ? -1 : 1;
    return x->block < y->block ? -1 : x->block > y->block;
}

static void
plan_spans(struct run *run)
{
    uint64_t count = run->ref_count;

    qsort_r(run->refs, count, sizeof *run->refs, by_place, run->entries);
    run->spans = need(malloc((count + 1) * sizeof *run->spans), "memory");
    for (uint64_t i = 0, j; i < count; i = j) {
        uint64_t off = run->entries[run->refs[i].entry].off;
        for (j = i + 1; j < count && run->entries[run->refs[j].entry].off == off; j++)
            continue;
        run->spans[run->span_count++] = (struct span){i, j};
    }
}

/* restore when ${args} is given, else verify */
static int
run_read(struct run *run, const char *store, char **args)
{
    const char *data_path = path_in(store, "data"), *index_path = path_in(store, "index");
    uint64_t len, count;

    run->entries = load(index_path, 0, false, &len);
    run->entry_count = count = len / sizeof *run->entries;
    run->data_fd = open(data_path, O_RDONLY | O_CLOEXEC);
    if (run->data_fd < 0)
        die("%s", data_path);
    run->image_fd = -1;
    if (args) {
        run->refs = load_map(args[0], &run->size, &count);
        run->image_fd = open(args[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (run->image_fd < 0 || ftruncate(run->image_fd, (off_t)run->size))
            die("%s", args[1]);
    } else {
        run->refs = need(malloc((count + 1) * sizeof *run->refs), "memory");
        for (uint64_t i = 0; i < count; i++)
            run->refs[i] = (struct ref){i, i};
    }
    run->ref_count = count;
    plan_spans(run);
    work(run, restore_thread);
    if (args && close(run->image_fd))
        die("%s", args[1]);
    printf("%llu blocks\n", (unsigned long long)count);
    return 0;
}

int
main(int argc, char **argv)
{
    static struct run run = {.lock = PTHREAD_MUTEX_INITIALIZER};

    if ((argc == 5 || argc == 7) && strcmp(argv[1], "backup") == 0)
        return run_backup(&run, argv[2], argv + 3, argc == 7);
    if (argc == 5 && strcmp(argv[1], "restore") == 0)
        return run_read(&run, argv[2], argv + 3);
    if (argc == 3 && strcmp(argv[1], "verify") == 0)
        return run_read(&run, argv[2], NULL);
    (void)fputs("usage: floor backup STORE IMAGE MAP [LIST OLDMAP]\n"
                "       floor restore STORE MAP IMAGE\n"
                "       floor verify STORE\n", stderr);
    return 2;
}
