/* SPDX-License-Identifier: Apache-2.0 */
/* The lock is a flock(2) of the file that was read.  Whoever waits for its name to be free
 * then finds another file under the name: that is HiveMoved, and the run starts anew.  A file
 * NAME.firn-new that a killed run left is removed by the next one under that lock.
 *
 * Why a copy and not a rename of the old file: with a copy the name never stands for nothing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "clock.h"
#include "codes.h"
#include "disk_file.h"
#include "hive_file.h"

enum { NAME_ROOM = 300 };

struct hive_file {
    int folder, fd;
    char *name, *shown;
    struct stat st;
    uint8_t *data;
    size_t len;
    struct regf regf;
    bool kept;
};

static struct err *
load(struct hive_file *f)
{
    if (fstat(f->fd, &f->st) != 0)
        return fail(FileUnreadable, f->shown);
    if (!S_ISREG(f->st.st_mode) || f->st.st_size < REGF_BASE)
        return fail(HiveForeign, f->shown);
    if (f->st.st_size > (off_t)REGF_LEN_MAX + REGF_BASE)
        return fail(HiveTooLarge, f->shown, REGF_LEN_MAX >> 20);
    f->len = (size_t)f->st.st_size;
    f->data = malloc(f->len);
    if (f->data == NULL)
        return fail(OutOfMemory);
    TRY(disk_file_read(f->fd, f->shown, f->data, f->len));
    return regf_open((struct view){ f->data, f->len }, f->shown, &f->regf);
}

struct err *
hive_file_open(int folder, const char *name, const char *shown, struct hive_file **ret)
{
    auto_ptr(hive_file) f = calloc(1, sizeof *f);

    if (f == NULL)
        return fail(OutOfMemory);
    f->fd = -1;
    f->folder = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    f->name = strdup(name);
    f->shown = strdup(shown);
    if (f->name == NULL || f->shown == NULL)
        return fail(OutOfMemory);
    if (f->folder < 0)
        return fail(FileUnreadable, shown);
    f->fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (f->fd < 0)
        return fail(FileUnreadable, shown);
    TRY(load(f));
    *ret = take(f);
    return NULL;
}

const struct regf *
hive_file_regf(const struct hive_file *f)
{
    return &f->regf;
}

/* ---- writing ---- */

/* A log is small; one that is larger than any hive is left where it is. */
static struct err *
keep_log(const struct hive_file *f, const char *log, const char *stamp)
{
    char name[NAME_ROOM];
    auto_free uint8_t *data = NULL;
    auto_fd int fd = -1;
    struct stat st;

    (void)snprintf(name, sizeof name, "%s%s", f->name, log);
    fd = openat(f->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > REGF_LEN_MAX)
        return NULL;
    data = malloc((size_t)st.st_size + 1);
    if (data == NULL)
        return fail(OutOfMemory);
    TRY(disk_file_read(fd, f->shown, data, (size_t)st.st_size));
    (void)snprintf(name, sizeof name, "%s%s%s", f->name, stamp, log);
    return disk_file_new(f->folder, name, fd, f->shown,
        (struct view){ data, (size_t)st.st_size });
}

static const char *const kept_parts[] = { ".LOG", ".LOG1", ".LOG2", "" };
enum { KEPT_PARTS = sizeof kept_parts / sizeof kept_parts[0] };

/* Does a copy of that moment have a part already?  One that a killed run left may be without
 * its hive. */
static bool
is_kept(const struct hive_file *f, const char *stamp)
{
    char name[NAME_ROOM];
    struct stat st;

    for (size_t i = 0; i < KEPT_PARTS; i++) {
        (void)snprintf(name, sizeof name, "%s%s%s", f->name, stamp, kept_parts[i]);
        if (fstatat(f->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            return true;
    }
    return false;
}

/* Half a copy is none, and it may be its room that is missing. */
static void
drop(const struct hive_file *f, const char *stamp)
{
    char name[NAME_ROOM];

    for (size_t i = 0; i < KEPT_PARTS; i++) {
        (void)snprintf(name, sizeof name, "%s%s%s", f->name, stamp, kept_parts[i]);
        (void)unlinkat(f->folder, name, 0);
    }
}

static struct err *
keep_parts(const struct hive_file *f, const char *stamp)
{
    char name[NAME_ROOM];

    for (size_t i = 0; i + 1 < KEPT_PARTS; i++)
        TRY(keep_log(f, kept_parts[i], stamp));
    (void)snprintf(name, sizeof name, "%s%s", f->name, stamp);
    TRY(disk_file_new(f->folder, name, f->fd, f->shown, (struct view){ f->data, f->len }));
    return disk_file_sync(f->folder, f->shown);
}

static struct err *
keep(struct hive_file *f)
{
    char stamp[NAME_ROOM];
    time_t now = (time_t)(clock_real_ns() / CLOCK_S);
    struct tm tm;
    size_t n;

    if (f->kept)
        return NULL;
    if (gmtime_r(&now, &tm) == NULL)
        return fail(SystemCallFailed, "gmtime_r");
    n = strftime(stamp, sizeof stamp, ".firn-%Y%m%d-%H%M%S", &tm);
    for (unsigned i = 2; is_kept(f, stamp); i++)
        (void)snprintf(stamp + n, sizeof stamp - n, "-%u", i);
    struct err *e = keep_parts(f, stamp);
    if (e != NULL)
        drop(f, stamp);
    f->kept = e == NULL;
    return e;
}

static struct err *
same_file(const struct hive_file *f)
{
    struct stat st;

    if (fstatat(f->folder, f->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return fail(FileUnreadable, f->shown);
    if (st.st_dev != f->st.st_dev || st.st_ino != f->st.st_ino || st.st_size != f->st.st_size ||
        st.st_mtim.tv_sec != f->st.st_mtim.tv_sec ||
        st.st_mtim.tv_nsec != f->st.st_mtim.tv_nsec)
        return fail(HiveMoved, f->shown);
    return NULL;
}

/* The file that has the name now is what is known from here on. */
static struct err *
take_over(struct hive_file *f)
{
    auto_ptr(hive_file) now = NULL;
    struct hive_file old;

    TRY(hive_file_open(f->folder, f->name, f->shown, &now));
    now->kept = f->kept;
    old = *f;
    *f = *now;
    *now = old; /* and the old one's lock goes */
    f->regf.name = f->shown;
    return NULL;
}

struct err *
hive_file_edit(struct hive_file *f, const struct hive_edit *edits, size_t nedits)
{
    auto_free uint8_t *data = NULL;
    struct err *e;
    size_t len = 0;
    bool changed;

    TRY(hive_edit((struct view){ f->data, f->len }, &f->regf, edits, nedits, &data, &len,
        &changed));
    if (!changed)
        return NULL;
    if (flock(f->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? fail(HiveInUse, f->shown) :
                                      fail(SystemCallFailed, "flock");
    e = same_file(f);
    if (e == NULL)
        e = keep(f);
    if (e == NULL)
        e = disk_file_replace(f->folder, f->name, f->fd, f->shown,
            (struct view){ data, len });
    if (e == NULL)
        return take_over(f);
    (void)flock(f->fd, LOCK_UN);
    return e;
}

void
hive_file_free(struct hive_file *f)
{
    if (f == NULL)
        return;
    if (f->folder >= 0)
        (void)close(f->folder);
    if (f->fd >= 0)
        (void)close(f->fd);
    free(f->name);
    free(f->shown);
    free(f->data);
    free(f);
}
