/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "foreign.h"
#include "json_read.h"
#include "reported.h"

/* Where variables come from; ${number} holds the last one that is no text. */
struct facts {
    const char *vm;
    const json_t *object;
    char number[24];
};

static const char *
fact(void *arg, const char *name)
{
    struct facts *f = arg;
    const json_t *v = json_object_get(f->object, name);

    if (strcmp(name, "vm") == 0)
        return f->vm;
    if (!json_is_integer(v))
        return json_string_value(v);
    (void)snprintf(f->number, sizeof(f->number), "%" PRId64, (int64_t)json_integer_value(v));
    return f->number;
}

struct err *
reported_failure(const char *vm, const char *package, const json_t *answer)
{
    const char *id = json_word(answer, "code");
    const struct foreign *elsewhere = NULL;
    struct facts f = { .vm = vm, .object = json_object_get(answer, "facts") };
    struct err *said = fail(ExtensionNotReady, vm, package, id, json_word(answer, "message"));
    int code = err_number(id);

    if (code == 0)
        elsewhere = foreign_find(id);
    if (elsewhere != NULL)
        code = elsewhere->code;
    if (code == 0)
        return said;
    const struct err_site at = ERR_SITE;
    struct err *e = err_of_data(code, &at, fact, &f);

    if (!err_is(e, C_guest) && !err_is(e, C_extension)) {
        err_free(e);
        return said;
    }
    if (elsewhere != NULL)
        return err_because(e, said);
    err_free(said);
    return e;
}

struct err *
reported_chain(const char *vm, const char *package, const json_t *error)
{
    struct err *e = NULL;

    for (int i = 0; json_is_object(error) && i < REPORTED_CAUSES; i++) {
        e = err_because(e, reported_failure(vm, package, error));
        error = json_object_get(error, "cause");
    }
    return e != NULL ? e : fail(ExtensionAnswerWrong, vm, "its failure has no form");
}
