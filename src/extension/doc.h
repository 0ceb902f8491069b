/* SPDX-License-Identifier: Apache-2.0 */
/* doc.h -- JSON documents, read strictly and with limits, and written.
 *
 * The program in the guest is one file without libraries, on Windows too, so it cannot use
 * the JSON library that the rest of firn has; manifests, settings and status files are small
 * and few, and this is all that they need.
 *
 * Reading accepts RFC 8259 and a byte order mark before it.  Refused beyond that: a name
 * twice in one object (two readers would see two things), NUL in a string, bytes that are
 * not UTF-8, lone surrogates, and whatever passes a limit below.  A number is kept as it is
 * spelled; doc_int takes it only when it is an integer of 64 bits.
 *
 * A value borrows from its document and lives as long.  NULL stands for "no such value" and
 * every question may be asked of it. */
#ifndef DOC_H
#define DOC_H

#include "auto.h"
#include "err.h"
#include "text.h"

enum {
    DOC_BYTES_MAX = 2 << 20,     /* of a document; a line of a journal is as long */
    DOC_DEPTH_MAX = 32,          /* objects and arrays in each other */
    DOC_VALUES_MAX = 65536,      /* of one document */
    DOC_NAMES_MAX = 4096         /* of one object: each is compared with all before it */
};

struct doc;
struct doc_value;

enum doc_kind {
    DOC_ABSENT, DOC_NULL, DOC_BOOL, DOC_NUMBER, DOC_STRING, DOC_ARRAY, DOC_OBJECT
};

/* ${what} names the document in the failure: InputInvalid, with the line.  ${bytes} are
 * copied. */
struct err *doc_parse(const char *what, const char *bytes, size_t len, struct doc **ret)
    must_use;
const struct doc_value *doc_root(const struct doc *d); /* NULL of NULL */
void doc_free(struct doc *d);
DEFINE_AUTO(doc);

enum doc_kind doc_kind(const struct doc_value *v);
/* The value of a name in an object, else NULL. */
const struct doc_value *doc_get(const struct doc_value *object, const char *name);
/* What an array or object holds, in its order; NULL at the end. */
const struct doc_value *doc_first(const struct doc_value *v);
const struct doc_value *doc_next(const struct doc_value *v);
size_t doc_count(const struct doc_value *v);
/* Under which name it stands in its object, else NULL. */
const char *doc_name(const struct doc_value *v);

/* The string, or ${otherwise} where the value is none. */
const char *doc_string(const struct doc_value *v, const char *otherwise);
/* False when the value is nothing of the kind; *ret is then unchanged. */
bool doc_int(const struct doc_value *v, int64_t *ret);
bool doc_bool(const struct doc_value *v, bool *ret);
/* A number as it is spelled, "0" for what is none. */
const char *doc_number(const struct doc_value *v);

/* A document being written; starts as { 0 }.  Names are NULL for what stands in an array
 * and for the outermost value.  When memory is short it remembers: doc_out_take says so. */
struct doc_out {
    struct text text;
    bool follows; /* a comma must come before the next value */
};

void doc_open(struct doc_out *o, const char *name, char bracket); /* '{' or '[' */
void doc_close(struct doc_out *o, char bracket);                  /* '}' or ']' */
/* NULL is null.  Bytes that are not UTF-8 come out as \xNN, since JSON cannot hold them. */
void doc_put_string(struct doc_out *o, const char *name, const char *s);
void doc_put_int(struct doc_out *o, const char *name, int64_t v);
void doc_put_bool(struct doc_out *o, const char *name, bool v);
/* A value that another document holds, or that is JSON already. */
void doc_put_value(struct doc_out *o, const char *name, const struct doc_value *v);
void doc_put_json(struct doc_out *o, const char *name, const char *json);

/* The text, which the caller owns, without a newline; the document begins anew. */
struct err *doc_out_take(struct doc_out *o, char **ret) must_use;
void doc_out_done(struct doc_out *o);

#endif
