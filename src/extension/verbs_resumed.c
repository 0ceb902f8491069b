/* SPDX-License-Identifier: Apache-2.0 */
/* verbs_resumed.c -- whether what had come to rest for the last snapshot has gone on: on Linux
 * alone.
 *
 * The watchdog lets applications go on after it has answered for the thaw, since nobody is to
 * wait for a post-script while disks are held.  So what becomes of that lies in a file beside
 * the marker, in memory, until the next freeze. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codes.h"
#include "freeze_internal.h"
#include "outcome.h"
#include "verbs.h"

enum { WAIT_S = 30, STEP_MS = 50, TOLD_MAX = 64 * 1024, PATH_LEN = FREEZE_NAME_MAX + 16 };

static struct err *
path_of(char to[PATH_LEN])
{
    char marker[FREEZE_NAME_MAX];

    TRY(freeze_mark_path(marker));
    (void)snprintf(to, PATH_LEN, "%s.resumed", marker);
    return NULL;
}

struct err *
resumed_forget(void)
{
    char path[PATH_LEN];

    TRY(path_of(path));
    if (unlink(path) != 0 && errno != ENOENT)
        return fail(FileUnwritable, path);
    return NULL;
}

/* ${text} appears whole. */
static void
write_whole(const char *path, const char *text)
{
    char fresh[PATH_LEN + 8];
    size_t len = strlen(text);

    (void)snprintf(fresh, sizeof(fresh), "%s.new", path);
    (void)unlink(fresh);
    auto_fd int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && write(fd, text, len) == (ssize_t)len)
        (void)rename(fresh, path);
}

void
resumed_note(const struct err *e)
{
    auto_free char *text = NULL;
    struct doc_out o = { 0 };
    char path[PATH_LEN];
    struct err *bad = path_of(path);

    doc_open(&o, NULL, '{');
    doc_put_int(&o, "schema", 1);
    if (e != NULL)
        outcome_put(&o, "error", e);
    else
        doc_put_string(&o, "state", "resumed");
    doc_close(&o, '}');
    if (bad == NULL)
        bad = doc_out_take(&o, &text);
    if (bad == NULL)
        write_whole(path, text);
    err_free(bad); /* then it is not known, which is told */
    doc_out_done(&o);
}

/* What was noted; *ret stays NULL while there is nothing.  Others may not write it. */
static struct err *
read_noted(const char *path, char **ret)
{
    auto_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    auto_free char *text = calloc(1, TOLD_MAX + 1);
    struct stat st;

    if (fd < 0)
        return errno == ENOENT ? NULL : fail(FileUnreadable, path);
    if (text == NULL)
        return fail(OutOfMemory);
    if (fstat(fd, &st) != 0 || st.st_uid != geteuid() || !S_ISREG(st.st_mode) ||
        read(fd, text, TOLD_MAX) < 0)
        return fail(FileUnreadable, path);
    *ret = take(text);
    return NULL;
}

/* Is a watchdog there that has not come to the end yet? */
static struct err *
is_at_work(bool *ret)
{
    char marker[FREEZE_NAME_MAX];
    auto_fd int fd = -1;

    TRY(freeze_mark_path(marker));
    TRY(freeze_listen(marker, &fd));
    *ret = fd < 0;
    return NULL;
}

/* *ret: what was noted; NULL: nothing, and *ret_busy when that is since it goes on still. */
static struct err *
wait_for_it(struct deadline by, char **ret, bool *ret_busy)
{
    char path[PATH_LEN];

    TRY(path_of(path));
    for (;;) {
        TRY(read_noted(path, ret));
        if (*ret != NULL)
            return NULL;
        TRY(is_at_work(ret_busy));
        if (!*ret_busy) { /* it may have noted it since the look */
            TRY(read_noted(path, ret));
            return NULL;
        }
        if (deadline_passed(by))
            return NULL;
        (void)poll(NULL, 0, STEP_MS);
    }
}

static struct err *
put_noted(struct call *c, const char *noted)
{
    auto_ptr(doc) d = NULL;

    TRY(doc_parse("what was noted", noted, strlen(noted), &d));
    const struct doc_value *error = doc_get(doc_root(d), "error");
    c->exit_status = error != NULL ? 1 : 0;
    c->told = true;
    if (c->json)
        text_fmt(&c->out, "%s\n", noted);
    else
        text_fmt(&c->out, "%s\n", error != NULL ? doc_string(doc_get(error, "message"), "?")
                                                : "everything has gone on");
    return NULL;
}

struct err *
verb_resumed(struct call *c)
{
    int64_t s = c->deadline_s > 0 ? c->deadline_s : WAIT_S;
    auto_free char *noted = NULL;
    bool busy = false;

    TRY(wait_for_it(deadline_in_ms(s * 1000), &noted, &busy));
    if (noted != NULL) {
        TRY(put_noted(c, noted));
        return NULL;
    }
    if (c->json)
        text_fmt(&c->out, "{\"schema\": 1, \"state\": \"%s\"}\n", busy ? "busy" : "unknown");
    else
        text_fmt(&c->out, "%s\n", busy ? "not everything has gone on yet"
                                       : "nothing is known of applications at rest");
    return NULL;
}
