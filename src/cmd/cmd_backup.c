/* SPDX-License-Identifier: Apache-2.0 */
/* firn backup.  The last word of its text is the point's id, for scripts. */
#include <string.h>

#include "cmd.h"
#include "codes.h"
#include "doctor.h"
#include "hint.h"
#include "number.h"
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
        .connect = c->o.value[OPT_CONNECT],
        .changed = c->o.value[OPT_CHANGED],
        .reread = c->o.set[OPT_REREAD],
        .bitmap = c->o.value[OPT_BITMAP],
        .disks = c->o.value[OPT_VM_DISKS],
        .except_disks = c->o.value[OPT_EXCEPT_DISKS],
        .scratch = c->o.value[OPT_SCRATCH],
        .consistency = c->o.value[OPT_CONSISTENCY],
        .compression = vault_compression_of(c->o.value[OPT_COMPRESSION]),
    };
}

/* A fact of the point in milliseconds; -1 when it has none of this name. */
static double
fact_ms(const struct vault_point *p, const char *name)
{
    uint64_t ns;

    for (size_t i = 0; i < p->nfacts; i++)
        if (strcmp(p->facts[i].name, name) == 0 && number_parse(p->facts[i].value, &ns))
            return (double)ns / 1e6;
    return -1;
}

/* How long the guest stood still, and for what. */
static void
say_window(struct cmd *c, const struct vault_point *p)
{
    double frozen = fact_ms(p, "window.frozen_ns");

    if (frozen > 0)
        cmd_say(c, "%s-consistent: the guest was frozen for %.1f ms, %.1f of them for QEMU and "
                   "%.1f for firn\n",
            show_consistency(p->consistency), frozen, fact_ms(p, "window.snapshot_ns"),
            fact_ms(p, "window.own_ns"));
}

/* What a cure has looked at and done. */
static struct err *
tell_cure(void *arg, struct target *t, struct runbook_report *r)
{
    struct cmd *c = arg;
    struct text command = { 0 }, text = { 0 };
    json_t *doc = NULL;

    if (c->json) {
        TRY(runbook_json(r, &doc));
        return cmd_result(c, json_pack("{s:o}", "cure", doc));
    }
    hint_words(&command, (const char *const[]){ "firn", "doctor", t->name, NULL });
    doctor_show(t, r, command.s != NULL ? command.s : "firn doctor", NULL, &text);
    cmd_note(c, "%s", text.s != NULL ? text.s : "");
    bool short_of = command.no_memory || text.no_memory;
    text_done(&command);
    text_done(&text);
    return short_of ? fail(OutOfMemory) : NULL;
}

struct err *
cmd_backup(struct cmd *c)
{
    struct job_cure cure = { .report = tell_cure };
    struct job_backup o;
    char id[2 * VAULT_KEY_LEN + 1], size[TEXT_SIZE_MAX], read[TEXT_SIZE_MAX];
    char fresh[TEXT_SIZE_MAX], stored[TEXT_SIZE_MAX];
    auto_ptr(vault_point) p = NULL;
    uint64_t audit;

    TRY(options_number(&c->o, OPT_AUDIT, 1, 100, 0, &audit));
    cmd_backup_of(c, &o);
    o.audit_percent = (unsigned)audit;
    if (c->o.set[OPT_CURE]) {
        TRY(doctor_consent(c->o.value[OPT_CURE], &cure.consent));
        o.cure = &cure;
    }
    if (o.changed != NULL && o.nsources > 1)
        return fail(UsageWrong, "--changed lists the blocks of one disk; give one SOURCE");
    if (o.machine != NULL && !text_is_visible(o.machine))
        return fail(UsageWrong, "--machine takes a name that can be read, on one line");
    TRY(job_backup(&c->job, &o, &p));
    vault_key_hex(&p->id, id);
    (void)text_size(size, show_point_size(p));
    (void)text_size(read, p->read_bytes);
    (void)text_size(fresh, p->new_bytes);
    (void)text_size(stored, p->stored_bytes);
    size_t ndisks = job_point_ndisks(p);
    cmd_say(c, "%s: %zu disk%s, %s\n", p->machine, ndisks, ndisks == 1 ? "" : "s", size);
    cmd_say(c, "read %s; %s of it new, stored in %s\n", read, fresh, stored);
    say_window(c, p);
    cmd_say(c, "recovery point %s\n", id);
    return cmd_result(c, json_pack("{s:o}", "point", show_point_json(p)));
}
