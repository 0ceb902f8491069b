/* SPDX-License-Identifier: Apache-2.0 */
/* Limits stand although both sides are firn: one of them may be anything by the time it is
 * killed. */
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "talk.h"
#include "text.h"

enum { DEPTH_MAX = 40, VALUES_MAX = 8192 };

struct err *
talk_say(struct line *l, json_t *what, struct deadline by, enum line_state *ret_state)
{
    auto_free char *words = what == NULL ? NULL : json_dumps(what, JSON_COMPACT);
    struct text t = { 0 };

    json_decref(what);
    if (words == NULL)
        return fail(OutOfMemory);
    text_fmt(&t, "%s\n", words);
    struct err *e = t.no_memory ? fail(OutOfMemory) : line_send(l, t.s, t.len, by, ret_state);
    text_done(&t);
    return e;
}

struct err *
talk_hear(struct line *l, size_t max, struct deadline by, json_t **ret,
    enum line_state *ret_state)
{
    const struct json_limits limits = { max, DEPTH_MAX, VALUES_MAX };
    struct view line = { 0 };
    char why[JSON_WHY_MAX];

    *ret = NULL;
    TRY(line_next(l, max, by, &line, ret_state));
    if (*ret_state != LINE_WHOLE)
        return NULL;
    TRY(json_read(line, &limits, why, ret));
    if (!json_is_object(*ret)) {
        json_decref(*ret);
        *ret = NULL;
        *ret_state = LINE_LONG;
    }
    return NULL;
}

const char *
talk_word(const json_t *o, const char *name)
{
    const char *word = json_string_value(json_object_get(o, name));

    return word != NULL ? word : "";
}

int64_t
talk_integer(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}
