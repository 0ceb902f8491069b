/* SPDX-License-Identifier: Apache-2.0 */
/* firn backup.  The last word of its text is the point's id, for scripts. */
#include "cmd.h"
#include "codes.h"
#include "show.h"
#include "text.h"

void
cmd_backup_of(const struct cmd *c, struct job_backup *ret)
{
    *ret = (struct job_backup){
        .sources = c->o.args,
        .nsources = c->o.nargs,
        .machine = c->o.value[OPT_MACHINE],
        .format = c->o.value[OPT_SOURCE_FORMAT],
        .guest = c->o.value[OPT_GUEST],
        .changed = c->o.value[OPT_CHANGED],
        .reread = c->o.set[OPT_REREAD],
        .bitmap = c->o.value[OPT_BITMAP],
        .disks = c->o.value[OPT_VM_DISKS],
        .except_disks = c->o.value[OPT_EXCEPT_DISKS],
        .scratch = c->o.value[OPT_SCRATCH],
    };
}

struct err *
cmd_backup(struct cmd *c)
{
    struct job_backup o;
    char id[2 * VAULT_KEY_LEN + 1], size[TEXT_SIZE_MAX], read[TEXT_SIZE_MAX];
    char fresh[TEXT_SIZE_MAX], stored[TEXT_SIZE_MAX];
    auto_ptr(vault_point) p = NULL;

    cmd_backup_of(c, &o);
    if (o.changed != NULL && o.nsources > 1)
        return fail(UsageWrong, "--changed lists the blocks of one disk; give one SOURCE");
    TRY(job_backup(&c->job, &o, &p));
    vault_key_hex(&p->id, id);
    (void)text_size(size, show_point_size(p));
    (void)text_size(read, p->read_bytes);
    (void)text_size(fresh, p->new_bytes);
    (void)text_size(stored, p->stored_bytes);
    cmd_say(c, "%s: %zu disk%s, %s\n", p->machine, p->ndisks, p->ndisks == 1 ? "" : "s", size);
    cmd_say(c, "read %s; %s of it new, stored in %s\n", read, fresh, stored);
    cmd_say(c, "recovery point %s\n", id);
    return cmd_result(c, json_pack("{s:o}", "point", show_point_json(p)));
}
