/* SPDX-License-Identifier: Apache-2.0 */
/* What the extension in a guest says of itself, and how it becomes ours. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "reported.h"
#include "upkeep_internal.h"

enum { STATUS_MAX = 128 * 1024, DEPTH_MAX = 32, VALUES_MAX = 16384 };

/* The detail of a failure in a status file is JSON within a text. */
static struct err *
failure_in(const char *vm, const char *package, const json_t *status)
{
    const struct json_limits limits = { STATUS_MAX, DEPTH_MAX, VALUES_MAX };
    const json_t *first = json_array_get(json_object_get(status, "substatus"), 0);
    const char *text = json_word(json_object_get(first, "formattedMessage"), "message");
    char why[JSON_WHY_MAX];
    json_auto_t *detail = NULL;

    if (strcmp(json_word(status, "status"), "error") != 0)
        return NULL;
    TRY(json_read((struct view){ (const uint8_t *)text, strlen(text) }, &limits, why, &detail));
    if (json_is_string(json_object_get(detail, "code")))
        return reported_failure(vm, package, detail);
    return fail(ExtensionNotReady, vm, package, json_word(first, "code"),
        json_word(json_object_get(status, "formattedMessage"), "message"));
}

struct err *
upkeep_status_file(struct tended *t, const char *package, const char *folder)
{
    const struct json_limits limits = { STATUS_MAX, DEPTH_MAX, VALUES_MAX };
    auto_free char *in = tended_path(t, folder, t->place->status), *path = NULL;
    auto_free uint8_t *bytes = NULL;
    char why[JSON_WHY_MAX];
    json_auto_t *file = NULL;
    size_t len = 0;

    path = in != NULL ? tended_path(t, in, "0.status") : NULL;
    if (path == NULL)
        return fail(OutOfMemory);
    struct err *e = qga_read_file(t->g, path, STATUS_MAX, tended_soon(), &bytes, &len);
    if (e != NULL) {
        err_free(e); /* what it would have told is told less well without it */
        return NULL;
    }
    TRY(json_read((struct view){ bytes, len }, &limits, why, &file));
    return failure_in(t->u->vm, package, json_object_get(json_array_get(file, 0), "status"));
}

/* ---- the status ---- */

struct err *
upkeep_ask_status(struct tended *t, const char *program, const char *package, json_t **ret)
{
    auto_free char *root = tended_plain(t->root);
    const char *const words[] = { "status", "--json", "--root", root,
        package != NULL ? "--package" : NULL, package, NULL };

    if (root == NULL)
        return fail(OutOfMemory);
    json_auto_t *answer = NULL;
    TRY(tended_ask(t, program, words, package != NULL ? package : UPKEEP_PACKAGE, tended_soon(),
        &answer));
    if (!json_is_array(json_object_get(answer, "packages")))
        return fail(ExtensionAnswerWrong, t->u->vm, "it does not say which packages there are");
    *ret = take(answer);
    return NULL;
}

/* The copy whose program is asked: that of ${package}, else firn's own, else the first. */
static const struct guest_copy *
choose(const struct guest_copies *all, const char *package)
{
    const char *wanted = package != NULL ? package : UPKEEP_PACKAGE;

    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->item[i].package, wanted) == 0)
            return &all->item[i];
    return package == NULL && all->n > 0 ? &all->item[0] : NULL;
}

struct looking {
    const char *package;
    json_t *answer;
};

static struct err *
ask_copy(struct tended *t, const struct guest_copy *c, struct looking *l)
{
    auto_free char *program = NULL;

    TRY(guest_find_latest(t->g, t->u->root, c, tended_soon(), &program));
    return upkeep_ask_status(t, program != NULL ? program : c->path, l->package, &l->answer);
}

static struct err *
look(struct tended *t, void *arg)
{
    struct looking *l = arg;
    struct guest_copies all;

    TRY(guest_find(t->g, t->u->root, tended_soon(), &all));
    const struct guest_copy *c = choose(&all, l->package);
    struct err *e = c != NULL ? ask_copy(t, c, l) : fail(ExtensionMissing, t->u->vm, t->root);
    guest_copies_done(&all);
    return e;
}

struct err *
upkeep_status(const struct upkeep *u, const char *package, json_t **ret)
{
    struct looking l = { .package = package };
    struct tended t;

    TRY(tended_open(u, &t));
    struct err *e = tended_do(&t, look, &l, NULL, tended_soon());
    tended_done(&t);
    TRY(e);
    *ret = l.answer;
    return NULL;
}

struct err *
upkeep_judge(const char *vm, const json_t *package)
{
    const json_t *said = json_object_get(package, "look");

    if (!json_is_object(said))
        return fail(ExtensionNotReady, vm, json_word(package, "name"), "",
            "no version of it is in force");
    if (strcmp(json_word(said, "result"), "failed") == 0)
        return reported_failure(vm, json_word(package, "name"), said);
    return NULL;
}
