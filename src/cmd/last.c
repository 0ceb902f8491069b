/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON document: {"time", "folder", "command": [...], "error": {...}} with the failure as
 * --json prints it.  It belongs to the user and is still read as foreign: a hostile one is
 * taken for none. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "codes.h"
#include "err_json.h"
#include "json_read.h"
#include "last.h"
#include "number.h"
#include "state.h"

enum { COMMAND_MAX = 512, CAUSES_MAX = 64, DEPTH_MAX = 80, VALUES_MAX = 16384 };

static const char file[] = "last-failure.json";

struct last {
    json_t *doc;
    const char **command; /* borrowed from doc; ends with NULL */
    size_t ncommand;
};

static json_t *
command_json(int argc, char *const *argv)
{
    json_t *a = json_array();

    for (int i = 1; i < argc && i < COMMAND_MAX && a != NULL; i++)
        if (json_array_append_new(a, json_string(argv[i])) != 0) { /* not UTF-8: not kept */
            json_decref(a);
            return NULL;
        }
    return a;
}

void
last_keep(int argc, char *const *argv, const struct err *e)
{
    char time[NUMBER_TIME_MAX];
    auto_free char *folder = NULL, *text = NULL;
    json_t *doc, *command;

    if (err_is(e, C_usage))
        return;
    number_time(time, clock_real_ns());
    folder = getcwd(NULL, 0);
    command = command_json(argc, argv);
    doc = folder != NULL && command != NULL
        ? json_pack("{s:s, s:s, s:O}", "time", time, "folder", folder, "command", command)
        : NULL;
    json_decref(command);
    json_t *error = err_json(e);
    if (doc != NULL && error != NULL && json_object_update(doc, error) == 0)
        text = json_dumps(doc, JSON_INDENT(1));
    json_decref(error);
    json_decref(doc);
    if (text != NULL)
        err_free(state_put(file, text, strlen(text))); /* the failure itself is told anyway */
}

static bool
is_whole(const json_t *doc)
{
    const json_t *command = json_object_get(doc, "command");
    const json_t *error = json_object_get(doc, "error");
    size_t n = json_array_size(command);

    for (size_t i = 0; i < n; i++)
        if (!json_is_string(json_array_get(command, i)))
            return false;
    return n > 0 && n <= COMMAND_MAX && json_is_string(json_object_get(doc, "time")) &&
        json_is_string(json_object_get(doc, "folder")) &&
        json_is_string(json_object_get(error, "code"));
}

static struct err *
list_command(struct last *l)
{
    const json_t *command = json_object_get(l->doc, "command");

    l->ncommand = json_array_size(command);
    l->command = calloc(l->ncommand + 1, sizeof(*l->command));
    if (l->command == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < l->ncommand; i++)
        l->command[i] = json_string_value(json_array_get(command, i));
    return NULL;
}

struct err *
last_load(struct last **ret)
{
    const struct json_limits limits = { STATE_FILE_MAX, DEPTH_MAX, VALUES_MAX };
    auto_free char *text = NULL;
    auto_ptr(last) l = NULL;
    char why[JSON_WHY_MAX];
    size_t len;

    *ret = NULL;
    TRY(state_get(file, &text, &len));
    if (text == NULL)
        return NULL;
    l = calloc(1, sizeof(*l));
    if (l == NULL)
        return fail(OutOfMemory);
    TRY(json_read((struct view){ (const uint8_t *)text, len }, &limits, why, &l->doc));
    if (!is_whole(l->doc))
        return NULL;
    TRY(list_command(l));
    *ret = take(l);
    return NULL;
}

size_t
last_args(const struct last *l, const char *code, struct err_arg ret[ERR_MAX_ARGS])
{
    json_t *error = json_object_get(l->doc, "error"), *value;
    const char *name;
    size_t n = 0;

    for (int i = 0; i < CAUSES_MAX && error != NULL; i++) {
        const char *id = json_string_value(json_object_get(error, "code"));

        if (id != NULL && strcmp(id, code) == 0)
            break;
        error = json_object_get(error, "cause");
    }
    json_object_foreach (json_object_get(error, "facts"), name, value) {
        if (n == ERR_MAX_ARGS)
            break;
        if (json_is_string(value))
            ret[n++] = (struct err_arg){ .name = name, .str = json_string_value(value) };
        else if (json_is_integer(value))
            ret[n++] = (struct err_arg){ .name = name, .num = json_integer_value(value) };
    }
    return n;
}

const char *
last_code(const struct last *l)
{
    return json_string_value(json_object_get(json_object_get(l->doc, "error"), "code"));
}

const char *const *
last_command(const struct last *l, size_t *ret_n, const char **ret_folder)
{
    *ret_n = l->ncommand;
    *ret_folder = json_string_value(json_object_get(l->doc, "folder"));
    return l->command;
}

const char *
last_time(const struct last *l)
{
    return json_string_value(json_object_get(l->doc, "time"));
}

void
last_free(struct last *l)
{
    if (l == NULL)
        return;
    free(l->command);
    json_decref(l->doc);
    free(l);
}
