/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that leave a status file.
 *
 * Before the work begins, a supervisor runs and the status says "transitioning": a second
 * process that outlives this one.  When this one has ended and the status is not final, or
 * when it has not ended by the deadline, the supervisor writes a final one.  So a reader
 * that waits for the deadline always finds one, except where the machine itself ended.  A
 * failure is told there wherever it was met, also before the work and after it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "handler.h"
#include "number.h"
#include "os.h"
#include "outcome.h"
#include "package.h"
#include "prepare.h"
#include "run.h"
#include "verbs.h"

enum { PREPARE_S = 900, LOCK_MS = 10000 };

/* One verb on its way. */
struct task {
    const struct call *call;
    const char *operation;
    char *folder;
    struct handler *handler;
    struct os_lock *lock;
    char file[32]; /* of the status: a sequence number, or a word */
    int64_t sequence, deadline_s;
    struct deadline by;
};

/* The package's name, or that of the folder above where its manifest cannot be read: a
 * status is owed in any case. */
static struct err *
name_of(const char *folder, char **ret)
{
    auto_ptr(package) p = NULL;
    auto_free char *copy = strdup(folder);
    char *slash;

    if (copy == NULL)
        return fail(OutOfMemory);
    struct err *e = package_open(folder, &p);
    err_free(e); /* the work itself meets it again */
    slash = strrchr(copy, '/');
    if (slash != NULL)
        *slash = '\0';
    slash = strrchr(copy, '/');
    *ret = strdup(p != NULL ? p->name : slash != NULL ? slash + 1 : copy);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

/* Where the agent's own words cannot be used, what there is to tell goes to where it would be
 * without them. */
static struct err *
open_handler(struct task *t)
{
    auto_free char *name = NULL;
    struct err *e;

    TRY(name_of(t->folder, &name));
    e = handler_open(t->folder, name, &t->handler);
    if (err_code(e) == E_HandlerEnvironmentInvalid)
        e = err_also(e, handler_open_own(t->folder, name, &t->handler));
    return e;
}

/* ${file} of the status; NULL is that of the sequence number. */
static struct err *
task_begin(struct task *t, const struct call *c, const char *operation, const char *file)
{
    auto_free char *lock = NULL;
    struct err *e;

    *t = (struct task){ .call = c, .operation = operation };
    TRY(verbs_folder(c, &t->folder));
    e = open_handler(t);
    if (t->handler != NULL)
        e = err_also(e, handler_sequence(t->handler, &t->sequence));
    if (file != NULL)
        (void)snprintf(t->file, sizeof(t->file), "%s", file);
    else
        (void)snprintf(t->file, sizeof(t->file), "%" PRId64, t->sequence);
    if (e != NULL)
        return e;
    TRY(os_make_folder(t->handler->settings_folder));
    TRY(os_join(t->handler->settings_folder, "lock", &lock));
    TRY(os_lock(lock, deadline_in_ms(LOCK_MS), &t->lock));
    return NULL;
}

static struct err *
start_supervisor(const struct task *t)
{
    auto_free char *self = NULL;
    char seconds[24];

    (void)snprintf(seconds, sizeof(seconds), "%" PRId64, t->deadline_s);
    TRY(os_self(&self));
    const char *argv[] = { self, "supervise", t->folder, t->handler->name, t->file,
        t->operation, seconds, NULL };
    TRY(run_watcher(argv));
    return NULL;
}

/* From here on a final status will be there by the deadline. */
static struct err *
task_announce(struct task *t, int64_t deadline_s)
{
    struct handler_status s = { .operation = t->operation, .state = HANDLER_TRANSITIONING,
        .message = "under way" };

    t->deadline_s = deadline_s;
    TRY(start_supervisor(t));
    TRY(handler_status_write(t->handler, t->file, &s));
    /* what is done inside ends a little earlier, so that it can be told */
    t->by = deadline_in_ms(deadline_s * 1000 - (deadline_s > 10 ? 3000 : deadline_s * 200));
    return NULL;
}

static struct err *
write_failure(const struct handler *h, const char *file, const char *operation,
    const struct err *failed)
{
    auto_free char *message = NULL, *detail = NULL;
    struct doc_out o = { 0 };

    TRY(outcome_message(failed, &message));
    outcome_put(&o, NULL, failed);
    TRY(doc_out_take(&o, &detail));
    struct handler_status s = { operation, HANDLER_ERROR, err_code(failed), message,
        err_id(failed), detail };
    TRY(handler_status_write(h, file, &s));
    return NULL;
}

/* A failure ${e} stands in the status.  While another verb is at work, that one owes the next
 * status, and only a number that has none gets this one's. */
static struct err *
tell_failure(struct task *t, struct err *e)
{
    enum handler_state state = HANDLER_NO_STATUS;

    if (e == NULL || t->handler == NULL)
        return e;
    if (err_code(e) == E_HandlerBusy)
        e = err_also(e, handler_status_read(t->handler, t->file, &state));
    if (state != HANDLER_NO_STATUS)
        return e;
    return err_also(e, write_failure(t->handler, t->file, t->operation, e));
}

/* The end of a verb, ${e} is what became of it. */
static struct err *
task_end(struct task *t, struct err *e)
{
    e = tell_failure(t, e);
    handler_free(t->handler);
    os_lock_free(t->lock);
    free(t->folder);
    return e;
}

/* It worked, and there is no more to tell. */
static struct err *
write_success(const struct task *t, const char *message)
{
    struct handler_status s = { .operation = t->operation, .state = HANDLER_SUCCESS,
        .message = message };

    return handler_status_write(t->handler, t->file, &s);
}

static struct err *
say(struct call *c, const char *operation, const char *message)
{
    auto_free char *text = NULL;
    struct doc_out o = { 0 };

    if (!c->json) {
        text_fmt(&c->out, "%s: %s\n", operation, message);
        return NULL;
    }
    doc_open(&o, NULL, '{');
    doc_put_int(&o, "schema", 1);
    doc_put_string(&o, "operation", operation);
    doc_put_string(&o, "message", message);
    doc_close(&o, '}');
    TRY(doc_out_take(&o, &text));
    text_fmt(&c->out, "%s\n", text);
    return NULL;
}

static struct err *
verify_own(struct task *t)
{
    auto_ptr(package) p = NULL;

    TRY(package_open(t->folder, &p));
    TRY(package_verify(p));
    return NULL;
}

static struct err *
stop_work(struct task *t)
{
    TRY(handler_heartbeat(t->handler, false, "disabled"));
    return NULL;
}

static struct err *
forget(struct task *t)
{
    TRY(handler_forget(t->handler));
    return NULL;
}

/* A verb that is over at once. */
static struct err *
simple(struct call *c, const char *operation, struct err *(*work)(struct task *t),
    const char *message)
{
    struct task t;
    struct err *e = task_begin(&t, c, operation, NULL);

    if (e == NULL)
        e = task_announce(&t, HANDLER_ENABLE_S);
    if (e == NULL)
        e = work(&t);
    if (e == NULL)
        e = write_success(&t, message);
    e = task_end(&t, e);
    return e != NULL ? e : say(c, operation, message);
}

struct err *
verb_install(struct call *c)
{
    return simple(c, "Install", verify_own, "the package is whole");
}

struct err *
verb_update(struct call *c)
{
    return simple(c, "Update", verify_own, "the package is whole; settings are kept");
}

struct err *
verb_disable(struct call *c)
{
    return simple(c, "Disable", stop_work, "disabled");
}

struct err *
verb_reset(struct call *c)
{
    return simple(c, "Reset", forget, "what was done before is forgotten");
}

/* There is nothing outside of the folder to take away, and the folder is the agent's.
 * Runtimes that were installed may serve others by now, a persistent key is the
 * administrator's. */
struct err *
verb_uninstall(struct call *c)
{
    return simple(c, "Uninstall", stop_work, "nothing of it is left outside of its folder");
}

/* ---- enable and prepare ---- */

static struct err *
write_prepared(struct task *t, const struct prepare *p)
{
    struct handler_status s = { .operation = t->operation, .message = p->message,
        .detail = p->json };

    s.state = p->result == PREPARE_READY     ? HANDLER_SUCCESS :
              p->result == PREPARE_SKIPPED ? HANDLER_WARNING :
                                             HANDLER_ERROR;
    if (p->result == PREPARE_FAILED) {
        int64_t number = err_number(p->code);

        s.code = number != 0 ? number : 1; /* a code of another maker has no number here */
        s.code_name = p->code;
    }
    TRY(handler_status_write(t->handler, t->file, &s));
    return NULL;
}

static void
print_prepared(struct call *c, const struct prepare *p)
{
    if (c->json)
        text_fmt(&c->out, "%s\n", p->json);
    else if (p->result == PREPARE_FAILED)
        text_fmt(&c->out, "failed: %s (%s)\n", p->message, p->code);
    else
        text_fmt(&c->out, "%s\n", p->message);
    c->exit_status = p->result == PREPARE_READY ? 0 : p->result == PREPARE_SKIPPED ? 3 : 1;
}

static struct err *
prepare_with_status(struct task *t, bool applications, int64_t deadline_s,
    struct prepare **ret)
{
    auto_ptr(prepare) p = NULL;

    TRY(task_announce(t, deadline_s));
    TRY(prepare_run(t->folder, applications ? PREPARE_APPLICATIONS : 0, t->by, &p));
    TRY(write_prepared(t, p));
    TRY(handler_heartbeat(t->handler, p->result != PREPARE_FAILED, p->message));
    *ret = take(p);
    return NULL;
}

static struct err *
prepare_as(const struct call *c, int64_t deadline_s, struct prepare **ret)
{
    struct task t;
    struct err *e = task_begin(&t, c, "Prepare", HANDLER_PREPARE_FILE);

    if (e == NULL)
        e = prepare_with_status(&t, true, deadline_s, ret);
    return task_end(&t, e);
}

/* Without a status of its own: that tells of what was really prepared. */
static struct err *
look(const struct call *c, struct deadline by, struct prepare **ret)
{
    auto_free char *folder = NULL;

    TRY(verbs_folder(c, &folder));
    return prepare_run(folder, PREPARE_LOOK | PREPARE_APPLICATIONS, by, ret);
}

struct err *
verb_prepare(struct call *c)
{
    int64_t seconds = c->deadline_s > 0 ? c->deadline_s : PREPARE_S;
    auto_ptr(prepare) p = NULL;

    if (c->look)
        TRY(look(c, deadline_in_ms(seconds * 1000), &p));
    else
        TRY(prepare_as(c, seconds, &p));
    print_prepared(c, p);
    return NULL;
}

struct err *
verbs_prepare(const struct call *c, struct deadline by, struct prepare **ret)
{
    int64_t left_s = deadline_poll_ms(by) / 1000;

    if (left_s < 1)
        return fail(DeadlinePassed, "prepare");
    TRY(prepare_as(c, left_s < PREPARE_S ? left_s : PREPARE_S, ret));
    return NULL;
}

struct err *
verbs_last_failure(const struct call *c, char **ret_code, char **ret_detail)
{
    auto_free char *folder = NULL, *name = NULL;
    auto_ptr(handler) h = NULL;
    char file[32];
    int64_t sequence;

    TRY(verbs_folder(c, &folder));
    TRY(name_of(folder, &name));
    TRY(handler_open(folder, name, &h));
    TRY(handler_status_failure(h, HANDLER_PREPARE_FILE, ret_code, ret_detail));
    if (*ret_code != NULL)
        return NULL;
    TRY(handler_sequence(h, &sequence));
    (void)snprintf(file, sizeof(file), "%" PRId64, sequence);
    TRY(handler_status_failure(h, file, ret_code, ret_detail));
    return NULL;
}

static struct err *
was_done(const struct task *t, bool *ret)
{
    enum handler_state state;
    int64_t done;

    TRY(handler_done(t->handler, &done));
    TRY(handler_status_read(t->handler, t->file, &state));
    *ret = t->sequence <= done && state > HANDLER_TRANSITIONING;
    return NULL;
}

static struct err *
enable(struct task *t, struct call *c)
{
    auto_ptr(prepare) p = NULL;
    struct handler_settings settings;
    bool done = false;

    TRY(was_done(t, &done));
    if (done) {
        TRY(say(c, t->operation, "these settings were carried out before"));
        return NULL;
    }
    TRY(handler_settings(t->handler, t->sequence, &settings));
    if (c->deadline_s > 0)
        settings.deadline_s = c->deadline_s;
    TRY(prepare_with_status(t, false, settings.deadline_s, &p));
    print_prepared(c, p);
    TRY(handler_set_done(t->handler, t->sequence));
    /* an agent knows 0 and not 0: a skipped check is a warning in the status, no failure */
    if (c->exit_status == 3)
        c->exit_status = 0;
    return NULL;
}

struct err *
verb_enable(struct call *c)
{
    struct task t;
    struct err *e = task_begin(&t, c, "Enable", NULL);

    if (e == NULL)
        e = enable(&t, c);
    return task_end(&t, e);
}

/* ---- the supervisor ---- */

struct err *
verb_supervise(struct call *c)
{
    const char *folder = c->words[0], *name = c->words[1], *file = c->words[2];
    const char *operation = c->words[3];
    auto_ptr(handler) h = NULL;
    enum handler_state state;
    uint64_t seconds;
    struct err *e;

    if (!number_parse(c->words[4], &seconds) || seconds > HANDLER_ENABLE_MAX_S)
        return fail(UsageWrong, "supervise is not for people");
    TRY(handler_open(folder, name, &h));
    bool ended = run_watched_wait(deadline_in_ms((int64_t)seconds * 1000));
    if (!ended)
        run_watched_end();
    TRY(handler_status_read(h, file, &state));
    if (state > HANDLER_TRANSITIONING)
        return NULL;
    e = ended ? fail(ExtensionDied, operation) : fail(ExtensionTooSlow, operation);
    struct err *bad = write_failure(h, file, operation, e);
    err_free(e);
    return bad;
}
