/* SPDX-License-Identifier: Apache-2.0 */
/* firn extension.  What a guest says of its extension is shown as it is, byte by byte escaped,
 * and believed in nothing but that it was said. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "codes.h"
#include "job_connect.h"
#include "job_extension.h"
#include "json_read.h"
#include "show.h"
#include "text.h"

/* ---- status ---- */

static void
say_version(struct cmd *c, const json_t *v)
{
    const json_t *last = json_object_get(v, "last"), *beat = json_object_get(v, "heartbeat");
    const json_t *plugins = json_object_get(v, "plugins"), *plugin;
    size_t i;

    cmd_say(c, "  %-14s %s%s\n", json_word(v, "version"), json_word(v, "state"),
        json_is_true(json_object_get(v, "active")) ? ", in force" : "");
    if (*json_word(v, "problem") != '\0')
        cmd_say(c, "    problem    %s\n", json_word(v, "problem"));
    if (json_is_object(last))
        cmd_say(c, "    last       %s: %s, %s (%s)\n", json_word(last, "operation"),
            json_word(last, "status"), json_word(last, "message"), json_word(last, "time"));
    if (json_is_object(beat))
        cmd_say(c, "    heartbeat  %s\n", json_word(beat, "status"));
    json_array_foreach (plugins, i, plugin)
        cmd_say(c, "    plug-in    %s\n",
            json_string_value(plugin) != NULL ? json_string_value(plugin) : "?");
}

static void
say_look(struct cmd *c, const json_t *look)
{
    const json_t *list = json_object_get(look, "prerequisites"), *one;
    size_t i;

    json_array_foreach (list, i, one)
        cmd_say(c, "  needs %s: %s\n", json_word(one, "title"), json_word(one, "state"));
    if (json_is_object(look))
        cmd_say(c, "  prepare: %s\n", json_word(look, "message"));
    else
        cmd_say(c, "  no version is in force\n");
}

static void
say_package(struct cmd *c, const json_t *package)
{
    const json_t *versions = json_object_get(package, "versions"), *v;
    size_t i;

    cmd_say(c, "%s\n", json_word(package, "name"));
    json_array_foreach (versions, i, v)
        say_version(c, v);
    say_look(c, json_object_get(package, "look"));
}

/* The first package that could not do its work is the failure. */
static struct err *
judge(const char *vm, const json_t *packages)
{
    const json_t *one;
    size_t i;

    json_array_foreach (packages, i, one)
        TRY(upkeep_judge(vm, one));
    return NULL;
}

struct err *
cmd_extension_status(struct cmd *c)
{
    const char *name = c->o.value[OPT_PACKAGE_NAME];
    auto_free char *target = NULL;
    json_t *said = NULL;
    const json_t *packages, *one;
    size_t i;

    TRY(job_connect(c->o.args[0], c->o.value[OPT_CONNECT], &target));
    TRY(job_extension_status(&c->job, target, name, &said));
    packages = json_object_get(said, "packages");
    json_array_foreach (packages, i, one)
        say_package(c, one);
    struct err *e = judge(target, packages);
    if (e == NULL && json_array_size(packages) == 0)
        e = fail(ExtensionMissing, target, json_word(said, "root"));
    struct err *bad = cmd_result(c, c->json ? json_pack("{s:O}", "extension", said) : NULL);
    json_decref(said);
    return err_also(e, bad);
}

/* ---- install ---- */

static json_t *
installed_json(const struct upkeep_installed *i)
{
    return json_pack("{s:{s:o, s:o, s:o, s:o, s:b, s:b, s:I, s:O?}}", "installed",
        "package", show_string(i->package), "version", show_string(i->version),
        "folder", show_string(i->folder), "previous", show_string(i->previous),
        "already", i->already, "mended", i->mended, "bytes", (json_int_t)i->bytes,
        "status", i->status);
}

static void
say_installed(struct cmd *c, const char *target, const struct upkeep_installed *i)
{
    char size[TEXT_SIZE_MAX];

    (void)text_size(size, i->bytes);
    if (i->already)
        cmd_say(c, "version %s of %s was in force in %s already, and is whole\n", i->version,
            i->package, target);
    else
        cmd_say(c, "version %s of %s is in force in %s (%s)\n", i->version, i->package, target,
            size);
    if (i->mended)
        cmd_say(c, "  it was damaged there, and was put into place anew\n");
    cmd_say(c, "  folder %s\n", i->folder);
    if (i->previous != NULL)
        cmd_say(c, "  before it %s, which is kept\n", i->previous);
    if (i->status != NULL)
        say_package(c, i->status);
}

struct err *
cmd_extension_install(struct cmd *c)
{
    auto_free char *target = NULL;
    struct upkeep_installed i = { .bytes = 0 };

    TRY(job_connect(c->o.args[0], c->o.value[OPT_CONNECT], &target));
    TRY(job_extension_install(&c->job, target, c->o.value[OPT_PACKAGE], &i));
    say_installed(c, target, &i);
    struct err *e = cmd_result(c, c->json ? installed_json(&i) : NULL);
    upkeep_installed_done(&i);
    return e;
}

/* ---- remove ---- */

struct err *
cmd_extension_remove(struct cmd *c)
{
    const char *name = c->o.value[OPT_PACKAGE_NAME];
    auto_free char *target = NULL;
    struct upkeep_removed r;

    if (name == NULL)
        name = UPKEEP_PACKAGE;
    TRY(job_connect(c->o.args[0], c->o.value[OPT_CONNECT], &target));
    TRY(job_extension_remove(&c->job, target, name, &r));
    if (r.was_there)
        cmd_say(c, "%s is removed from %s\n", name, target);
    else
        cmd_say(c, "%s is not in %s: nothing was to be removed\n", name, target);
    return cmd_result(c, !c->json ? NULL
        : json_pack("{s:{s:o, s:b, s:I}}", "removed", "package", show_string(name), "was_there",
            r.was_there, "versions", (json_int_t)r.versions));
}
