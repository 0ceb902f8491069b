/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "guest_resumed.h"
#include "json_read.h"
#include "qga.h"
#include "reported.h"
#include "stop.h"

enum { CONNECT_MS = 10000, GRACE_MS = 10000, ANSWER_MAX = 65536, DEPTH_MAX = 32,
    VALUES_MAX = 4096, EXIT_USAGE = 2 };

/* What it tells; *ret_busy: ask again. */
static struct err *
judge(struct qga *g, const struct qga_result *r, bool *ret_busy)
{
    const struct json_limits limits = { ANSWER_MAX, DEPTH_MAX, VALUES_MAX };
    char why[JSON_WHY_MAX];
    json_auto_t *answer = NULL;

    if (r->exit == EXIT_USAGE || r->cut || r->out_len > ANSWER_MAX)
        return NULL;
    TRY(json_read((struct view){ r->out, r->out_len }, &limits, why, &answer));
    *ret_busy = strcmp(json_word(answer, "state"), "busy") == 0;
    const json_t *error = json_object_get(answer, "error");
    if (!json_is_object(error))
        return NULL;
    return err_because(fail(ApplicationsNotResumed, qga_name(g)),
        reported_chain(qga_name(g), "firn-extension", error));
}

static struct err *
ask(struct qga *g, const char *program, bool *ret_busy)
{
    char seconds[16];
    const char *const args[] = { "resumed", "--json", "--deadline", seconds, NULL };
    const struct qga_program p = { .path = program, .args = args, .may_stop = true };
    struct deadline by = deadline_in_ms(GUEST_RESUMED_ASK_S * INT64_C(1000) + GRACE_MS);
    struct qga_result r = { 0 };

    *ret_busy = false;
    (void)snprintf(seconds, sizeof(seconds), "%d", GUEST_RESUMED_ASK_S);
    TRY(qga_run(g, &p, by, &r));
    struct err *e = judge(g, &r, ret_busy);
    qga_result_done(&r);
    return e;
}

struct err *
guest_resumed(const char *socket, const char *machine, const char *program)
{
    struct deadline by = deadline_in_ms(GUEST_RESUMED_S * INT64_C(1000));
    auto_ptr(qga) g = NULL;
    bool busy = false;

    struct err *e = qga_open(socket, machine, deadline_in_ms(CONNECT_MS), &g);
    if (e == NULL)
        e = ask(g, program, &busy);
    while (e == NULL && busy && !deadline_passed(by) && !stop_requested())
        e = ask(g, program, &busy);
    if (e == NULL && busy && !stop_requested())
        e = fail(ApplicationsNotResumed, machine);
    if (e == NULL || err_code(e) == E_ApplicationsNotResumed)
        return e;
    err_free(e); /* nobody can tell */
    return NULL;
}
