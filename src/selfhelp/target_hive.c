/* SPDX-License-Identifier: Apache-2.0 */
/* Opening looks at all that could make a change harmful, so that a plan which was shown can
 * also be carried out: both hives are read and checked, and the hibernation file is looked
 * at. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codes.h"
#include "target_hive_internal.h"
#include "text.h"

#define CONFIG "Windows\\System32\\config"
#define ENVIRONMENT "Control\\Session Manager\\Environment"

static const char *const hive_names[HIVE_COUNT] = { "SYSTEM", "SOFTWARE" };

static void
hive_free(struct target *t)
{
    struct target_hive *h = (struct target_hive *)t;

    for (size_t i = 0; i < HIVE_COUNT; i++)
        hive_file_free(h->hive[i]);
    if (h->root >= 0)
        (void)close(h->root);
    free(h);
}

/* No other machine's programs run here. */
static struct err *
hive_installer_busy(struct target *t, bool *ret_busy, char **ret_who)
{
    (void)t;
    *ret_busy = false;
    *ret_who = NULL;
    return NULL;
}

static const struct target_vtable hive_calls = {
    .reg_get = hive_reg_get,
    .reg_set = hive_reg_set,
    .reg_delete = hive_reg_delete,
    .reg_key = hive_reg_key,
    .reg_delete_key = hive_reg_delete_key,
    .file_read = hive_disk_read,
    .file_write = hive_disk_write,
    .file_rename = hive_disk_rename,
    .file_delete = hive_disk_delete,
    .file_list = hive_disk_list,
    .space_free = hive_disk_space,
    .load = hive_load,
    .installer_busy = hive_installer_busy,
    .free = hive_free,
};

/* Windows leaves zeros or "wake" at the start of the file when it has woken up. */
static struct err *
check_awake(int root, const char *path)
{
    static const uint8_t zeros[4];
    auto_free char *name = NULL;
    auto_fd int fd = -1;
    uint8_t head[4] = { 0 };
    ssize_t n;

    TRY(hive_path_entry(root, "hiberfil.sys", path, &name));
    if (name == NULL)
        return NULL;
    fd = openat(root, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, head, sizeof head);
    if (n < 0)
        return fail(FileUnreadable, path);
    if (memcmp(head, zeros, 4) == 0 || memcmp(head, "wake", 4) == 0 ||
        memcmp(head, "WAKE", 4) == 0)
        return NULL;
    return fail(WindowsHibernated, path);
}

static struct err *
open_hive(struct target_hive *h, int folder, const char *path, size_t which, bool must)
{
    auto_free char *name = NULL;
    auto_free char *shown = NULL;

    TRY(hive_path_entry(folder, hive_names[which], path, &name));
    if (name == NULL)
        return must ? fail(WindowsMissing, path) : NULL;
    if (asprintf(&shown, "%s/%s", path, name) < 0) {
        shown = NULL;
        return fail(OutOfMemory);
    }
    TRY(hive_file_open(folder, name, shown, &h->hive[which]));
    return NULL;
}

/* A disk: Windows below the folder.  *ret_found is false when there is none. */
static struct err *
open_disk(struct target_hive *h, int folder, const char *path, bool *ret_found)
{
    auto_free char *config_path = NULL;
    auto_fd int config = -1;

    TRY(hive_path_folder(folder, CONFIG, path, &config));
    *ret_found = config >= 0;
    if (config < 0)
        return NULL;
    h->root = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    if (h->root < 0)
        return fail(FileUnreadable, path);
    TRY(check_awake(folder, path));
    if (asprintf(&config_path, "%s/Windows/System32/config", path) < 0) {
        config_path = NULL;
        return fail(OutOfMemory);
    }
    for (size_t i = 0; i < HIVE_COUNT; i++)
        TRY(open_hive(h, config, config_path, i, true));
    return NULL;
}

static struct err *
open_folder(struct target_hive *h, const char *path)
{
    auto_fd int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool found;

    if (folder < 0)
        return fail(FileUnreadable, path);
    TRY(open_disk(h, folder, path, &found));
    for (size_t i = 0; i < HIVE_COUNT && !found; i++)
        TRY(open_hive(h, folder, path, i, false));
    return h->hive[HIVE_SYSTEM] == NULL && h->hive[HIVE_SOFTWARE] == NULL ?
        fail(WindowsMissing, path) :
        NULL;
}

/* Does a file begin as a disk does: an image format, or a table of partitions? */
static bool
is_disk(int folder, const char *name)
{
    static const char *const magic[] = { "QFI\xfb", "KDMV", "vhdxfile", "conectix" };
    auto_fd int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    uint8_t head[512] = { 0 };

    if (fd < 0 || pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head)
        return false;
    for (size_t i = 0; i < sizeof magic / sizeof magic[0]; i++)
        if (memcmp(head, magic[i], strlen(magic[i])) == 0)
            return true;
    return head[510] == 0x55 && head[511] == 0xaa;
}

/* Which one it is shows in what it holds, whatever it is called. */
static struct err *
open_one(struct target_hive *h, const char *path)
{
    const char *slash = strrchr(path, '/');
    auto_free char *folder_path = strndup(path, slash == NULL ? 0 : (size_t)(slash - path) + 1);
    auto_ptr(hive_file) f = NULL;
    auto_fd int folder = -1;
    const struct regf *r;

    if (folder_path == NULL)
        return fail(OutOfMemory);
    folder = open(*folder_path == '\0' ? "." : folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return fail(FileUnreadable, path);
    if (is_disk(folder, slash == NULL ? path : slash + 1))
        return fail(DiskNotMounted, path);
    TRY(hive_file_open(folder, slash == NULL ? path : slash + 1, path, &f));
    r = hive_file_regf(f);
    if (regf_find(r, "Select") != 0)
        h->hive[HIVE_SYSTEM] = take(f);
    else if (regf_find(r, "Microsoft") != 0)
        h->hive[HIVE_SOFTWARE] = take(f);
    else
        return fail(HiveForeign, path);
    return NULL;
}

/* Which control set counts, and for which processor Windows is. */
static struct err *
look_at_system(struct target_hive *h)
{
    static const uint8_t x86[] = { 'x', 0, '8', 0, '6', 0, 0, 0 };
    const struct regf *r;
    struct regf_value v;
    char path[80];
    uint32_t key;

    h->target.bits64 = true;
    if (h->hive[HIVE_SYSTEM] == NULL)
        return NULL;
    r = hive_file_regf(h->hive[HIVE_SYSTEM]);
    if (!regf_find_dword(r, "Select", "Current", &h->control_set) || h->control_set == 0 ||
        h->control_set > 999)
        return fail(HiveDamaged, r->name, "Select does not say which control set counts", 0);
    (void)snprintf(path, sizeof path, "ControlSet%03u", (unsigned)h->control_set);
    if (regf_find(r, path) == 0)
        return fail(HiveDamaged, r->name, "the control set that Select names is missing", 0);
    (void)snprintf(path, sizeof path, "ControlSet%03u\\" ENVIRONMENT,
        (unsigned)h->control_set);
    key = regf_find(r, path);
    if (key != 0 && regf_find_value(r, key, "PROCESSOR_ARCHITECTURE", &v))
        h->target.bits64 = !regf_value_is(r, &v, (struct view){ x86, sizeof x86 });
    return NULL;
}

static struct err *
open_what(struct target_hive *h, const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return fail(FileUnreadable, path);
    if (S_ISDIR(st.st_mode))
        TRY(open_folder(h, path));
    else
        TRY(open_one(h, path));
    TRY(look_at_system(h));
    h->target.can = TARGET_REGISTRY;
    if (h->root >= 0)
        h->target.can |= TARGET_FILES | TARGET_LIBRARIES;
    return NULL;
}

struct err *
target_hive_open(const char *path, const char *name, struct target **ret)
{
    struct target_hive *h = calloc(1, sizeof *h);
    auto_ptr(target) t = NULL;

    if (h == NULL)
        return fail(OutOfMemory);
    t = &h->target;
    h->root = -1;
    t->os = ACTION_WINDOWS;
    t->offline = true;
    t->cannot[0] = "it is not running: nothing can be installed, run or restarted there";
    t->cannot[1] = "libraries are judged by what they import";
    TRY(target_init(t, &hive_calls, name));
    TRY(open_what(h, path));
    *ret = take(t);
    return NULL;
}
