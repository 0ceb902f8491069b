/* SPDX-License-Identifier: Apache-2.0 */
/* The folder store's own matters: what fsync is asked for and what happens when it fails,
 * processes that race for a name, file systems without O_TMPFILE, things in the way. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "pattern.h"
#include "store.h"
#include "store_conformance.h"

enum { PROCESSES = 4, RACES = 60, OPENERS = 8, SYNCS_MAX = 64 };

/* ---- system calls that fail when they are told to ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what calls change below */
static struct {
    bool no_tmpfile;      /* as on a file system that has none */
    unsigned taken;       /* how many scratch names are taken */
    unsigned bad_syncs;   /* how many fsyncs of files fail, with ... */
    int number;
    bool full;            /* writes find no room */
    bool overwrites;      /* a name that is taken can be taken again */
    bool hides;           /* folders list nothing */
    bool stutter;         /* writes are interrupted, or do a part only */
    unsigned writes, file_syncs;
    ino_t synced[SYNCS_MAX];
    unsigned nsynced;
} calls;

int __real_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __real_linkat(int a, const char *from, int b, const char *to, int flags);
int __wrap_linkat(int a, const char *from, int b, const char *to, int flags);
struct dirent *__real_readdir64(DIR *d);
struct dirent *__wrap_readdir64(DIR *d);

int
__wrap_linkat(int a, const char *from, int b, const char *to, int flags)
{
    if (calls.overwrites)
        (void)unlinkat(b, to, 0);
    return __real_linkat(a, from, b, to, flags);
}

struct dirent *
__wrap_readdir64(DIR *d)
{
    return calls.hides ? NULL : __real_readdir64(d);
}

static int
failing(int number)
{
    errno = number;
    return -1;
}

int
__wrap_openat64(int dir, const char *path, int flags, ...)
{
    if (calls.no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE)
        return failing(EOPNOTSUPP);
    if (calls.taken > 0 && (flags & O_CREAT) != 0 && strncmp(path, "scratch/", 8) == 0) {
        calls.taken--;
        assert_true((flags & O_EXCL) != 0); /* never the bytes of another file */
        return failing(EEXIST);
    }
    return __real_openat64(dir, path, flags, 0666);
}

ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
    static unsigned turn;

    pthread_mutex_lock(&lock);
    calls.writes++;
    bool interrupted = calls.stutter && ++turn % 3 == 0;
    pthread_mutex_unlock(&lock);
    if (calls.full)
        return failing(ENOSPC);
    if (interrupted)
        return failing(EINTR);
    return __real_write(fd, data, calls.stutter && len > 1000 ? 1000 : len);
}

int
__wrap_fsync(int fd)
{
    struct stat st;
    bool fails = false;

    assert_int_equal(fstat(fd, &st), 0);
    pthread_mutex_lock(&lock);
    if (calls.nsynced < SYNCS_MAX)
        calls.synced[calls.nsynced++] = st.st_ino;
    if (S_ISREG(st.st_mode)) {
        calls.file_syncs++;
        fails = calls.bad_syncs > 0;
        calls.bad_syncs -= fails;
    }
    pthread_mutex_unlock(&lock);
    return fails ? failing(calls.number) : __real_fsync(fd);
}

/* ---- a store for each test ---- */

static char root[4400];

static int
set_up(void **state)
{
    static unsigned number;
    struct store *s = NULL;
    char name[16];

    memset(&calls, 0, sizeof(calls));
    (void)snprintf(name, sizeof(name), "s%u", number++);
    (void)snprintf(root, sizeof(root), "%s", pattern_path(name));
    assert_ok(store_dir_open(root, true, &s));
    memset(&calls, 0, sizeof(calls));
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    memset(&calls, 0, sizeof(calls));
    store_free(*state);
    return 0;
}

static const char *
in_root(const char *name)
{
    static char paths[4][4800];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
    return path;
}

static ino_t
inode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_ino;
}

static bool
was_synced(const char *path)
{
    for (unsigned i = 0; i < calls.nsynced; i++)
        if (calls.synced[i] == inode_of(path))
            return true;
    return false;
}

static unsigned
entries_in(const char *path)
{
    DIR *d = opendir(path);
    unsigned n = 0;

    for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d))
        n += e->d_name[0] != '.';
    if (d != NULL)
        closedir(d);
    return n;
}

static void
put(struct store *s, const char *name, const char *text, bool expect_new)
{
    bool fresh = !expect_new;

    assert_ok(store_put(s, name, text, strlen(text), &fresh));
    assert_int_equal(fresh, expect_new);
}

static void
holds(struct store *s, const char *name, const char *text)
{
    auto_free uint8_t *got = NULL;
    bool found = false;
    size_t n = 0;

    assert_ok(store_get_all(s, name, 1 << 20, &got, &n, &found));
    assert_true(found);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(got, text, n);
}

/* ---- opening ---- */

static void
probing_leaves_nothing(void **state)
{
    struct store *s = NULL;

    (void)state;
    assert_int_equal(entries_in(root), 0);
    assert_fails(store_dir_open(pattern_path("no/such/folder"), true, &s), E_StoreUnreachable);
    assert_fails(store_dir_open(pattern_path("nothing"), false, &s), E_StoreUnreachable);
    close(open(pattern_path("file"), O_CREAT | O_WRONLY, 0600));
    assert_fails(store_dir_open(pattern_path("file"), false, &s), E_StoreUnreachable);
    assert_fails(store_dir_open(pattern_path("file"), true, &s), E_StoreUnreachable);
}

/* A vault whose own folder is lost is lost whole. */
static void
the_new_folders_name_lasts(void **state)
{
    struct store *s = NULL;

    (void)state;
    assert_ok(store_dir_open(in_root("new"), true, &s));
    store_free(s);
    assert_true(was_synced(root));
    calls.nsynced = 0;
    assert_ok(store_dir_open(in_root("new/"), true, &s)); /* it is there, perhaps by a crash */
    store_free(s);
    assert_true(was_synced(root));
}

static void *
open_often(void *arg)
{
    struct err **failed = arg;

    for (int i = 0; i < 20 && *failed == NULL; i++) {
        struct store *s = NULL;

        *failed = store_dir_open(root, true, &s);
        store_free(s);
    }
    return NULL;
}

static void
openers_do_not_disturb_each_other(void **state)
{
    struct err *failed[OPENERS] = { NULL };
    pthread_t thread[OPENERS];

    (void)state;
    for (int i = 0; i < OPENERS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, open_often, &failed[i]), 0);
    for (int i = 0; i < OPENERS; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < OPENERS; i++)
        assert_ok(failed[i]);
    assert_int_equal(entries_in(root), 0);
}

/* ---- putting ---- */

static void
conforms_without_tmpfile(void **state)
{
    calls.no_tmpfile = true;
    store_conformance(*state);
    assert_int_equal(entries_in(in_root("scratch")), 0);
}

static void
a_scratch_name_is_never_reused(void **state)
{
    calls.no_tmpfile = true;
    calls.taken = 3;
    put(*state, "a", "x", true);
    assert_int_equal(calls.taken, 0);
    holds(*state, "a", "x");
}

static void
a_failed_sync_is_written_again(void **state)
{
    bool fresh;

    for (int named = 0; named < 2; named++) {
        calls.no_tmpfile = named == 1;
        calls.bad_syncs = 1;
        calls.number = EIO;
        calls.writes = calls.file_syncs = 0;
        put(*state, named == 1 ? "f/1" : "f/0", "bytes", true);
        /* between the two it is asked whether the whole place takes nothing any more */
        assert_int_equal(calls.writes, named == 1 ? 2 : 3);
        assert_int_equal(calls.file_syncs, named == 1 ? 2 : 3);
        holds(*state, "f/0", "bytes");
        calls.bad_syncs = 100;
        int all = named == 1 ? E_StoreIoFailed : E_StoreAway;
        assert_fails(store_put(*state, "f/2", "bytes", 5, &fresh), all);
        assert_fails(store_replace(*state, "f/0", "other", 5), all);
        calls.bad_syncs = 1;
        calls.number = ENOSPC; /* no second try makes room */
        assert_fails(store_put(*state, "f/2", "bytes", 5, &fresh), E_StoreFull);
    }
    holds(*state, "f/0", "bytes");
    assert_int_equal(entries_in(in_root("f")), 2);
    assert_int_equal(entries_in(in_root("scratch")), 0);
}

static void
no_room_for_bytes(void **state)
{
    bool fresh;

    put(*state, "a/b", "bytes", true);
    calls.full = true;
    assert_fails(store_put(*state, "a/c", "x", 1, &fresh), E_StoreFull);
    assert_fails(store_replace(*state, "a/b", "x", 1), E_StoreFull);
    calls.full = false;
    holds(*state, "a/b", "bytes");
    assert_int_equal(entries_in(in_root("a")), 1);
    put(*state, "a/c", "there is room again", true);
}

static void
writes_in_pieces(void **state)
{
    char text[5001];

    memset(text, 'q', 5000);
    text[5000] = '\0';
    calls.stutter = true;
    put(*state, "a", text, true);
    holds(*state, "a", text);
    assert_true(calls.writes > 5);
}

/* What is taken stays, whatever others would put there, and is made durable. */
static void
a_taken_name_keeps_its_bytes(void **state)
{
    put(*state, "a/b", "first", true);
    calls.nsynced = 0;
    put(*state, "a/b", "other bytes", false);
    holds(*state, "a/b", "first");
    assert_true(was_synced(in_root("a/b")));
}

static void
a_barrier_reaches_the_top(void **state)
{
    static const char *const folder = "a/b";

    put(*state, "a/b/c/1", "x", true);
    put(*state, "z/1", "x", true);
    calls.nsynced = 0;
    assert_ok(store_barrier(*state, &folder, 1));
    assert_true(was_synced(in_root("a/b/c")));
    assert_true(was_synced(in_root("a/b")));
    assert_true(was_synced(in_root("a")));
    assert_true(was_synced(root));
    assert_false(was_synced(in_root("z")));
}

/* ---- processes ---- */

/* In a child: puts all names, and tells which it won. */
static void
race_for_names(unsigned number, int to)
{
    struct store *s = NULL;
    char won[RACES], name[32], text[16];
    bool fresh = false;

    if (store_dir_open(root, false, &s) != NULL)
        _exit(1);
    for (unsigned i = 0; i < RACES; i++) {
        int len = snprintf(text, sizeof(text), "of %u", number);

        (void)snprintf(name, sizeof(name), "r/%02u/it", i);
        if (store_put(s, name, text, (size_t)len, &fresh) != NULL)
            _exit(2);
        won[i] = fresh;
    }
    _exit(__real_write(to, won, sizeof(won)) == (ssize_t)sizeof(won) ? 0 : 3);
}

static void
one_process_wins(void **state)
{
    int owner[RACES], out[PROCESSES][2];
    pid_t child[PROCESSES];
    char text[16], name[32];

    memset(owner, 0xff, sizeof(owner));
    for (unsigned i = 0; i < PROCESSES; i++) {
        assert_int_equal(pipe(out[i]), 0);
        child[i] = fork();
        if (child[i] == 0)
            race_for_names(i, out[i][1]);
        close(out[i][1]);
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        char won[RACES];
        int status = 0;

        assert_int_equal(read(out[i][0], won, sizeof(won)), sizeof(won));
        close(out[i][0]);
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
        for (unsigned j = 0; j < RACES; j++)
            if (won[j]) {
                assert_int_equal(owner[j], -1);
                owner[j] = (int)i;
            }
    }
    for (unsigned j = 0; j < RACES; j++) {
        assert_true(owner[j] >= 0);
        (void)snprintf(name, sizeof(name), "r/%02u/it", j);
        (void)snprintf(text, sizeof(text), "of %d", owner[j]);
        holds(*state, name, text);
    }
}

/* A folder whose file system would lose what a vault relies on is refused when one is made. */
static void
unfit_folders_are_refused(void **state)
{
    struct store *s = NULL;

    (void)state;
    calls.overwrites = true;
    assert_fails(store_dir_open(pattern_path("unfit"), true, &s), E_StoreUnfit);
    calls.overwrites = false;
    calls.hides = true;
    assert_fails(store_dir_open(pattern_path("unfit"), true, &s), E_StoreUnfit);
    calls.hides = false;
    assert_null(s);
    assert_ok(store_dir_open(pattern_path("unfit"), true, &s));
    store_free(s);
}

/* In a child that is nobody: a failure's code, or 0. */
static int
as_nobody(int (*act)(void))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        if (geteuid() == 0 && (setresgid(65534, 65534, 65534) != 0 ||
                setresuid(65534, 65534, 65534) != 0))
            _exit(255);
        _exit(act());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int
put_read_only(void)
{
    struct store *s = NULL;
    bool fresh, found;
    char buf[1];
    size_t n;

    if (store_dir_open(root, false, &s) != NULL ||
        store_get(s, "a/b", 0, buf, 1, &n, &found) != NULL || !found)
        return 1;
    int put_code = err_code(store_put(s, "a/c", "x", 1, &fresh));
    int new_code = err_code(store_put(s, "new/c", "x", 1, &fresh));
    int replaced = err_code(store_replace(s, "a/b", "x", 1));
    int removed = err_code(store_remove(s, "a/b", &found));
    return put_code == E_StorePermission && new_code == put_code && replaced == put_code &&
            removed == put_code ? 0 : 2;
}

static int
open_closed(void)
{
    struct store *s = NULL;

    return err_code(store_dir_open(root, false, &s)) == E_StorePermission ? 0 : 1;
}

static void
a_folder_that_is_not_ours(void **state)
{
    put(*state, "a/b", "bytes", true);
    assert_int_equal(chmod(pattern_folder(), 0755), 0);
    assert_int_equal(chmod(in_root("a"), 0555), 0);
    assert_int_equal(chmod(in_root("a/b"), 0444), 0);
    assert_int_equal(chmod(root, 0555), 0);
    assert_int_equal(as_nobody(put_read_only), 0);
    assert_int_equal(chmod(root, 0), 0);
    assert_int_equal(as_nobody(open_closed), 0);
    assert_int_equal(chmod(root, 0755), 0);
    assert_int_equal(chmod(in_root("a"), 0755), 0);
    holds(*state, "a/b", "bytes");
}

/* ---- things in the way ---- */

static struct err *
count_names(void *arg, const char *name, uint64_t len)
{
    unsigned *n = arg;

    (void)name;
    (void)len;
    ++*n;
    return NULL;
}

static void
what_is_no_object(struct store *s, const char *name)
{
    uint64_t len;
    bool found = true, fresh = true;
    char buf[4];
    size_t n;

    assert_ok(store_stat(s, name, &len, &found));
    assert_false(found);
    found = true;
    assert_ok(store_get(s, name, 0, buf, sizeof(buf), &n, &found));
    assert_false(found);
    assert_fails(store_put(s, name, "x", 1, &fresh), E_StoreIoFailed);
}

static void
links_pipes_and_folders_are_no_objects(void **state)
{
    unsigned n = 0;

    put(*state, "a/real", "bytes", true);
    assert_int_equal(symlink("real", in_root("a/link")), 0);
    assert_int_equal(symlink("nowhere", in_root("a/dangling")), 0);
    assert_int_equal(mkfifo(in_root("a/pipe"), 0600), 0);
    assert_int_equal(mkdir(in_root("a/folder"), 0700), 0);
    what_is_no_object(*state, "a/link");
    what_is_no_object(*state, "a/dangling");
    what_is_no_object(*state, "a/pipe");
    what_is_no_object(*state, "a/folder");
    assert_ok(store_list(*state, "a", count_names, &n));
    assert_int_equal(n, 1);
    holds(*state, "a/real", "bytes");
    assert_int_equal(access(in_root("nowhere"), F_OK), -1);
    /* repair puts an object in the place of a link, not where it leads */
    assert_ok(store_replace(*state, "a/link", "mended", 6));
    holds(*state, "a/link", "mended");
    holds(*state, "a/real", "bytes");
}

/* A folder that was moved away behind a link must not look like an empty one. */
static void
a_folder_behind_a_link_is_told(void **state)
{
    static const char *const names[] = { "moved", "file" };
    unsigned n = 0;

    put(*state, "points/1", "x", true);
    assert_int_equal(rename(in_root("points"), in_root("elsewhere")), 0);
    assert_int_equal(symlink("elsewhere", in_root("moved")), 0);
    close(open(in_root("file"), O_CREAT | O_WRONLY, 0600));
    for (int i = 0; i < 2; i++)
        assert_fails(store_list(*state, names[i], count_names, &n), E_StoreNotFolder);
    assert_int_equal(n, 0);
    assert_ok(store_list(*state, "points", count_names, &n));
    assert_int_equal(n, 0);
}

/* A second name of one file: replacing and removing one leaves the other. */
static void
hard_links_keep_their_bytes(void **state)
{
    bool found;

    put(*state, "a/1", "bytes", true);
    assert_int_equal(link(in_root("a/1"), in_root("a/2")), 0);
    assert_ok(store_replace(*state, "a/1", "mended", 6));
    holds(*state, "a/2", "bytes");
    assert_ok(store_remove(*state, "a/1", &found));
    holds(*state, "a/2", "bytes");
}

static void
odd_names_are_passed_over(void **state)
{
    static const char *const odd[] = { "a/.hidden", "a/UPPER", "a/with space", "a/\xc3\xa9",
        "a/\xff\n", "a/x~", "a/:" };
    char longest[300] = "a/";
    unsigned n = 0;

    put(*state, "a/1", "bytes", true);
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        assert_int_equal(mkdir(in_root(odd[i]), 0700), 0);
    memset(longest + 2, 'n', 255);
    close(open(in_root(longest), O_CREAT | O_WRONLY, 0600));
    assert_int_equal(mkdir(in_root("a/b"), 0700), 0);
    assert_int_equal(mkdir(in_root("a/b/c"), 0700), 0);
    assert_int_equal(mkdir(in_root("a/b/c/d"), 0700), 0);
    close(open(in_root("a/b/c/d/e"), O_CREAT | O_WRONLY, 0600)); /* deeper than any object */
    assert_ok(store_list(*state, "a", count_names, &n));
    assert_int_equal(n, 1);
    assert_ok(store_barrier(*state, &(const char *const){ "a" }, 1));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(probing_leaves_nothing),
        TEST(the_new_folders_name_lasts),
        TEST(openers_do_not_disturb_each_other),
        TEST(conforms_without_tmpfile),
        TEST(a_scratch_name_is_never_reused),
        TEST(a_failed_sync_is_written_again),
        TEST(no_room_for_bytes),
        TEST(writes_in_pieces),
        TEST(a_taken_name_keeps_its_bytes),
        TEST(a_barrier_reaches_the_top),
        TEST(one_process_wins),
        TEST(unfit_folders_are_refused),
        TEST(a_folder_that_is_not_ours),
        TEST(links_pipes_and_folders_are_no_objects),
        TEST(a_folder_behind_a_link_is_told),
        TEST(hard_links_keep_their_bytes),
        TEST(odd_names_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
