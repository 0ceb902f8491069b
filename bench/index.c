/* SPDX-License-Identifier: Apache-2.0 */
/* index -- how fast is the index of a vault, and how much memory does it hold?
 *
 *   bench-index build VAULT ENTRIES           make a vault whose runs name so many blocks, as
 *                                             backups would leave them
 *   bench-index ask VAULT ENTRIES LOOKUPS     open it, and look up so many blocks that it
 *                                             has, and as many that it has not
 *
 * Two commands, because what a process has ever touched counts as its memory.  Ids are as
 * random as keyed hashes are, so no lookup profits from the one before.  One line of
 * NAME=VALUE goes to standard output: seconds, bytes, and lookups per second. */
#define TOOL "bench-index"
#include "tool.h"

#include "clock.h"
#include "pool.h"
#include "secret.h"
#include "writer.h"

enum { BLOCKS_PER_PACK = 400, PER_FRAME = 16, THREADS = 2, KDF_MIB = 8 };

static const char passphrase[] = "only for benchmarks";

/* End with the words of a failure. */
static void
ok(struct err *e)
{
    errno = 0;
    if (e != NULL)
        die("%s (%s)", err_message(e), err_id(e));
}

static double
seconds_since(int64_t start)
{
    return (double)(clock_mono_ns() - start) / (double)CLOCK_S;
}

static uint64_t
mix(uint64_t v)
{
    v += 0x9e3779b97f4a7c15U;
    v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9U;
    v = (v ^ v >> 27) * 0x94d049bb133111ebU;
    return v ^ v >> 31;
}

static struct vault_id
id_of(uint64_t n)
{
    struct vault_id id;

    for (unsigned i = 0; i < 4; i++)
        put_le(id.b + 8 * i, mix(4 * n + i), 8);
    return id;
}

/* Bytes of this process in memory now. */
static uint64_t
resident(void)
{
    unsigned long long all = 0, here = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (f == NULL || fscanf(f, "%llu %llu", &all, &here) != 2)
        die("/proc/self/statm");
    (void)fclose(f);
    return here * (uint64_t)sysconf(_SC_PAGESIZE);
}

static struct vault *
open_vault(const char *path)
{
    auto_ptr(secret) pass = NULL;
    struct store *s = NULL;
    struct vault *v = NULL;

    ok(secret_copy(passphrase, strlen(passphrase), &pass));
    ok(store_dir_open(path, false, &s));
    ok(vault_open(s, &(struct vault_unlock){ .passphrase = pass }, THREADS, &v));
    return v;
}

static void
make_vault(const char *path)
{
    auto_ptr(secret) pass = NULL;
    auto_ptr(store) s = NULL;
    struct vault_key id;

    ok(secret_copy(passphrase, strlen(passphrase), &pass));
    ok(store_dir_open(path, true, &s));
    ok(vault_init(s, &(struct vault_params){ .kdf_mib = KDF_MIB }, pass, &id));
}

/* ---- build ---- */

/* What one rest of a backup puts: entries [from, from + n) and their packs. */
static void
put_batch(struct index *x, struct index_new *entry, struct index_pack *pack, uint64_t from,
    size_t n)
{
    uint64_t first_pack = from / BLOCKS_PER_PACK;
    size_t npacks = (size_t)((from + n - 1) / BLOCKS_PER_PACK - first_pack + 1);

    for (size_t i = 0; i < n; i++) {
        uint64_t in_pack = (from + i) % BLOCKS_PER_PACK;

        entry[i] = (struct index_new){ .id = id_of(from + i), .what = INDEX_BLOCK,
            .pack = (uint32_t)((from + i) / BLOCKS_PER_PACK - first_pack),
            .frame = (uint16_t)(in_pack / PER_FRAME), .slot = (uint8_t)(in_pack % PER_FRAME) };
    }
    for (size_t i = 0; i < npacks; i++) {
        struct vault_id hash = id_of(~(first_pack + i));

        pack[i] = (struct index_pack){ .body_len = 8 << 20, .kind = KIND_DATA_PACK };
        memcpy(pack[i].hash, hash.b, sizeof(pack[i].hash));
    }
    ok(index_put_run(x, entry, n, pack, npacks));
}

struct count {
    uint64_t bytes, objects;
};

static struct err *
add_up(void *arg, const char *name, uint64_t len)
{
    struct count *c = arg;

    (void)name;
    c->bytes += len;
    c->objects++;
    return NULL;
}

static void
build(const char *path, uint64_t entries)
{
    auto_free struct index_new *entry = need(calloc(REST_AT, sizeof(*entry)), "memory");
    auto_free struct index_pack *pack = need(calloc(REST_AT, sizeof(*pack)), "memory");
    struct count count = { 0 };

    make_vault(path);
    auto_ptr(vault) v = open_vault(path);
    ok(vault_need_index(v));
    uint64_t before = resident();
    int64_t start = clock_mono_ns();
    for (uint64_t from = 0; from < entries; from += REST_AT) {
        put_batch(v->index, entry, pack, from,
            (size_t)(entries - from < REST_AT ? entries - from : REST_AT));
        ok(index_merge(v->index));
    }
    double taken = seconds_since(start);
    ok(store_list(v->store, "runs", add_up, &count));
    printf("entries=%llu seconds=%.3f runs=%llu bytes=%llu memory=%llu\n",
        (unsigned long long)entries, taken, (unsigned long long)count.objects,
        (unsigned long long)count.bytes, (unsigned long long)(resident() - before));
}

/* ---- ask ---- */

struct question {
    struct pool_task task;
    struct index *x;
    uint64_t entries, lookups, seed;
    bool known;
};

static struct err *
ask_some(struct pool_task *t, unsigned worker)
{
    struct question *q = t->arg;

    (void)worker;
    for (uint64_t i = 0; i < q->lookups; i++) {
        uint64_t n = mix(q->seed + i) % q->entries + (q->known ? 0 : q->entries);
        struct vault_id id = id_of(n);
        struct index_home home;
        bool found = false;

        TRY(index_has(q->x, &id, &home, &found));
        if (found != q->known)
            die("the index is wrong about block %llu", (unsigned long long)n);
    }
    return NULL;
}

/* Lookups per second of ${threads} at once. */
static double
rate(struct pool *pool, struct index *x, uint64_t entries, uint64_t lookups, unsigned threads,
    bool known)
{
    struct question q[THREADS];
    int64_t start = clock_mono_ns();

    for (unsigned i = 0; i < threads; i++) {
        q[i] = (struct question){ .task = { .run = ask_some }, .x = x, .entries = entries,
            .lookups = lookups / threads, .seed = (uint64_t)(i + threads) << 40,
            .known = known };
        q[i].task.arg = &q[i];
        pool_submit(pool, &q[i].task);
    }
    for (unsigned i = 0; i < threads; i++)
        ok(pool_wait(pool, &q[i].task));
    return (double)(lookups / threads * threads) / seconds_since(start);
}

static void
ask(const char *path, uint64_t entries, uint64_t lookups)
{
    auto_ptr(pool) pool = NULL;
    auto_ptr(vault) v = open_vault(path);

    ok(pool_new(THREADS, &pool));
    uint64_t before = resident();
    int64_t start = clock_mono_ns();
    ok(vault_need_index(v));
    double open_s = seconds_since(start);
    uint64_t opened = resident() - before;
    double known = rate(pool, v->index, entries, lookups, 1, true);
    double unknown = rate(pool, v->index, entries, lookups, 1, false);
    double known2 = rate(pool, v->index, entries, lookups, THREADS, true);
    double unknown2 = rate(pool, v->index, entries, lookups, THREADS, false);
    printf("open=%.4f memory_open=%llu known=%.0f unknown=%.0f known_threads=%.0f "
           "unknown_threads=%.0f memory=%llu runs=%u\n",
        open_s, (unsigned long long)opened, known, unknown, known2, unknown2,
        (unsigned long long)(resident() - before), index_nruns(v->index));
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "build") == 0)
        build(argv[2], strtoull(argv[3], NULL, 10));
    else if (argc == 5 && strcmp(argv[1], "ask") == 0)
        ask(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    else
        die("usage: " TOOL " build VAULT ENTRIES | ask VAULT ENTRIES LOOKUPS");
    return 0;
}
