/* SPDX-License-Identifier: Apache-2.0 */
/* firn explain: an article, or the list of codes.  It needs no vault and no network. */
#include "catalog.h"
#include "cmd.h"
#include "codes.h"
#include "last.h"
#include "render.h"
#include "text.h"

static bool
is_asked(const struct catalog_entry *a, const char *class)
{
    return class == NULL || catalog_in_class(a, class);
}

/* Those of one class, below its name. */
static struct err *
say_class(struct cmd *c, int class)
{
    const struct render_options o = { .width = c->width, .bold = c->bold };
    bool headed = false;

    for (size_t i = 0; i < catalog_table_len; i++) {
        const struct catalog_entry *a = &catalog_table[i];
        auto_free char *line = NULL;

        if (a->class != class)
            continue;
        if (!headed)
            cmd_say(c, "%s\n", a->class_name);
        headed = true;
        TRY(render_line(a, &o, &line));
        cmd_say(c, "%s\n", line);
    }
    return NULL;
}

/* In the order of the tree: what a class decides, its exit status and whether a try may help,
 * holds for all that is below it. */
static struct err *
say_classes(struct cmd *c, const char *within)
{
    int last = 0;

    for (size_t i = 0; i < catalog_table_len; i++)
        if (catalog_table[i].class > last)
            last = catalog_table[i].class;
    for (int class = 0; class <= last; class++)
        for (size_t i = 0; i < catalog_table_len; i++)
            if (catalog_table[i].class == class && is_asked(&catalog_table[i], within)) {
                TRY(say_class(c, class));
                break;
            }
    return NULL;
}

/* By number. */
static struct err *
list_json(struct cmd *c, const char *class)
{
    json_t *codes = json_array();
    bool whole = codes != NULL;

    for (size_t i = 0; whole && i < catalog_table_len; i++) {
        const struct catalog_entry *a = &catalog_table[i];

        if (is_asked(a, class))
            whole = json_array_append_new(codes,
                json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "code", a->id, "number", a->code,
                    "class", a->class_name, "message", a->message, "description",
                    a->description, "scenario", a->scenario)) == 0;
    }
    if (whole)
        return cmd_result(c, json_pack("{s:o}", "codes", codes));
    json_decref(codes);
    return fail(OutOfMemory);
}

static struct err *
list(struct cmd *c, const char *class)
{
    return c->json ? list_json(c, class) : say_classes(c, class);
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

    if (c->o.nargs == 0)
        return list(c, NULL);
    a = catalog_find(c->o.args[0]);
    if (a == NULL) {
        for (size_t i = 0; i < catalog_table_len; i++)
            if (catalog_in_class(&catalog_table[i], c->o.args[0]))
                return list(c, c->o.args[0]);
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
