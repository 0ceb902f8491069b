/* SPDX-License-Identifier: Apache-2.0 */
/* When a bitmap may be believed: every combination of what a point kept and what is found now
 * against the conditions written down a second time; what each event is called; and that
 * what goes into facts comes out again, or not at all. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain.h"
#include "chain_look.h"
#include "pattern.h"

/* ---- all combinations ---- */

/* Take the next choice of ${n} from the number of the combination. */
static unsigned
choice(uint64_t *combination, unsigned n)
{
    unsigned c = (unsigned)(*combination % n);

    *combination /= n;
    return c;
}

#define T(s) ((char[]){ s })
static char *const texts[][3] = { { NULL, T("/a"), T("/b") }, { NULL, T("7"), T("8") },
    { NULL, T("p"), T("q") }, { NULL, T("k"), T("l") }, { NULL, T("h"), T("i") } };

enum { THEN_CHOICES = 512, NOW_CHOICES = 3 * 3 * 3 * 3 * 3 * 3 * 32 };

static struct chain
then_of(uint64_t n)
{
    struct chain c = { 0 };

    c.bitmap = choice(&n, 2) ? (char *)"b" : NULL;
    c.persistent = choice(&n, 2);
    c.granularity = choice(&n, 2) * 65536;
    c.image = texts[0][choice(&n, 2)];
    c.file = texts[1][choice(&n, 2)];
    c.process = texts[2][choice(&n, 2)];
    c.boot = texts[3][choice(&n, 2)];
    c.host = texts[4][choice(&n, 2)];
    c.checkpoint = choice(&n, 2) ? (char *)"c" : NULL;
    return c;
}

static struct chain_now
now_of(uint64_t n)
{
    struct chain_now now = { 0 };

    now.is.image = texts[0][choice(&n, 3)];
    now.is.file = texts[1][choice(&n, 3)];
    now.is.process = texts[2][choice(&n, 3)];
    now.is.boot = texts[3][choice(&n, 3)];
    now.is.host = texts[4][choice(&n, 3)];
    now.is.granularity = choice(&n, 3) * 65536;
    now.size = 1000 + choice(&n, 2);
    now.found = choice(&n, 2);
    now.inconsistent = choice(&n, 2);
    now.stopped = choice(&n, 2);
    now.checkpoint_found = choice(&n, 2);
    return now;
}

static bool
eq(const char *a, const char *b)
{
    return a != NULL && b != NULL && a[0] == b[0] && strcmp(a, b) == 0;
}

static bool
ne(const char *a, const char *b)
{
    return a != NULL && b != NULL && !eq(a, b);
}

/* What must hold for each event, said in another way than chain.c does. */
static bool
is_true(enum chain_event event, const struct chain *t, const struct chain_now *now)
{
    const struct chain *n = &now->is;
    bool life = eq(t->process, n->process) && eq(t->boot, n->boot) && !ne(t->host, n->host);
    bool file_is = eq(t->file, n->file) ||
                   (!ne(t->file, n->file) && !ne(t->image, n->image));
    bool grain = t->granularity == 0 || n->granularity == 0 ||
                 t->granularity == n->granularity;
    bool whole = now->size == 1000 && file_is &&
                 (t->checkpoint == NULL || now->checkpoint_found);

    switch (event) {
    case CHAIN_HOLDS:
        return t->bitmap != NULL && whole && now->found && !now->inconsistent &&
               !now->stopped && grain && (t->persistent || life);
    case CHAIN_NONE: return t->bitmap == NULL;
    case CHAIN_RESIZED: return now->size != 1000;
    case CHAIN_MOVED: return !file_is && ne(t->host, n->host);
    case CHAIN_SWAPPED: return !file_is && ne(t->image, n->image);
    case CHAIN_RESTORED: return ne(t->file, n->file) && !ne(t->image, n->image);
    case CHAIN_CHECKPOINT_GONE: return t->checkpoint != NULL && !now->checkpoint_found;
    case CHAIN_BITMAP_LOST: return whole && !now->found && !t->persistent && !life;
    case CHAIN_BITMAP_UNSAVED:
        return whole && !now->found && t->persistent && !life && t->process != NULL;
    case CHAIN_BITMAP_REMOVED: return whole && !now->found && (life || t->process == NULL);
    case CHAIN_BITMAP_INCONSISTENT: return whole && now->found && now->inconsistent;
    case CHAIN_BITMAP_REPLACED:
        return whole && now->found && (!grain || (!t->persistent && !life));
    case CHAIN_BITMAP_STOPPED: return whole && now->found && now->stopped;
    case CHAIN_BITMAP_CLEARED: /* seen when it is read */
    case CHAIN_EVENTS: break;
    }
    return false;
}

static void
every_combination(void **state)
{
    uint64_t seen[CHAIN_EVENTS] = { 0 };

    (void)state;
    for (uint64_t i = 0; i < THEN_CHOICES; i++) {
        struct chain then = then_of(i);

        for (uint64_t k = 0; k < NOW_CHOICES; k++) {
            struct chain_now now = now_of(k);
            enum chain_event event = chain_judge(&then, 1000, &now);

            if (!is_true(event, &then, &now) ||
                (event != CHAIN_HOLDS && is_true(CHAIN_HOLDS, &then, &now))) {
                print_error("then %d, now %d: event %d\n", (int)i, (int)k, event);
                assert_true(false);
            }
            seen[event]++;
        }
    }
    for (int e = 0; e < CHAIN_EVENTS; e++)
        assert_true((seen[e] > 0) == (e != CHAIN_BITMAP_CLEARED));
}

/* ---- names ---- */

/* A machine's disk in a qcow2 image, its bitmap kept; and the same a moment later. */
static struct chain kept = { .bitmap = (char *)"firn-1", .persistent = true,
    .granularity = 65536, .image = (char *)"/vm/a.qcow2", .file = (char *)"7",
    .process = (char *)"10 started at tick 5", .boot = (char *)"k", .host = (char *)"h" };

static struct chain_now
as_before(void)
{
    struct chain_now now = { .is = kept, .size = 1000, .found = true };

    now.is.bitmap = NULL;
    return now;
}

static void
expect(const struct chain *then, const struct chain_now *now, enum chain_event event,
    int code, const char *words)
{
    enum chain_event got = chain_judge(then, 1000, now);

    assert_int_equal(got, event);
    struct err *e = chain_broke(event, "vda", then, now);
    assert_int_equal(err_code(e), code);
    if (code != 0) {
        assert_true(err_is(e, C_job_weaker));
        assert_non_null(strstr(err_message(e), "disk vda"));
        if (strstr(err_message(e), words) == NULL)
            print_error("'%s' lacks '%s'\n", err_message(e), words);
        assert_non_null(strstr(err_message(e), words));
    }
    err_free(e);
}

static void
what_happened(void **state)
{
    struct chain in_memory = kept, at_rest = kept, libvirt = kept, none = { 0 };
    struct chain_now now = as_before();

    (void)state;
    in_memory.persistent = false;
    at_rest.process = NULL;
    libvirt.checkpoint = (char *)"firn-c";
    expect(&kept, &now, CHAIN_HOLDS, 0, "");
    expect(&none, &now, CHAIN_NONE, 0, "");
    expect(&libvirt, &now, CHAIN_CHECKPOINT_GONE, E_CheckpointGone, "firn-c");
    now.size = 2000;
    expect(&kept, &now, CHAIN_RESIZED, E_DiskResized, "2000");

    now = as_before();
    now.is.image = (char *)"/vm/b.qcow2"; /* renamed */
    expect(&kept, &now, CHAIN_HOLDS, 0, "");
    now.is.file = (char *)"8";
    expect(&kept, &now, CHAIN_SWAPPED, E_DiskSwapped, "/vm/b.qcow2");
    now.is.host = (char *)"other";
    expect(&kept, &now, CHAIN_MOVED, E_DiskMoved, "/vm/b.qcow2");
    now = as_before();
    now.is.file = (char *)"8";
    expect(&kept, &now, CHAIN_RESTORED, E_DiskRestored, "/vm/a.qcow2");

    now = as_before();
    now.is.process = (char *)"11 started at tick 9"; /* shut down in order, started again */
    expect(&kept, &now, CHAIN_HOLDS, 0, "");
    expect(&in_memory, &now, CHAIN_BITMAP_REPLACED, E_BitmapReplaced, "firn-1");
    now.inconsistent = true;
    expect(&kept, &now, CHAIN_BITMAP_INCONSISTENT, E_BitmapInconsistent, "/vm/a.qcow2");
    now.found = false;
    expect(&kept, &now, CHAIN_BITMAP_UNSAVED, E_BitmapUnsaved, "QEMU was started anew");
    expect(&in_memory, &now, CHAIN_BITMAP_LOST, E_BitmapLost, "QEMU was started anew");
    now.is.process = NULL;
    expect(&kept, &now, CHAIN_BITMAP_UNSAVED, E_BitmapUnsaved, "QEMU has ended");
    expect(&at_rest, &now, CHAIN_BITMAP_REMOVED, E_BitmapRemoved, "firn-1");
    now.is.boot = (char *)"l";
    expect(&in_memory, &now, CHAIN_BITMAP_LOST, E_BitmapLost, "the host was started anew");
    now.is.host = (char *)"i";
    expect(&in_memory, &now, CHAIN_BITMAP_LOST, E_BitmapLost, "on another host");

    now = as_before();
    now.found = false;
    expect(&kept, &now, CHAIN_BITMAP_REMOVED, E_BitmapRemoved, "firn-1");
    now = as_before();
    now.stopped = true;
    expect(&kept, &now, CHAIN_BITMAP_STOPPED, E_BitmapStopped, "firn-1");
    now = as_before();
    now.is.granularity = 32768;
    expect(&kept, &now, CHAIN_BITMAP_REPLACED, E_BitmapReplaced, "firn-1");
    struct err *e = chain_broke(CHAIN_BITMAP_CLEARED, "vda", &kept, &now);
    assert_int_equal(err_code(e), E_BitmapCleared);
    err_free(e);
}

/* ---- facts ---- */

static void
same_text(const char *a, const char *b)
{
    if (b == NULL)
        assert_null(a);
    else
        assert_string_equal(a, b);
}

static void
facts_come_back(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < THEN_CHOICES; i++) {
        struct chain c = then_of(i), back;
        struct chain_facts facts = { 0 };

        c.dirty = i << 40;
        assert_ok(chain_write(&c, &facts));
        struct vault_disk disk = { .facts = facts.f, .nfacts = facts.n };
        assert_ok(chain_read(&disk, &back));
        if (c.bitmap == NULL) {
            assert_int_equal(facts.n, 0);
            c = (struct chain){ 0 };
        }
        same_text(back.bitmap, c.bitmap);
        same_text(back.image, c.image);
        same_text(back.file, c.file);
        same_text(back.process, c.process);
        same_text(back.boot, c.boot);
        same_text(back.host, c.host);
        same_text(back.checkpoint, c.checkpoint);
        assert_true(back.persistent == c.persistent && back.granularity == c.granularity &&
                    back.dirty == c.dirty);
        chain_done(&back);
        chain_facts_done(&facts);
    }
}

/* Facts come from a vault: what makes no sense is not known, and nothing else happens. */
static void
odd_facts(void **state)
{
    struct chain_facts facts = { 0 };
    struct chain c;

    (void)state;
    assert_ok(chain_facts_add(&facts, "chain.bitmap", ""));
    assert_ok(chain_facts_add(&facts, "chain.bitmap", "second"));
    assert_ok(chain_facts_add(&facts, "chain.granularity", "-1"));
    assert_ok(chain_facts_add(&facts, "chain.dirty", "18446744073709551616"));
    assert_ok(chain_facts_add(&facts, "chain.persistent", "YES"));
    assert_ok(chain_facts_add(&facts, "other", "x"));
    struct vault_disk disk = { .facts = facts.f, .nfacts = facts.n };
    assert_ok(chain_read(&disk, &c));
    assert_null(c.bitmap);
    assert_true(c.granularity == 0 && c.dirty == 0 && !c.persistent);
    assert_string_equal(chain_fact(&disk, "other"), "x");
    assert_null(chain_fact(&disk, "Other"));
    chain_done(&c);
    chain_facts_done(&facts);
}

/* ---- looking ---- */

static void
files_and_processes(void **state)
{
    const char *path = pattern_path("a.qcow2");
    struct chain a = { 0 }, b = { 0 }, gone = { 0 };

    (void)state;
    pattern_to_file(path, (const uint8_t *)"x", 1, NULL);
    assert_ok(chain_look_image(path, &a));
    assert_ok(chain_look_image(path, &b));
    assert_string_equal(a.image, b.image);
    assert_string_equal(a.file, b.file);
    /* another file under the same name, and the first one under another */
    assert_int_equal(rename(path, pattern_path("old.qcow2")), 0);
    pattern_to_file(path, (const uint8_t *)"x", 1, NULL);
    assert_ok(chain_look_image(path, &b));
    assert_string_equal(a.image, b.image);
    assert_string_not_equal(a.file, b.file);
    assert_ok(chain_look_image(pattern_path("old.qcow2"), &b));
    assert_string_equal(a.file, b.file);
    assert_ok(chain_look_image(pattern_path("none"), &gone));
    assert_true(gone.image == NULL && gone.file == NULL);

    assert_ok(chain_look_process(getpid(), &a));
    assert_ok(chain_look_process(getppid(), &b));
    assert_non_null(strstr(a.process, "tick "));
    assert_true(strstr(a.process, "tick ")[5] >= '0' && strstr(a.process, "tick ")[5] <= '9');
    assert_string_not_equal(a.process, b.process);
    assert_ok(chain_look_process(0x7ffffff0, &gone));
    assert_null(gone.process);
    assert_ok(chain_look_host(&a));
    assert_non_null(a.boot);
    chain_done(&a);
    chain_done(&b);
    chain_done(&gone);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination),
        cmocka_unit_test(what_happened),
        cmocka_unit_test(facts_come_back),
        cmocka_unit_test(odd_facts),
        cmocka_unit_test(files_and_processes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
