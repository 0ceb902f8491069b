/* SPDX-License-Identifier: Apache-2.0 */
/* target_value.c -- what targets hand out: registry values, services, versions, and the
 * searches that need no more than the primitive calls. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "codes.h"
#include "target.h"
#include "text.h"
#include "utf8.h"

void
target_value_done(struct target_value *v)
{
    free(v->data);
    *v = (struct target_value){ 0 };
}

void
target_names_free(char **names)
{
    for (size_t i = 0; names != NULL && names[i] != NULL; i++)
        free(names[i]);
    free(names);
}

void
target_service_done(struct target_service *s)
{
    free(s->image);
    free(s->account);
    free(s->display);
    target_names_free(s->depends);
    *s = (struct target_service){ 0 };
}

void
target_load_done(struct target_load *l)
{
    free(l->words);
    free(l->missing);
    *l = (struct target_load){ 0 };
}

bool
target_value_equal(const struct target_value *a, const struct target_value *b)
{
    return a->type == b->type && a->len == b->len &&
        (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

bool
target_value_number(const struct target_value *v, uint64_t *ret)
{
    size_t len = v->type == TARGET_REG_DWORD ? 4 : v->type == TARGET_REG_QWORD ? 8 : 0;

    if (len == 0 || v->len != len)
        return false;
    *ret = get_le(v->data, (unsigned)len);
    return true;
}

/* The NUL at the end may be missing, as the registry allows; an inner one ends the text. */
bool
target_value_text(const struct target_value *v, char **ret)
{
    struct rd r = rd_from(v->data, v->len);
    size_t n = 0;
    auto_free char *s = NULL;

    if ((v->type != TARGET_REG_SZ && v->type != TARGET_REG_EXPAND_SZ) || v->len % 2 != 0)
        return false;
    s = malloc(v->len * 2 + 1);
    if (s == NULL)
        return false;
    while (rd_left(&r) >= 2) {
        uint32_t c = rd_u16(&r);

        if (c == 0)
            break;
        if (c >= 0xd800 && c < 0xdc00 && rd_left(&r) >= 2) {
            uint32_t low = rd_u16(&r);

            if (low < 0xdc00 || low > 0xdfff)
                return false;
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        } else if (c >= 0xd800 && c <= 0xdfff) {
            return false;
        }
        n += utf8_put(s + n, c);
    }
    s[n] = '\0';
    *ret = take(s);
    return true;
}

struct err *
target_value_of_number(uint32_t type, uint64_t n, struct target_value *ret)
{
    unsigned len = type == TARGET_REG_QWORD ? 8 : 4;
    uint8_t *data;

    if ((type != TARGET_REG_DWORD && type != TARGET_REG_QWORD) ||
        (len == 4 && n > UINT32_MAX))
        return fail(InputInvalid, "a registry value", "the number does not fit its type");
    data = malloc(len);
    if (data == NULL)
        return fail(OutOfMemory);
    put_le(data, n, len);
    *ret = (struct target_value){ type, data, len };
    return NULL;
}

/* The character at *s, which moves on; UINT32_MAX when it is not UTF-8. */
static uint32_t
next_char(const char **s)
{
    const unsigned char *p = (const unsigned char *)*s;
    unsigned more = p[0] < 0x80 ? 0 : p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : 1;
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    uint32_t c = more == 0 ? p[0] : p[0] & (0x3fU >> more);

    if (p[0] >= 0x80 && (p[0] < 0xc2 || p[0] > 0xf4))
        return UINT32_MAX;
    for (unsigned i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return UINT32_MAX;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return UINT32_MAX;
    *s += more + 1;
    return c;
}

struct err *
target_value_of_text(uint32_t type, const char *s, struct target_value *ret)
{
    size_t len = strlen(s), n = 0;
    auto_free uint8_t *data = NULL;

    if (len > TARGET_VALUE_MAX / 4)
        return fail(InputInvalid, "a registry value", "it is too long");
    data = malloc(2 * len + 2);
    if (data == NULL)
        return fail(OutOfMemory);
    while (*s != '\0') {
        uint32_t c = next_char(&s);

        if (c == UINT32_MAX)
            return fail(InputInvalid, "a registry value", "it is not UTF-8");
        if (c >= 0x10000) {
            put_le(data + n, 0xd800 + ((c - 0x10000) >> 10), 2);
            n += 2;
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        put_le(data + n, c, 2);
        n += 2;
    }
    put_le(data + n, 0, 2);
    *ret = (struct target_value){ type, take(data), n + 2 };
    return NULL;
}

/* ---- versions ---- */

enum { VERSION_PARTS = 8, VERSION_DIGITS = 18 };

/* Numbers with dots between them: 1.0.9120.0.  Returns how many, 0 when it is none. */
static size_t
version_parts(const char *s, uint64_t part[VERSION_PARTS])
{
    size_t n = 0;

    while (n < VERSION_PARTS) {
        size_t digits = strspn(s, "0123456789");

        if (digits == 0 || digits > VERSION_DIGITS)
            return 0;
        part[n] = 0;
        for (size_t i = 0; i < digits; i++)
            part[n] = part[n] * 10 + (uint64_t)(s[i] - '0');
        n++;
        s += digits;
        if (*s == '\0')
            return n;
        if (*s++ != '.')
            return 0;
    }
    return 0;
}

bool
target_version_compare(const char *a, const char *b, int *ret)
{
    uint64_t pa[VERSION_PARTS] = { 0 }, pb[VERSION_PARTS] = { 0 };
    size_t na = version_parts(a, pa), nb = version_parts(b, pb);

    if (na == 0 || nb == 0)
        return false;
    *ret = 0;
    for (size_t i = 0; i < VERSION_PARTS && *ret == 0; i++) {
        uint64_t va = i < na ? pa[i] : 0, vb = i < nb ? pb[i] : 0;

        *ret = va < vb ? -1 : va > vb;
    }
    return true;
}

static char
separator(const struct target *t)
{
    return t->os == ACTION_WINDOWS ? '\\' : '/';
}

/* The highest version among the names; NULL when none is one. */
static char *
highest(char *const *names)
{
    char *best = NULL;
    int order;

    for (size_t i = 0; names[i] != NULL; i++)
        if (target_version_compare(names[i], best == NULL ? "0" : best, &order) &&
            (best == NULL || order > 0))
            best = names[i];
    return best;
}

/* Is there a folder of that name in ${folder} (a file may have a version's name, too), and
 * does it hold a package, by its handler's manifest? */
static struct err *
look_at_version(struct target *t, const char *folder, const char *name, bool *ret_folder,
    bool *ret_package)
{
    auto_free char *path = NULL;
    char **names = NULL;

    *ret_package = false;
    if (asprintf(&path, "%s%c%s", folder, separator(t), name) < 0) {
        path = NULL;
        return fail(OutOfMemory);
    }
    TRY(target_file_list(t, path, &names, ret_folder));
    for (size_t i = 0; *ret_folder && names[i] != NULL; i++)
        *ret_package = *ret_package || strcasecmp(names[i], "HandlerManifest.json") == 0;
    if (*ret_folder)
        target_names_free(names);
    return NULL;
}

/* The highest version that is a package.  What an update left behind has a version's name and
 * no manifest; it counts only where nothing has one. */
static struct err *
newest_of(struct target *t, const char *folder, char **names, char **ret)
{
    auto_free char *bare = NULL;
    char *best;

    while ((best = highest(names)) != NULL) {
        bool is_folder, is_package;

        TRY(look_at_version(t, folder, best, &is_folder, &is_package));
        if (is_package || (is_folder && bare == NULL)) {
            char *name = strdup(best);

            if (name == NULL)
                return fail(OutOfMemory);
            if (is_package) {
                *ret = name;
                return NULL;
            }
            bare = name;
        }
        best[0] = '\0'; /* no version any more */
    }
    *ret = take(bare);
    return NULL;
}

static struct err *
newest_in(struct target *t, const char *folder, char **ret)
{
    char **names = NULL;
    struct err *e = NULL;
    bool found;

    *ret = NULL;
    TRY(target_file_list(t, folder, &names, &found));
    if (found) {
        e = newest_of(t, folder, names, ret);
        target_names_free(names);
    }
    return e;
}

struct err *
target_latest(struct target *t, const char *path, char **ret_path)
{
    auto_free char *now = strdup(path);
    const size_t mark_len = strlen(ACTION_LATEST);
    char *mark;

    if (now == NULL)
        return fail(OutOfMemory);
    while ((mark = strcasestr(now, ACTION_LATEST)) != NULL) {
        auto_free char *folder = strndup(now, (size_t)(mark - now));
        auto_free char *name = NULL;
        char *joined;
        size_t n = folder == NULL ? 0 : strlen(folder);

        if (folder == NULL)
            return fail(OutOfMemory);
        while (n > 1 && folder[n - 1] == separator(t))
            folder[--n] = '\0';
        TRY(newest_in(t, folder, &name));
        if (name == NULL) {
            *ret_path = NULL;
            return NULL;
        }
        if (asprintf(&joined, "%s%c%s%s", folder, separator(t), name, mark + mark_len) < 0)
            return fail(OutOfMemory);
        free(now);
        now = joined;
    }
    *ret_path = take(now);
    return NULL;
}

struct err *
target_exists(struct target *t, const char *path, bool *ret_found)
{
    const char *last = strrchr(path, separator(t));
    auto_free char *folder = NULL;
    char **names = NULL;
    bool listed, found = false;

    if (last == NULL || last[1] == '\0')
        return fail(InputInvalid, "the path of a file", "it names no file in a folder");
    bool root = last == path || last[-1] == ':'; /* "/" and "C:\\" keep their slash */

    folder = strndup(path, (size_t)(last - path) + root);
    if (folder == NULL)
        return fail(OutOfMemory);
    TRY(target_file_list(t, folder, &names, &listed));
    for (size_t i = 0; listed && names[i] != NULL; i++)
        if (t->os == ACTION_WINDOWS ? strcasecmp(names[i], last + 1) == 0
                                    : strcmp(names[i], last + 1) == 0)
            found = true;
    if (listed)
        target_names_free(names);
    *ret_found = found;
    return NULL;
}
