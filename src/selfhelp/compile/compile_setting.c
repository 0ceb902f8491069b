/* SPDX-License-Identifier: Apache-2.0 */
/* Prose about a setting in a file ("add the line KEY=VALUE to FILE", "set KEY to VALUE in FILE"
 * with both marked) and about a component that must have a version or a newer one.
 *
 * A setting needs its file in full, by a name that says its format, and for an ini file the
 * section.  A component must be one that firn can ask for. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

/* ---- files ---- */

static bool
ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n > m && strcasecmp(s + n - m, end) == 0;
}

/* The format of a configuration file by its name; NULL: none that firn edits. */
static const char *
format_of(const char *path)
{
    return ends_with(path, ".ini") ? "ini"
        : ends_with(path, ".conf") || ends_with(path, ".cfg") ? "conf" : NULL;
}

/* A file in full at word ${i}, of either system; *ret_end is the word after it.  To be freed;
 * NULL when there is none. */
static char *
file_at(const struct sentence *s, size_t i, size_t *ret_end)
{
    const char *t = word_at(s, i);
    size_t len = word_len(s, i);

    if (len > 4 && t[0] == '/' && t[1] != '/' && memchr(t + 1, '/', len - 1) != NULL) {
        *ret_end = i + 1;
        return strndup(t, len);
    }
    return path_at(s, i, ret_end);
}

/* The only configuration file of the sentence; NULL: none, several, or not in full. */
static char *
config_file(const struct sentence *s)
{
    auto_free char *found = NULL;

    for (size_t i = 0; i < s->nwords;) {
        size_t end = i + 1;
        auto_free char *path = file_at(s, i, &end);

        if (path != NULL && (has_placeholder(path, strlen(path)) || strpbrk(path, "*?[]") ||
                                typographic(path, strlen(path)) != NULL))
            return NULL;
        if (path != NULL && found != NULL && strcmp(found, path) != 0)
            return NULL;
        if (path != NULL && found == NULL)
            found = take(path);
        i = end > i ? end : i + 1;
    }
    return found != NULL && format_of(found) != NULL ? take(found) : NULL;
}

/* ---- settings ---- */

struct setting {
    const char *key, *value, *section;
    size_t key_len, value_len, section_len;
    size_t to; /* the word after it */
};

static bool
is_key(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z') &&
            !(s[i] >= '0' && s[i] <= '9') && strchr("._-", s[i]) == NULL)
            return false;
    return len > 1 && len < 80 && !name_is_generic(s, len);
}

static bool
is_section(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (strchr("[]<>{}$*?%=\"'\n\r", s[i]) != NULL)
            return false;
    return len > 0 && len < 80;
}

static bool
is_value(const char *s, size_t len)
{
    return len > 0 && len < 200 && !has_placeholder(s, len) && typographic(s, len) == NULL &&
        (len < 4 || !name_is_generic(s, len)) && memchr(s, '\n', len) == NULL &&
        memchr(s, '$', len) == NULL && memchr(s, '=', len) == NULL &&
        !in_list(s, len, "value|number|the|your|this|...|xxx|xx|path|name|yourvalue");
}

/* "KEY=VALUE" or "KEY = VALUE" in one word: code, or what has no blanks. */
static bool
pair_at(const struct sentence *s, size_t i, struct setting *ret)
{
    const char *t = word_at(s, i), *sign;
    size_t len = word_len(s, i), k, v;

    sign = memchr(t, '=', len);
    if (sign == NULL)
        return false;
    k = (size_t)(sign - t);
    while (k > 0 && t[k - 1] == ' ')
        k--;
    for (v = (size_t)(sign - t) + 1; v < len && t[v] == ' ';)
        v++;
    *ret = (struct setting){ .key = t, .key_len = k, .value = t + v, .value_len = len - v,
        .to = i + 1 };
    return is_key(t, k) && is_value(t + v, len - v);
}

/* "the following line to FILE: KEY=VALUE" */
static bool
pair_behind(const struct sentence *s, size_t i, struct setting *ret)
{
    for (size_t k = i + 1; has_word(s, 0, i, "following") && k < s->nwords; k++)
        if (s->word[k - 1].after == ':')
            return pair_at(s, k, ret);
    return false;
}

static bool
is_marked(const struct sentence *s, size_t i)
{
    return i < s->nwords &&
        ((s->word[i].mark & (FLAT_CODE | FLAT_BOLD)) != 0 || s->word[i].before == '"');
}

/* "KEY to VALUE", where nobody takes the words for those of a sentence. */
static bool
words_at(const struct sentence *s, size_t i, struct setting *ret)
{
    size_t to = i + 1;

    while (word_is(s, to, "option|parameter|setting|value|key"))
        to++;
    if (!is_marked(s, i) || !word_is(s, to, "to") || to + 1 >= s->nwords)
        return false;
    *ret = (struct setting){ .key = word_at(s, i), .key_len = word_len(s, i),
        .value = word_at(s, to + 1), .value_len = word_len(s, to + 1), .to = to + 2 };
    return is_key(ret->key, ret->key_len) && is_value(ret->value, ret->value_len) &&
        (is_marked(s, to + 1) ||
            (strspn(ret->value, "0123456789") >= ret->value_len &&
                (to + 2 >= s->nwords || word_is(s, to + 2, "in|under|of|and"))));
}

/* "[NAME]", or "section NAME" / "NAME section" where the name is marked. */
static void
find_section(const struct sentence *s, struct setting *st)
{
    for (size_t i = 0; i < s->nwords && st->section == NULL; i++) {
        const char *t = word_at(s, i);
        size_t len = word_len(s, i);

        if (len > 2 && t[0] == '[' && t[len - 1] == ']') {
            st->section = t + 1;
            st->section_len = len - 2;
        } else if (s->word[i].before == '[' && s->word[i].after == ']') {
            st->section = t;
            st->section_len = len;
        } else if (word_is(s, i, "section") && is_marked(s, i + 1) &&
            !word_is(s, i + 1, "to|of|in")) {
            st->section = word_at(s, i + 1);
            st->section_len = word_len(s, i + 1);
        } else if (word_is(s, i + 1, "section") && is_marked(s, i)) {
            st->section = t;
            st->section_len = len;
        }
    }
}

static void
emit_setting(struct finds *l, const struct sentence *s, size_t from, const char *file,
    const struct setting *st)
{
    const char *format = format_of(file);
    struct find *f;

    if (st->section != NULL && strcmp(format, "conf") == 0)
        format = "ini"; /* a file with sections, whatever its name */
    if (strcmp(format, "ini") == 0 &&
        (st->section == NULL || !is_section(st->section, st->section_len)))
        return;
    f = find_words(l, s, from, st->to, "config.set");
    if (f == NULL)
        return;
    find_put(l, f, "file", file, strlen(file));
    find_put(l, f, "format", format, strlen(format));
    if (st->section != NULL && strcmp(format, "ini") == 0)
        find_put(l, f, "section", st->section, st->section_len);
    find_put(l, f, "key", st->key, st->key_len);
    find_put(l, f, "value", st->value, st->value_len);
}

void
find_setting(struct finds *l, const struct sentence *s)
{
    auto_free char *file = NULL;

    if (!has_word(s, 0, s->nwords, "set|add|change|put|configure") ||
        done_by_hand(s))
        return;
    file = config_file(s);
    if (file == NULL)
        return;
    for (size_t i = 0; i < s->nwords; i++) {
        struct setting st;
        size_t k = i + 1;

        if (!word_is(s, i, "set|add|change|put|configure") || !is_imperative(s, i))
            continue;
        while (word_is(s, k, "the|following|line|setting|option|parameter|entry|value|key"))
            k++;
        if (k >= s->nwords || (!pair_at(s, k, &st) && !words_at(s, k, &st) &&
                                  !pair_behind(s, k, &st)))
            continue;
        find_section(s, &st);
        emit_setting(l, s, i, file, &st);
        return;
    }
}

/* ---- versions ---- */

/* What firn can ask the version of, and how people call it. */
static const struct {
    const char *words, *component;
} components[] = {
    { "qemu guest agent", "qemu-guest-agent" }, { "qemu-guest-agent", "qemu-guest-agent" },
    { "qemu-ga", "qemu-guest-agent" }, { "azure linux agent", "walinuxagent" },
    { "linux guest agent", "walinuxagent" }, { "walinuxagent", "walinuxagent" },
    { "waagent", "walinuxagent" }, { "openssl", "openssl" }, { "systemd", "systemd" },
    { "dpkg", "dpkg" }, { "python3", "python3" },
};

static bool
is_version(const struct sentence *s, size_t i)
{
    const char *t = word_at(s, i);
    size_t len = i < s->nwords ? word_len(s, i) : 0;
    bool dot = false;

    for (size_t k = 0; k < len; k++) {
        if ((t[k] < '0' || t[k] > '9') && t[k] != '.')
            return false;
        dot |= t[k] == '.';
    }
    return dot && len > 2 && len < 40 && t[0] != '.' && t[len - 1] != '.';
}

/* Do the words after the version at ${i} say that a newer one is as good? */
static bool
or_newer(const struct sentence *s, size_t i, size_t *ret_to)
{
    if ((word_is(s, i + 1, "or|and") &&
            word_is(s, i + 2, "later|higher|newer|above|greater|up"))) {
        *ret_to = i + 3;
        return true;
    }
    *ret_to = i + 1;
    return i >= 2 && (words_are(s, i - 2, "at least") > 0 ||
                         (i >= 3 && words_are(s, i - 3, "at least version") > 0));
}

static const char *
component_in(const struct sentence *s, size_t from, size_t to)
{
    for (size_t c = 0; c < sizeof(components) / sizeof(components[0]); c++)
        for (size_t i = from; i < to; i++) {
            size_t n = words_are(s, i, components[c].words);

            if (n > 0 && i + n <= to)
                return components[c].component;
        }
    return NULL;
}

/* "Make sure that the QEMU guest agent is version 5.2 or later": it looks, and changes
 * nothing.  "Update it to ..." is more than that and stays for a person. */
void
find_version(struct finds *l, const struct sentence *s)
{
    if (!has_word(s, 0, s->nwords, "version|least"))
        return;
    for (size_t i = 0; i < s->nwords; i++) {
        const char *component;
        size_t to = 0, at = i + 1;
        struct find *f;

        if (!(word_is(s, i, "check|verify|ensure|confirm|validate") ||
                words_are(s, i, "make sure") > 0) ||
            !is_imperative(s, i))
            continue;
        while (at < s->nwords && !is_version(s, at))
            at++;
        if (at >= s->nwords || !or_newer(s, at, &to) ||
            has_word(s, i, at, "not|update|upgrade|install|if|unless|kernel|extension"))
            return;
        component = component_in(s, i, s->nwords);
        if (component == NULL)
            return;
        f = find_words(l, s, i, to, "version.at_least");
        if (f == NULL)
            return;
        find_put(l, f, "component", component, strlen(component));
        find_put(l, f, "version", word_at(s, at), word_len(s, at));
        f->look = true;
        return;
    }
}
