/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: of each package the highest version by number is asked; which of its versions
 * is the one in force, the extension itself knows best, so it is only told the package. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "codes.h"
#include "guest_find.h"
#include "guest_prepare.h"
#include "json_read.h"
#include "qga.h"
#include "reported.h"
#include "text.h"

enum { ANSWER_DEPTH = 32, ANSWER_VALUES = 16384, EXIT_USAGE = 2 };

/* ---- asking ---- */

static struct err *
judge(struct qga *g, const char *package, const struct qga_result *r,
    void (*warn)(void *arg, struct err *warning), void *arg)
{
    const char *vm = qga_name(g), *result;
    const struct json_limits limits = { GUEST_FIND_ANSWER, ANSWER_DEPTH, ANSWER_VALUES };
    char why[JSON_WHY_MAX];
    json_t *answer;
    struct err *e = NULL;

    if (r->cut || r->out_len > GUEST_FIND_ANSWER)
        return fail(ExtensionAnswerWrong, vm, "it is too long");
    TRY(json_read((struct view){ r->out, r->out_len }, &limits, why, &answer));
    if (answer == NULL)
        return fail(ExtensionAnswerWrong, vm, r->out_len == 0 ? "it is empty" : why);
    result = json_word(answer, "result");
    if (strcmp(result, "failed") == 0)
        e = reported_failure(vm, package, answer);
    else if (strcmp(result, "skipped") == 0)
        warn(arg, fail(ExtensionCheckSkipped, vm, package));
    else if (strcmp(result, "ready") != 0)
        e = fail(ExtensionAnswerWrong, vm, "it does not say whether it is ready");
    json_decref(answer);
    return e;
}

/* How to ask: with ${look} to change nothing, and *looked is false after one that cannot. */
struct asking {
    struct qga *g;
    void (*warn)(void *arg, struct err *warning);
    void *arg;
    bool look, looked;
};

static struct err *
ask(struct asking *q, const struct guest_copy *c, struct deadline by)
{
    const char *const args[] = { "prepare", "--json", "--package", c->package,
        q->look ? "--look" : NULL, NULL };
    struct qga_program program = { .path = c->path, .args = args, .may_stop = true };
    struct qga_result r = { 0 };
    struct err *e = NULL;

    TRY(qga_run(q->g, &program, by, &r));
    if (q->look && r.exit == EXIT_USAGE)
        q->looked = false;
    else
        e = judge(q->g, c->package, &r, q->warn, q->arg);
    qga_result_done(&r);
    return e;
}

static struct err *
ask_all(struct asking *q, struct deadline by)
{
    const struct qga_os *os;
    struct guest_copies copies;
    struct err *e = NULL;

    TRY(qga_os(q->g, by, &os));
    TRY(guest_find(q->g, NULL, by, &copies));
    if (copies.n == 0)
        e = fail(ExtensionMissing, qga_name(q->g), guest_place(os)->root);
    for (size_t i = 0; e == NULL && i < copies.n; i++)
        e = ask(q, &copies.item[i], by);
    guest_copies_done(&copies);
    return e;
}

struct err *
guest_prepare(struct qga *g, struct deadline by,
    void (*warn)(void *arg, struct err *warning), void *arg)
{
    struct asking q = { .g = g, .warn = warn, .arg = arg };

    return ask_all(&q, by);
}

struct err *
guest_prepare_look(struct qga *g, struct deadline by,
    void (*warn)(void *arg, struct err *warning), void *arg, bool *ret_looked)
{
    struct asking q = { .g = g, .warn = warn, .arg = arg, .look = true, .looked = true };

    TRY(ask_all(&q, by));
    *ret_looked = q.looked;
    return NULL;
}

/* ---- which there are ---- */

/* "Firn.VMSnapshot 1.0.0.0": the two folders above that of the program. */
static void
add_name(const struct guest_place *p, const struct guest_copy *c, struct text *t)
{
    const char *version = c->path + strlen(p->root) + 1 + strlen(c->package) + 1;

    text_fmt(t, "%s%s %.*s", t->len > 0 ? ", " : "", c->package,
        (int)(strchr(version, p->slash) - version), version);
}

struct err *
guest_extension_names(struct qga *g, struct deadline by, char **ret)
{
    const struct qga_os *os;
    struct guest_copies copies;
    struct text t = { 0 };

    TRY(qga_os(g, by, &os));
    TRY(guest_find(g, NULL, by, &copies));
    for (size_t i = 0; i < copies.n; i++)
        add_name(guest_place(os), &copies.item[i], &t);
    guest_copies_done(&copies);
    struct err *e = t.no_memory ? fail(OutOfMemory) : NULL;
    if (e == NULL)
        *ret = take(t.s);
    text_done(&t);
    return e;
}

void
guest_extension_done(struct guest_extension *x)
{
    free(x->program);
    for (size_t i = 0; x->with[i] != NULL; i++)
        free(x->with[i]);
    *x = (struct guest_extension){ 0 };
}

struct err *
guest_extension(struct qga *g, struct deadline by, struct guest_extension *ret)
{
    struct guest_copies copies;
    struct err *e = NULL;

    *ret = (struct guest_extension){ 0 };
    TRY(guest_find(g, NULL, by, &copies));
    if (copies.n > 0 && !copies.more)
        e = guest_find_latest(g, NULL, &copies.item[0], by, &ret->program);
    for (size_t i = 1; ret->program != NULL && i < copies.n; i++)
        ret->with[i - 1] = take(copies.item[i].package);
    guest_copies_done(&copies);
    return e;
}

struct err *
guest_plugin_host(struct qga *g, struct deadline by, char **ret)
{
    const struct qga_os *os;
    struct guest_copies copies;
    struct err *e = NULL;

    *ret = NULL;
    TRY(qga_os(g, by, &os));
    TRY(guest_find(g, NULL, by, &copies));
    const struct guest_place *p = guest_place(os);
    if (copies.n > 0) {
        const char *path = copies.item[0].path;
        size_t folder = strlen(path) - strlen(p->program);

        if (asprintf(ret, "%.*s%s", (int)folder, path, p->host) < 0) {
            *ret = NULL;
            e = fail(OutOfMemory);
        }
    }
    guest_copies_done(&copies);
    return e;
}
