/* SPDX-License-Identifier: Apache-2.0 */
/* remedy_machine.c -- restarts, pauses and room.
 *
 * A restart counts only when the machine answers with another boot id: a guest agent that
 * answers early is still the old start. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "remedy_internal.h"
#include "text.h"

static struct err *
look_restart(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    (void)a;
    (void)by;
    return remedy_saw(ret, REMEDY_NOT, "the machine is %s", t->offline ? "off" : "running");
}

static char *
wanted_restart(const struct action *a)
{
    (void)a;
    return strdup("it has started again");
}

static struct err *
record_restart(struct target *t, const struct action *a, json_t **ret)
{
    auto_free char *id = NULL;

    (void)a;
    TRY(target_boot_id(t, &id));
    TRY(remedy_json(json_pack("{s:s}", "boot", id), ret));
    return NULL;
}

static struct err *
apply_restart(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    const char *old = json_string_value(json_object_get(before, "boot"));
    auto_free char *now = NULL;

    (void)ret;
    if (old == NULL)
        return remedy_bad_record(a);
    TRY(target_restart(t, by));
    TRY(target_boot_id(t, &now));
    if (strcmp(old, now) == 0)
        return fail(TargetRefused, t->name, "restart: it answers with its old start", EBUSY);
    return NULL;
}

static struct err *
look_wait(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    uint64_t seconds;

    (void)by;
    if (!action_number(a, "seconds", &seconds) || seconds > 3600)
        return remedy_saw(ret, REMEDY_UNKNOWN, "nobody waits that long");
    TRY(target_wait(t, (int64_t)seconds * 1000));
    return remedy_saw(ret, REMEDY_HOLDS, "%u s have passed", (unsigned)seconds);
}

static struct err *
look_space(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    uint64_t want, have;
    char words[TEXT_SIZE_MAX];

    (void)by;
    if (!action_number(a, "bytes", &want))
        return fail(InputInvalid, "space.at_least", "bytes is no number");
    TRY(target_space_free(t, action_get(a, "path"), &have));
    (void)text_size(words, have);
    return remedy_saw(ret, have >= want ? REMEDY_HOLDS : REMEDY_NOT, "%s are free", words);
}

const struct remedy_body remedy_machine[] = {
    { "machine.restart", 0, TARGET_RESTART, look_restart, wanted_restart, record_restart,
        apply_restart, NULL },
    { "machine.wait", 0, 0, look_wait, NULL, NULL, NULL, NULL },
    { "space.at_least", TARGET_FILES, 0, look_space, NULL, NULL, NULL, NULL },
    { 0 },
};
