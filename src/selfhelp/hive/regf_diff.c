/* SPDX-License-Identifier: Apache-2.0 */
/* Both trees are walked side by side.  Names of one key are sorted on either side and then
 * merged, so the walk takes n log n.  It goes as deep as keys lie below each other, which
 * regf_open has bounded. */
#include <stdlib.h>

#include "auto.h"
#include "codes.h"
#include "regf_diff.h"

struct diff {
    const struct regf *old, *new;
    regf_diff_fn *each;
    void *arg;
    bool on; /* until ${each} has had enough */
    struct text path;
};

struct item {
    struct regf_name name;
    uint32_t key;            /* of a key */
    struct regf_value value; /* of a value */
};

struct items {
    struct item *item;
    size_t count;
};

static void
items_done(struct items *l)
{
    free(l->item);
}
#define auto_items __attribute__((cleanup(items_done))) struct items

static int
by_name(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = regf_name_compare(&x->name, &y->name, true);

    return order != 0 ? order : regf_name_compare(&x->name, &y->name, false);
}

static struct err *
items_new(struct items *l, size_t count)
{
    l->count = count;
    if (count == 0)
        return NULL;
    l->item = calloc(count, sizeof *l->item);
    return l->item == NULL ? fail(OutOfMemory) : NULL;
}

static struct err *
items_keys(struct items *l, const struct regf *r, uint32_t key)
{
    auto_free uint32_t *keys = NULL;

    TRY(items_new(l, key == 0 ? 0 : regf_key(r, key).nchildren));
    if (l->count == 0)
        return NULL;
    keys = calloc(l->count, sizeof *keys);
    if (keys == NULL)
        return fail(OutOfMemory);
    regf_children(r, key, keys);
    for (size_t i = 0; i < l->count; i++)
        l->item[i] = (struct item){ .name = regf_key(r, keys[i]).name, .key = keys[i] };
    qsort(l->item, l->count, sizeof *l->item, by_name);
    return NULL;
}

static struct err *
items_values(struct items *l, const struct regf *r, uint32_t key)
{
    TRY(items_new(l, key == 0 ? 0 : regf_key(r, key).nvalues));
    for (size_t i = 0; i < l->count; i++) {
        l->item[i].value = regf_value(r, key, (uint32_t)i);
        l->item[i].name = l->item[i].value.name;
    }
    if (l->count > 1)
        qsort(l->item, l->count, sizeof *l->item, by_name);
    return NULL;
}

static struct err *
tell(struct diff *d, enum regf_diff_kind kind, const struct regf_name *value, uint32_t old,
    uint32_t new)
{
    __attribute__((cleanup(text_done))) struct text name = { 0 };
    struct regf_diff one = { .kind = kind, .path = d->path.s, .old_key = old, .new_key = new };

    if (value != NULL) {
        text_str(&name, "");
        regf_name_text(&name, value);
        one.value = name.s;
    }
    if (name.no_memory || d->path.no_memory || (value != NULL && name.s == NULL))
        return fail(OutOfMemory);
    d->on = d->each(d->arg, &one);
    return NULL;
}

static bool
views_equal(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool
value_same(const struct diff *d, const struct regf_value *a, const struct regf_value *b)
{
    if (a->type != b->type || a->len != b->len ||
        regf_name_compare(&a->name, &b->name, false) != 0)
        return false;
    for (uint32_t done = 0; done < a->len;) {
        struct view x = regf_value_piece(d->old, a, done);
        struct view y = regf_value_piece(d->new, b, done);
        size_t n = x.len < y.len ? x.len : y.len;

        if (memcmp(x.data, y.data, n) != 0)
            return false;
        done += (uint32_t)n;
    }
    return true;
}

/* Which of two sorted lists has the next name?  Less than 0: only the first, 0: both. */
static int
next_of(const struct items *a, size_t i, const struct items *b, size_t j)
{
    if (i == a->count)
        return 1;
    return j == b->count ? -1 : regf_name_compare(&a->item[i].name, &b->item[j].name, true);
}

static struct err *
diff_values(struct diff *d, uint32_t old, uint32_t new)
{
    auto_items a = { 0 };
    auto_items b = { 0 };
    size_t i = 0, j = 0;

    TRY(items_values(&a, d->old, old));
    TRY(items_values(&b, d->new, new));
    while (d->on && (i < a.count || j < b.count)) {
        int order = next_of(&a, i, &b, j);

        if (order < 0) {
            TRY(tell(d, REGF_VALUE_REMOVED, &a.item[i].name, old, new));
        } else if (order > 0) {
            TRY(tell(d, REGF_VALUE_ADDED, &b.item[j].name, old, new));
        } else if (!value_same(d, &a.item[i].value, &b.item[j].value)) {
            TRY(tell(d, REGF_VALUE_CHANGED, &b.item[j].name, old, new));
        }
        i += order <= 0;
        j += order >= 0;
    }
    return NULL;
}

static struct err *
diff_head(struct diff *d, uint32_t old, uint32_t new)
{
    struct regf_key a, b;

    if (old == 0)
        return tell(d, REGF_KEY_ADDED, NULL, old, new);
    if (new == 0)
        return tell(d, REGF_KEY_REMOVED, NULL, old, new);
    a = regf_key(d->old, old);
    b = regf_key(d->new, new);
    if (a.flags != b.flags || regf_name_compare(&a.name, &b.name, false) != 0 ||
        !views_equal(a.class, b.class) || !views_equal(a.security, b.security))
        return tell(d, REGF_KEY_CHANGED, NULL, old, new);
    return a.time != b.time ? tell(d, REGF_KEY_TOUCHED, NULL, old, new) : NULL;
}

static struct err *diff_children(struct diff *d, uint32_t old, uint32_t new);

static struct err *
diff_key(struct diff *d, const struct regf_name *name, uint32_t old, uint32_t new)
{
    size_t len = d->path.len;

    text_str(&d->path, len > 0 ? "\\" : "");
    if (name != NULL)
        regf_name_text(&d->path, name);
    if (d->path.no_memory || d->path.s == NULL)
        return fail(OutOfMemory);
    TRY(diff_head(d, old, new));
    if (d->on)
        TRY(diff_values(d, old, new));
    if (d->on)
        TRY(diff_children(d, old, new));
    d->path.len = len;
    d->path.s[len] = '\0';
    return NULL;
}

static struct err *
diff_children(struct diff *d, uint32_t old, uint32_t new)
{
    auto_items a = { 0 };
    auto_items b = { 0 };
    size_t i = 0, j = 0;

    TRY(items_keys(&a, d->old, old));
    TRY(items_keys(&b, d->new, new));
    while (d->on && (i < a.count || j < b.count)) {
        int order = next_of(&a, i, &b, j);

        TRY(diff_key(d, order <= 0 ? &a.item[i].name : &b.item[j].name,
            order <= 0 ? a.item[i].key : 0, order >= 0 ? b.item[j].key : 0));
        i += order <= 0;
        j += order >= 0;
    }
    return NULL;
}

struct err *
regf_diff(const struct regf *old, const struct regf *new, regf_diff_fn *each, void *arg,
    bool *ret_whole)
{
    struct diff d = { .old = old, .new = new, .each = each, .arg = arg, .on = true };
    struct err *e = diff_key(&d, NULL, old->root, new->root);

    text_done(&d.path);
    if (e == NULL && ret_whole != NULL)
        *ret_whole = d.on;
    return e;
}

const char *
regf_diff_name(enum regf_diff_kind kind)
{
    static const char *const name[] = { "key added", "key removed", "key changed",
        "key touched", "value added", "value removed", "value changed" };

    return name[kind];
}
