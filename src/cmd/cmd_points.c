/* SPDX-License-Identifier: Apache-2.0 */
/* firn points: one line for each, oldest first. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "codes.h"
#include "number.h"
#include "show.h"
#include "text.h"

enum { SHORT_LEAST = 8 };

/* The least number of digits, 8 or more, that tells the ids apart. */
static int
short_len(const struct vault_points *points)
{
    int len = SHORT_LEAST;

    for (size_t i = 0; i < points->n; i++)
        for (size_t k = i + 1; k < points->n; k++) {
            char a[2 * VAULT_KEY_LEN + 1], b[2 * VAULT_KEY_LEN + 1];
            int same = 0;

            if (memcmp(points->items[i]->id.b, points->items[k]->id.b, SHORT_LEAST / 2) != 0)
                continue;
            vault_key_hex(&points->items[i]->id, a);
            vault_key_hex(&points->items[k]->id, b);
            while (a[same] != '\0' && a[same] == b[same])
                same++;
            len = same + 1 > len ? same + 1 : len;
        }
    return len;
}

/* What is to be known of a point in a word. */
static const char *
note_of(const struct vault_points *points, const struct vault_point *p)
{
    for (size_t i = 0; i < p->ndisks; i++)
        if (job_point_suspect(points, p, p->disks[i].name))
            return "suspect";
    return p->verified_ns == 0 ? "" : "verified";
}

static void
say_point(struct cmd *c, const struct vault_points *points, const struct vault_point *p,
    int digits)
{
    char id[2 * VAULT_KEY_LEN + 1], time[NUMBER_TIME_MAX], size[TEXT_SIZE_MAX];
    char fresh[TEXT_SIZE_MAX];
    struct text names = { 0 };

    vault_key_hex(&p->id, id);
    number_time(time, p->time_ns);
    (void)text_size(size, show_point_size(p));
    (void)text_size(fresh, p->new_bytes);
    text_inline(&names, p->machine); /* a line end in a name must not look like a point */
    for (size_t i = 0, shown = 0; job_point_ndisks(p) > 1 && i < p->ndisks; i++)
        if (job_disk_part(&p->disks[i]) == NULL) {
            text_str(&names, shown++ == 0 ? ": " : ", ");
            text_inline(&names, p->disks[i].name);
        }
    cmd_say(c, "%.*s  %s  %-11s  %10s  %10s  %-8s  %s\n", digits, id, time,
        show_consistency(p->consistency), size, fresh, note_of(points, p),
        names.s != NULL ? names.s : "");
    text_done(&names);
}

/* The names of its disks that are suspect. */
static json_t *
suspects_json(const struct vault_points *points, const struct vault_point *p)
{
    json_t *names = json_array();

    for (size_t i = 0; names != NULL && i < p->ndisks; i++)
        if (job_point_suspect(points, p, p->disks[i].name))
            (void)json_array_append_new(names, show_string(p->disks[i].name));
    return names;
}

static json_t *
point_json(const struct vault_points *points, const struct vault_point *p)
{
    json_t *point = show_point_json(p);

    if (point != NULL && json_object_set_new(point, "suspect", suspects_json(points, p)) == 0)
        return point;
    json_decref(point);
    return NULL;
}

static json_t *
points_json(const struct vault_points *points)
{
    json_t *all = json_array();

    for (size_t i = 0; all != NULL && i < points->n; i++)
        if (json_array_append_new(all, point_json(points, points->items[i])) != 0) {
            json_decref(all);
            return NULL;
        }
    return all;
}

static void
note_none(struct cmd *c, const char *machine)
{
    const char *of = machine != NULL ? " of " : "", *name = machine != NULL ? machine : "";

    if (c->job.writer_file != NULL)
        cmd_note(c, "No recovery points%s%s were made with this key; it shows no others.\n",
            of, name);
    else if (machine == NULL)
        cmd_note(c, "The vault has no recovery points yet; firn backup makes one.\n");
    else
        cmd_note(c, "The vault has no recovery points of %s.\n", machine);
}

struct err *
cmd_points(struct cmd *c)
{
    const char *machine = c->o.nargs > 0 ? c->o.args[0] : NULL;
    auto_ptr(vault_points) points = NULL;

    TRY(job_points(&c->job, machine, &points));
    if (c->json)
        return cmd_result(c, json_pack("{s:o}", "points", points_json(points)));
    if (points->n == 0) {
        note_none(c, machine);
        return NULL;
    }
    int digits = short_len(points);

    cmd_say(c, "%-*s  %-20s  %-11s  %10s  %10s  %-8s  %s\n", digits, "POINT", "TIME",
        "CONSISTENCY", "SIZE", "NEW", "", "MACHINE");
    for (size_t i = 0; i < points->n; i++)
        say_point(c, points, points->items[i], digits);
    return NULL;
}
