/* SPDX-License-Identifier: Apache-2.0 */
/* libhivex opens and writes files by name, so it gets the bytes in a memfd and writes to
 * another: it sees exactly the bytes that were checked, and no half of its work can reach the
 * disk.
 *
 * It has no call that deletes one value: all others are set again. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "codes.h"
#include "hive_edit.h"
#include "regf_diff.h"

/* ---- is it what was asked for? ---- */

struct proof {
    const struct hive_edit *edits;
    size_t nedits;
    const struct regf *old, *new;
    bool seen[HIVE_EDITS_MAX]; /* its change was met */
    struct text wrong;         /* the first change that nobody asked for */
};

/* Is ${path} the edited key or one above it? */
static bool
on_the_way(const char *path, const struct hive_edit *e)
{
    size_t len = strlen(path);

    return strncasecmp(path, e->key, len) == 0 &&
        (len == 0 || e->key[len] == '\\' || e->key[len] == '\0');
}

static bool
asked_by(const struct proof *p, const struct hive_edit *e, const struct regf_diff *d,
    bool *ret_seen)
{
    bool value = d->new_key != 0 && d->new_key == regf_find(p->new, e->key) &&
        d->value != NULL && strcmp(d->value, e->name) == 0;

    switch (d->kind) {
    case REGF_KEY_TOUCHED: return on_the_way(d->path, e);
    case REGF_KEY_ADDED: return e->kind == HIVE_SET && on_the_way(d->path, e);
    case REGF_VALUE_ADDED:
    case REGF_VALUE_CHANGED: return *ret_seen = e->kind == HIVE_SET && value;
    case REGF_VALUE_REMOVED: return *ret_seen = e->kind == HIVE_DELETE && value;
    case REGF_KEY_REMOVED:
        return *ret_seen = e->kind == HIVE_DELETE_KEY &&
                   d->old_key == regf_find(p->old, e->key);
    case REGF_KEY_CHANGED: break;
    }
    return false;
}

static bool
asked_for(struct proof *p, const struct regf_diff *d)
{
    for (size_t i = 0; i < p->nedits; i++) {
        bool seen = false;

        if (!asked_by(p, &p->edits[i], d, &seen) || (seen && p->seen[i]))
            continue;
        p->seen[i] = p->seen[i] || seen;
        return true;
    }
    return false;
}

static bool
judge(void *arg, const struct regf_diff *d)
{
    struct proof *p = arg;

    if (asked_for(p, d))
        return true;
    text_fmt(&p->wrong, "%s at %s%s%s", regf_diff_name(d->kind), d->path,
        d->value != NULL ? " " : "", d->value != NULL ? d->value : "");
    return false;
}

static bool
one_done_in(const struct regf *r, const struct hive_edit *e)
{
    uint32_t key = regf_find(r, e->key);
    struct regf_value v;

    switch (e->kind) {
    case HIVE_SET:
        return key != 0 && regf_find_value(r, key, e->name, &v) && v.type == e->value.type &&
            regf_value_is(r, &v, (struct view){ e->value.data, e->value.len });
    case HIVE_DELETE: return key == 0 || !regf_find_value(r, key, e->name, &v);
    case HIVE_DELETE_KEY: break;
    }
    return key == 0;
}

static bool
done_in(const struct regf *r, const struct hive_edit *edits, size_t nedits)
{
    for (size_t i = 0; i < nedits; i++)
        if (!one_done_in(r, &edits[i]))
            return false;
    return true;
}

/* The bytes are a whole hive, and nothing else than the edits was done. */
static struct err *
prove(const struct regf *old, struct view file, const struct hive_edit *edits, size_t nedits)
{
    struct regf new;
    struct proof p = { .edits = edits, .nedits = nedits, .old = old, .new = &new };
    struct err *e = regf_open(file, old->name, &new);
    bool whole = true;

    if (e != NULL)
        return err_because(fail(HiveEditWrong, old->name, "it is damaged"), e);
    e = regf_diff(old, &new, judge, &p, &whole);
    if (e == NULL && !whole)
        e = p.wrong.s == NULL ? fail(OutOfMemory) : fail(HiveEditWrong, old->name, p.wrong.s);
    else if (e == NULL && !done_in(&new, edits, nedits))
        e = fail(HiveEditWrong, old->name, "the change is not in it");
    text_done(&p.wrong);
    return e;
}

#ifdef HAVE_HIVEX
#include <hivex.h>

enum { PROC_PATH = 40 };

static void
hivex_freep(hive_h **h)
{
    if (*h != NULL)
        (void)hivex_close(*h);
}

static struct err *
memory_file(int *ret, char path[PROC_PATH])
{
    int fd = memfd_create("hive", MFD_CLOEXEC);

    if (fd < 0)
        return fail_call("memfd_create");
    (void)snprintf(path, PROC_PATH, "/proc/self/fd/%d", fd);
    *ret = fd;
    return NULL;
}

static struct err *
fill(int fd, struct view v)
{
    for (size_t done = 0; done < v.len;) {
        ssize_t n = pwrite(fd, v.data + done, v.len - done, (off_t)done);

        if (n < 0)
            return fail(SystemCallFailed, "pwrite");
        done += (size_t)n;
    }
    return NULL;
}

static struct err *
drain(int fd, uint8_t **ret, size_t *ret_len)
{
    auto_free uint8_t *data = NULL;
    struct stat st;
    size_t len;

    if (fstat(fd, &st) != 0)
        return fail(SystemCallFailed, "fstat");
    len = (size_t)st.st_size;
    data = malloc(len + 1);
    if (data == NULL)
        return fail(OutOfMemory);
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, data + done, len - done, (off_t)done);

        if (n <= 0)
            return fail(SystemCallFailed, "pread");
        done += (size_t)n;
    }
    *ret_len = len;
    *ret = take(data);
    return NULL;
}

static struct err *
gave_up(const char *name, const char *call)
{
    return errno == ENOMEM ? fail(OutOfMemory) : fail(HiveEditFailed, name, call);
}

/* The key of that path; with ${make}, keys that are missing are made.  0 otherwise. */
static struct err *
walk(hive_h *h, const char *name, const char *path, bool make, hive_node_h *ret)
{
    hive_node_h node = hivex_root(h);

    while (*path != '\0' && node != 0) {
        size_t len = strcspn(path, "\\");
        auto_free char *part = strndup(path, len);
        hive_node_h below = 0;

        if (part == NULL)
            return fail(OutOfMemory);
        if (len > 0) {
            errno = 0;
            below = hivex_node_get_child(h, node, part);
            if (below == 0 && make)
                below = hivex_node_add_child(h, node, part);
            if (below == 0 && make)
                return gave_up(name, "hivex_node_add_child");
            node = below;
        }
        path += len + (path[len] == '\\');
    }
    *ret = node;
    return NULL;
}

static void
values_done(hive_set_value *v, size_t n)
{
    for (size_t i = 0; i < n && v != NULL; i++) {
        free(v[i].key);
        free(v[i].value);
    }
    free(v);
}

/* All values but that of the name ${skip}. */
static struct err *
keep_values(hive_h *h, hive_node_h node, const char *name, const char *skip)
{
    hive_value_h *all = hivex_node_values(h, node);
    hive_set_value *keep = NULL;
    size_t count = 0, kept = 0;
    bool bad = all == NULL;

    while (!bad && all[count] != 0)
        count++;
    keep = calloc(count + 1, sizeof *keep);
    bad = bad || keep == NULL;
    for (size_t i = 0; i < count && !bad; i++) {
        keep[kept].key = hivex_value_key(h, all[i]);
        bad = keep[kept].key == NULL;
        if (bad)
            break;
        if (strcmp(keep[kept].key, skip) == 0) {
            free(keep[kept].key);
            keep[kept].key = NULL;
            continue;
        }
        keep[kept].value = hivex_value_value(h, all[i], &keep[kept].t, &keep[kept].len);
        bad = keep[kept++].value == NULL;
    }
    bad = bad || hivex_node_set_values(h, node, kept, keep, 0) != 0;
    values_done(keep, keep == NULL ? 0 : count + 1);
    free(all);
    return bad ? gave_up(name, "hivex_node_set_values") : NULL;
}

static struct err *
apply(hive_h *h, const char *name, const struct hive_edit *e)
{
    hive_node_h node = 0;
    hive_set_value v = { .key = (char *)e->name, .t = (hive_type)e->value.type,
        .len = e->value.len, .value = (char *)e->value.data };

    TRY(walk(h, name, e->key, e->kind == HIVE_SET, &node));
    if (node == 0)
        return NULL;
    if (e->kind == HIVE_DELETE)
        return keep_values(h, node, name, e->name);
    if (e->kind == HIVE_SET && hivex_node_set_value(h, node, &v, 0) != 0)
        return gave_up(name, "hivex_node_set_value");
    if (e->kind == HIVE_DELETE_KEY && hivex_node_delete_child(h, node) != 0)
        return gave_up(name, "hivex_node_delete_child");
    return NULL;
}

static struct err *
edited(struct view file, const struct regf *old, const struct hive_edit *edits, size_t nedits,
    uint8_t **ret, size_t *ret_len)
{
    __attribute__((cleanup(hivex_freep))) hive_h *h = NULL;
    auto_fd int from = -1;
    auto_fd int to = -1;
    char from_path[PROC_PATH], to_path[PROC_PATH];

    TRY(memory_file(&from, from_path));
    TRY(memory_file(&to, to_path));
    TRY(fill(from, file));
    h = hivex_open(from_path, HIVEX_OPEN_WRITE);
    if (h == NULL)
        return gave_up(old->name, "hivex_open");
    for (size_t i = 0; i < nedits; i++)
        TRY(apply(h, old->name, &edits[i]));
    if (hivex_commit(h, to_path, 0) != 0)
        return gave_up(old->name, "hivex_commit");
    return drain(to, ret, ret_len);
}
#else
static struct err *
edited(struct view file, const struct regf *old, const struct hive_edit *edits, size_t nedits,
    uint8_t **ret, size_t *ret_len)
{
    (void)file;
    (void)edits;
    (void)nedits;
    (void)ret;
    (void)ret_len;
    return fail(HiveSupportMissing, old->name);
}
#endif

/* The value's name as it is stored, so that an edit does not change its case. */
static struct err *
stored_name(const struct regf *old, const struct hive_edit *edit, char **ret)
{
    uint32_t key = regf_find(old, edit->key);
    struct text name = { 0 };
    struct regf_value v;

    text_str(&name, "");
    if (key != 0 && regf_find_value(old, key, edit->name, &v))
        regf_name_text(&name, &v.name);
    else
        text_str(&name, edit->name);
    if (name.no_memory) {
        text_done(&name);
        return fail(OutOfMemory);
    }
    *ret = name.s;
    return NULL;
}

/* The edits with names as they are stored; the names are owned. */
struct edits {
    struct hive_edit edit[HIVE_EDITS_MAX];
    char *name[HIVE_EDITS_MAX];
};

static void
edits_done(struct edits *e)
{
    for (size_t i = 0; i < HIVE_EDITS_MAX; i++)
        free(e->name[i]);
}

static struct err *
edits_fill(struct edits *to, const struct regf *old, const struct hive_edit *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to->edit[i] = from[i];
        if (from[i].kind == HIVE_DELETE_KEY) {
            uint32_t key = regf_find(old, from[i].key);
            struct regf_key k = { 0 };

            if (key != 0)
                k = regf_key(old, key);
            if (k.nchildren > 0 || k.nvalues > 0)
                return fail(HiveKeyFull, from[i].key, old->name);
            continue;
        }
        TRY(stored_name(old, &from[i], &to->name[i]));
        to->edit[i].name = to->name[i];
    }
    return NULL;
}

struct err *
hive_edit(struct view file, const struct regf *old, const struct hive_edit *edits,
    size_t nedits, uint8_t **ret, size_t *ret_len, bool *ret_changed)
{
    __attribute__((cleanup(edits_done))) struct edits all = { 0 };
    auto_free uint8_t *data = NULL;
    size_t len = 0;

    assert(nedits >= 1 && nedits <= HIVE_EDITS_MAX);
    if (done_in(old, edits, nedits)) {
        *ret_changed = false;
        return NULL;
    }
    TRY(edits_fill(&all, old, edits, nedits));
    TRY(edited(file, old, all.edit, nedits, &data, &len));
    TRY(prove(old, (struct view){ data, len }, all.edit, nedits));
    *ret = take(data);
    *ret_len = len;
    *ret_changed = true;
    return NULL;
}
