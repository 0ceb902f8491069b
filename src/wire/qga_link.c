/* SPDX-License-Identifier: Apache-2.0 */
/* qga_link.c -- a dialogue that can lose its thread and find it again.
 *
 * The byte 0xFF is in no JSON: sent first, it makes the agent forget half a request; before
 * the agent's answer to guest-sync-delimited, it tells where that answer begins.  So the
 * search for it may drop anything, of any length, and keeps nothing.
 *
 * A refusal says its reason in words that differ between versions.  What firn needs to know,
 * whether the command is unknown, forbidden, or out of place while the file systems are
 * frozen, it asks the agent instead, by two commands that are always allowed. */
#include <string.h>
#include <sys/random.h>

#include "codes.h"
#include "dialog.h"
#include "json_read.h"
#include "proc.h"
#include "qga_link.h"
#include "virt_link.h"

enum { MARK = 0xff,
    SYNC_ID_BITS = 48 };

static const char libvirt[] = "vm:";

struct qga_link {
    struct dialog dialog;
    struct proc *virt; /* which speaks for the agent; NULL: it does itself */
    bool in_step; /* the last question was answered */
};

static struct err *
unreachable(const char *name)
{
    return fail(AgentUnreachable, name);
}

static struct err *
silent(const char *name, const char *what)
{
    return fail(AgentSilent, name, what);
}

static struct err *
gone(const char *name, const char *what)
{
    return fail(AgentGone, name, what);
}

static struct err *
wrong(const char *name, const char *why)
{
    return fail(AgentWrong, name, why);
}

static const struct dialog_failures failures = { unreachable, silent, gone, wrong };

/* Search for the byte before the answer.  An agent that always talks, but never of this, is
 * not silent. */
static struct err *
find_mark(struct qga_link *l, struct deadline by)
{
    const char *name = l->dialog.name;
    enum line_state state = LINE_WHOLE;

    TRY(line_skip_past(l->dialog.line, MARK, QGA_STALE_MAX, by, &state));
    switch (state) {
    case LINE_WHOLE:
        return NULL;
    case LINE_LATE:
        return fail(AgentSilent, name, "guest-sync-delimited");
    case LINE_CLOSED:
        return fail(AgentGone, name, "guest-sync-delimited");
    case LINE_LONG:
        break;
    }
    return fail(AgentWrong, name, "it talks without end and never of what it was asked");
}

/* Is the line after the mark the answer with our number?  Another one, or none at all, is
 * left over from earlier. */
static struct err *
is_in_step(struct qga_link *l, json_int_t id, struct deadline by, bool *ret)
{
    json_auto_t *o = NULL;
    size_t len;

    *ret = false;
    struct err *e = dialog_next(&l->dialog, "guest-sync-delimited", QGA_REPLY_MAX, by, &o,
        &len);
    if (err_code(e) == E_AgentWrong) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    json_t *value = json_object_get(o, "return");
    *ret = json_is_integer(value) && json_integer_value(value) == id;
    return NULL;
}

static struct err *
new_id(json_int_t *ret)
{
    uint64_t id = 0;

    if (getrandom(&id, sizeof(id), 0) != sizeof(id))
        return fail(SystemCallFailed, "getrandom");
    *ret = (json_int_t)(id >> (64 - SYNC_ID_BITS));
    return NULL;
}

static struct err *
synchronise(struct qga_link *l, struct deadline by)
{
    json_auto_t *arguments = NULL;
    json_int_t id = 0;

    TRY(new_id(&id));
    TRY(json_build("guest-sync-delimited", &arguments, "{s:I}", "id", id));
    TRY(dialog_send(&l->dialog, "guest-sync-delimited", arguments, MARK, by));
    for (l->in_step = false; !l->in_step;) {
        TRY(find_mark(l, by));
        TRY(is_in_step(l, id, by, &l->in_step));
    }
    return NULL;
}

/* No connection for the time being is what it is for a socket. */
static struct err *
start_virt(struct qga_link *l, const char *address, const char *name, struct deadline by)
{
    int fd = -1;
    struct err *e = virt_start(VIRT_AGENT, address, by, &l->virt, &fd);

    if (err_has(e, E_LibvirtUnreachable) || err_has(e, E_LibvirtSilent) ||
        err_has(e, E_LibvirtLost))
        return err_because(unreachable(name), e);
    TRY(e);
    l->dialog.tells_time = true;
    return dialog_over(&l->dialog, fd, name, &failures);
}

struct err *
qga_link_open(const char *path, const char *name, struct deadline by, struct qga_link **ret)
{
    auto_ptr(qga_link) l = calloc(1, sizeof(*l));

    if (l == NULL)
        return fail(OutOfMemory);
    l->dialog.ids_may_lack = true;
    if (strncmp(path, libvirt, strlen(libvirt)) == 0)
        TRY(start_virt(l, path + strlen(libvirt), name, by));
    else
        TRY(dialog_open(&l->dialog, path, name, &failures, by));
    TRY(synchronise(l, by));
    *ret = take(l);
    return NULL;
}

const char *
qga_link_name(const struct qga_link *l)
{
    return l->dialog.name;
}

/* One question and its answer, yes or no. */
static struct err *
converse(struct qga_link *l, const char *command, json_t *arguments, size_t max,
    struct deadline by, json_t **ret_value, struct dialog_refusal *ret_refusal)
{
    if (!l->in_step)
        TRY(synchronise(l, by));
    l->in_step = false;
    TRY(dialog_send(&l->dialog, command, arguments, 0, by));
    TRY(dialog_reply(&l->dialog, command, max, by, ret_value, ret_refusal));
    l->in_step = true;
    return NULL;
}

/* One that tells about the agent: *ret_value stays NULL when it refuses. */
static struct err *
look(struct qga_link *l, const char *command, struct deadline by, json_t **ret_value)
{
    struct dialog_refusal no;

    return converse(l, command, NULL, QGA_REPLY_MAX, by, ret_value, &no);
}

static bool
is_frozen(json_t *status)
{
    return json_is_string(status) && strcmp(json_string_value(status), "frozen") == 0;
}

static json_t *
find_command(json_t *info, const char *command)
{
    json_t *list = json_object_get(info, "supported_commands"), *entry;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        if (name != NULL && strcmp(name, command) == 0)
            return entry;
    }
    return NULL;
}

/* Why is the command not there? */
static struct err *
explain_missing(struct qga_link *l, const char *command, const struct dialog_refusal *no,
    struct deadline by)
{
    const char *name = l->dialog.name;
    json_auto_t *status = NULL, *info = NULL;

    TRY(look(l, "guest-fsfreeze-status", by, &status));
    if (is_frozen(status))
        return fail(GuestFrozen, name, command);
    TRY(look(l, "guest-info", by, &info));
    json_t *entry = find_command(info, command);
    if (json_is_false(json_object_get(entry, "enabled")))
        return fail(AgentCommandForbidden, name, command);
    if (info != NULL && entry == NULL)
        return fail(AgentCommandMissing, name, command);
    return err_with_os(fail(AgentRefused, name, command, no->words), no->error_class);
}

static struct err *
explain(struct qga_link *l, const char *command, const struct dialog_refusal *no,
    struct deadline by)
{
    if (no->error_class == ERR_QMP_COMMAND_NOT_FOUND)
        return explain_missing(l, command, no, by);
    return err_with_os(fail(AgentRefused, l->dialog.name, command, no->words),
        no->error_class);
}

struct err *
qga_link_ask(struct qga_link *l, const char *command, json_t *arguments, size_t max,
    struct deadline by, json_t **ret_value)
{
    struct dialog_refusal no;
    json_auto_t *value = NULL;

    TRY(converse(l, command, arguments, max, by, &value, &no));
    if (no.refused)
        return explain(l, command, &no, by);
    if (ret_value != NULL)
        *ret_value = take(value);
    return NULL;
}

/* What came first after the command and a guest-ping: a refusal of the command, or anything
 * else, which means that the agent has done with it. */
static struct err *
first_answer(struct qga_link *l, const char *command, uint64_t command_id,
    struct deadline by, struct dialog_refusal *ret_refusal)
{
    json_auto_t *o = NULL;
    size_t len;

    struct err *e = dialog_next(&l->dialog, command, QGA_REPLY_MAX, by, &o, &len);
    if (err_code(e) == E_AgentSilent || err_code(e) == E_AgentGone) {
        err_free(e); /* the guest goes down: nobody is left to answer */
        return NULL;
    }
    TRY(e);
    json_t *id = json_object_get(o, "id");
    if (id != NULL && json_integer_value(id) != (json_int_t)command_id)
        return NULL;
    return dialog_refusal(&l->dialog, o, ret_refusal);
}

/* The agent takes one command after the other: when it answers the second, it has done with
 * the first. */
struct err *
qga_link_tell(struct qga_link *l, const char *command, json_t *arguments, struct deadline by)
{
    struct dialog_refusal no = { 0 };

    if (!l->in_step)
        TRY(synchronise(l, by));
    l->in_step = false; /* and stays so: two questions are open */
    TRY(dialog_send(&l->dialog, command, arguments, 0, by));
    uint64_t id = l->dialog.last_id;
    struct err *e = dialog_send(&l->dialog, "guest-ping", NULL, 0, by);
    if (err_code(e) == E_AgentGone || err_code(e) == E_AgentSilent) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    TRY(first_answer(l, command, id, by, &no));
    return no.refused ? explain(l, command, &no, by) : NULL;
}

struct err *
qga_link_pause(struct qga_link *l, struct deadline until)
{
    bool ready;

    TRY(line_wait(l->dialog.line, until, &ready));
    if (ready)
        l->in_step = false;
    return NULL;
}

void
qga_link_free(struct qga_link *l)
{
    if (l == NULL)
        return;
    dialog_done(&l->dialog);
    if (l->virt != NULL) {
        proc_kill(l->virt);
        proc_leave(l->virt);
    }
    free(l);
}
