/* SPDX-License-Identifier: Apache-2.0 */
/* firn restore.  When the disk itself goes to standard output, words go to standard error;
 * a JSON document has no place there then. */
#include <string.h>

#include "cmd.h"
#include "codes.h"
#include "show.h"
#include "text.h"

static void
say_machine(struct cmd *c, const struct job_restore *o, const struct job_restored *done)
{
    if (done->definition == NULL)
        return;
    for (size_t i = 0; i < done->nchanged; i++)
        cmd_say(c, "changed: %s\n", done->changed[i]);
    cmd_say(c, "the machine is defined in %s/%s\n", o->dest != NULL ? o->dest : o->as,
        done->definition);
}

static json_t *
changed_json(const struct job_restored *done)
{
    json_t *all = json_array();

    for (size_t i = 0; all != NULL && i < done->nchanged; i++)
        if (json_array_append_new(all, show_string(done->changed[i])) != 0) {
            json_decref(all);
            return NULL;
        }
    return all;
}

struct err *
cmd_restore(struct cmd *c)
{
    const struct job_restore o = {
        .point = c->o.args[0],
        .dest = c->o.nargs > 1 ? c->o.args[1] : NULL,
        .as = c->o.value[OPT_AS],
        .disk = c->o.value[OPT_DISK],
        .format = c->o.value[OPT_TARGET_FORMAT],
        .in_place = c->o.set[OPT_IN_PLACE],
        .force = c->o.set[OPT_FORCE],
    };
    char id[2 * VAULT_KEY_LEN + 1], bytes[TEXT_SIZE_MAX], written[TEXT_SIZE_MAX];
    struct job_restored done = { 0 };

    if (o.dest == NULL && o.as == NULL)
        return fail(UsageWrong, "name where the disks should go, or a machine with --as");
    if (o.as != NULL && (o.disk != NULL || (o.dest != NULL && strcmp(o.dest, "-") == 0)))
        return fail(UsageWrong, "--as makes a whole machine, in a folder");
    if (o.dest != NULL && strcmp(o.dest, "-") == 0) {
        if (c->json)
            return fail(UsageWrong, "--json and the disk cannot both go to standard output");
        c->out = stderr;
    }
    if (o.in_place && o.force)
        return fail(UsageWrong, "--in-place keeps what is there, --force replaces it; choose "
                                "one");
    TRY(job_restore(&c->job, &o, &done));
    vault_key_hex(&done.point, id);
    (void)text_size(bytes, done.bytes);
    (void)text_size(written, done.written);
    cmd_say(c, "restored %llu disk%s, %s, of recovery point %s; %s written\n",
        (unsigned long long)done.disks, done.disks == 1 ? "" : "s", bytes, id, written);
    say_machine(c, &o, &done);
    json_t *document = json_pack("{s:{s:s, s:I, s:I, s:I, s:s?, s:o}}", "restored", "point", id,
        "disks", (json_int_t)done.disks, "bytes", (json_int_t)done.bytes, "written",
        (json_int_t)done.written, "definition", done.definition, "changed",
        changed_json(&done));
    job_restored_done(&done);
    return cmd_result(c, document);
}
