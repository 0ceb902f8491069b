/* SPDX-License-Identifier: Apache-2.0 */
/* firn explain: an article, or the list of codes.  It needs no vault and no network. */
#include "catalog.h"
#include "cmd.h"
#include "codes.h"
#include "last.h"
#include "render.h"
#include "text.h"

static struct err *
list(struct cmd *c, const char *class, size_t *ret_n)
{
    const struct render_options o = { .width = c->width, .bold = c->bold };
    json_t *codes = json_array();
    struct err *e = NULL;

    *ret_n = 0;
    for (size_t i = 0; e == NULL && i < catalog_table_len; i++) {
        const struct catalog_entry *a = &catalog_table[i];
        auto_free char *line = NULL;

        if (class != NULL && !catalog_in_class(a, class))
            continue;
        ++*ret_n;
        if (!c->json) {
            e = render_line(a, &o, &line);
            if (e == NULL)
                cmd_say(c, "%s\n", line);
            continue;
        }
        (void)json_array_append_new(codes,
            json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "code", a->id, "number", a->code,
                "class", a->class_name, "message", a->message, "description", a->description,
                "scenario", a->scenario));
    }
    if (e == NULL && codes != NULL && json_array_size(codes) == (c->json ? *ret_n : 0))
        return cmd_result(c, json_pack("{s:o}", "codes", codes));
    json_decref(codes);
    return e != NULL ? e : fail(OutOfMemory);
}

struct err *
cmd_explain(struct cmd *c)
{
    struct render_options o = { .width = c->width, .bold = c->bold };
    struct err_arg args[ERR_MAX_ARGS];
    const struct catalog_entry *a;
    auto_ptr(last) last = NULL;
    auto_free char *text = NULL;
    json_t *doc = NULL;
    size_t n;

    if (c->o.nargs == 0)
        return list(c, NULL, &n);
    a = catalog_find(c->o.args[0]);
    if (a == NULL) {
        for (size_t i = 0; i < catalog_table_len; i++)
            if (catalog_in_class(&catalog_table[i], c->o.args[0]))
                return list(c, c->o.args[0], &n);
        return catalog_unknown(c->o.args[0]);
    }
    err_free(last_load(&last)); /* without it the variables keep their names */
    if (last != NULL) {
        o.args = args;
        o.nargs = last_args(last, a->id, args);
    }
    if (c->json) {
        TRY(render_article_json(a, &o, &doc));
        return cmd_result(c, doc);
    }
    TRY(render_article(a, &o, &text));
    cmd_say_raw(c, text);
    if (o.nargs > 0)
        cmd_say(c, "\nValues are those of the last failure, of %s.\n", last_time(last));
    return NULL;
}
