/* SPDX-License-Identifier: Apache-2.0 */
/* Registry keys in all the notations that people use, and statements about their values.
 *
 * A statement needs four things: a key, the name of a value, its data, and a verb that asks
 * for it.  The name may stand before the key ("set the Start value in HKLM\..."), after it
 * ("under HKLM\..., set Start to 3"), as the last part of the path where the notation says
 * so, or nowhere; then a closed list may know it.  The type is said, known by name, or
 * follows from the data; both are noted as inferences. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

static const struct {
    const char *said, *root;
} roots[] = {
    { "HKEY_LOCAL_MACHINE", "HKLM" }, { "HKEY_CURRENT_USER", "HKCU" },
    { "HKEY_CLASSES_ROOT", "HKCR" }, { "HKEY_USERS", "HKU" },
    { "HKEY_CURRENT_CONFIG", "HKCC" }, { "HKLM", "HKLM" }, { "HKCU", "HKCU" },
    { "HKCR", "HKCR" }, { "HKU", "HKU" }, { "HKCC", "HKCC" },
};

static const char *
root_at(const char *s, size_t len, size_t *ret_len)
{
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        size_t n = strlen(roots[i].said);

        if (len <= n || strncasecmp(s, roots[i].said, n) != 0)
            continue;
        if (s[n] == ':')
            n++;
        if (len > n && strchr("\\ ->|", s[n]) != NULL && s[n] != '\0') {
            *ret_len = n;
            return roots[i].root;
        }
    }
    return NULL;
}

/* The length of a separator at ${s}: a backslash (or two), an arrow, > or |, with blanks
 * around them; 0: none. */
static size_t
separator(const char *s, size_t len, bool *ret_arrow)
{
    static const char *const arrows[] = { "->", "=>", ">", "|", "\xe2\x86\x92", "\xc2\xbb" };
    size_t i = 0;

    *ret_arrow = false;
    if (len > 0 && s[0] == '\\') {
        while (i < len && s[i] == '\\')
            i++;
        return i;
    }
    while (i < len && s[i] == ' ')
        i++;
    for (size_t k = 0; k < sizeof(arrows) / sizeof(arrows[0]); k++) {
        size_t n = strlen(arrows[k]);

        if (len - i < n || strncmp(s + i, arrows[k], n) != 0)
            continue;
        i += n;
        while (i < len && s[i] == ' ')
            i++;
        *ret_arrow = true;
        return i;
    }
    return 0;
}

/* The end of one part of a path.  In running words a blank belongs to it only when a
 * separator follows soon and the words between are no words of a sentence. */
static size_t
part_end(const char *s, size_t len, bool whole)
{
    size_t i = 0;

    while (i < len) {
        bool arrow;
        size_t n = separator(s + i, len - i, &arrow);

        if (n > 0 && !(arrow && s[i] == ' ' && s[i + n - 1] != ' '))
            return i;
        if (s[i] == FLAT_HARD || s[i] == '=' || strchr("\"[],;()", s[i]) != NULL)
            return i;
        if (s[i] == ' ' || s[i] == FLAT_SOFT) {
            size_t j = i + 1, words = 1, word = j;

            if (s[i + strspn(s + i, " ")] == '=')
                return i;
            for (; j < len && s[j] != '\\' && s[j] != '>' && j - i < 48; j++) {
                if (strchr(",;:.()\"=\n\r", s[j]) != NULL)
                    break;
                if (s[j] != ' ')
                    continue;
                if (in_list(s + word, j - word,
                        "and|or|to|is|in|the|from|under|at|of|key|value|registry|set|"
                        "folder|then|not|for|with|has"))
                    break;
                words++;
                word = j + 1;
            }
            if (j >= len || (s[j] != '\\' && s[j] != '>') || words > 3)
                return whole ? len : i;
        }
        i++;
    }
    return len;
}

static bool
first_part_ok(const char *root, const char *part, size_t len)
{
    if (strcmp(root, "HKLM") != 0)
        return true;
    return in_list(part, len, "SOFTWARE|SYSTEM|SAM|SECURITY|HARDWARE|BCD00000000|DRIVERS");
}

bool
registry_path(const char *s, size_t len, bool whole, struct reg_path *ret,
    const char **ret_problem)
{
    struct text key = { 0 };
    size_t i = 0, parts = 0;
    const char *root = root_at(s, len, &i);
    bool ok = root != NULL, arrows = false, arrow = false;

    *ret_problem = NULL;
    if (!ok)
        return false;
    text_str(&key, root);
    for (size_t n; ok && (n = separator(s + i, len - i, &arrow)) > 0;) {
        size_t end;

        if (parts > 0 && arrow != arrows && arrow)
            break; /* "HKLM\A\B > ..." */
        arrows = arrow;
        i += n;
        end = part_end(s + i, len - i, whole);
        while (end > 0 && s[i + end - 1] == ' ')
            end--;
        if (!whole && !arrow && i + end == len)
            while (end > 0 && strchr(".:!?", s[i + end - 1]) != NULL)
                end--;
        if (end == 0) /* "HKLM\A\B\" */
            break;
        if (has_placeholder(s + i, end))
            *ret_problem = "placeholder";
        else if (typographic(s + i, end) != NULL)
            *ret_problem = "typographic";
        else if (parts == 0 && !first_part_ok(root, s + i, end))
            *ret_problem = "loaded-hive";
        parts++;
        ok = *ret_problem == NULL;
        text_str(&key, "\\");
        text_add(&key, s + i, end);
        i += end;
    }
    if (ok && parts > 0 && !key.no_memory) {
        *ret = (struct reg_path){ key.s, i, arrows };
        return true;
    }
    text_done(&key);
    return false;
}

char *
registry_key(const char *s, size_t len, const char **ret_problem)
{
    struct reg_path p;

    while (len > 0 && s[len - 1] == '\\')
        len--;
    if (len > 2 && s[0] == '\\' && s[1] == '\\') {
        *ret_problem = "other-machine";
        return NULL;
    }
    if (!registry_path(s, len, true, &p, ret_problem))
        return NULL;
    if (p.to == len && !p.arrows)
        return p.key;
    free(p.key);
    return NULL;
}

/* ---- finishing a statement ---- */

/* The service whose key ${key} is, or NULL. */
static const char *
service_of(const char *key)
{
    static const char services[] = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\";
    size_t n = sizeof(services) - 1;

    if (strncasecmp(key, services, n) != 0 || key[n] == '\0' || strchr(key + n, '\\') != NULL)
        return NULL;
    return key + n;
}

const char *
registry_guess(const char *name, const char *data, bool *ret_sure)
{
    const char *type = registry_type(name);
    size_t n = strspn(data, "0123456789");

    *ret_sure = type != NULL;
    if (type != NULL)
        return type;
    return n > 0 && data[n] == '\0' && n < 10 ? "dword" : "sz";
}

static void
change_kind(struct find *f, const char *kind)
{
    action_done(&f->action);
    action_init(&f->action, action_find(kind));
}

void
registry_set(struct finds *l, struct find *f, const char *key, const char *name,
    const char *type, const char *data)
{
    const char *service = service_of(key), *known;
    bool start = service != NULL && strcasecmp(name, "Start") == 0 && strlen(data) == 1 &&
        data[0] >= '2' && data[0] <= '4';

    if (name_is_generic(service != NULL ? service : "x-none",
            service != NULL ? strlen(service) : 6)) {
        find_person(l, f, f->command ? "person.command" : "person.do", key, strlen(key));
        find_note(l, f, "placeholder", NULL);
        return;
    }
    if (registry_protects(key, name, data) ||
        (start && data[0] == '4' && service_protects(service, strlen(service)))) {
        find_person(l, f, f->command ? "person.command" : "person.do", key, strlen(key));
        find_note(l, f, "disables-security", NULL);
        return;
    }
    if (start) {
        known = service_known(service, strlen(service));
        change_kind(f, f->look ? "windows.service.is" : "windows.service.start_type");
        find_put(l, f, "service", known != NULL ? known : service,
            strlen(known != NULL ? known : service));
        find_put(l, f, f->look ? "start" : "want", data, 1);
        return;
    }
    if (f->look)
        change_kind(f, "windows.registry.is");
    else if (registry_overrides(key, name))
        change_kind(f, "override.set");
    find_put(l, f, "key", key, strlen(key));
    find_put(l, f, "name", name, strlen(name));
    find_put(l, f, "type", type, strlen(type));
    find_put(l, f, "data", data, strlen(data));
    if (strcmp(f->action.kind->name, "override.set") == 0)
        find_note(l, f, "override-only", NULL);
    if (!f->action.kind->person && !action_complete(&f->action))
        find_person(l, f, f->command ? "person.command" : "person.do", key, strlen(key));
}

/* ---- statements in prose ---- */

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
        else if (service_of(st->path.key) != NULL && data != NULL && strlen(data) == 1 &&
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
