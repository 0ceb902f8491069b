/* SPDX-License-Identifier: Apache-2.0 */
/* firn doctor of a running machine, without a code: the rehearsal as a table, and below it for
 * each finding what to do. */
#include <stdlib.h>

#include "codes.h"
#include "doctor_internal.h"
#include "err_json.h"
#include "hint.h"
#include "rehearsal.h"
#include "show.h"
#include "text.h"

enum { LOOK_WIDTH = 12, RESULT_WIDTH = 7 };

bool
doctor_rehearses(const char *target)
{
    return job_can_rehearse(target);
}

/* Is it the first row with this code? */
static bool
is_first(const struct rehearsal *r, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (err_code(r->rows[k].error) == err_code(r->rows[i].error))
            return false;
    return true;
}

static void
show_row(struct cmd *c, const struct rehearsal_row *row)
{
    const char *word = row->result == REHEARSAL_IMPOSSIBLE || row->result == REHEARSAL_SKIPPED
        ? "-" : rehearsal_word(row->result);

    cmd_say(c, "  %-*s  %-*s %s", LOOK_WIDTH, row->look, RESULT_WIDTH, word, row->seen);
    if (row->error != NULL)
        cmd_say(c, " (%s)", err_id(row->error));
    cmd_say(c, "\n");
}

struct lines {
    struct cmd *c;
    const char *lead;
};

static void
show_line(void *arg, const char *text)
{
    struct lines *l = arg;

    cmd_say(l->c, "%s%s\n", l->lead, text);
    l->lead = "  ";
}

static struct err *
show_remedy(struct cmd *c, const struct err *e, const char *guest)
{
    struct lines l = { c, "" };
    auto_free char *doctor = NULL;

    cmd_say(c, "\n");
    err_print(e, c->trace, show_line, &l);
    cmd_say(c, "  firn explain %s\n", err_id(e));
    TRY(hint_doctor_for(e, guest, &doctor));
    if (doctor != NULL)
        cmd_say(c, "  %s\n", doctor);
    return NULL;
}

static struct err *
show_all(struct cmd *c, const struct rehearsal *r, const char *guest)
{
    cmd_say(c, "rehearsal of a backup of %s; nothing is stored\n", r->machine);
    for (size_t i = 0; i < r->n; i++)
        show_row(c, &r->rows[i]);
    for (size_t i = 0; i < r->n; i++)
        if (r->rows[i].error != NULL && is_first(r, i))
            TRY(show_remedy(c, r->rows[i].error, guest));
    cmd_say(c, "\n%s\n", r->fails > 0 ? "fails" : r->weaker > 0 ? "weaker" : "ready");
    return NULL;
}

/* ---- for programs ---- */

/* {look, seen, result, error, explain, doctor} */
static struct err *
row_json(const struct rehearsal_row *row, const char *guest, json_t **ret)
{
    auto_free char *doctor = NULL, *explain = NULL;
    json_t *error = NULL;

    if (row->error != NULL) {
        json_t *whole = err_json(row->error);

        error = json_incref(json_object_get(whole, "error"));
        json_decref(whole);
        TRY(hint_doctor_for(row->error, guest, &doctor));
        if (error == NULL || asprintf(&explain, "firn explain %s", err_id(row->error)) < 0) {
            json_decref(error);
            explain = NULL;
            return fail(OutOfMemory);
        }
    }
    *ret = json_pack("{s:s, s:o, s:s, s:o, s:s?, s:o}", "look", row->look, "seen",
        show_string(row->seen), "result", rehearsal_word(row->result), "error",
        error != NULL ? error : json_null(), "explain", explain, "doctor",
        show_string(doctor));
    return *ret != NULL ? NULL : fail(OutOfMemory);
}

static struct err *
rows_json(const struct rehearsal *r, const char *guest, json_t *list)
{
    for (size_t i = 0; i < r->n; i++) {
        json_t *row = NULL;

        TRY(row_json(&r->rows[i], guest, &row));
        if (json_array_append_new(list, row) != 0)
            return fail(OutOfMemory);
    }
    return NULL;
}

static struct err *
give_json(struct cmd *c, const struct rehearsal *r, const char *guest)
{
    json_t *list = json_array();
    struct err *e = list == NULL ? fail(OutOfMemory) : rows_json(r, guest, list);

    if (e != NULL) {
        json_decref(list);
        return e;
    }
    return cmd_result(c, json_pack("{s:o, s:s, s:o}", "machine", show_string(r->machine),
        "outcome", r->fails > 0 ? "fails" : r->weaker > 0 ? "weaker" : "ready", "rehearsal",
        list));
}

/* ---- the command ---- */

struct err *
doctor_rehearse(struct cmd *c, const char *target)
{
    auto_ptr(rehearsal) r = NULL;
    auto_free char *guest = NULL;
    struct job_backup o;

    cmd_backup_of(c, &o);
    o.sources = &target;
    o.nsources = 1;
    TRY(hint_guest(c, &guest));
    TRY(job_rehearse(&c->job, &o, &r));
    TRY(c->json ? give_json(c, r, guest) : show_all(c, r, guest));
    if (r->fails > 0)
        return fail(RehearsalFails, r->machine, (int64_t)r->fails);
    if (r->weaker > 0)
        cmd_warn(c, fail(RehearsalWeaker, r->machine, (int64_t)r->weaker));
    return NULL;
}
