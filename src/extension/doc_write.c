/* SPDX-License-Identifier: Apache-2.0 */
/* Text is put together as it comes; a comma comes before each value that follows another. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "doc.h"

static void
put_quoted(struct text *t, const char *s)
{
    char hex[16];

    text_add(t, "\"", 1);
    while (*s != '\0') {
        size_t n = text_visible(s);

        if (*s == '"' || *s == '\\') {
            text_add(t, "\\", 1);
            text_add(t, s++, 1);
        } else if (n > 0) {
            text_add(t, s, n);
            s += n;
        } else if (*s == '\n' || *s == '\t' || *s == '\r') {
            text_str(t, *s == '\n' ? "\\n" : *s == '\t' ? "\\t" : "\\r");
            s++;
        } else {
            /* a control character has its escape, a byte that is no character has none */
            bool control = (unsigned char)*s < 0x80;
            (void)snprintf(hex, sizeof(hex), control ? "\\u%04x" : "\\\\x%02x",
                (unsigned char)*s++);
            text_str(t, hex);
        }
    }
    text_add(t, "\"", 1);
}

static void
begin(struct doc_out *o, const char *name)
{
    if (o->follows)
        text_add(&o->text, ",", 1);
    if (name != NULL) {
        put_quoted(&o->text, name);
        text_add(&o->text, ":", 1);
    }
    o->follows = true;
}

void
doc_open(struct doc_out *o, const char *name, char bracket)
{
    begin(o, name);
    text_add(&o->text, &bracket, 1);
    o->follows = false;
}

void
doc_close(struct doc_out *o, char bracket)
{
    text_add(&o->text, &bracket, 1);
    o->follows = true;
}

void
doc_put_string(struct doc_out *o, const char *name, const char *s)
{
    begin(o, name);
    if (s == NULL)
        text_str(&o->text, "null");
    else
        put_quoted(&o->text, s);
}

void
doc_put_int(struct doc_out *o, const char *name, int64_t v)
{
    begin(o, name);
    text_fmt(&o->text, "%" PRId64, v);
}

void
doc_put_bool(struct doc_out *o, const char *name, bool v)
{
    begin(o, name);
    text_str(&o->text, v ? "true" : "false");
}

void
doc_put_json(struct doc_out *o, const char *name, const char *json)
{
    begin(o, name);
    text_str(&o->text, json);
}

void
doc_put_value(struct doc_out *o, const char *name, const struct doc_value *v)
{
    bool truth = false;

    switch (doc_kind(v)) {
    case DOC_ABSENT:
    case DOC_NULL:
        doc_put_string(o, name, NULL);
        break;
    case DOC_BOOL:
        (void)doc_bool(v, &truth);
        doc_put_bool(o, name, truth);
        break;
    case DOC_NUMBER:
        doc_put_json(o, name, doc_number(v));
        break;
    case DOC_STRING:
        doc_put_string(o, name, doc_string(v, NULL));
        break;
    case DOC_ARRAY:
    case DOC_OBJECT: /* as deep as doc_parse lets it be */
        doc_open(o, name, doc_kind(v) == DOC_OBJECT ? '{' : '[');
        for (const struct doc_value *i = doc_first(v); i != NULL; i = doc_next(i))
            doc_put_value(o, doc_name(i), i);
        doc_close(o, doc_kind(v) == DOC_OBJECT ? '}' : ']');
        break;
    }
}

struct err *
doc_out_take(struct doc_out *o, char **ret)
{
    struct text t = o->text;

    if (t.no_memory || t.s == NULL) {
        doc_out_done(o);
        return fail(OutOfMemory);
    }
    *o = (struct doc_out){ 0 };
    *ret = t.s;
    return NULL;
}

void
doc_out_done(struct doc_out *o)
{
    text_done(&o->text);
    *o = (struct doc_out){ 0 };
}
