/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation with the guest, and what to do when it breaks.
 *
 * An agent may be started anew, or its machine may stall, in the middle of a file.  Then
 * handles and processes are unknown to the next one, and the refusal of a known request is the
 * only sign of it: so a refusal counts as a break, but only so often, since one that is meant
 * comes again. All that is done in a guest can be done again. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "reported.h"
#include "stop.h"
#include "text.h"
#include "upkeep_internal.h"

enum { CONNECT_MS = 20000, PAUSE_MS = 100, ODD_MOST = 2, WORDS_MAX = 300,
    DEPTH_MAX = 40, VALUES_MAX = 32768 };

static const char *const needed[] = { "guest-exec", "guest-exec-status", "guest-file-open",
    "guest-file-read", "guest-file-write", "guest-file-seek", "guest-file-flush",
    "guest-file-close" };

/* All that is forbidden in one failure: a person who has to allow it wants to do so once. */
static struct err *
check_allowed(struct tended *t, struct deadline by)
{
    struct text list = { 0 };

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        enum qga_may may;
        struct err *e = qga_may(t->g, needed[i], by, &may);

        if (e != NULL) {
            text_done(&list);
            return e;
        }
        if (may != QGA_MAY)
            text_fmt(&list, "%s%s", list.s != NULL ? ", " : "", needed[i]);
    }
    struct err *e = list.no_memory ? fail(OutOfMemory)
        : list.s != NULL           ? fail(ExtensionPushForbidden, t->u->vm, list.s)
                                   : NULL;
    text_done(&list);
    return e;
}

static struct err *
look_at_system(struct tended *t, struct deadline by)
{
    const struct qga_os *os;

    TRY(qga_os(t->g, by, &os));
    if (os->family == QGA_OTHER)
        return fail(GuestSystemUnsupported, t->u->vm, os->id[0] != '\0' ? os->id : "?");
    t->place = guest_place(os);
    t->windows = os->family == QGA_WINDOWS;
    (void)snprintf(t->platform, sizeof(t->platform), "%s-%s",
        t->windows ? "windows" : "linux", os->machine[0] != '\0' ? os->machine : "x86_64");
    return NULL;
}

static struct err *
choose_folders(struct tended *t)
{
    const char *above = t->windows ? "C:\\Program Files\\firn" : "/var/lib/firn";

    t->above = strdup(above);
    t->root = strdup(t->u->root != NULL ? t->u->root : t->place->root);
    if (t->above == NULL || t->root == NULL)
        return fail(OutOfMemory);
    t->incoming = t->u->incoming != NULL ? strdup(t->u->incoming)
                                         : tended_path(t, above, "incoming");
    return t->incoming != NULL ? NULL : fail(OutOfMemory);
}

static struct err *
begin(struct tended *t)
{
    struct deadline by = deadline_in_ms(CONNECT_MS);

    TRY(t->u->open(t->u->arg, by, &t->g));
    TRY(look_at_system(t, by));
    TRY(check_allowed(t, by));
    return choose_folders(t);
}

struct err *
tended_open(const struct upkeep *u, struct tended *ret)
{
    *ret = (struct tended){ .u = u };
    struct err *e = begin(ret);
    if (e != NULL)
        tended_done(ret);
    return e;
}

void
tended_done(struct tended *t)
{
    qga_free(t->g);
    free(t->root);
    free(t->incoming);
    free(t->above);
    *t = (struct tended){ 0 };
}

/* ---- again ---- */

static bool
is_break(const struct err *e)
{
    return err_has(e, E_AgentGone) || err_has(e, E_AgentSilent) || err_has(e, E_AgentWrong) ||
           err_has(e, E_AgentUnreachable);
}

/* May it be the failure of an agent that was started anew? */
static bool
is_odd(const struct err *e)
{
    return err_code(e) == E_AgentRefused || err_has(e, E_GuestFileFailed) ||
           err_has(e, E_GuestFileDiffers);
}

static struct err *
reopen(struct tended *t)
{
    struct qga *g = NULL;

    qga_free(t->g);
    t->g = NULL;
    TRY(t->u->open(t->u->arg, deadline_in_ms(CONNECT_MS), &g));
    t->g = g;
    return NULL;
}

struct err *
tended_do(struct tended *t, struct err *(*work)(struct tended *t, void *arg), void *arg,
    const uint64_t *progress, struct deadline by)
{
    uint64_t reached = progress != NULL ? *progress : 0;
    unsigned breaks = 0;

    for (;;) {
        struct err *e = t->g == NULL ? reopen(t) : NULL;
        if (e == NULL)
            e = work(t, arg);
        if (e == NULL || stop_requested() || deadline_passed(by))
            return e;
        if (progress != NULL && *progress != reached) {
            breaks = t->odd = 0;
            reached = *progress;
        }
        if (!is_break(e) && (!is_odd(e) || t->odd++ == ODD_MOST))
            return e;
        if (++breaks == UPKEEP_TRIES)
            return e;
        err_free(e); /* what it says again, if it does, is returned */
        qga_free(t->g);
        t->g = NULL;
        (void)poll(NULL, 0, PAUSE_MS << breaks); /* a signal only shortens it */
    }
}

struct deadline
tended_soon(void)
{
    return deadline_in_ms((int64_t)UPKEEP_SHORT_S * 1000);
}

void
tended_warn(const struct tended *t, struct err *e)
{
    if (e != NULL && t->u->warn != NULL)
        t->u->warn(t->u->arg, e);
    else
        err_free(e);
}

/* ---- programs ---- */

/* The end of what a program said, which fits a line of a message. */
static struct err *
last_words(const struct qga_result *r, char **ret)
{
    const char *said = r->err_len > 0 ? (const char *)r->err : (const char *)r->out;
    size_t len = r->err_len > 0 ? r->err_len : r->out_len;
    struct text t = { 0 };

    while (len > 0 && (said[len - 1] == '\n' || said[len - 1] == '\r'))
        len--;
    size_t from = len > WORDS_MAX ? len - WORDS_MAX : 0;
    auto_free char *tail = strndup(said != NULL ? said + from : "", len - from);
    if (tail == NULL)
        return fail(OutOfMemory);
    text_inline(&t, tail);
    *ret = t.no_memory ? NULL : t.s != NULL ? t.s : strdup("");
    return *ret != NULL ? NULL : fail(OutOfMemory);
}

struct err *
tended_run(struct tended *t, const char *const argv[], int64_t *ret_exit, char **words)
{
    /* their words are read: they must not depend on the guest's language */
    static const char *const env[] = { "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
    const struct qga_program p = { .path = argv[0], .args = argv + 1,
        .env = t->windows ? NULL : env };
    struct qga_result r = { 0 };
    struct err *e = NULL;

    TRY(qga_run(t->g, &p, tended_soon(), &r));
    *ret_exit = r.exit;
    if (words != NULL)
        e = last_words(&r, words);
    qga_result_done(&r);
    return e;
}

/* Its document; what it says of a failure is ours then. */
static struct err *
read_document(struct tended *t, const struct qga_result *r, const char *package, json_t **ret)
{
    const struct json_limits limits = { GUEST_FIND_ANSWER, DEPTH_MAX, VALUES_MAX };
    auto_free char *words = NULL;
    char why[JSON_WHY_MAX];
    json_auto_t *answer = NULL;

    if (r->cut || r->out_len > GUEST_FIND_ANSWER)
        return fail(ExtensionAnswerWrong, t->u->vm, "it is too long");
    TRY(json_read((struct view){ r->out, r->out_len }, &limits, why, &answer));
    TRY(last_words(r, &words));
    if (answer == NULL)
        return fail(ExtensionAnswerWrong, t->u->vm, words[0] != '\0' ? words : why);
    const json_t *error = json_object_get(answer, "error");
    if (error != NULL)
        return reported_chain(t->u->vm, package, error);
    if (!json_is_object(answer))
        return fail(ExtensionAnswerWrong, t->u->vm, "it is no object");
    *ret = take(answer);
    return NULL;
}

struct err *
tended_ask(struct tended *t, const char *program, const char *const words[],
    const char *package, struct deadline by, json_t **ret)
{
    const struct qga_program p = { .path = program, .args = words, .may_stop = true };
    struct qga_result r = { 0 };

    TRY(qga_run(t->g, &p, by, &r));
    struct err *e = read_document(t, &r, package, ret);
    qga_result_done(&r);
    return e;
}
