/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "article_file.h"
#include "article_reading.h"
#include "article_show.h"
#include "codes.h"
#include "options.h"

/* "firn verify --data [POINT]": the command, then its options. */
static bool
command_exists(void *arg, const char *line, const char **ret_why)
{
    auto_free char *copy = strdup(line);
    char *rest = NULL, *words[3] = { NULL };
    const struct cmd_command *command;
    size_t n = 0;

    (void)arg;
    if (copy == NULL)
        return true;
    for (char *w = strtok_r(copy, " ", &rest); w != NULL && n < 3;
        w = strtok_r(NULL, " ", &rest))
        if (w[0] != '-' || n == 0)
            words[n++] = w;
    *ret_why = "firn has no such command";
    if (n < 2)
        return true;
    command = options_command(words[1], words[2]);
    if (command == NULL) /* "firn key" is no command, its subcommands are */
        return n == 2 && options_command(words[1], "list") != NULL;
    *ret_why = "the command has no such option";
    for (const char *o = strstr(line, " --"); o != NULL; o = strstr(o + 1, " --")) {
        size_t len = strcspn(o + 3, " =`]");
        bool found = len == 0;

        for (int i = 0; i < OPT_COUNT; i++)
            found = found || (((command->options >> i) & 1) != 0 &&
                                 strlen(cmd_options[i].name) == len &&
                                 strncmp(cmd_options[i].name, o + 3, len) == 0);
        if (!found)
            return false;
    }
    return true;
}

static struct err *
make(struct pool_task *t, unsigned worker)
{
    struct article_reading *r = t->arg;
    const char *slash = strrchr(r->path, '/');
    const char *base = slash != NULL ? slash + 1 : r->path;

    (void)worker;
    TRY(article_file_read(r->path, &r->article));
    TRY(lint_readable(r->article, r->path));
    TRY(compile_article(r->article, base, &r->plan));
    TRY(compile_codes(r->article, base, &r->codes));
    TRY(lint_article(r->article, r->plan, command_exists, NULL, &r->lint));
    if (!r->as_json)
        return NULL;
    r->json = article_json(r);
    return r->json != NULL ? NULL : fail(OutOfMemory);
}

struct err *
article_reading_new(const char *path, bool as_json, struct article_reading **ret)
{
    auto_ptr(article_reading) r = calloc(1, sizeof(*r));

    if (r == NULL || (r->path = strdup(path)) == NULL)
        return fail(OutOfMemory);
    r->as_json = as_json;
    r->task = (struct pool_task){ .run = make, .arg = r };
    *ret = take(r);
    return NULL;
}

void
article_reading_free(struct article_reading *r)
{
    if (r == NULL)
        return;
    free(r->json);
    lint_done(&r->lint);
    article_codes_done(&r->codes);
    plan_free(r->plan);
    article_free(r->article);
    free(r->path);
    free(r);
}
