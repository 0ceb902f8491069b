/* SPDX-License-Identifier: Apache-2.0 */
/* virt_agent.c -- libvirt's agent channel in the words of the agent itself.
 *
 * Requests come with "ms", the time that is left for the answer, since a request that libvirt
 * holds keeps the channel from everybody, a thaw included: it gets no longer than that (in
 * whole seconds, at least one).  An agent that says nothing makes no answer here either, so
 * that deadlines are the asker's.
 *
 * libvirt passes on an agent's refusal as words alone.  Which of them mean that there is no
 * such command, QEMU's dispatcher fixes for every agent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "text.h"
#include "virt_internal.h"
#include "virt_link.h"

enum { MARK = 0xff, SAY_MS = 60 * 1000, USUAL_MS = 5000, RETRY_MS = 100, PER_S = 1000,
    DEPTH_MAX = 32, VALUES_MAX = 256 * 1024 };

/* ---- to libvirt ---- */

enum heard { HEARD, REFUSED, SILENT, GONE };

/* What the last failure of a call means. */
static enum heard
what_failed(const struct virt *v)
{
    switch (v->call->virGetLastErrorCode()) {
    case VIR_ERR_AGENT_UNRESPONSIVE:
    case VIR_ERR_AGENT_UNSYNCED:
    case VIR_ERR_OPERATION_TIMEOUT:
        return SILENT;
    case VIR_ERR_OPERATION_INVALID: /* the machine is off */
    case VIR_ERR_NO_DOMAIN:
        return GONE;
    default:
        return v->call->virConnectIsAlive(v->conn) == 1 ? REFUSED : GONE;
    }
}

static enum heard
ask_agent(struct virt *v, const json_t *command, int64_t ms, char **ret)
{
    auto_free char *words = json_dumps(command, JSON_COMPACT);
    int64_t seconds = ms > 0 ? ms / PER_S : USUAL_MS / PER_S;

    if (words == NULL)
        return GONE;
    *ret = v->call->virDomainQemuAgentCommand(v->domain, words,
        seconds < 1 ? 1 : seconds > INT32_MAX ? INT32_MAX : (int)seconds, 0);
    if (*ret != NULL)
        return HEARD;
    /* the next call of libvirt's forgets them */
    snprintf(v->words, sizeof(v->words), "%s", v->call->virGetLastErrorMessage());
    return what_failed(v);
}

/* ---- to the asker ---- */

static bool
send(struct virt *v, json_t *answer, bool marked)
{
    auto_free char *words = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;
    static const uint8_t mark = MARK;
    struct text t = { 0 };
    enum line_state state = LINE_CLOSED;

    json_decref(answer);
    if (words == NULL)
        return false;
    if (marked)
        text_add(&t, (const char *)&mark, 1);
    text_fmt(&t, "%s\n", words);
    if (!t.no_memory)
        err_free(line_send(v->line, t.s, t.len, deadline_in_ms(SAY_MS), &state));
    text_done(&t);
    return state == LINE_WHOLE;
}

/* The agent's reply with the asker's number; NULL when it is none. */
static json_t *
reply(const char *words, json_t *id)
{
    const struct json_limits limits = { VIRT_LINE_MAX, DEPTH_MAX, VALUES_MAX };
    json_t *o = NULL;
    char why[JSON_WHY_MAX];

    const struct view text = { (const uint8_t *)words, strlen(words) };

    err_free(json_read(text, &limits, why, &o));
    if (o != NULL && id != NULL && json_object_set(o, "id", id) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *
refusal(const struct virt *v, json_t *id)
{
    const char *words = v->words, *own = strstr(words, "': ");
    bool missing = strstr(words, "has not been found") != NULL ||
                   strstr(words, "has been disabled") != NULL;

    return json_pack("{s:{s:s, s:s}, s:O*}", "error", "class",
        missing ? "CommandNotFound" : "GenericError", "desc", own != NULL ? own + 3 : words,
        "id", id);
}

/* ---- requests ---- */

/* An agent that was not there yet may be meanwhile, so this is tried until its time is over. */
static bool
synchronise(struct virt *v, json_t *arguments, int64_t ms)
{
    struct deadline by = deadline_in_ms(ms > 0 ? ms : USUAL_MS);
    json_auto_t *command = json_pack("{s:s, s:O*}", "execute", "guest-sync", "arguments",
        arguments);
    auto_free char *words = NULL;
    enum heard heard = SILENT;
    bool asked = false;

    while (command != NULL && heard == SILENT && !deadline_passed(by) && !asked) {
        heard = ask_agent(v, command, 1, &words);
        if (heard == SILENT) /* somebody who asks anew has given up on this */
            err_free(line_wait(v->line, deadline_first(by, deadline_in_ms(RETRY_MS)), &asked));
    }
    if (heard == HEARD)
        return send(v, reply(words, NULL), true);
    return heard != GONE;
}

static bool
pass_on(struct virt *v, json_t *request)
{
    int64_t ms = talk_integer(request, "ms");
    json_auto_t *id = json_incref(json_object_get(request, "id"));
    auto_free char *words = NULL;

    if (strcmp(talk_word(request, "execute"), "guest-sync-delimited") == 0)
        return synchronise(v, json_object_get(request, "arguments"), ms);
    (void)json_object_del(request, "ms");
    (void)json_object_del(request, "id");
    switch (ask_agent(v, request, ms, &words)) {
    case HEARD:
        return send(v, reply(words, id), false);
    case REFUSED:
        return send(v, refusal(v, id), false);
    case SILENT:
        return true;
    case GONE:
        break;
    }
    return false;
}

/* A line, without the byte that makes an agent forget what came before it; NULL: the end. */
static json_t *
next_request(struct virt *v, bool *ret_more)
{
    const struct json_limits limits = { VIRT_LINE_MAX, DEPTH_MAX, VALUES_MAX };
    enum line_state state = LINE_CLOSED;
    struct view line = { 0 };
    json_t *request = NULL;
    char why[JSON_WHY_MAX];

    err_free(line_next(v->line, VIRT_LINE_MAX, deadline_never(), &line, &state));
    *ret_more = state == LINE_WHOLE;
    if (state != LINE_WHOLE)
        return NULL;
    while (line.len > 0 && line.data[0] == MARK) {
        line.data++;
        line.len--;
    }
    err_free(json_read(line, &limits, why, &request));
    return request;
}

void
virt_agent(struct virt *v)
{
    bool more = true;

    while (more) {
        json_auto_t *request = next_request(v, &more);

        if (request != NULL && !pass_on(v, request))
            break;
    }
}
