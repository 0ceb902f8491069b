/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "guest_find.h"
#include "guest_helper.h"
#include "guest_rule.h"
#include "json_read.h"
#include "qga.h"
#include "reported.h"

enum { MOUNTS_MAX = 64, DEPTH_MAX = 32, VALUES_MAX = 4096,
    ARGS_MAX = 2 * (MOUNTS_MAX + GUEST_FIND_PACKAGES) + 8, EXIT_USAGE = 2 };

static const char NAME[] = "firn-extension";

/* Its document; *ret is the caller's.  A failure that it tells is one of ours here, and then
 * *ret_refused. */
static struct err *
read_answer(struct qga *g, const struct qga_result *r, json_t **ret, bool *ret_refused)
{
    const struct json_limits limits = { GUEST_HELPER_ANSWER, DEPTH_MAX, VALUES_MAX };
    char why[JSON_WHY_MAX];
    json_auto_t *answer = NULL;

    *ret_refused = r->exit == EXIT_USAGE;
    if (*ret_refused)
        return fail(ExtensionNotReady, qga_name(g), NAME, "UsageWrong",
            "it is older than what was asked of it: freeze, thaw, or several packages");
    if (r->cut || r->out_len > GUEST_HELPER_ANSWER)
        return fail(ExtensionAnswerWrong, qga_name(g), "it is too long");
    TRY(json_read((struct view){ r->out, r->out_len }, &limits, why, &answer));
    if (answer == NULL)
        return fail(ExtensionAnswerWrong, qga_name(g), r->out_len == 0 ? "it is empty" : why);
    const json_t *error = json_object_get(answer, "error");
    *ret_refused = json_is_object(error);
    if (error != NULL || r->exit != 0)
        return reported_chain(qga_name(g), NAME, error);
    *ret = take(answer);
    return NULL;
}

/* Run it, and read the number ${name} of what it prints. */
static struct err *
run(struct qga *g, const char *program, const char *const *args, struct deadline by,
    const char *name, unsigned *ret_n, bool *ret_refused)
{
    const struct qga_program p = { .path = program, .args = args };
    struct qga_result r = { 0 };
    json_auto_t *answer = NULL;

    *ret_refused = false;
    TRY(qga_run(g, &p, by, &r));
    struct err *e = read_answer(g, &r, &answer, ret_refused);
    qga_result_done(&r);
    TRY(e);
    const json_t *n = json_object_get(answer, name);
    if (!json_is_integer(n) || json_integer_value(n) < 0 || json_integer_value(n) > INT_MAX)
        return fail(ExtensionAnswerWrong, qga_name(g), "it does not say how many");
    *ret_n = (unsigned)json_integer_value(n);
    return NULL;
}

/* Put ${option} with each of the ${list}; false when there is no room for all. */
static bool
add_each(const char *args[ARGS_MAX], size_t *n, const char *option, const char *const *list)
{
    for (; list != NULL && *list != NULL && *n + 3 < ARGS_MAX; list++) {
        args[(*n)++] = option;
        args[(*n)++] = *list;
    }
    return list == NULL || *list == NULL;
}

struct err *
guest_helper_freeze(struct qga *g, const struct guest_helper_freeze *how, struct deadline by,
    unsigned *ret_n, bool *ret_refused)
{
    const char *args[ARGS_MAX] = { "freeze", "--json", "--deadline" };
    int64_t ms = how->ms;
    char seconds[24];
    size_t n = 3;

    snprintf(seconds, sizeof(seconds), "%lld", (long long)(ms < 2000 ? 1 : ms / 1000));
    args[n++] = seconds;
    if (how->applications)
        args[n++] = "--applications";
    *ret_refused = false;
    /* fewer than asked for is no choice */
    if (how->applications && !add_each(args, &n, "--with", how->with))
        return fail(InputInvalid, "the list of packages", "it is too long");
    if (!add_each(args, &n, "--mount", how->mounts))
        return fail(InputInvalid, "the list of mount points", "it is too long");
    struct err *e = run(g, how->program, args, by, "frozen", ret_n, ret_refused);
    if (how->applications && *ret_refused && !guest_rule_ends(e))
        e = err_because(fail(ApplicationsNotQuiesced, qga_name(g)), e);
    return e;
}

struct err *
guest_helper_thaw(struct qga *g, const char *program, struct deadline by, unsigned *ret_n)
{
    static const char *const args[] = { "thaw", "--json", NULL };

    bool refused;

    return run(g, program, args, by, "thawed", ret_n, &refused);
}
