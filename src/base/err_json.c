/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: jansson's setters take NULL and then fail, so each object is filled without
 * looking and is given up as a whole when one of them failed.  The depth of a failure is
 * bounded by its weight (ERR_MAX_TREE), so recursion is. */
#include <string.h>

#include "err_json.h"
#include "err_table.h"
#include "text.h"

static json_t *
finished(json_t *object, int failed)
{
    if (failed == 0)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *
string_json(const char *s)
{
    json_t *j = json_string(s);
    struct text t = { 0 };

    if (j != NULL)
        return j;
    text_escaped(&t, s);
    j = t.no_memory ? NULL : json_string(t.s);
    text_done(&t);
    return j;
}

static json_t *
facts_json(const struct err *e)
{
    json_t *facts = json_object();
    int bad = facts == NULL;

    for (size_t i = 0; i < err_nargs(e); i++) {
        const struct err_arg *a = err_arg(e, i);
        bad |= json_object_set_new(facts, a->name,
            a->str != NULL ? string_json(a->str) : json_integer(a->num));
    }
    return finished(facts, bad);
}

static json_t *
os_json(const struct err *e)
{
    static const char *const kind[] = { [OS_NONE] = "none", [OS_ERRNO] = "errno",
        [OS_WIN32] = "win32", [OS_HRESULT] = "hresult", [OS_HTTP] = "http",
        [OS_QMP] = "qmp" };
    json_t *os;
    int bad;

    if (err_os_kind(e) == OS_NONE)
        return json_null();
    os = json_object();
    bad = os == NULL;
    bad |= json_object_set_new(os, "kind", json_string(kind[err_os_kind(e)]));
    bad |= json_object_set_new(os, "number", json_integer(err_os_number(e)));
    return finished(os, bad);
}

/* ${e} and its causes; the "also" list of ${e} only where ${with_also} says that ${e} is
 * not itself a member of one. */
static json_t *
failure_json(const struct err *e, bool with_also)
{
    json_t *o = json_object(), *also = json_array();
    int bad = o == NULL || also == NULL;

    for (const struct err *a = err_next(e); with_also && a != NULL; a = err_next(a))
        bad |= json_array_append_new(also, failure_json(a, false));
    bad |= json_object_set_new(o, "code", json_string(err_id(e)));
    bad |= json_object_set_new(o, "number", json_integer(err_code(e)));
    bad |= json_object_set_new(o, "class", json_string(err_class(e)));
    bad |= json_object_set_new(o, "message", string_json(err_message(e)));
    bad |= json_object_set_new(o, "facts", facts_json(e));
    bad |= json_object_set_new(o, "os", os_json(e));
    bad |= json_object_set_new(o, "cause",
        err_cause(e) == NULL ? json_null() : failure_json(err_cause(e), true));
    bad |= json_object_set_new(o, "also", also);
    return finished(o, bad);
}

json_t *
err_json(const struct err *e)
{
    json_t *o = json_object();
    int bad = o == NULL;

    bad |= json_object_set_new(o, "error", failure_json(e, true));
    return finished(o, bad);
}

static bool
read_facts(const struct err_info *info, const json_t *facts, struct err_arg *to)
{
    for (size_t i = 0; i < info->nneeds; i++) {
        const json_t *v = json_object_get(facts, info->needs[i].name);
        bool text = info->needs[i].type == NEED_STRING;

        if (text ? !json_is_string(v) : !json_is_integer(v))
            return false;
        to[i].str = json_string_value(v); /* NULL for a number */
        to[i].num = json_integer_value(v);
    }
    return true;
}

static const struct err_info *
info_named(const char *id)
{
    for (size_t i = 0; id != NULL && i < err_table_len; i++)
        if (strcmp(err_table[i].id, id) == 0)
            return &err_table[i];
    return NULL;
}

static struct err *
read_failure(const json_t *o, unsigned depth)
{
    const struct err_site here = { __FILE__, __func__, __LINE__, 0, 0 };
    const struct err_info *info =
        info_named(json_string_value(json_object_get(o, "code")));
    struct err_arg args[ERR_MAX_ARGS] = { 0 };

    if (info == NULL || !read_facts(info, json_object_get(o, "facts"), args))
        return NULL;
    struct err *e = err_new(info->code, &here, args, info->nneeds);
    const json_t *number = json_object_get(json_object_get(o, "os"), "number");
    if (info->os != OS_NONE && json_is_integer(number))
        e = err_with_os(e, json_integer_value(number));
    const json_t *cause = json_object_get(o, "cause");
    if (json_is_object(cause) && depth < ERR_JSON_CAUSES_MAX)
        e = err_because(e, read_failure(cause, depth + 1));
    return e;
}

struct err *
err_json_read(const json_t *failure)
{
    return read_failure(failure, 0);
}

json_t *
err_json_warning(const struct err *e)
{
    json_t *o = json_object();
    int bad = o == NULL;

    bad |= json_object_set_new(o, "code", json_string(err_id(e)));
    bad |= json_object_set_new(o, "number", json_integer(err_code(e)));
    bad |= json_object_set_new(o, "message", string_json(err_message(e)));
    bad |= json_object_set_new(o, "facts", facts_json(e));
    return finished(o, bad);
}
