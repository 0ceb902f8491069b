/* SPDX-License-Identifier: Apache-2.0 */
/* A walk through the registry editor: "Locate the following subkey", "New > DWORD Value",
 * "Type NAME", "Right-click NAME, and then click Modify", "Click Decimal, type 15", or the
 * same as a list ("Value name:", "Data type:", "Value data:").  Each sentence may hold nothing
 * but words of the editor, beside the one name, the key or the number; the sentence that gives
 * the data becomes the step.  What it is set to has to be sure: the editor takes numbers as
 * hexadecimal ones where nobody says otherwise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "compile_internal.h"
#include "number.h"

static const char *const editor[26] = {
    ['a' - 'a'] = "a|add|an|and|area|as",
    ['b' - 'a'] = "base|bit|box|browse|button|by",
    ['c' - 'a'] = "called|change|changes|choose|click|close",
    ['d' - 'a'] = "data|decimal|details|dialog|double-click|dword",
    ['e' - 'a'] = "edit|editor|enter|entry|exit|expand",
    ['f' - 'a'] = "field|find|following|for",
    ['g' - 'a'] = "go",
    ['h' - 'a'] = "hexadecimal",
    ['i' - 'a'] = "in|it",
    ['k' - 'a'] = "key|keys",
    ['l' - 'a'] = "locate",
    ['m' - 'a'] = "menu|modify",
    ['n' - 'a'] = "name|named|navigate|new|next",
    ['o' - 'a'] = "of|ok|on|open",
    ['p' - 'a'] = "pane|path|point|press",
    ['q' - 'a'] = "quit|qword",
    ['r' - 'a'] = "regedit|regedit.exe|regedt32|regedt32.exe|registry|return|right|right-click|"
                  "right-hand|run",
    ['s' - 'a'] = "save|select|set|side|start|string|subkey|subkeys",
    ['t' - 'a'] = "that|the|then|this|to|type",
    ['u' - 'a'] = "under|using",
    ['v' - 'a'] = "value|values",
    ['w' - 'a'] = "window|with",
    ['y' - 'a'] = "you|your",
};

/* What one sentence of a walk holds besides. */
struct step {
    char *key;     /* owned */
    size_t name;   /* SIZE_MAX: none */
    size_t number; /* SIZE_MAX: none */
    size_t words;  /* that are no key */
};

static void
walk_clear(struct compiler *c, bool key)
{
    free(take(c->walk.name));
    c->walk.type = NULL;
    c->walk.decimal = c->walk.hex = c->walk.wait = false;
    if (key)
        free(take(c->walk.key));
}

void
walk_done(struct compiler *c)
{
    walk_clear(c, true);
}

static bool
is_data(const struct sentence *s, size_t i)
{
    const char *low = s->f->low + s->word[i].from;
    size_t n = word_len(s, i), from = n > 2 && low[0] == '0' && low[1] == 'x' ? 2 : 0;

    return n - from > 0 && n < 12 &&
        strspn(low + from, from > 0 ? "0123456789abcdef" : "0123456789") >= n - from;
}

/* A name as values have: one word, in letters and digits. */
static bool
is_value_name(const struct sentence *s, size_t i)
{
    const char *t = word_at(s, i);
    size_t n = word_len(s, i);

    if (n < 3 || n > 64 ||
        !((s->word[i].mark & (FLAT_CODE | FLAT_BOLD)) != 0 || (t[0] >= 'A' && t[0] <= 'Z')))
        return false;
    for (size_t k = 0; k < n; k++)
        if (!((t[k] >= 'a' && t[k] <= 'z') || (t[k] >= 'A' && t[k] <= 'Z') ||
                (t[k] >= '0' && t[k] <= '9') || t[k] == '_'))
            return false;
    return !name_is_generic(t, n);
}

/* The key at word ${i}; *ret_end is the word after it. */
static char *
key_at(const struct sentence *s, size_t i, size_t *ret_end)
{
    const char *low = s->f->low + s->word[i].from, *problem = NULL;
    bool code = (s->word[i].mark & FLAT_CODE) != 0;
    struct reg_path p;

    if (strncmp(low, "hk", 2) != 0 ||
        !registry_path(word_at(s, i), code ? word_len(s, i) : s->to - s->word[i].from, code,
            &p, &problem))
        return NULL;
    *ret_end = i + 1;
    while (*ret_end < s->nwords && s->word[*ret_end].from < s->word[i].from + p.to)
        ++*ret_end;
    if (!p.arrows && problem == NULL && strncmp(p.key, "HKLM\\", 5) == 0)
        return p.key;
    free(p.key);
    return NULL;
}

/* The last part of the key: "to the Parameters subkey". */
static bool
names_key(const struct compiler *c, const struct sentence *s, size_t i)
{
    const char *last = c->walk.key != NULL ? strrchr(c->walk.key, '\\') : NULL;

    return last != NULL && text_equal(word_at(s, i), word_len(s, i), last + 1);
}

/* Only words of the editor, at most one key, one name and one number? */
static bool
read_step(const struct compiler *c, const struct sentence *s, struct step *ret)
{
    *ret = (struct step){ .name = SIZE_MAX, .number = SIZE_MAX };
    for (size_t i = 0; i < s->nwords;) {
        size_t end = i + 1;
        char *key = key_at(s, i, &end);

        if (key != NULL) {
            if (ret->key != NULL) {
                free(key);
                return false;
            }
            ret->key = key;
        } else if (is_data(s, i)) {
            if (ret->number != SIZE_MAX)
                return false;
            ret->number = i;
        } else if (((s->word[i].mark & FLAT_CODE) != 0 || !lettered(editor, s, i)) &&
            !word_is(s, i, "32-bit|64-bit|dword(32-bit|>") && !names_key(c, s, i)) {
            bool again = ret->name != SIZE_MAX && word_len(s, i) == word_len(s, ret->name) &&
                memcmp(word_at(s, i), word_at(s, ret->name), word_len(s, i)) == 0;

            if ((ret->name != SIZE_MAX && !again) || !is_value_name(s, i))
                return false;
            ret->name = i;
        }
        ret->words += key == NULL;
        i = end;
    }
    return true;
}

/* "New > DWORD (32-bit) Value"; NULL: nothing is made, or no such thing. */
static const char *
made_type(const struct sentence *s)
{
    if (!has_word(s, 0, s->nwords, "new|add") || !has_word(s, 0, s->nwords, "value"))
        return NULL;
    if (has_word(s, 0, s->nwords, "dword|dword(32-bit"))
        return "dword";
    if (has_word(s, 0, s->nwords, "qword"))
        return "qword";
    return has_word(s, 0, s->nwords, "string") ? "sz" : NULL;
}

static bool
same_name(const struct compiler *c, const struct sentence *s, size_t i)
{
    return text_equal(word_at(s, i), word_len(s, i), c->walk.name);
}

/* The number at word ${i} as the registry takes it; false: it is not sure. */
static bool
number_of(const struct compiler *c, const struct sentence *s, size_t i, char to[24])
{
    const char *t = word_at(s, i);
    bool prefix = word_len(s, i) > 2 && (t[1] == 'x' || t[1] == 'X'), read;
    uint64_t value = 0;
    char digits[16];

    snprintf(digits, sizeof(digits), "%.*s", (int)word_len(s, i), t);
    if (!prefix && strlen(digits) > 1 && c->walk.decimal == c->walk.hex)
        return false;
    read = prefix || c->walk.hex ? number_parse_hex(digits + (prefix ? 2 : 0), &value)
                                 : number_parse(digits, &value);
    snprintf(to, 24, "%llu", (unsigned long long)value);
    return read && value <= UINT32_MAX;
}

/* The walk is complete: its find is all of the sentence. */
static bool
complete(struct compiler *c, struct finds *l, const struct sentence *s, const char *data)
{
    const char *type = c->walk.type != NULL ? c->walk.type : registry_type(c->walk.name);
    bool sure = type != NULL;
    struct find *f;

    while (l->n > 0)
        find_drop(l, l->n - 1);
    f = find_new(l, s->word[0].from, s->word[s->nwords - 1].to, "windows.registry.set");
    if (f == NULL)
        return false;
    f->command = true;
    f->confidence = sure ? PLAN_STATED : PLAN_INFERRED;
    registry_set(l, f, c->walk.key, c->walk.name, sure ? type : "dword", data);
    if (!sure)
        find_note(l, f, "value-type-missing", NULL);
    walk_clear(c, false);
    return true;
}

/* ---- the list ---- */

static bool
type_named(const struct sentence *s, size_t i, const char **ret)
{
    *ret = word_is(s, i, "reg_dword|dword") ? "dword"
        : word_is(s, i, "reg_qword|qword")  ? "qword"
        : word_is(s, i, "reg_sz|string")    ? "sz"
                                            : NULL;
    return *ret != NULL;
}

/* The last of [0, i] is a label: "Value name:". */
static bool
label_is(const struct sentence *s, size_t i, const char *last)
{
    return in_list(word_at(s, i), word_len(s, i), last) &&
        (i == 0 || (i == 1 && word_is(s, 0, "value|data|entry|registry|dword")));
}

/* One line of the list: words behind its label.  What is set comes last. */
static bool
read_label(struct compiler *c, struct finds *l, const struct sentence *s)
{
    size_t at = 0, i;
    char number[24];
    bool data;

    while (at < s->nwords && at < 2 && s->word[at].after != ':')
        at++;
    i = at + 1;
    if (at == 2 || i >= s->nwords || c->walk.key == NULL)
        return false;
    if (label_is(s, at, "type"))
        return type_named(s, i, &c->walk.type);
    if (s->nwords > i + 2)
        return false;
    if (label_is(s, at, "radix|base")) {
        c->walk.decimal = word_is(s, i, "decimal");
        c->walk.hex = word_is(s, i, "hexadecimal|hex");
        return s->nwords == i + 1;
    }
    data = label_is(s, at, "data") ||
        (c->walk.name != NULL && at == 0 && label_is(s, at, "value|setting"));
    if (!data) {
        if (!label_is(s, at, "name|value|entry") || c->walk.name != NULL ||
            s->nwords > i + 1 || !is_value_name(s, i))
            return false;
        c->walk.name = strndup(word_at(s, i), word_len(s, i));
        c->no_memory = c->no_memory || c->walk.name == NULL;
        return true;
    }
    if (s->nwords == i + 2) { /* "1024 (decimal)" */
        c->walk.decimal = c->walk.decimal || word_is(s, i + 1, "decimal");
        c->walk.hex = c->walk.hex || word_is(s, i + 1, "hexadecimal|hex");
        if (!word_is(s, i + 1, "decimal|hexadecimal|hex"))
            return false;
    }
    if (c->walk.name == NULL || c->walk.type == NULL || strcmp(c->walk.type, "sz") == 0 ||
        !is_data(s, i) || !number_of(c, s, i, number))
        return false;
    return complete(c, l, s, number);
}

/* Several lines of it that are one sentence. */
static bool
read_labels(struct compiler *c, struct finds *l, const struct sentence *s)
{
    size_t from = 0;

    for (size_t i = 0; i < s->nwords; i++) {
        struct sentence line = *s;

        if (i + 1 < s->nwords && !s->word[i].breaks)
            continue;
        line.word += from;
        line.nwords = i + 1 - from;
        line.from = line.word[0].from;
        line.to = line.word[i - from].to;
        if (!read_label(c, l, &line)) {
            if (from > 0) {
                walk_clear(c, false);
                while (l->n > 0)
                    find_drop(l, l->n - 1);
            }
            return false;
        }
        from = i + 1;
    }
    if (l->n > 0) {
        l->find[0].from = s->word[0].from;
        l->find[0].to = s->word[s->nwords - 1].to;
    }
    return true;
}

/* ---- the walk ---- */

static bool
locates(const struct sentence *s)
{
    return has_word(s, 0, s->nwords,
               "locate|navigate|find|go|select|open|expand|browse|under") &&
        has_word(s, 0, s->nwords, "key|subkey|path|registry");
}

static bool
take_key(struct compiler *c, struct step *st)
{
    walk_clear(c, true);
    c->walk.key = take(st->key);
    return true;
}

static bool
take_step(struct compiler *c, struct finds *l, const struct sentence *s, struct step *st)
{
    const char *type = made_type(s);
    char number[24];

    if (st->key != NULL)
        return (locates(s) || (st->words == 0 && c->walk.wait)) && st->name == SIZE_MAX &&
            st->number == SIZE_MAX && take_key(c, st);
    if (st->words == 0)
        return false;
    if (locates(s) && st->name == SIZE_MAX && st->number == SIZE_MAX && type == NULL) {
        c->walk.wait = has_word(s, 0, s->nwords, "following");
        return true;
    }
    if (c->walk.key == NULL)
        return st->name == SIZE_MAX && st->number == SIZE_MAX &&
            has_word(s, 0, s->nwords, "regedit|regedit.exe|regedt32|regedt32.exe|editor");
    if (type != NULL) {
        walk_clear(c, false);
        c->walk.type = type;
    }
    c->walk.decimal = c->walk.decimal || has_word(s, 0, s->nwords, "decimal");
    c->walk.hex = c->walk.hex || has_word(s, 0, s->nwords, "hexadecimal");
    if (st->name != SIZE_MAX && c->walk.name == NULL) {
        c->walk.name = strndup(word_at(s, st->name), word_len(s, st->name));
        c->no_memory = c->no_memory || c->walk.name == NULL;
    }
    if (st->name != SIZE_MAX && c->walk.name != NULL && !same_name(c, s, st->name)) {
        walk_clear(c, false);
        return false;
    }
    if (st->number == SIZE_MAX || c->walk.name == NULL)
        return st->number == SIZE_MAX;
    if (!has_word(s, 0, st->number, "type|enter|set|change") ||
        (c->walk.type != NULL && strcmp(c->walk.type, "sz") == 0) ||
        !number_of(c, s, st->number, number))
        return false;
    return complete(c, l, s, number);
}

bool
walk_read(struct compiler *c, struct finds *l, const struct sentence *s)
{
    struct step st = { 0 };
    bool is;

    if (c->walk.section != c->around.nsection) {
        walk_clear(c, true);
        c->walk.section = c->around.nsection;
    }
    if (s->nwords == 0 || s->nwords > 40 ||
        (c->walk.key == NULL && !c->walk.wait &&
            !has_word(s, 0, s->nwords, "editor|key|regedit|regedit.exe|registry|regedt32|"
                                       "regedt32.exe|subkey|under")))
        return false;
    if (read_labels(c, l, s))
        return true;
    is = read_step(c, s, &st) && (!s->code || st.words == 0) && take_step(c, l, s, &st);
    free(st.key);
    return is;
}

bool
walk_edits(const struct sentence *s)
{
    return made_type(s) != NULL ||
        (has_word(s, 0, s->nwords, "change|delete|modify|name|remove|rename|set|type") &&
            !has_word(s, 0, s->nwords, "regedit|regedit.exe|regedt32|regedt32.exe"));
}
