/* SPDX-License-Identifier: Apache-2.0 */
/* firn restore.  When the disk itself goes to standard output, words go to standard error;
 * a JSON document has no place there then. */
#include <string.h>

#include "cmd.h"
#include "codes.h"
#include "text.h"

struct err *
cmd_restore(struct cmd *c)
{
    const struct job_restore o = {
        .point = c->o.args[0],
        .dest = c->o.args[1],
        .disk = c->o.value[OPT_DISK],
        .format = c->o.value[OPT_TARGET_FORMAT],
        .in_place = c->o.set[OPT_IN_PLACE],
        .force = c->o.set[OPT_FORCE],
    };
    char id[2 * VAULT_KEY_LEN + 1], bytes[TEXT_SIZE_MAX], written[TEXT_SIZE_MAX];
    struct job_restored done = { 0 };

    if (strcmp(o.dest, "-") == 0) {
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
    return cmd_result(c, json_pack("{s:{s:s, s:I, s:I, s:I}}", "restored", "point", id, "disks",
        (json_int_t)done.disks, "bytes", (json_int_t)done.bytes, "written",
        (json_int_t)done.written));
}
