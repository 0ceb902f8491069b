/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about values of the registry.
 *
 * A statement needs four things: a key, the name of a value, its data, and a verb that asks
 * for it.  The name may stand before the key ("set the Start value in HKLM\..."), after it
 * ("under HKLM\..., set Start to 3"), as the last part of the path where the notation says
 * so, or nowhere; then a closed list may know it.  The type is said, known by name, or
 * follows from the data; both are noted as inferences. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

struct statement {
    const struct sentence *s;
    size_t verb;             /* word */
    size_t key_from, key_to; /* words of the key */
    struct reg_path path;
    size_t name;             /* word, SIZE_MAX: none */
    size_t data;             /* word, SIZE_MAX: none */
    bool equals;             /* key = data */
};

/* The words that the path, which ends at byte ${to}, takes from word ${i} on. */
static size_t
words_until(const struct sentence *s, size_t i, size_t to)
{
    while (i < s->nwords && s->word[i].from < to)
        i++;
    return i;
}

/* The key at word ${i}, which may lie in a code span or in bold. */
static bool
key_at(const struct sentence *s, size_t i, struct statement *st, const char **ret_problem)
{
    const struct flat *f = s->f;
    const struct word *w = &s->word[i];
    size_t to = s->to, lead = 0;
    bool whole = false;

    if ((w->mark & FLAT_CODE) != 0) {
        to = w->to;
        whole = true;
    } else if ((w->mark & FLAT_BOLD) != 0) {
        for (to = w->from; to < s->to && (f->mark[to] & FLAT_BOLD) != 0; to++)
            ;
        whole = true;
    }
    while (lead < to - w->from && strchr("[\"", f->s[w->from + lead]) != NULL)
        lead++;
    if (!registry_path(f->s + w->from + lead, to - w->from - lead, whole, &st->path,
            ret_problem))
        return false;
    st->path.to += w->from + lead;
    if (whole && !st->path.arrows && st->path.to < to &&
        f->s[st->path.to + strspn(f->s + st->path.to, " ")] != '=' &&
        strspn(f->s + st->path.to, "\\]\" .,") < to - st->path.to) {
        free(st->path.key); /* more in the code span than a key */
        return false;
    }
    st->key_from = i;
    st->key_to = words_until(s, i, st->path.to);
    return true;
}

static const char set_verbs[] = "set|change|modify|update|configure|edit|ensure|make|verify|"
                                "check|confirm|add|create";

/* The last verb before word ${i} that asks for a value. */
static size_t
asking_verb(const struct sentence *s, size_t i)
{
    while (i > 0) {
        i--;
        if (word_is(s, i, set_verbs) && is_imperative(s, i))
            return i;
    }
    return SIZE_MAX;
}

static bool
is_data(const struct sentence *s, size_t i)
{
    const struct word *w;
    size_t len;

    if (i >= s->nwords)
        return false;
    w = &s->word[i];
    len = w->to - w->from;
    if (has_placeholder(s->f->s + w->from, len) || typographic(s->f->s + w->from, len) != NULL)
        return false;
    if (strspn(s->f->s + w->from, "0123456789") >= len || word_is(s, i, "true|false"))
        return true;
    if (name_is_generic(s->f->s + w->from, len))
        return false;
    return (w->mark & FLAT_CODE) != 0 || ((w->mark & FLAT_BOLD) != 0) || w->before == '"' ||
        w->before == '\'';
}

/* What a value is set to, from word ${i} on: "to 3", "= 3", "is 3", "is set to 3". */
static size_t
data_after(const struct sentence *s, size_t i)
{
    for (size_t k = i; k + 1 < s->nwords && k < i + 12; k++) {
        size_t d = k + 1;

        if (word_is(s, k, "if|unless|because|so|otherwise"))
            return SIZE_MAX;
        if (!word_is(s, k, "to|=|is|as|equals|be"))
            continue;
        if (word_is(s, d, "value") || (word_is(s, d, "the|a") && word_is(s, d + 1, "value")))
            d += word_is(s, d, "value") ? 1 : 2;
        if (word_is(s, d, "of|="))
            d++;
        if (word_is(s, k, "to") && k > 0 && word_is(s, k - 1, "go|navigate|browse|back"))
            continue;
        if (is_data(s, d))
            return d;
    }
    return SIZE_MAX;
}

static bool
is_name(const struct sentence *s, size_t i)
{
    const struct word *w;
    size_t len;
    char c;

    if (i >= s->nwords)
        return false;
    w = &s->word[i];
    c = s->f->s[w->from];
    len = w->to - w->from;
    if (len < 2 || name_is_generic(s->f->s + w->from, len) ||
        memchr(s->f->s + w->from, '\\', len) != NULL ||
        memchr(s->f->s + w->from, '/', len) != NULL)
        return false;
    if (word_is(s, i, "registry|reg-key|regkey|dword|reg_dword|string|reg_sz|entry|value|key|"
                      "parameter|windows|hklm|subkey|property|setting|default"))
        return false;
    return (w->mark & (FLAT_CODE | FLAT_BOLD)) != 0 || (c >= 'A' && c <= 'Z') ||
        w->before == '"' || w->before == '\'';
}

/* The value's name among the words [from, to): beside "value", "entry" and the like, or
 * right after the verb. */
static size_t
name_among(const struct sentence *s, size_t from, size_t to)
{
    static const char kind[] = "value|entry|dword|reg_dword|string|reg_sz|parameter|property|"
                               "setting|key|reg-key|named|called|registry";

    for (size_t i = from; i < to && i < s->nwords; i++) {
        if (!is_name(s, i))
            continue;
        if (word_is(s, i + 1, kind) || (i > 0 && word_is(s, i - 1, kind)) ||
            word_is(s, i + 1, "to|=|in|under|at"))
            return i;
    }
    return SIZE_MAX;
}

static char *
word_text(const struct sentence *s, size_t i)
{
    const struct word *w = &s->word[i];

    return strndup(s->f->s + w->from, w->to - w->from);
}

/* Take the last part of the path as the name of the value. */
static char *
split_name(char *key)
{
    char *last = strrchr(key, '\\'), *name;

    if (last == NULL || strchr(key, '\\') == last)
        return NULL;
    name = strdup(last + 1);
    if (name != NULL)
        *last = '\0';
    return name;
}

/* Which type the sentence says. */
static const char *
said_type(const struct sentence *s)
{
    if (has_word(s, 0, s->nwords, "dword|reg_dword|(dword)"))
        return "dword";
    if (has_word(s, 0, s->nwords, "reg_sz|string"))
        return "sz";
    if (has_word(s, 0, s->nwords, "qword|reg_qword"))
        return "qword";
    return NULL;
}

static void
say(struct finds *l, struct statement *st, const char *name, const char *data, bool inferred)
{
    const struct sentence *s = st->s;
    size_t last = st->data == SIZE_MAX ? st->key_to - 1 : st->data;
    const char *type = said_type(s);
    bool sure = true;
    struct find *f;

    if (last < st->key_to - 1)
        last = st->key_to - 1;
    f = find_new(l, s->word[st->verb].from, s->word[last].to, "windows.registry.set");
    if (f == NULL)
        return;
    f->look = word_is(s, st->verb, "verify|check|confirm");
    if (type == NULL)
        type = registry_guess(name, data, &sure);
    registry_set(l, f, st->path.key, name, type, data);
    if (f->action.kind->person) {
        find_person(l, f, "person.do", s->f->s + s->from, s->to - s->from);
        return;
    }
    if (inferred) {
        struct text t = { 0 };

        text_fmt(&t, "the text names no value; below a service's key, %s can only be meant "
                     "for %s", data, name);
        find_note(l, f, "value-name-missing", t.s);
        text_done(&t);
        f->confidence = PLAN_INFERRED;
    }
    if (!sure) {
        find_note(l, f, "value-type-missing", NULL);
        f->confidence = PLAN_INFERRED;
    }
}

static void
state(struct finds *l, struct statement *st)
{
    const struct sentence *s = st->s;
    auto_free char *name = NULL, *data = word_text(s, st->data);
    bool inferred = false;

    if (st->name != SIZE_MAX)
        name = word_text(s, st->name);
    else if (st->path.arrows || st->equals)
        name = split_name(st->path.key);
    else {
        char *last = strrchr(st->path.key, '\\');

        if (last != NULL && registry_type(last + 1) != NULL)
            name = split_name(st->path.key);
        else if (registry_service(st->path.key) != NULL && data != NULL && strlen(data) == 1 &&
            data[0] >= '0' && data[0] <= '4') {
            name = strdup("Start");
            inferred = true;
        }
    }
    if (data == NULL)
        l->no_memory = true;
    else if (name != NULL)
        say(l, st, name, data, inferred);
    else {
        struct find *f = find_new(l, s->word[st->verb].from, s->word[st->data].to,
            "person.do");

        if (f == NULL)
            return;
        find_person(l, f, "person.do", s->f->s + s->from, s->to - s->from);
        find_note(l, f, "value-name-missing",
            "the text names a key, and no value of it that is to be set");
    }
}

/* A line of a .reg file: "name"=dword:00000001 or "name"="data". */
static void
reg_line(struct finds *l, const struct sentence *s)
{
    const char *t = s->f->s + s->from, *end = s->f->s + s->to, *close, *v;
    auto_free char *name = NULL, *data = NULL;
    char number[24];
    struct find *f;
    size_t n;

    while (t < end && *t == ' ')
        t++;
    close = t < end && *t == '"' ? memchr(t + 1, '"', (size_t)(end - t - 1)) : NULL;
    if (close == NULL || close + 2 >= end || close[1] != '=')
        return;
    v = close + 2;
    name = strndup(t + 1, (size_t)(close - t - 1));
    if (strncasecmp(v, "dword:", 6) == 0) {
        unsigned value = 0;

        for (n = 6; v + n < end && n < 14 && strchr("0123456789abcdefABCDEF", v[n]); n++)
            value = value * 16 + (unsigned)(v[n] <= '9' ? v[n] - '0' : (v[n] | 32) - 'a' + 10);
        snprintf(number, sizeof(number), "%u", value);
        data = n == 14 ? strdup(number) : NULL;
    } else if (*v == '"' && end[-1] == '"' && end - v >= 2) {
        data = strndup(v + 1, (size_t)(end - v - 2));
        if (data != NULL && strchr(data, '\\') != NULL)
            return;
    }
    if (name == NULL || data == NULL || name_is_generic(name, strlen(name)) ||
        has_placeholder(data, strlen(data)))
        return;
    f = find_new(l, s->from, s->to, "windows.registry.set");
    if (f == NULL)
        return;
    f->what = FIND_VALUE;
    f->confidence = PLAN_STATED;
    f->command = true;
    find_put(l, f, "name", name, strlen(name));
    find_put(l, f, "type", *v == '"' ? "sz" : "dword", *v == '"' ? 2 : 5);
    find_put(l, f, "data", data, strlen(data));
}

/* A key that stands alone: as the head of lines of a .reg file, or in a list of values. */
static void
alone(struct finds *l, const struct sentence *s, struct statement *st)
{
    bool head = s->f->s[s->word[st->key_from].from] == '[';
    auto_free char *name = head ? NULL : split_name(st->path.key);
    struct find *f;

    if (st->key_from > 0 || st->key_to < s->nwords || (!head && name == NULL))
        return;
    f = find_new(l, s->word[0].from, s->word[s->nwords - 1].to, "windows.registry.set");
    if (f == NULL)
        return;
    f->what = head ? FIND_HEAD : FIND_KEY;
    find_put(l, f, "key", st->path.key, strlen(st->path.key));
    if (name != NULL)
        find_put(l, f, "name", name, strlen(name));
}

void
find_registry(struct finds *l, const struct sentence *s)
{
    if (s->code)
        reg_line(l, s);
    for (size_t i = 0; i < s->nwords; i++) {
        struct statement st = { .s = s, .verb = SIZE_MAX, .name = SIZE_MAX, .data = SIZE_MAX };
        const char *problem = NULL;
        char c = s->f->low[s->word[i].from];

        if ((c != 'h' && c != '[') || !key_at(s, i, &st, &problem))
            continue;
        st.verb = asking_verb(s, i);
        st.equals = word_is(s, st.key_to, "=") ||
            (st.key_to < s->nwords && s->f->s[st.path.to] == '=') ||
            strspn(s->f->s + st.path.to, " ") + 1 == strspn(s->f->s + st.path.to, " =");
        st.data = data_after(s, st.key_to > 0 && st.equals ? st.key_to - 1 : st.key_to);
        if (st.data == SIZE_MAX && st.equals && is_data(s, st.key_to))
            st.data = st.key_to;
        if (st.verb != SIZE_MAX) {
            st.name = name_among(s, st.verb + 1, i);
            if (st.name == SIZE_MAX)
                st.name = name_among(s, st.key_to,
                    st.data == SIZE_MAX ? s->nwords : st.data);
            if (st.data == SIZE_MAX) /* "set Start to 3 under HKLM\..." */
                st.data = data_after(s, st.verb);
            if (st.data != SIZE_MAX && st.data >= st.key_from && st.data < st.key_to)
                st.data = SIZE_MAX;
        } else if (st.data != SIZE_MAX) {
            st.verb = SIZE_MAX;
            /* "Under HKLM\..., set Start to 3" */
            for (size_t k = st.key_to; k < st.data; k++)
                if (word_is(s, k, set_verbs) && is_imperative(s, k))
                    st.verb = k;
            if (st.verb != SIZE_MAX)
                st.name = name_among(s, st.verb + 1, st.data);
        }
        if (st.verb != SIZE_MAX && st.data != SIZE_MAX)
            state(l, &st);
        else
            alone(l, s, &st);
        i = st.key_to > i ? st.key_to - 1 : i;
        free(st.path.key);
    }
}
