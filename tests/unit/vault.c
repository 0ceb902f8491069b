/* SPDX-License-Identifier: Apache-2.0 */
/* The vault by its public header alone: what is written is read back, what is known is not
 * stored again, what is damaged is found, mended or named, and the rest still reads. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "secret.h"
#include "store.h"
#include "vault.h"

enum { BLOCK = 65536, SPAN = VAULT_FANOUT, LANES = 2 };

/* ---- a vault in a folder ---- */

struct fixture {
    char path[64];
    struct secret *passphrase;
    struct vault *v;
    unsigned warnings;
};

static void
count_warning(void *arg, struct err *warning)
{
    struct fixture *f = arg;

    f->warnings++;
    err_free(warning);
}

static void
open_vault(struct fixture *f)
{
    struct vault_unlock unlock = { .passphrase = f->passphrase };
    struct store *s;

    vault_free(f->v);
    f->v = NULL;
    assert_ok(store_dir_open(f->path, false, &s));
    assert_ok(vault_open(s, &unlock, LANES, &f->v));
    vault_on_warning(f->v, count_warning, f);
}

static int
set_up(void **state)
{
    struct vault_params params = { .kdf_mib = 8 };
    struct fixture *f = calloc(1, sizeof(*f));
    struct vault_key id;
    struct store *s;

    (void)snprintf(f->path, sizeof(f->path), "%s", "/tmp/firn-vault-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    assert_ok(secret_copy("correct horse", 13, &f->passphrase));
    assert_ok(store_dir_open(f->path, true, &s));
    assert_ok(vault_init(s, &params, f->passphrase, &id));
    store_free(s);
    open_vault(f);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    char *const argv[] = { (char[]){ "rm" }, (char[]){ "-rf" }, f->path, NULL };

    vault_free(f->v);
    secret_free(f->passphrase);
    pid_t child = fork();
    if (child == 0) {
        (void)execvp("rm", argv);
        _exit(1);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    free(f);
    return 0;
}

/* ---- disks: block i of a disk is filled from one number, 0 is an empty block ---- */

static void
fill_block(uint8_t *to, uint32_t number)
{
    memset(to, 0, BLOCK);
    if (number == 0)
        return;
    uint64_t x = number * 0x9e3779b97f4a7c15ULL;
    for (size_t i = 0; i < BLOCK; i += 8) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        uint64_t word = (i & 4096) != 0 ? x : number; /* half of it compresses */
        memcpy(to + i, &word, 8);
    }
}

static struct vault_point *
back_up(struct fixture *f, const uint32_t *blocks, size_t n, const struct vault_point *parent)
{
    struct vault_backup b = { .machine = "m", .consistency = VAULT_CRASH, .parent = parent };
    uint8_t *data = malloc((size_t)SPAN * BLOCK);
    struct vault_writer *w = NULL;
    struct vault_disk_writer *d;
    struct vault_point *p = NULL;

    assert_ok(vault_backup_begin(f->v, &b, &w));
    assert_ok(vault_disk_begin(w, "vda", n * BLOCK - 100, &d));
    for (size_t at = 0; at < n; at += SPAN) {
        struct vault_id ids[SPAN] = { 0 };
        size_t count = n - at < SPAN ? n - at : SPAN;

        for (size_t i = 0; i < count; i++)
            fill_block(data + i * BLOCK, blocks[at + i]);
        if (at + count == n) /* the last block is not whole */
            memset(data + count * BLOCK - 100, 0, 100);
        assert_ok(vault_write_blocks(w, 0, data, count, ids));
        assert_ok(vault_disk_span(d, ids));
    }
    assert_ok(vault_disk_end(d, NULL));
    assert_ok(vault_backup_commit(w, n * BLOCK, &p));
    vault_writer_free(w);
    free(data);
    return p;
}

/* Read one block; false when no home gives it. */
static bool
read_block(struct fixture *f, const struct vault_id *id, uint8_t *to)
{
    struct vault_place place;
    bool found = true, is = false;

    for (unsigned nth = 0; !is; nth++) {
        const uint8_t *data;
        size_t nblocks;

        assert_ok(vault_locate(f->v, id, nth, &place, &found));
        if (!found)
            return false;
        struct err *e = vault_read_frame(f->v, 1, &place, &data, &nblocks);
        if (e == NULL && place.slot < nblocks) {
            memcpy(to, data + (size_t)place.slot * BLOCK, BLOCK);
            assert_ok(vault_block_is(f->v, 1, to, id, &is));
        }
        err_free(e);
    }
    return is;
}

/* How many blocks of the point's disk are not as they were written. */
static size_t
lost_blocks(struct fixture *f, const struct vault_point *p, const uint32_t *blocks, size_t n)
{
    uint8_t *want = malloc(BLOCK), *got = malloc(BLOCK);
    size_t lost = 0;

    assert_int_equal(p->ndisks, 1);
    assert_int_equal(p->disks[0].size, n * BLOCK - 100);
    for (size_t at = 0; at < n; at++) {
        struct vault_id ids[SPAN];
        bool zero = false;

        assert_ok(vault_read_span(f->v, 0, &p->disks[0], at / SPAN, ids, &zero));
        fill_block(want, blocks[at]);
        if (at + 1 == n)
            memset(want + BLOCK - 100, 0, 100);
        bool is_zero = zero;
        if (!zero) {
            const uint8_t none[VAULT_ID_LEN] = { 0 };

            is_zero = memcmp(&ids[at % SPAN], none, sizeof(none)) == 0;
        }
        memset(got, 0, BLOCK);
        if (!is_zero && !read_block(f, &ids[at % SPAN], got))
            lost++;
        else
            assert_memory_equal(got, want, BLOCK);
    }
    free(want);
    free(got);
    return lost;
}

static struct vault_report *
verify(struct fixture *f, bool data, bool repair)
{
    struct vault_check c = { .data = data, .repair = repair };
    struct vault_report *r = NULL;

    assert_ok(vault_verify(f->v, &c, &r));
    return r;
}

static void
is_clean(struct fixture *f)
{
    struct vault_report *r = verify(f, true, false);

    for (size_t i = 0; i < r->ndamaged; i++)
        print_message("# damaged: %s\n", r->damaged[i].object);
    assert_int_equal(r->ndamaged, 0);
    vault_report_free(r);
}

static void
make_disk(uint32_t *blocks, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++)
        blocks[i] = i % 11 == 3 || (i > 100 && i < 180) ? 0 : seed + (uint32_t)(i % 97);
}

/* ---- tests ---- */

static void
what_is_written_reads_back(void **state)
{
    struct fixture *f = *state;
    uint32_t blocks[300];

    for (size_t n = 1; n <= 300; n += n < 60 ? 21 : 79) {
        make_disk(blocks, n, (uint32_t)n * 1000 + 1);
        struct vault_point *p = back_up(f, blocks, n, NULL);
        assert_int_equal(lost_blocks(f, p, blocks, n), 0);
        vault_point_free(p);
    }
    is_clean(f);
}

static void
points_are_listed_after_opening_again(void **state)
{
    struct fixture *f = *state;
    struct vault_points *all = NULL;
    const struct vault_point *found;
    uint32_t blocks[100];
    char hex[2 * VAULT_KEY_LEN + 1];

    make_disk(blocks, 100, 1);
    struct vault_point *p = back_up(f, blocks, 100, NULL);
    vault_key_hex(&p->id, hex);
    open_vault(f);
    assert_ok(vault_points(f->v, &all));
    assert_int_equal(all->n, 1);
    assert_string_equal(all->items[0]->machine, "m");
    assert_int_equal(all->items[0]->seq, 1);
    assert_int_equal(lost_blocks(f, all->items[0], blocks, 100), 0);
    assert_ok(vault_points_find(all, "latest", &found));
    assert_ok(vault_points_find(all, "m", &found));
    hex[6] = '\0';
    assert_ok(vault_points_find(all, hex, &found));
    assert_fails(vault_points_find(all, "ffff0000ffff", &found), E_PointMissing);
    vault_points_free(all);
    vault_point_free(p);
}

static void
known_blocks_are_not_stored_again(void **state)
{
    struct fixture *f = *state;
    uint32_t blocks[200];

    make_disk(blocks, 200, 1);
    struct vault_point *one = back_up(f, blocks, 200, NULL);
    open_vault(f);
    struct vault_point *two = back_up(f, blocks, 200, one);
    assert_true(one->new_bytes > 0);
    assert_int_equal(two->new_bytes, 0);
    assert_int_equal(two->stored_bytes, 0);
    assert_memory_equal(&one->disks[0].root, &two->disks[0].root, VAULT_ID_LEN);
    blocks[77] = 4711;
    struct vault_point *three = back_up(f, blocks, 200, two);
    assert_int_equal(three->new_bytes, BLOCK);
    assert_int_equal(lost_blocks(f, three, blocks, 200), 0);
    is_clean(f);
    vault_point_free(one);
    vault_point_free(two);
    vault_point_free(three);
}

/* Spans given as zero or as in the parent make the same map as spans given one by one. */
static void
shortcuts_make_the_same_map(void **state)
{
    struct fixture *f = *state;
    enum { N = 64 * 64 * 3 + 64 * 5 + 7 };
    static uint32_t blocks[N];
    struct vault_backup b = { .machine = "m", .consistency = VAULT_CRASH };
    struct vault_writer *w = NULL;
    struct vault_disk_writer *d;
    struct vault_point *p = NULL;

    memset(blocks, 0, sizeof(blocks));
    for (size_t i = 64 * 64; i < 64 * 64 + 130; i++)
        blocks[i] = (uint32_t)i;
    struct vault_point *one = back_up(f, blocks, N, NULL);
    b.parent = one;
    assert_ok(vault_backup_begin(f->v, &b, &w));
    assert_ok(vault_disk_begin(w, "vda", one->disks[0].size, &d));
    assert_true(vault_disk_can_share(d, &one->disks[0]));
    assert_ok(vault_disk_zero_spans(d, 64));
    assert_ok(vault_disk_same_spans(d, &one->disks[0], 70));
    assert_ok(vault_disk_zero_spans(d, 3));
    assert_ok(vault_disk_same_spans(d, &one->disks[0], (N + 63) / 64 - 64 - 70 - 3));
    assert_ok(vault_disk_end(d, NULL));
    assert_ok(vault_backup_commit(w, 0, &p));
    vault_writer_free(w);
    assert_int_equal(p->stored_bytes, 0);
    assert_memory_equal(&one->disks[0].root, &p->disks[0].root, VAULT_ID_LEN);
    uint64_t n = 0;
    assert_ok(vault_zero_spans(f->v, 0, &p->disks[0], 0, &n));
    assert_int_equal(n, 64);
    assert_ok(vault_zero_spans(f->v, 0, &p->disks[0], 64, &n));
    assert_int_equal(n, 0);
    assert_ok(vault_zero_spans(f->v, 0, &p->disks[0], 67, &n));
    assert_int_equal(n, (N + 63) / 64 - 67);
    vault_point_free(one);
    vault_point_free(p);
}

static void
what_is_not_committed_is_not_listed(void **state)
{
    struct fixture *f = *state;
    struct vault_backup b = { .machine = "m", .consistency = VAULT_CRASH };
    struct vault_points *all = NULL;
    struct vault_writer *w = NULL;
    struct vault_disk_writer *d;
    struct vault_id ids[SPAN] = { 0 };
    uint8_t *data = malloc(BLOCK);

    fill_block(data, 5);
    assert_ok(vault_backup_begin(f->v, &b, &w));
    assert_ok(vault_disk_begin(w, "vda", BLOCK, &d));
    assert_ok(vault_write_blocks(w, 0, data, 1, ids));
    vault_writer_free(w);
    free(data);
    assert_ok(vault_points(f->v, &all));
    assert_int_equal(all->n, 0);
    vault_points_free(all);
}

/* ---- damage ---- */

struct victim {
    char name[STORE_NAME_MAX + 1];
    uint64_t len;
    uint64_t most; /* take the largest */
};

static struct err *
take_largest(void *arg, const char *name, uint64_t len)
{
    struct victim *t = arg;

    if (len > t->most) {
        t->most = t->len = len;
        memcpy(t->name, name, strlen(name) + 1);
    }
    return NULL;
}

static void
damage(struct fixture *f, const char *folder, uint64_t from, size_t len, struct victim *ret)
{
    struct victim t = { .most = 0 };
    uint8_t *data = NULL;
    struct store *s;
    size_t n;
    bool found;

    assert_ok(store_dir_open(f->path, false, &s));
    assert_ok(store_list(s, folder, take_largest, &t));
    assert_true(t.len > 0);
    assert_ok(store_get_all(s, t.name, 1 << 28, &data, &n, &found));
    for (size_t i = 0; i < len && from + i < n; i++)
        data[from + i] ^= 0x55;
    assert_ok(store_replace(s, t.name, data, n));
    free(data);
    store_free(s);
    *ret = t;
}

/* A backup of one block, begun and not committed. */
static struct vault_writer *
begun(struct fixture *f)
{
    struct vault_backup b = { .machine = "m", .consistency = VAULT_CRASH };
    auto_free uint8_t *data = malloc(BLOCK);
    struct vault_writer *w = NULL;
    struct vault_disk_writer *d;
    struct vault_id ids[SPAN] = { 0 };

    fill_block(data, 5);
    assert_ok(vault_backup_begin(f->v, &b, &w));
    assert_ok(vault_disk_begin(w, "vda", BLOCK, &d));
    assert_ok(vault_write_blocks(w, 0, data, 1, ids));
    assert_ok(vault_disk_span(d, ids));
    assert_ok(vault_disk_end(d, NULL));
    return w;
}

/* Somebody forgets the point that a backup is to build on. */
static void
a_parent_that_is_gone_is_told(void **state)
{
    struct fixture *f = *state;
    uint32_t blocks[3] = { 1, 2, 3 };
    char path[160], hex[2 * VAULT_KEY_LEN + 1];
    struct vault_writer *w = NULL;

    struct vault_point *one = back_up(f, blocks, 3, NULL);
    struct vault_backup b = { .machine = "m", .consistency = VAULT_CRASH, .parent = one };
    vault_key_hex(&one->id, hex);
    (void)snprintf(path, sizeof(path), "%s/points/%s", f->path, hex);
    assert_int_equal(unlink(path), 0);
    assert_fails(vault_backup_begin(f->v, &b, &w), E_ParentGone);
    assert_null(w);
    vault_point_free(one);
}

static struct err *
note_name(void *arg, const char *name, uint64_t len)
{
    (void)len;
    (void)snprintf(arg, 128, "%s", strchr(name, '/') + 1);
    return NULL;
}

/* The name of its point is taken before it can be listed: the one who took it counts. */
static void
a_taken_name_ends_the_backup(void **state)
{
    struct fixture *f = *state;
    char path[160], id[128] = "";
    struct vault_points *all = NULL;
    struct vault_point *p = NULL;
    struct store *s = NULL;

    auto_ptr(vault_writer) w = begun(f);
    assert_ok(store_dir_open(f->path, false, &s));
    assert_ok(store_list(s, "sessions", note_name, id));
    store_free(s);
    assert_true(id[0] != '\0');
    (void)snprintf(path, sizeof(path), "%s/points", f->path);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/points/%s", f->path, id);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_fails(vault_backup_commit(w, 0, &p), E_SessionAborted);
    assert_null(p);
    assert_int_equal(unlink(path), 0);
    assert_ok(vault_points(f->v, &all));
    assert_int_equal(all->n, 0);
    vault_points_free(all);
}

static void
a_name_for_two_points_is_none(void **state)
{
    struct fixture *f = *state;
    const struct vault_point *found = NULL;
    struct vault_points *all = NULL;
    uint32_t block = 1;

    vault_point_free(back_up(f, &block, 1, NULL));
    vault_point_free(back_up(f, &block, 1, NULL));
    assert_ok(vault_points(f->v, &all));
    /* as if chance had made them so */
    struct vault_point *second = (struct vault_point *)(uintptr_t)all->items[1];
    memcpy(&second->id, &all->items[0]->id, sizeof(second->id) / 2);
    char hex[2 * VAULT_KEY_LEN + 1];
    vault_key_hex(&second->id, hex);
    assert_ok(vault_points_find(all, hex, &found));
    hex[VAULT_KEY_LEN] = '\0';
    found = NULL;
    assert_fails(vault_points_find(all, hex, &found), E_PointAmbiguous);
    assert_null(found);
    vault_points_free(all);
}

static void
a_little_damage_reads_and_mends(void **state)
{
    struct fixture *f = *state;
    struct victim t;
    uint32_t blocks[300];

    make_disk(blocks, 300, 1);
    struct vault_point *p = back_up(f, blocks, 300, NULL);
    damage(f, "packs", 100000, 20000, &t);
    open_vault(f);
    assert_int_equal(lost_blocks(f, p, blocks, 300), 0);
    assert_true(f->warnings > 0);
    struct vault_report *r = verify(f, true, false);
    assert_int_equal(r->ndamaged, 1);
    assert_string_equal(r->damaged[0].object, t.name);
    assert_false(r->damaged[0].repaired);
    vault_report_free(r);
    r = verify(f, true, true);
    assert_int_equal(r->ndamaged, 1);
    assert_true(r->damaged[0].repaired);
    assert_int_equal(r->damaged[0].nhits, 0);
    vault_report_free(r);
    is_clean(f);
    vault_point_free(p);
}

static void
much_damage_is_named_and_the_rest_reads(void **state)
{
    struct fixture *f = *state;
    struct victim t;
    uint32_t blocks[300];

    make_disk(blocks, 300, 1);
    struct vault_point *p = back_up(f, blocks, 300, NULL);
    damage(f, "packs", 300000, 400000, &t);
    open_vault(f);
    size_t lost = lost_blocks(f, p, blocks, 300);
    assert_true(lost > 0 && lost < 200);
    struct vault_report *r = verify(f, true, true);
    assert_int_equal(r->ndamaged, 1);
    assert_string_equal(r->damaged[0].object, t.name);
    assert_false(r->damaged[0].repaired);
    assert_int_equal(r->damaged[0].nhits, 1);
    uint64_t bytes = 0;
    for (size_t i = 0; i < r->damaged[0].hits[0].nranges; i++)
        bytes += r->damaged[0].hits[0].ranges[i].len;
    assert_true(bytes > (lost - 1) * BLOCK && bytes <= lost * BLOCK);
    vault_report_free(r);
    vault_point_free(p);
}

/* A loss of power can leave the run of a backup that was never committed, without its pack.
 * verify must not tell of that: no point lost anything, and nothing could mend it. */
static void
a_run_without_its_pack_is_no_damage(void **state)
{
    struct fixture *f = *state;
    struct vault_backup b = { .machine = "m", .consistency = VAULT_CRASH };
    struct victim t = { .most = 0 };
    struct vault_writer *w = NULL;
    struct vault_disk_writer *d;
    struct vault_id ids[SPAN] = { 0 };
    uint8_t *data = malloc((size_t)2 * BLOCK);
    uint32_t blocks[1] = { 7 };
    struct store *s;
    bool found = false;

    fill_block(data, 5);
    fill_block(data + BLOCK, 6);
    assert_ok(vault_backup_begin(f->v, &b, &w));
    assert_ok(vault_disk_begin(w, "vda", 2 * BLOCK, &d));
    assert_ok(vault_write_blocks(w, 0, data, 2, ids));
    assert_ok(vault_writer_rest(w)); /* puts packs and run */
    vault_writer_free(w);
    free(data);
    assert_ok(store_dir_open(f->path, false, &s));
    assert_ok(store_list(s, "packs", take_largest, &t));
    assert_ok(store_remove(s, t.name, &found));
    assert_true(found);
    store_free(s);
    open_vault(f);
    struct vault_point *p = back_up(f, blocks, 1, NULL);
    is_clean(f);
    struct vault_report *r = verify(f, false, false);
    assert_int_equal(r->ndamaged, 0);
    vault_report_free(r);
    vault_point_free(p);
}

static void
every_kind_of_object_mends(void **state)
{
    static const char *const folders[] = { "packs", "runs", "points", "sessions", "certs",
        "slots" };
    struct fixture *f = *state;
    struct victim t;
    uint32_t blocks[120];

    make_disk(blocks, 120, 1);
    struct vault_point *p = back_up(f, blocks, 120, NULL);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        for (unsigned part = 0; part < 3; part++) {
            damage(f, folders[i], part == 0 ? 3 : part == 1 ? 700 : 1500, 5, &t);
            open_vault(f);
            assert_int_equal(lost_blocks(f, p, blocks, 120), 0);
            struct vault_report *r = verify(f, true, true);
            assert_int_equal(r->ndamaged, 1);
            assert_string_equal(r->damaged[0].object, t.name);
            assert_true(r->damaged[0].repaired);
            vault_report_free(r);
            open_vault(f);
            is_clean(f);
        }
    vault_point_free(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_reads_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(points_are_listed_after_opening_again, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(known_blocks_are_not_stored_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shortcuts_make_the_same_map, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_committed_is_not_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_parent_that_is_gone_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_taken_name_ends_the_backup, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_for_two_points_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_little_damage_reads_and_mends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(much_damage_is_named_and_the_rest_reads, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(a_run_without_its_pack_is_no_damage, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(every_kind_of_object_mends, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
