/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "job.h"
#include "number.h"
#include "show.h"
#include "text.h"

json_t *
show_string(const char *s)
{
    struct text t = { 0 };
    json_t *j;

    if (s == NULL)
        return json_null();
    j = json_string(s);
    if (j != NULL)
        return j;
    text_escaped(&t, s);
    j = t.no_memory || t.s == NULL ? NULL : json_string(t.s);
    text_done(&t);
    return j;
}

const char *
show_consistency(enum vault_consistency c)
{
    switch (c) {
    case VAULT_APPLICATION: return "application";
    case VAULT_FILESYSTEM: return "filesystem";
    case VAULT_CRASH: break;
    }
    return "crash";
}

uint64_t
show_point_size(const struct vault_point *p)
{
    uint64_t size = 0;

    for (size_t i = 0; i < p->ndisks; i++)
        if (job_disk_part(&p->disks[i]) == NULL)
            size += p->disks[i].size;
    return size;
}

static json_t *
disks_json(const struct vault_point *p)
{
    json_t *all = json_array();

    for (size_t i = 0; all != NULL && i < p->ndisks; i++) {
        if (job_disk_part(&p->disks[i]) != NULL)
            continue;
        json_t *disk = json_pack("{s:o, s:I, s:o}", "name", show_string(p->disks[i].name),
            "size", (json_int_t)p->disks[i].size, "source", show_string(p->disks[i].source));

        if (json_array_append_new(all, disk) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

/* What makes a machine of the disks; null: the point keeps nothing of it. */
static json_t *
definition_json(const struct vault_point *p)
{
    json_t *all = NULL;
    json_int_t chips = 0;

    for (size_t i = 0; i < p->ndisks; i++) {
        const char *part = job_disk_part(&p->disks[i]);

        if (part != NULL && strcmp(part, "nvram") == 0)
            chips++;
        else if (part != NULL && all == NULL)
            all = json_pack("{s:s, s:I}", "kind", part, "size",
                (json_int_t)p->disks[i].size);
    }
    if (all == NULL)
        return json_null();
    if (json_object_set_new(all, "nvram", json_integer(chips)) != 0) {
        json_decref(all);
        return NULL;
    }
    return all;
}

static json_t *
facts_json(const struct vault_fact *facts, size_t n)
{
    json_t *all = json_object();

    for (size_t i = 0; all != NULL && i < n; i++)
        (void)json_object_set_new(all, facts[i].name, show_string(facts[i].value));
    return all;
}

json_t *
show_point_json(const struct vault_point *p)
{
    char id[2 * VAULT_KEY_LEN + 1], writer[2 * VAULT_KEY_LEN + 1];
    char parent[2 * VAULT_KEY_LEN + 1], time[NUMBER_TIME_MAX], verified[NUMBER_TIME_MAX];
    static const struct vault_key none;

    vault_key_hex(&p->id, id);
    vault_key_hex(&p->writer, writer);
    vault_key_hex(&p->parent, parent);
    number_time(time, p->time_ns);
    number_time(verified, p->verified_ns);
    return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:o}",
        "id", id, "machine", show_string(p->machine), "time", time,
        "consistency", show_consistency(p->consistency),
        "verified", p->verified_ns == 0 ? json_null() : json_string(verified),
        "disks", disks_json(p), "definition", definition_json(p), "writer", writer,
        "parent", memcmp(&p->parent, &none, sizeof(none)) == 0 ? json_null()
                                                               : json_string(parent),
        "size", (json_int_t)show_point_size(p), "read_bytes", (json_int_t)p->read_bytes,
        "new_bytes", (json_int_t)p->new_bytes, "stored_bytes", (json_int_t)p->stored_bytes,
        "facts", facts_json(p->facts, p->nfacts));
}
