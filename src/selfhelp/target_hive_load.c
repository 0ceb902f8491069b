/* SPDX-License-Identifier: Apache-2.0 */
/* Would a library load?  Followed on the disk instead of tried: each library that it needs,
 * and that those need, is looked for where Windows looks (beside the first one, System32, the
 * Windows folder), must be of its processor, and must offer the functions that are asked of
 * it.
 *
 * That something is missing is certain.  That nothing is missing is all that can be said
 * without running it: its own start could still fail.  Not followed are the names that Windows
 * resolves itself (api-ms-..., ext-ms-...), libraries that are loaded on first use, and side
 * by side assemblies (WinSxS); libraries that only these offer count as missing. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codes.h"
#include "disk_file.h"
#include "pe.h"
#include "target_hive_internal.h"

enum { LIBRARIES_MAX = 512, LIBRARY_LEN_MAX = 64 << 20, PATH_ROOM = 2048 };
enum { ERROR_MOD_NOT_FOUND = 126, ERROR_PROC_NOT_FOUND = 127, ERROR_BAD_EXE_FORMAT = 193 };

/* One library that was found. */
struct library {
    char *name, *path; /* name: as its user calls it */
    uint8_t *data;
    struct pe pe;
};

struct walk {
    const struct target_hive *h;
    struct target_load *out;
    char beside[PATH_ROOM]; /* the folder of the first library */
    uint16_t machine;
    struct library *library[LIBRARIES_MAX];
    size_t nlibraries, at; /* those before .at were followed */
    const struct library *needed; /* of the imports that come now */
    struct err *failed;
};

static void
walk_done(struct walk *w)
{
    for (size_t i = 0; i < w->nlibraries; i++) {
        free(w->library[i]->name);
        free(w->library[i]->path);
        free(w->library[i]->data);
        free(w->library[i]);
    }
}

static struct err *
verdict(struct walk *w, uint32_t error, const char *missing, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static struct err *
verdict(struct walk *w, uint32_t error, const char *missing, const char *format, ...)
{
    va_list args;
    int n;

    w->out->loads = error == 0;
    w->out->error = error;
    va_start(args, format);
    n = vasprintf(&w->out->words, format, args);
    va_end(args);
    if (n < 0)
        w->out->words = NULL;
    if (missing != NULL)
        w->out->missing = strdup(missing);
    return n < 0 || (missing != NULL && w->out->missing == NULL) ? fail(OutOfMemory) : NULL;
}

/* Read it and look at its heads; *ret_ok is false, with a verdict, when it is none. */
static struct err *
add_library(struct walk *w, const char *name, const char *path, int fd, bool *ret_ok)
{
    struct library *l;
    struct stat st;
    size_t len;

    *ret_ok = false;
    if (fstat(fd, &st) != 0)
        return fail(FileUnreadable, path);
    if (!S_ISREG(st.st_mode) || st.st_size > LIBRARY_LEN_MAX || w->nlibraries == LIBRARIES_MAX)
        return verdict(w, ERROR_BAD_EXE_FORMAT, NULL, "%s is larger than firn looks at", path);
    l = calloc(1, sizeof *l);
    if (l == NULL)
        return fail(OutOfMemory);
    w->library[w->nlibraries++] = l;
    len = (size_t)st.st_size;
    l->name = strdup(name);
    l->path = strdup(path);
    l->data = malloc(len + 1);
    if (l->name == NULL || l->path == NULL || l->data == NULL)
        return fail(OutOfMemory);
    TRY(disk_file_read(fd, path, l->data, len));
    if (!pe_open((struct view){ l->data, len }, &l->pe))
        return verdict(w, ERROR_BAD_EXE_FORMAT, NULL, "%s is no program of Windows", path);
    if (w->machine == 0)
        w->machine = l->pe.machine;
    if (l->pe.machine != w->machine)
        return verdict(w, ERROR_BAD_EXE_FORMAT, NULL, "%s is for another processor", path);
    *ret_ok = true;
    return NULL;
}

static bool
by_windows_itself(const char *name)
{
    return strncasecmp(name, "api-", 4) == 0 || strncasecmp(name, "ext-", 4) == 0;
}

/* Find ${name}, which ${user} (NULL: whoever asked) needs, where Windows looks; *ret is NULL
 * with a verdict when it is not there or of no use. */
static struct err *
find_library(struct walk *w, const char *name, const char *user, const struct library **ret)
{
    const char *folders[] = { w->beside,
        w->machine == PE_I386 && w->h->target.bits64 ? "C:\\Windows\\SysWOW64" :
                                                       "C:\\Windows\\System32",
        "C:\\Windows" };

    *ret = NULL;
    for (size_t i = 0; i < w->nlibraries; i++)
        if (strcasecmp(w->library[i]->name, name) == 0) {
            *ret = w->library[i];
            return NULL;
        }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        auto_fd int fd = -1;
        char path[PATH_ROOM + PE_NAME_MAX];
        bool ok;

        if (*folders[i] == '\0' || strpbrk(name, "\\/:") != NULL)
            continue;
        (void)snprintf(path, sizeof path, "%s\\%s", folders[i], name);
        TRY(hive_path_open(w->h, path, &fd));
        if (fd < 0)
            continue;
        TRY(add_library(w, name, path, fd, &ok));
        if (ok)
            *ret = w->library[w->nlibraries - 1];
        return NULL;
    }
    if (user == NULL)
        return verdict(w, ERROR_MOD_NOT_FOUND, name, "it is not in System32");
    return verdict(w, ERROR_MOD_NOT_FOUND, name,
        "%s needs %s, which is neither beside the first nor in System32", user, name);
}

static bool
import(void *arg, const char *library, const char *symbol, uint16_t ordinal)
{
    struct walk *w = arg;
    const struct library *user = w->library[w->at];

    (void)ordinal;
    if (symbol == NULL) {
        w->needed = NULL;
        if (!by_windows_itself(library))
            w->failed = find_library(w, library, user->name, &w->needed);
    } else if (w->needed != NULL && !pe_exports(&w->needed->pe, symbol)) {
        w->failed = verdict(w, ERROR_PROC_NOT_FOUND, library,
            "%s needs %s of %s, which has none", user->name, symbol, library);
    }
    return w->failed == NULL && w->out->words == NULL;
}

static struct err *
follow(struct walk *w, struct deadline by)
{
    for (; w->at < w->nlibraries; w->at++) {
        const struct library *l = w->library[w->at];
        bool whole = pe_imports(&l->pe, import, w);

        TRY(w->failed);
        if (w->out->words != NULL)
            return NULL;
        if (!whole)
            return verdict(w, ERROR_BAD_EXE_FORMAT, NULL, "the imports of %s are damaged",
                l->path);
        if (deadline_passed(by))
            return fail(DeadlinePassed, "looking at libraries");
    }
    if (w->nlibraries == 1)
        return verdict(w, 0, NULL, "it needs no other library (it was not run)");
    return verdict(w, 0, NULL, "what it needs is there, libraries: %zu (it was not run)",
        w->nlibraries - 1);
}

static struct err *
begin(struct walk *w, const char *library, bool *ret_ok)
{
    const char *end = strrchr(library, '\\');
    const struct library *first;
    auto_fd int fd = -1;

    if (end == NULL)
        end = strrchr(library, '/');
    if (end == NULL) {
        TRY(find_library(w, library, NULL, &first));
        *ret_ok = first != NULL;
        return NULL;
    }
    (void)snprintf(w->beside, sizeof w->beside, "%.*s", (int)(end - library), library);
    TRY(hive_path_open(w->h, library, &fd));
    *ret_ok = false;
    if (fd < 0)
        return verdict(w, ERROR_MOD_NOT_FOUND, library, "%s is not there", library);
    TRY(add_library(w, end + 1, library, fd, ret_ok));
    return NULL;
}

struct err *
hive_load(struct target *t, const char *library, struct deadline by, struct target_load *ret)
{
    struct target_load out = { 0 };
    __attribute__((cleanup(walk_done))) struct walk w = { .h = (struct target_hive *)t,
        .out = &out };
    struct err *e;
    bool ok = false;

    if (w.h->root < 0)
        return fail(DiskElsewhere, library);
    e = begin(&w, library, &ok);
    if (e == NULL && ok)
        e = follow(&w, by);
    if (e != NULL) {
        target_load_done(&out);
        return e;
    }
    *ret = out;
    return NULL;
}
