/* SPDX-License-Identifier: Apache-2.0 */
/* firn verify.  Each damaged object is named with what listed points lose by it; in JSON an
 * object that costs several disks has an entry for each. */
#include <inttypes.h>
#include <stdio.h>

#include "cmd.h"
#include "codes.h"
#include "show.h"
#include "text.h"

enum { RANGES_SHOWN = 8 };

static json_t *
ranges_json(const struct vault_hit *hit)
{
    json_t *all = json_array();

    for (size_t i = 0; all != NULL && i < hit->nranges; i++)
        (void)json_array_append_new(all, json_pack("[I, I]", (json_int_t)hit->ranges[i].off,
            (json_int_t)hit->ranges[i].len));
    return all;
}

static json_t *
entry_json(const struct vault_damage *d, const struct vault_hit *hit)
{
    char id[2 * VAULT_KEY_LEN + 1];
    json_t *points = json_array();

    if (hit != NULL) {
        vault_key_hex(&hit->point, id);
        (void)json_array_append_new(points, json_string(id));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "pack", show_string(d->object),
        "points", points, "machine", show_string(hit == NULL ? NULL : hit->machine),
        "disk", show_string(hit == NULL ? NULL : hit->disk),
        "ranges", hit == NULL ? json_array() : ranges_json(hit), "repaired", d->repaired,
        "code", d->why == NULL ? json_null() : json_string(err_id(d->why)));
}

static json_t *
report_json(const struct vault_report *r)
{
    json_t *all = json_array();

    for (size_t i = 0; i < r->ndamaged; i++) {
        const struct vault_damage *d = &r->damaged[i];

        if (d->nhits == 0)
            (void)json_array_append_new(all, entry_json(d, NULL));
        for (size_t h = 0; h < d->nhits; h++)
            (void)json_array_append_new(all, entry_json(d, &d->hits[h]));
    }
    return json_pack("{s:o, s:I, s:I, s:I, s:I}", "damaged", all,
        "points", (json_int_t)r->points, "objects", (json_int_t)r->objects,
        "bytes", (json_int_t)r->bytes, "blocks", (json_int_t)r->blocks);
}

static void
say_hit(struct cmd *c, const struct vault_hit *hit)
{
    char id[2 * VAULT_KEY_LEN + 1];

    vault_key_hex(&hit->point, id);
    cmd_say(c, "  point %s, machine %s, disk %s:", id, hit->machine, hit->disk);
    for (size_t i = 0; i < hit->nranges && i < RANGES_SHOWN; i++)
        cmd_say(c, "%s %" PRIu64 " bytes at %" PRIu64, i == 0 ? "" : ",", hit->ranges[i].len,
            hit->ranges[i].off);
    if (hit->nranges > RANGES_SHOWN)
        cmd_say(c, " and %zu more", hit->nranges - RANGES_SHOWN);
    cmd_say(c, "\n");
}

static bool
is_missing(const struct vault_damage *d)
{
    return err_code(d->why) == E_ObjectMissing;
}

/* What ObjectDamaged says stands here without it; what ObjectMissing says is all there is. */
static void
say_damage(struct cmd *c, const struct vault_damage *d)
{
    const char *loses = d->nhits > 0 ? "" : "; no recovery point loses anything by it";

    if (is_missing(d))
        cmd_say(c, "%s%s\n", err_message(d->why), loses);
    else if (d->why == NULL || err_code(d->why) == E_ObjectDamaged)
        cmd_say(c, "damaged %s%s\n", d->object, loses);
    else
        cmd_say(c, "damaged %s: %s%s\n", d->object, err_message(d->why), loses);
}

static void
say_report(struct cmd *c, const struct vault_report *r, const struct job_verify *o)
{
    char bytes[TEXT_SIZE_MAX];
    size_t mended = 0, lost = 0; /* nothing mends what is missing */

    for (size_t i = 0; i < r->ndamaged; i++) {
        const struct vault_damage *d = &r->damaged[i];

        mended += d->repaired;
        if (d->repaired) {
            cmd_say(c, "mended  %s: its bytes are right again\n", d->object);
            continue;
        }
        lost += is_missing(d);
        say_damage(c, d);
        for (size_t h = 0; h < d->nhits; h++)
            say_hit(c, &d->hits[h]);
    }
    (void)text_size(bytes, r->bytes);
    cmd_say(c, "checked %" PRIu64 " recovery point%s, %" PRIu64 " objects, %s%s: ", r->points,
        r->points == 1 ? "" : "s", r->objects, bytes, o->data ? "" : " (structure only)");
    if (r->ndamaged == 0)
        cmd_say(c, "%s\n", c->job.writer_file == NULL
                ? "all is well"
                : "all is well that this key made; it sees no other points");
    else
        cmd_say(c, "%zu damaged, %zu of them mended\n", r->ndamaged, mended);
    if (r->ndamaged > mended + lost && !o->repair)
        cmd_say(c, "firn verify --data --repair mends what parity can mend\n");
}

struct err *
cmd_verify(struct cmd *c)
{
    const struct job_verify o = {
        .point = c->o.nargs > 0 ? c->o.args[0] : NULL,
        .data = c->o.set[OPT_DATA],
        .repair = c->o.set[OPT_REPAIR],
    };
    auto_ptr(vault_report) r = NULL;

    TRY(job_verify(&c->job, &o, &r));
    say_report(c, r, &o);
    if (r->unnoted != NULL) {
        cmd_note(c, "firn: points that are whole could not be noted as verified\n");
        cmd_warn(c, take(r->unnoted));
    }
    TRY(cmd_result(c, c->json ? report_json(r) : NULL));
    return job_verify_remains(r);
}
