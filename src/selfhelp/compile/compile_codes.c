/* SPDX-License-Identifier: Apache-2.0 */
/* What the article as a whole says twice: its code, which stands in the title, the header and
 * the file's name, and the version of the runtime that it is about. */
#include <string.h>
#include <strings.h>

#include "codes.h"
#include "compile_internal.h"

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_code_byte(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

/* A word such as ExtensionOperationFailed: several capitals, small letters between. */
static bool
is_camel(const char *s, size_t len)
{
    unsigned up = 0, down = 0;

    for (size_t i = 0; i < len; i++) {
        up += s[i] >= 'A' && s[i] <= 'Z';
        down += s[i] >= 'a' && s[i] <= 'z';
    }
    return len >= 8 && len <= 120 && up >= 2 && down >= 4;
}

static struct err *
add(struct article_codes *l, const char *s, size_t len, const char *source,
    struct article_span span)
{
    char *code;

    for (size_t i = 0; i < l->n; i++)
        if (text_equal(s, len, l->code[i].code) && strcmp(l->code[i].source, source) == 0)
            return NULL;
    if (l->n == ARTICLE_CODES_MAX || len == 0)
        return NULL;
    code = strndup(s, len);
    if (code == NULL)
        return fail(OutOfMemory);
    l->code[l->n++] = (struct article_code){ code, source, span };
    return NULL;
}

/* The first word of ${s} that is a code; ${any}: one lower-case word alone is one too. */
static struct err *
from_text(struct article_codes *l, const char *s, const char *source,
    struct article_span span, bool any)
{
    size_t words = 0;

    if (s == NULL)
        return NULL;
    for (size_t i = 0; s[i] != '\0';) {
        size_t n = 0;

        while (is_code_byte(s[i + n]))
            n++;
        words += n > 0;
        if (is_camel(s + i, n))
            return add(l, s + i, n, source, span);
        i += n + (s[i + n] != '\0');
    }
    while (*s == ' ')
        s++;
    if (any && words == 1 && strlen(s) >= 12 && strspn(s, "abcdefghijklmnopqrstuvwxyz"
                                                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                          "0123456789_ ") == strlen(s))
        return add(l, s, strcspn(s, " "), source, span);
    return NULL;
}

/* "azurebackup-crc-thecode", "firn-crc-thecode". */
static struct err *
from_id(struct article_codes *l, const char *s, const char *source, struct article_span span)
{
    const char *code = s == NULL ? NULL : strstr(s, "-crc-");
    size_t n = 0;

    if (code == NULL)
        return s == NULL || strchr(s, '-') != NULL
            ? NULL
            : from_text(l, s, source, span, strcmp(source, "file") != 0);
    code += 5;
    while (is_code_byte(code[n]))
        n++;
    return code[n] == '\0' || code[n] == '.' ? add(l, code, n, source, span) : NULL;
}

static struct err *
from_field(struct article_codes *l, const struct article *a, const char *name, bool id)
{
    const struct article_field *f = article_field(a, name);

    if (f == NULL)
        return NULL;
    return id ? from_id(l, f->value, name, f->value_span)
              : from_text(l, f->value, name, f->value_span, true);
}

/* Codes in bold in the prose belong to the article less surely. */
static struct err *
from_prose(struct article_codes *l, const struct article *a)
{
    for (size_t i = 0; i < a->nblocks; i++) {
        struct article_span s = a->blocks[i].inner;
        const char *t = (const char *)a->bytes + s.off;

        if (a->blocks[i].kind != ARTICLE_PARAGRAPH && a->blocks[i].kind != ARTICLE_ITEM)
            continue;
        for (size_t k = 0; k + 12 < s.len; k++) {
            size_t n = 0;

            if (t[k] != '*' || t[k + 1] != '*' || !is_letter(t[k + 2]))
                continue;
            while (k + 2 + n < s.len && is_code_byte(t[k + 2 + n]))
                n++;
            if (k + 4 + n <= s.len && t[k + 2 + n] == '*' && is_camel(t + k + 2, n))
                TRY(add(l, t + k + 2, n, "text", article_part(a, s, s.off + k + 2, n)));
            k += 2 + n;
        }
    }
    return NULL;
}

static struct err *
collect(const struct article *a, const char *file, struct article_codes *ret)
{
    TRY(from_text(ret, a->title, "title", a->title_span, false));
    TRY(from_field(ret, a, "description", false));
    TRY(from_field(ret, a, "pageTitle", false));
    TRY(from_field(ret, a, "diagnosticScenario", true));
    TRY(from_field(ret, a, "articleId", true));
    if (file != NULL) {
        auto_free char *stem = strdup(file);
        char *dot = stem == NULL ? NULL : strrchr(stem, '.');

        if (stem == NULL)
            return fail(OutOfMemory);
        if (dot != NULL)
            *dot = '\0';
        TRY(from_id(ret, stem, "file", (struct article_span){ 0 }));
    }
    return from_prose(ret, a);
}

struct err *
compile_codes(const struct article *a, const char *file, struct article_codes *ret)
{
    struct article_codes l = { 0 };
    struct err *e = collect(a, file, &l);

    if (e != NULL) {
        article_codes_done(&l);
        return e;
    }
    *ret = l;
    return NULL;
}

void
article_codes_done(struct article_codes *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->code[i].code);
    *c = (struct article_codes){ 0 };
}

/* ---- conflicts ---- */

static void
codes_differ(struct compiler *c, const char *file)
{
    struct article_codes l = { 0 };
    struct err *e = compile_codes(c->a, file, &l);
    struct text t = { 0 };
    size_t other = 0;

    if (e != NULL) {
        err_free(e);
        c->no_memory = true;
        return;
    }
    for (size_t i = 1; i < l.n; i++)
        if (strcmp(l.code[i].source, "text") != 0 &&
            strcasecmp(l.code[i].code, l.code[0].code) != 0) {
            if (other == 0)
                text_fmt(&t, "%s says %s", l.code[0].source, l.code[0].code);
            text_fmt(&t, ", %s says %s", l.code[i].source, l.code[i].code);
            other = other == 0 ? i : other;
        }
    if (t.no_memory)
        c->no_memory = true;
    else if (other != 0)
        compiler_note(c, "code-id-mismatch", NULL, l.code[other].span, t.s);
    text_done(&t);
    article_codes_done(&l);
}

enum { YEARS_MAX = 8, YEAR_NEAR = 80 };

/* The years that stand close behind the name of the runtime. */
struct years {
    size_t n;
    char year[YEARS_MAX][5];
    size_t at[YEARS_MAX];
};

static void
note_year(struct years *y, const char *s, size_t at)
{
    for (size_t i = 0; i < y->n; i++)
        if (strncmp(y->year[i], s, 4) == 0)
            return;
    if (y->n == YEARS_MAX)
        return;
    memcpy(y->year[y->n], s, 4);
    y->at[y->n++] = at;
}

static void
find_years(const struct article *a, struct years *y)
{
    static const char *const names[] = { "Visual C++", "Visual Studio", "vcredist",
        "VCRedist", "vc_redist" };

    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        const char *s = (const char *)a->bytes, *end = s + a->len;
        size_t n = strlen(names[k]);

        while ((s = memmem(s, (size_t)(end - s), names[k], n)) != NULL) {
            s += n;
            for (const char *p = s; p + 4 <= end && p < s + YEAR_NEAR && *p != '\n'; p++)
                if (p[0] == '2' && p[1] == '0' && p[2] >= '0' && p[2] <= '2' && p[3] >= '0' &&
                    p[3] <= '9' && (p + 4 == end || p[4] < '0' || p[4] > '9')) {
                    note_year(y, p, (size_t)(p - (const char *)a->bytes));
                    break;
                }
        }
    }
}

static void
versions_differ(struct compiler *c)
{
    struct years y = { 0 };
    struct plan_step *install = NULL;
    struct text t = { 0 };
    size_t last = 0;

    find_years(c->a, &y);
    if (y.n < 2)
        return;
    for (size_t i = 0; install == NULL && i < c->plan->nsteps; i++)
        if (c->plan->steps[i].action.kind->risk == RISK_INSTALL)
            install = &c->plan->steps[i];
    text_str(&t, "the article names the runtime of ");
    for (size_t i = 0; i < y.n; i++) {
        text_fmt(&t, "%s%.4s", i == 0 ? "" : " and of ", y.year[i]);
        last = y.at[i] > last ? y.at[i] : last;
    }
    if (t.no_memory)
        c->no_memory = true;
    else
        compiler_note(c, "runtime-version-conflict", install,
            article_part(c->a, (struct article_span){ 0, c->a->len, 1, 1 }, last, 4), t.s);
    text_done(&t);
}

void
compile_conflicts(struct compiler *c, const char *file)
{
    codes_differ(c, file);
    versions_differ(c);
    if (c->plan->remedy_lost)
        compiler_note(c, "remedy-lost", NULL, c->plan->steps[0].span, NULL);
}
