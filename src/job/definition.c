/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "codes.h"
#include "definition.h"

enum { FACT_LEN_MAX = 4096 }; /* of a point's facts, firn-vault(5) */

static const struct {
    const char *word, *name; /* in the fact; of the part */
} kinds[] = {
    [DEFINITION_QEMU] = { "qemu-arguments", "machine.args" },
    [DEFINITION_LIBVIRT] = { "libvirt-xml", "machine.xml" },
    [DEFINITION_NVRAM] = { "nvram", "nvram" },
};

static const size_t nkinds = sizeof(kinds) / sizeof(kinds[0]);

/* ---- gathering ---- */

struct err *
definition_lacks(struct definition *d, struct err *e)
{
    if (e == NULL || err_code(e) == E_OutOfMemory)
        return e;
    assert(d->nmissing < sizeof(d->missing) / sizeof(d->missing[0]));
    d->missing[d->nmissing++] = e;
    return NULL;
}

struct err *
definition_add(struct definition *d, enum definition_kind kind, const void *data, size_t len)
{
    size_t most = kind == DEFINITION_NVRAM ? DEFINITION_NVRAM_MAX : DEFINITION_LEN_MAX;
    struct backup_aside *part;

    if (len == 0 || len > most || d->nparts == DEFINITION_PARTS_MAX)
        return fail(InputInvalid, kinds[kind].word, "it is empty, too large or one too many");
    if (d->parts == NULL)
        d->parts = calloc(DEFINITION_PARTS_MAX, sizeof(*d->parts));
    if (d->parts == NULL)
        return fail(OutOfMemory);
    part = &d->parts[d->nparts++];
    part->name = strdup(kinds[kind].name);
    part->data = malloc(len);
    if (part->name == NULL || part->data == NULL)
        return fail(OutOfMemory);
    memcpy(part->data, data, len);
    part->len = len;
    return chain_facts_add(&part->facts, DEFINITION_PART, kinds[kind].word);
}

static struct err *
add_fact(struct chain_facts *to, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0' || strlen(value) > FACT_LEN_MAX)
        return NULL;
    return chain_facts_add(to, name, value);
}

struct err *
definition_fact(struct definition *d, const char *name, const char *value)
{
    return add_fact(&d->parts[d->nparts - 1].facts, name, value);
}

struct err *
definition_name_disk(const struct definition_names *names, struct chain_facts *to)
{
    /* a node without a name of its own has one that means nothing to the next QEMU */
    if (names->node != NULL && names->node[0] != '#')
        TRY(add_fact(to, "machine.node", names->node));
    TRY(add_fact(to, "machine.drive", names->drive));
    return add_fact(to, "machine.file", names->file);
}

static bool
is_taken(const struct definition *d, size_t part, const struct backup_disk *disks,
    size_t ndisks)
{
    const char *name = d->parts[part].name;

    for (size_t i = 0; i < ndisks; i++)
        if (strcmp(disks[i].name, name) == 0)
            return true;
    for (size_t i = 0; i < part; i++)
        if (strcmp(d->parts[i].name, name) == 0)
            return true;
    return false;
}

static struct err *
name_parts(struct definition *d, const struct backup_disk *disks, size_t ndisks)
{
    for (size_t i = 0; i < d->nparts; i++) {
        auto_free char *plain = strdup(d->parts[i].name);

        if (plain == NULL)
            return fail(OutOfMemory);
        for (unsigned k = 2; is_taken(d, i, disks, ndisks); k++) {
            char *other;

            if (asprintf(&other, "%s-%u", plain, k) < 0)
                return fail(OutOfMemory);
            free(d->parts[i].name);
            d->parts[i].name = other;
        }
    }
    return NULL;
}

static void
drop_parts(struct definition *d)
{
    for (size_t i = 0; i < d->nparts; i++) {
        free(d->parts[i].name);
        free(d->parts[i].data);
        chain_facts_done(&d->parts[i].facts);
    }
    d->nparts = 0;
}

struct err *
definition_close(struct definition *d, const struct backup_disk *disks, size_t ndisks,
    struct chain_facts *facts)
{
    if (ndisks + d->nparts > VAULT_DISKS_MAX) {
        drop_parts(d);
        errno = E2BIG;
        TRY(definition_lacks(d, fail(MachineUnread, d->machine)));
    }
    TRY(name_parts(d, disks, ndisks));
    for (size_t i = 0; i < d->nmissing; i++) {
        const struct err *e = d->missing[i], *cause = err_cause(e);

        TRY(chain_facts_add(facts, err_id(e), err_id(cause != NULL ? cause : e)));
    }
    return NULL;
}

void
definition_done(struct definition *d)
{
    drop_parts(d);
    for (size_t i = 0; i < d->nmissing; i++)
        err_free(d->missing[i]);
    free(d->parts);
    *d = (struct definition){ 0 };
}

/* ---- of a point ---- */

enum definition_kind
definition_kind(const struct vault_disk *disk)
{
    const char *word = chain_fact(disk, DEFINITION_PART);

    if (word == NULL)
        return DEFINITION_NONE;
    for (size_t i = DEFINITION_QEMU; i < nkinds; i++)
        if (strcmp(kinds[i].word, word) == 0)
            return (enum definition_kind)i;
    return DEFINITION_OTHER;
}

const struct vault_disk *
definition_of_point(const struct vault_point *p)
{
    for (size_t i = 0; i < p->ndisks; i++) {
        enum definition_kind kind = definition_kind(&p->disks[i]);

        if (kind == DEFINITION_QEMU || kind == DEFINITION_LIBVIRT)
            return &p->disks[i];
    }
    return NULL;
}

const char *
definition_word(enum definition_kind kind)
{
    return kind > DEFINITION_NONE && (size_t)kind < nkinds ? kinds[kind].word : "unknown";
}

const char *
job_disk_part(const struct vault_disk *d)
{
    enum definition_kind kind = definition_kind(d);

    return kind == DEFINITION_NONE ? NULL : definition_word(kind);
}

size_t
job_point_ndisks(const struct vault_point *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->ndisks; i++)
        n += definition_kind(&p->disks[i]) == DEFINITION_NONE;
    return n;
}

struct definition_names
definition_names_of(const struct vault_disk *disk)
{
    return (struct definition_names){ .node = chain_fact(disk, "machine.node"),
        .drive = chain_fact(disk, "machine.drive"),
        .file = chain_fact(disk, "machine.file") };
}
