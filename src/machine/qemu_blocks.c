/* SPDX-License-Identifier: Apache-2.0 */
/* qemu_blocks.c -- -blockdev: a graph of nodes, each an argument, that name each other.
 *
 * Nodes that nobody names are roots.  The node of a restored disk becomes that disk, and
 * nothing below it is kept; throttles and the like above it are.  A root that leads to a file
 * which can be written to, and to no restored disk, is one that the point does not have. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "machine_internal.h"

enum { DEPTH_MAX = 64, NODES_MAX = 1024 };

struct node {
    struct qarg *arg;
    struct qopt o;
    const char *name;            /* of o, or "" */
    const struct machine_disk *disk; /* it becomes this one */
    struct node *parent;         /* that names it; NULL: a root */
    struct node **below;         /* those that it names */
    size_t nbelow;
    bool file;                   /* it leads to a file or a server */
    const struct node *seen;     /* the root from which it was looked at last */
    bool kept;                   /* reached from a root that stays */
};

struct graph {
    struct qemu *q;
    struct node *node;
    size_t n;
};

static struct node *
find(const struct graph *g, const char *name)
{
    for (size_t i = 0; i < g->n && name[0] != '\0'; i++)
        if (strcmp(g->node[i].name, name) == 0)
            return &g->node[i];
    return NULL;
}

/* The node that ${item} names, NULL: it names none. */
static struct node *
child(const struct graph *g, const struct qopt_item *item)
{
    static const char *const keys[] = { "file", "backing", "data-file", "image", "raw",
        "test", "target", "top", "bottom", "base" };
    const char *dot = strrchr(item->key, '.'), *last = dot != NULL ? dot + 1 : item->key;

    if (strncmp(item->key, "children.", strlen("children.")) == 0)
        return find(g, item->value);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(keys[i], last) == 0)
            return find(g, item->value);
    return NULL;
}

static bool
ends_with(const char *key, const char *end)
{
    size_t len = strlen(key), n = strlen(end);

    return len >= n && strcmp(key + len - n, end) == 0;
}

static bool
is_place(const char *key)
{
    static const char *const ends[] = { "filename", "server.path", "host", "url", "image" };

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (ends_with(key, ends[i]))
            return true;
    return false;
}

static struct err *
name_children(const struct graph *g, struct node *parent)
{
    parent->below = calloc(parent->o.n + 1, sizeof(struct node *));
    if (parent->below == NULL)
        return fail(OutOfMemory);
    for (size_t k = 0; k < parent->o.n; k++) {
        const struct qopt_item *item = &parent->o.item[k];
        struct node *n = child(g, item);

        parent->file = parent->file || (n == NULL && is_place(item->key));
        if (n == NULL || n == parent)
            continue;
        parent->below[parent->nbelow++] = n;
        if (n->parent == NULL)
            n->parent = parent;
    }
    return NULL;
}

static struct err *
read_nodes(struct graph *g)
{
    struct qargs *args = &g->q->args;

    g->node = calloc(args->n + 1, sizeof(*g->node));
    if (g->node == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < args->n; i++) {
        struct node *n = &g->node[g->n];
        bool is = false;

        if (qarg_is(&args->arg[i], "blockdev"))
            TRY(qemu_parse(&args->arg[i], "driver", &n->o, &is));
        if (!is)
            continue;
        if (g->n == NODES_MAX)
            return fail(DefinitionUnclear, g->q->p->machine, "it has more than 1024 -blockdev");
        n->arg = &args->arg[i];
        n->name = qopt_get(&n->o, "node-name");
        if (n->name == NULL)
            n->name = "";
        g->n++;
    }
    for (size_t i = 0; i < g->n; i++)
        TRY(name_children(g, &g->node[i]));
    return NULL;
}

/* ---- which node is which disk ---- */

/* The root above the node that has the disk's file. */
static struct err *
by_file(const struct graph *g, const char *file, struct node **ret)
{
    for (size_t i = 0; i < g->n && *ret == NULL; i++)
        for (size_t k = 0; k < g->node[i].o.n && *ret == NULL; k++) {
            const struct qopt_item *item = &g->node[i].o.item[k];
            bool same = false;

            if (ends_with(item->key, "filename"))
                TRY(qemu_same_file(g->q, item->value, file, &same));
            if (same)
                *ret = &g->node[i];
        }
    for (int depth = 0; *ret != NULL && (*ret)->parent != NULL && depth < DEPTH_MAX; depth++)
        *ret = (*ret)->parent;
    return NULL;
}

/* What passes everything on stays. */
static struct node *
below_filters(const struct graph *g, struct node *n)
{
    for (int depth = 0; depth < DEPTH_MAX; depth++) {
        const char *driver = qopt_get(&n->o, "driver"), *file = qopt_get(&n->o, "file");
        struct node *next = file != NULL ? find(g, file) : NULL;

        if (next == NULL || driver == NULL ||
            (strcmp(driver, "throttle") != 0 && strcmp(driver, "copy-on-read") != 0))
            break;
        n = next;
    }
    return n;
}

static struct err *
place_disk(const struct graph *g, struct machine_disk *d)
{
    struct node *n = d->node != NULL ? find(g, d->node) : NULL;

    if (n == NULL && d->file != NULL)
        TRY(by_file(g, d->file, &n));
    if (n == NULL)
        return NULL;
    n = below_filters(g, n);
    if (n->disk == NULL) {
        n->disk = d;
        d->used = true;
    }
    return NULL;
}

/* ---- what stays ---- */

/* Does what lies below ${n} hold a restored disk, or a file that can be written to? */
static void
look_below(struct node *n, const struct node *root, int depth, bool *disk, bool *file)
{
    n->seen = root;
    *disk = *disk || n->disk != NULL;
    *file = *file || n->file;
    for (size_t i = 0; i < n->nbelow && depth < DEPTH_MAX && !*disk; i++)
        if (n->below[i]->seen != root)
            look_below(n->below[i], root, depth + 1, disk, file);
}

static void
keep(struct node *n, int depth)
{
    if (n->kept || depth > DEPTH_MAX)
        return;
    n->kept = true;
    for (size_t i = 0; n->disk == NULL && i < n->nbelow; i++)
        keep(n->below[i], depth + 1);
}

static struct err *
keep_roots(const struct graph *g)
{
    for (size_t i = 0; i < g->n; i++) {
        struct node *n = &g->node[i];
        bool disk = false, file = false;

        if (n->parent != NULL)
            continue;
        look_below(n, n, 0, &disk, &file);
        if (disk || !file || qopt_is_on(&n->o, "read-only"))
            keep(n, 0);
        else
            TRY(strings_add(&g->q->absent, n->name));
    }
    return NULL;
}

struct err *
qemu_disk_value(const char *start, const char *file_key, const char *format_key,
    const struct machine_disk *d, char **ret)
{
    struct text t = { 0 };

    text_str(&t, start);
    text_fmt(&t, "%s%s=%s,%s=", t.len > 0 ? "," : "", format_key, d->format, file_key);
    qopt_escape(&t, d->path);
    if (t.no_memory) {
        text_done(&t);
        return fail(OutOfMemory);
    }
    *ret = t.s;
    return NULL;
}

static struct err *
become(struct node *n)
{
    static const char *const stay[] = { "discard", "detect-zeroes", "cache.direct",
        "cache.no-flush" };
    struct text start = { 0 };
    auto_free char *value = NULL;

    text_str(&start, "node-name=");
    qopt_escape(&start, n->name);
    for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++) {
        const char *is = qopt_get(&n->o, stay[i]);

        if (is == NULL)
            continue;
        text_fmt(&start, ",%s=", stay[i]);
        qopt_escape(&start, is);
    }
    text_str(&start, ",file.driver=file");
    struct err *e = start.no_memory ? fail(OutOfMemory)
                                    : qemu_disk_value(start.s, "file.filename", "driver",
                                          n->disk, &value);
    text_done(&start);
    TRY(e);
    return qarg_set(n->arg, "blockdev", value);
}

static struct err *
rewrite(struct graph *g)
{
    TRY(read_nodes(g));
    for (size_t i = 0; i < g->q->p->ndisks; i++)
        TRY(place_disk(g, &g->q->p->disks[i]));
    TRY(keep_roots(g));
    for (size_t i = 0; i < g->n; i++) {
        struct node *n = &g->node[i];

        if (n->kept && n->disk != NULL)
            TRY(become(n));
        else if (!n->kept)
            n->arg->gone = true;
    }
    return NULL;
}

struct err *
qemu_blocks(struct qemu *q)
{
    struct graph g = { .q = q };
    struct err *e = rewrite(&g);

    for (size_t i = 0; g.node != NULL && i < q->args.n; i++) {
        qopt_done(&g.node[i].o);
        free(g.node[i].below);
    }
    free(g.node);
    return e;
}
