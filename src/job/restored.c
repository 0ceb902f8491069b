/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "codes.h"
#include "job_internal.h"
#include "restored.h"
#include "machine_plan.h"
#include "newfile.h"
#include "rebuild.h"
#include "sink.h"
#include "text.h"

static const char script_name[] = "machine.sh", args_name[] = "machine.args",
    xml_name[] = "machine.xml";

struct restored {
    struct restore *r;
    const struct vault_point *p;
    const struct vault_disk *definition; /* NULL: the point has none */
    char *folder;                        /* absolute */
    struct machine_disk *disks;
    size_t ndisks;
    struct job_restored *told; /* while the definition is made */
    bool no_memory;
};

struct err *
restored_name(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > VAULT_NAME_MAX || name[0] == '.' || strchr(name, '/') != NULL)
        return fail(UsageWrong, "--as takes a name for the machine, of up to 128 bytes, "
                                "without a slash and a dot in front");
    if (!text_is_visible(name))
        return fail(UsageWrong, "--as takes a name that can be read");
    return NULL;
}

/* ---- before the disks ---- */

static struct err *
path_in(const struct restored *m, const char *name, const char *suffix, char **ret)
{
    if (asprintf(ret, "%s/%s%s", m->folder, name, suffix) < 0) {
        *ret = NULL;
        return fail(OutOfMemory);
    }
    return NULL;
}

/* A definition that is there belongs to other disks than those that come now. */
static struct err *
clear(const struct restored *m)
{
    static const char *const names[] = { script_name, args_name, xml_name };
    bool replace = m->r->o->force || m->r->o->in_place, any = false;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        auto_free char *path = NULL;

        TRY(path_in(m, names[i], "", &path));
        if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (!replace)
            return m->definition != NULL ? fail(RestoreTargetExists, path) : NULL;
        if (unlink(path) != 0)
            return fail(RestoreTargetPermission, path);
        any = true;
    }
    if (!any)
        return NULL;
    auto_fd int dir = open(m->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || (fsync(dir) != 0 && errno != EINVAL))
        return fail(FileUnwritable, m->folder);
    return NULL;
}

static struct err *
open_folder(struct restored *m, const char *folder)
{
    struct stat st;

    if (m->r->o->as != NULL && mkdir(folder, 0700) != 0 && errno != EEXIST)
        return fail(RestoreFolderMissing, folder);
    if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
        return fail(RestoreFolderMissing, folder);
    m->folder = realpath(folder, NULL);
    return m->folder != NULL ? NULL : fail(RestoreFolderMissing, folder);
}

struct err *
restored_begin(struct restore *r, const struct vault_point *p, const char *folder,
    struct restored **ret)
{
    auto_ptr(restored) m = calloc(1, sizeof(*m));
    char id[2 * VAULT_KEY_LEN + 1];

    if (m == NULL)
        return fail(OutOfMemory);
    m->r = r;
    m->p = p;
    m->definition = definition_of_point(p);
    m->disks = calloc(p->ndisks, sizeof(*m->disks));
    if (m->disks == NULL)
        return fail(OutOfMemory);
    vault_key_hex(&p->id, id);
    if (m->definition == NULL && r->o->as != NULL)
        return fail(DefinitionMissing, id);
    TRY(open_folder(m, folder));
    TRY(clear(m));
    *ret = take(m);
    return NULL;
}

/* ---- the disks ---- */

static struct err *
note(struct restored *m, const struct vault_disk *d, const char *path, const char *format,
    bool flash)
{
    struct definition_names names = definition_names_of(d);
    char *copy = strdup(path);

    if (copy == NULL)
        return fail(OutOfMemory);
    m->disks[m->ndisks++] = (struct machine_disk){ .name = d->name, .node = names.node,
        .drive = names.drive, .file = names.file, .path = copy, .format = format,
        .flash = flash };
    return NULL;
}

struct err *
restored_disk(struct restored *m, const struct vault_disk *d, char **ret_path)
{
    const char *format = m->r->o->format;
    bool qcow2 = format != NULL && strcmp(format, "qcow2") == 0;

    TRY(path_in(m, d->name, qcow2 ? ".qcow2" : ".raw", ret_path));
    return note(m, d, *ret_path, qcow2 ? "qcow2" : "raw", false);
}

/* ---- after them ---- */

static struct err *
restore_flash(struct restored *m)
{
    for (size_t i = 0; i < m->p->ndisks; i++) {
        const struct vault_disk *d = &m->p->disks[i];
        auto_free char *path = NULL;
        uint64_t written;

        if (definition_kind(d) != DEFINITION_NVRAM)
            continue;
        if (strchr(d->name, '/') != NULL)
            return fail(InputInvalid, d->name, "it cannot be the name of a file");
        TRY(path_in(m, d->name, ".fd", &path));
        m->r->total += d->size;
        TRY(restore_disk(m->r, d, path, true, &written));
        TRY(note(m, d, path, "raw", true));
    }
    return NULL;
}

/* The bytes of the definition, with a NUL behind them that does not count. */
static struct err *
read_definition(const struct restored *m, uint8_t **ret)
{
    const struct vault_disk *d = m->definition;
    auto_free uint8_t *data = NULL;
    auto_ptr(sink) sink = NULL;
    uint64_t written;

    if (d->size > DEFINITION_LEN_MAX)
        return fail(DefinitionUnclear, m->p->machine, "it is longer than 1 MiB");
    data = calloc(1, d->size + 1);
    if (data == NULL)
        return fail(OutOfMemory);
    TRY(sink_mem_new(data, d->size, &sink));
    TRY(rebuild_disk(&(struct rebuild){ .vault = m->r->v, .pool = m->r->pool, .disk = d,
        .sink = sink }, &written));
    *ret = take(data);
    return NULL;
}

static struct err *
write_file(const struct restored *m, const char *name, const struct text *t, mode_t mode)
{
    auto_ptr(newfile) f = NULL;
    auto_free char *path = NULL;

    if (t->no_memory || t->s == NULL)
        return fail(OutOfMemory);
    TRY(path_in(m, name, "", &path));
    TRY(newfile_begin(path, &f));
    for (size_t done = 0; done < t->len;) {
        ssize_t n = write(newfile_fd(f), t->s + done, t->len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(FileUnwritable, path);
        done += (size_t)n;
    }
    if (fchmod(newfile_fd(f), mode) != 0)
        return fail(FileUnwritable, path);
    return newfile_commit(f, m->r->o->force || m->r->o->in_place);
}

/* ---- QEMU's arguments ---- */

/* One on a line, as words for a shell. */
static void
print_words(struct text *t, const char *args, size_t len)
{
    for (size_t at = 0; at < len; at += strlen(args + at) + 1) {
        text_shell(t, args + at);
        text_str(t, "\n");
    }
}

/* A word that ends with a newline needs a shell that has $'...'. */
static bool
needs_bash(const char *args, size_t len)
{
    for (size_t i = 1; i < len; i++)
        if (args[i] == '\0' && args[i - 1] == '\n')
            return true;
    return false;
}

static void
print_script(struct text *t, const struct restored *m, const char *args, size_t len)
{
    char id[2 * VAULT_KEY_LEN + 1];

    vault_key_hex(&m->p->id, id);
    text_str(t, needs_bash(args, len) ? "#!/bin/bash\n# " : "#!/bin/sh\n# ");
    text_inline(t, m->r->o->as != NULL ? m->r->o->as : m->p->machine);
    text_fmt(t, ", as firn restored it from recovery point %s.\nexec ", id);
    for (size_t at = 0; at < len;) {
        size_t next = at + strlen(args + at) + 1;

        text_shell(t, args + at);
        if (next < len && args[at] == '-' && args[next] != '-' && at > 0)
            text_str(t, " ");
        else
            text_str(t, next < len ? " \\\n    " : "\n");
        at = next;
    }
}

static void
warn(void *arg, struct err *warning)
{
    const struct restored *m = arg;

    job_warn(m->r->j, warning);
}

static void
changed(void *arg, const char *what)
{
    struct restored *m = arg;
    struct job_restored *r = m->told;
    char *copy = what != NULL ? strdup(what) : NULL;
    char **more = realloc(r->changed, (r->nchanged + 1) * sizeof(*more));

    if (more != NULL)
        r->changed = more;
    if (more == NULL || copy == NULL) {
        free(copy);
        m->no_memory = true;
        return;
    }
    more[r->nchanged++] = copy;
}

static struct machine_plan
plan_of(struct restored *m)
{
    return (struct machine_plan){ .machine = m->p->machine, .folder = m->folder,
        .was = chain_fact(m->definition, DEFINITION_FOLDER), .name = m->r->o->as,
        .disks = m->disks, .ndisks = m->ndisks, .warn = warn, .changed = changed, .arg = m };
}

static struct err *
make_domain(struct restored *m, const uint8_t *xml, size_t len)
{
    const struct machine_plan plan = plan_of(m);
    struct text made = { 0 };
    struct err *e = machine_of_domain((struct view){ xml, len }, &plan, &made);

    if (e == NULL)
        e = write_file(m, xml_name, &made, 0600);
    if (e == NULL)
        m->told->definition = xml_name;
    text_done(&made);
    return e;
}

static struct err *
make_qemu(struct restored *m, const char *args, size_t len)
{
    const struct machine_plan plan = plan_of(m);
    struct text made = { 0 }, words = { 0 }, script = { 0 };
    struct err *e = machine_of_qemu((struct view){ (const uint8_t *)args, len }, &plan, &made);

    if (e == NULL) {
        print_words(&words, args, len);
        print_script(&script, m, made.s, made.len);
        e = write_file(m, args_name, &words, 0600);
    }
    if (e == NULL)
        e = write_file(m, script_name, &script, 0700);
    if (e == NULL)
        m->told->definition = script_name;
    text_done(&made);
    text_done(&words);
    text_done(&script);
    return e;
}

static struct err *
make(struct restored *m)
{
    auto_free uint8_t *data = NULL;

    TRY(read_definition(m, &data));
    if (definition_kind(m->definition) == DEFINITION_LIBVIRT)
        return make_domain(m, data, m->definition->size);
    return make_qemu(m, (const char *)data, m->definition->size);
}

struct err *
restored_finish(struct restored *m, struct job_restored *ret)
{
    if (m->definition == NULL)
        return NULL;
    TRY(restore_flash(m));
    m->told = ret;
    struct err *e = make(m);
    if (err_code(e) == E_DefinitionUnclear) {
        warn(m, e);
        e = NULL;
    }
    TRY(e);
    return m->no_memory ? fail(OutOfMemory) : NULL;
}

void
restored_free(struct restored *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->ndisks; i++)
        free((char *)m->disks[i].path);
    free(m->disks);
    free(m->folder);
    free(m);
}
