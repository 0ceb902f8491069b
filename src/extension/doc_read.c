/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: one pass by recursive descent, its depth bounded.  Values lie in one array in
 * the order of their beginning; each knows the one that follows it in the same object.  The
 * strings lie one after the other in a buffer of twice the document's size, which always
 * suffices: none is longer decoded than it was written, and each ends with one NUL more. */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "codes.h"
#include "doc.h"
#include "utf8.h"

struct doc_value {
    enum doc_kind kind;
    bool truth;
    const char *name, *string; /* string: of a number too, as it is spelled */
    const struct doc *doc;
    size_t count, next; /* next: place of the next in the same holder, 0: none */
};

struct doc {
    struct doc_value *values;
    size_t n, room;
    char *strings;
};

struct parser {
    const char *what, *start, *s, *end;
    struct doc *doc;
    char *to; /* where the next string goes */
    const char *wrong;
    bool no_memory;
    unsigned depth;
};

static bool
refuse(struct parser *p, const char *why)
{
    if (p->wrong == NULL)
        p->wrong = why;
    return false;
}

static void
skip_blanks(struct parser *p)
{
    while (p->s < p->end && (*p->s == ' ' || *p->s == '\t' || *p->s == '\n' || *p->s == '\r'))
        p->s++;
}

static bool
eat(struct parser *p, char c)
{
    skip_blanks(p);
    if (p->s == p->end || *p->s != c)
        return false;
    p->s++;
    return true;
}

/* The place of a new value, or SIZE_MAX.  Earlier pointers to values are void then. */
static size_t
add_value(struct parser *p)
{
    struct doc *d = p->doc;

    if (d->n == DOC_VALUES_MAX) {
        refuse(p, "it has too many values");
        return SIZE_MAX;
    }
    if (d->n == d->room) {
        size_t room = d->room == 0 ? 32 : 2 * d->room;
        struct doc_value *grown = realloc(d->values, room * sizeof(*grown));

        p->no_memory = grown == NULL;
        if (grown == NULL)
            return SIZE_MAX;
        d->values = grown;
        d->room = room;
    }
    d->values[d->n] = (struct doc_value){ .doc = d };
    return d->n++;
}

static bool
hex4(struct parser *p, uint32_t *ret)
{
    uint8_t bytes[2];
    char digits[5] = { 0 };

    if (p->end - p->s < 4)
        return refuse(p, "a string ends within an escape");
    memcpy(digits, p->s, 4);
    if (!bytes_from_hex(digits, bytes, 2))
        return refuse(p, "\\u needs four hex digits");
    p->s += 4;
    *ret = (uint32_t)bytes[0] << 8 | bytes[1];
    return true;
}

static bool
unicode_escape(struct parser *p)
{
    uint32_t c, low;

    if (!hex4(p, &c))
        return false;
    if (c == 0)
        return refuse(p, "a string holds NUL");
    if (c >= 0xdc00 && c < 0xe000)
        return refuse(p, "half a surrogate pair");
    if (c >= 0xd800 && c < 0xdc00) {
        if (p->end - p->s < 2 || p->s[0] != '\\' || p->s[1] != 'u')
            return refuse(p, "half a surrogate pair");
        p->s += 2;
        if (!hex4(p, &low))
            return false;
        if (low < 0xdc00 || low >= 0xe000)
            return refuse(p, "half a surrogate pair");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    p->to += utf8_put(p->to, c);
    return true;
}

static bool
escape(struct parser *p)
{
    static const char letter[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    const char *at;
    char c;

    if (p->s == p->end)
        return refuse(p, "a string ends within an escape");
    c = *p->s++;
    if (c == 'u')
        return unicode_escape(p);
    at = c == '\0' ? NULL : strchr(letter, c);
    if (at == NULL)
        return refuse(p, "an escape that JSON does not have");
    *p->to++ = means[at - letter];
    return true;
}

/* Behind the opening quote; ${p->end} has a NUL behind it, so text_visible may look there. */
static bool
parse_string(struct parser *p, const char **ret)
{
    const char *begin = p->to;

    for (;;) {
        size_t n;

        if (p->s == p->end)
            return refuse(p, "a string is not closed");
        if (*p->s == '"')
            break;
        if (*p->s == '\\') {
            p->s++;
            if (!escape(p))
                return false;
            continue;
        }
        if ((unsigned char)*p->s < 0x20)
            return refuse(p, "a control character in a string");
        /* 0x7f and U+0080 to U+009F are visible to JSON, though not to terminals */
        n = *p->s == 0x7f ? 1 : text_visible(p->s);
        if (n == 0 && (unsigned char)p->s[0] == 0xc2 && ((unsigned char)p->s[1] & 0xe0) == 0x80)
            n = 2;
        if (n == 0)
            return refuse(p, "bytes that are not UTF-8");
        memcpy(p->to, p->s, n);
        p->to += n;
        p->s += n;
    }
    p->s++;
    *p->to++ = '\0';
    *ret = begin;
    return true;
}

static size_t
digits(struct parser *p)
{
    const char *begin = p->s;

    while (p->s < p->end && *p->s >= '0' && *p->s <= '9')
        p->s++;
    return (size_t)(p->s - begin);
}

static bool
parse_number(struct parser *p, struct doc_value *v)
{
    const char *begin = p->s;
    size_t whole;

    if (*p->s == '-')
        p->s++;
    whole = digits(p);
    if (whole == 0 || (whole > 1 && p->s[-(ptrdiff_t)whole] == '0'))
        return refuse(p, "no value that JSON has");
    if (p->s < p->end && *p->s == '.') {
        p->s++;
        if (digits(p) == 0)
            return refuse(p, "a number without digits behind its point");
    }
    if (p->s < p->end && (*p->s == 'e' || *p->s == 'E')) {
        p->s++;
        if (p->s < p->end && (*p->s == '+' || *p->s == '-'))
            p->s++;
        if (digits(p) == 0)
            return refuse(p, "a number without digits in its exponent");
    }
    v->kind = DOC_NUMBER;
    v->string = p->to;
    memcpy(p->to, begin, (size_t)(p->s - begin));
    p->to += p->s - begin;
    *p->to++ = '\0';
    return true;
}

static bool
word(struct parser *p, const char *is)
{
    size_t n = strlen(is);

    if ((size_t)(p->end - p->s) < n || memcmp(p->s, is, n) != 0)
        return false;
    p->s += n;
    return true;
}

static bool
parse_plain(struct parser *p, struct doc_value *v)
{
    bool truth = false;

    if (word(p, "null")) {
        v->kind = DOC_NULL;
    } else if ((truth = word(p, "true")) || word(p, "false")) {
        v->kind = DOC_BOOL;
        v->truth = truth;
    } else if (eat(p, '"')) {
        v->kind = DOC_STRING;
        return parse_string(p, &v->string);
    } else {
        return parse_number(p, v);
    }
    return true;
}

static bool parse_value(struct parser *p, const char *name, size_t *ret);

static bool
name_is_new(struct parser *p, size_t holder, const char *name)
{
    struct doc_value *v = &p->doc->values[holder];

    if (v->count == DOC_NAMES_MAX)
        return refuse(p, "an object has too many names");
    for (size_t i = holder + 1; v->count > 0 && i != 0; i = p->doc->values[i].next)
        if (strcmp(p->doc->values[i].name, name) == 0)
            return refuse(p, "a name stands twice in an object");
    return true;
}

static bool
parse_holder(struct parser *p, size_t at, char close)
{
    size_t last = 0, item = 0;

    if (++p->depth > DOC_DEPTH_MAX)
        return refuse(p, "it is nested too deeply");
    if (!eat(p, close)) {
        do {
            const char *name = NULL;

            if (close == '}') {
                if (!eat(p, '"'))
                    return refuse(p, "an object needs a name in quotes here");
                if (!parse_string(p, &name) || !name_is_new(p, at, name))
                    return false;
                if (!eat(p, ':'))
                    return refuse(p, "a colon is missing");
            }
            if (!parse_value(p, name, &item))
                return false;
            if (last != 0)
                p->doc->values[last].next = item;
            last = item;
            p->doc->values[at].count++;
        } while (eat(p, ','));
        if (!eat(p, close))
            return refuse(p, close == '}' ? "an object is not closed" :
                                            "an array is not closed");
    }
    p->depth--;
    return true;
}

static bool
parse_value(struct parser *p, const char *name, size_t *ret)
{
    size_t at = add_value(p);
    bool object;

    if (at == SIZE_MAX)
        return false;
    p->doc->values[at].name = name;
    *ret = at;
    skip_blanks(p);
    if (p->s == p->end)
        return refuse(p, "it ends where a value should be");
    object = *p->s == '{';
    if (object || *p->s == '[') {
        p->s++;
        p->doc->values[at].kind = object ? DOC_OBJECT : DOC_ARRAY;
        return parse_holder(p, at, object ? '}' : ']');
    }
    return parse_plain(p, &p->doc->values[at]);
}

static struct err *
failure(const struct parser *p)
{
    size_t line = 1;
    char why[120];

    if (p->no_memory)
        return fail(OutOfMemory);
    for (const char *s = p->start; s < p->s; s++)
        line += *s == '\n';
    (void)snprintf(why, sizeof(why), "line %zu: %s", line, p->wrong);
    return fail(InputInvalid, p->what, why);
}

struct err *
doc_parse(const char *what, const char *bytes, size_t len, struct doc **ret)
{
    struct parser p = { .what = what };
    size_t root;
    bool good;

    if (len > DOC_BYTES_MAX)
        return fail(InputInvalid, what, "it is too long");
    auto_ptr(doc) d = calloc(1, sizeof(*d));
    auto_free char *copy = malloc(len + 1);
    if (d == NULL || copy == NULL)
        return fail(OutOfMemory);
    d->strings = malloc(2 * len + 2);
    if (d->strings == NULL)
        return fail(OutOfMemory);
    if (len > 0)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    p.doc = d;
    p.to = d->strings;
    p.start = p.s = copy;
    p.end = copy + len;
    (void)word(&p, "\xef\xbb\xbf");
    good = parse_value(&p, NULL, &root);
    skip_blanks(&p);
    if (good && p.s != p.end)
        good = refuse(&p, "something follows the document");
    if (!good)
        return failure(&p);
    *ret = take(d);
    return NULL;
}

const struct doc_value *
doc_root(const struct doc *d)
{
    return d != NULL ? d->values : NULL;
}

void
doc_free(struct doc *d)
{
    if (d == NULL)
        return;
    free(d->values);
    free(d->strings);
    free(d);
}

enum doc_kind
doc_kind(const struct doc_value *v)
{
    return v == NULL ? DOC_ABSENT : v->kind;
}

const struct doc_value *
doc_first(const struct doc_value *v)
{
    return v == NULL || v->count == 0 ? NULL : v + 1;
}

const struct doc_value *
doc_next(const struct doc_value *v)
{
    return v == NULL || v->next == 0 ? NULL : &v->doc->values[v->next];
}

size_t
doc_count(const struct doc_value *v)
{
    return v == NULL ? 0 : v->count;
}

const struct doc_value *
doc_get(const struct doc_value *object, const char *name)
{
    if (doc_kind(object) != DOC_OBJECT)
        return NULL;
    for (const struct doc_value *v = doc_first(object); v != NULL; v = doc_next(v))
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

const char *
doc_name(const struct doc_value *v)
{
    return v == NULL ? NULL : v->name;
}

const char *
doc_string(const struct doc_value *v, const char *otherwise)
{
    return doc_kind(v) == DOC_STRING ? v->string : otherwise;
}

bool
doc_int(const struct doc_value *v, int64_t *ret)
{
    uint64_t n = 0;

    if (doc_kind(v) != DOC_NUMBER)
        return false;
    const bool below = *v->string == '-';
    const char *s = v->string + below;
    for (; *s != '\0'; s++)
        if (*s < '0' || *s > '9' || !mul_ok(n, 10, &n) ||
            !add_ok(n, (uint64_t)(*s - '0'), &n))
            return false;
    if (n > (uint64_t)INT64_MAX + below)
        return false;
    *ret = below ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

bool
doc_bool(const struct doc_value *v, bool *ret)
{
    if (doc_kind(v) != DOC_BOOL)
        return false;
    *ret = v->truth;
    return true;
}

const char *
doc_number(const struct doc_value *v)
{
    return doc_kind(v) == DOC_NUMBER ? v->string : "0";
}
