/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes are those of err_json.c; a chain has a limit (err.h), so recursion has too. */
#include <inttypes.h>
#include <string.h>

#include "codes.h"
#include "outcome.h"

static const char *const os_words[] = {
    [OS_NONE] = "none", [OS_ERRNO] = "errno", [OS_WIN32] = "win32", [OS_HRESULT] = "hresult",
    [OS_HTTP] = "http", [OS_QMP] = "qmp"
};

struct err *
outcome_message(const struct err *e, char **ret)
{
    struct text t = { 0 };

    for (const struct err *i = e; i != NULL; i = err_cause(i)) {
        text_str(&t, i == e ? "" : "; because: ");
        text_str(&t, err_message(i));
        if (err_os_kind(i) != OS_NONE)
            text_fmt(&t, " (%s %" PRId64 ")", os_words[err_os_kind(i)], err_os_number(i));
    }
    if (t.no_memory)
        return fail(OutOfMemory);
    *ret = t.s;
    return NULL;
}

static void
put_facts(struct doc_out *o, const char *name, const struct err *e)
{
    doc_open(o, name, '{');
    for (size_t i = 0; i < err_nargs(e); i++) {
        const struct err_arg *a = err_arg(e, i);

        if (a->str != NULL)
            doc_put_string(o, a->name, a->str);
        else
            doc_put_int(o, a->name, a->num);
    }
    doc_close(o, '}');
}

struct err *
outcome_facts(const struct err *e, char **ret)
{
    struct doc_out o = { 0 };

    put_facts(&o, NULL, e);
    TRY(doc_out_take(&o, ret));
    return NULL;
}

/* The "also" list of ${e} only where ${with_also} says that ${e} is no member of one. */
static void
put(struct doc_out *o, const char *name, const struct err *e, bool with_also)
{
    if (e == NULL) {
        doc_put_string(o, name, NULL);
        return;
    }
    doc_open(o, name, '{');
    doc_put_string(o, "code", err_id(e));
    doc_put_int(o, "number", err_code(e));
    doc_put_string(o, "class", err_class(e));
    doc_put_string(o, "message", err_message(e));
    put_facts(o, "facts", e);
    if (err_os_kind(e) == OS_NONE) {
        doc_put_string(o, "os", NULL);
    } else {
        doc_open(o, "os", '{');
        doc_put_string(o, "kind", os_words[err_os_kind(e)]);
        doc_put_int(o, "number", err_os_number(e));
        doc_close(o, '}');
    }
    put(o, "cause", err_cause(e), true);
    doc_open(o, "also", '[');
    for (const struct err *a = err_next(e); with_also && a != NULL; a = err_next(a))
        put(o, NULL, a, false);
    doc_close(o, ']');
    doc_close(o, '}');
}

void
outcome_put(struct doc_out *o, const char *name, const struct err *e)
{
    put(o, name, e, true);
}
