/* SPDX-License-Identifier: Apache-2.0 */
/* article.h -- read one self-help article without losing a byte of it.
 *
 * An article is a <properties .../> header, a title, an issue description between markers
 * and sections of steps, written by people with every editor there is.  The parser accepts
 * whatever bytes it is given: what is odd becomes a diagnostic, never a failure.  Every byte
 * of the file belongs to exactly one block, in order, so whoever reads the blocks has read
 * the file.
 *
 * Spans point into the file as it was given, whatever its encoding: byte offset and length,
 * and line and column (both from 1, columns in characters) for people.  Text that is handed
 * out is UTF-8 with plain newlines.
 *
 * Time grows with the size of the input, nesting costs no stack, and each count has a limit;
 * beyond it the rest of the file is one block and a diagnostic says so.  Nothing here is
 * generated and nothing uses err.h, because the tool that makes the error codes is built
 * from this parser. */
#ifndef ARTICLE_H
#define ARTICLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARTICLE_MAX_BYTES ((size_t)1 << 20)
#define ARTICLE_MAX_BLOCKS 65536
#define ARTICLE_MAX_FIELDS 256
#define ARTICLE_MAX_VALUE 32768
#define ARTICLE_MAX_DIAGS 500
#define ARTICLE_MAX_DEPTH 32 /* of nested lists; deeper items count as this deep */

enum article_result { ARTICLE_OK, ARTICLE_TOO_LARGE, ARTICLE_NO_MEMORY };

enum article_encoding { ARTICLE_ASCII, ARTICLE_UTF8, ARTICLE_CP1252 };

enum article_severity { ARTICLE_NOTE, ARTICLE_WARNING, ARTICLE_ERROR };

struct article_span {
    size_t off, len;
    uint32_t line, column;
};

/* Something odd.  ${id} is one of a closed list of constants, for programs; ${text} is for
 * people. */
struct article_diag {
    const char *id;
    enum article_severity severity;
    struct article_span span;
    const char *text;
};

/* One attribute of the header.  Names keep their spelling, values are literal. */
struct article_field {
    char *name, *value;
    struct article_span name_span, value_span;
};

enum article_kind {
    ARTICLE_BOM,
    ARTICLE_HEADER,
    ARTICLE_BLANK,
    ARTICLE_HEADING,   /* level 1 to 6 */
    ARTICLE_MARKER,    /* <!--name--> (level 0) or <!--/name--> (1) of the known pairs */
    ARTICLE_COMMENT,   /* any other comment that starts a line */
    ARTICLE_PARAGRAPH, /* level: depth of the list item it belongs to, 0 outside lists */
    ARTICLE_ITEM,      /* level: depth from 1; number: as written, -1 for a bullet */
    ARTICLE_FENCE,     /* info: the words after the opening fence */
    ARTICLE_INDENTED,  /* code by indentation */
    ARTICLE_TABLE,
    ARTICLE_QUOTE,
    ARTICLE_RULE,
    ARTICLE_JSON, /* a payload after a rule, to the end of the file */
    ARTICLE_REST  /* what lies beyond the limit of blocks */
};

struct article_block {
    enum article_kind kind;
    unsigned level;
    long number;
    size_t section;            /* index of its section */
    bool in_issue;             /* between the issueDescription markers */
    struct article_span span;  /* all its bytes, line ends included */
    struct article_span inner; /* the content, without #, bullet, fence lines */
    struct article_span info;  /* of a fence or marker; empty otherwise */
};

/* From one heading to the next, whatever their levels.  Section 0 lies before the first
 * heading and has no title. */
struct article_section {
    unsigned level;
    char *title; /* without emphasis; NULL for section 0 */
    size_t first, count; /* blocks, the heading included */
};

struct article {
    unsigned char *bytes; /* the file as it was given */
    size_t len;
    enum article_encoding encoding;
    bool has_header;
    struct article_field *fields;
    size_t nfields;
    struct article_block *blocks;
    size_t nblocks;
    struct article_section *sections;
    size_t nsections;
    struct article_diag *diags;
    size_t ndiags;
    struct article_span *marks; /* of places 1 KiB apart, from which others are counted */
    char *title; /* of the first heading of level 1; NULL when there is none */
    struct article_span title_span;
};

/* Read ${len} bytes; they are copied.  ${ret} is set only with ARTICLE_OK. */
enum article_result article_parse(const void *bytes, size_t len, struct article **ret);

/* The value of a header field whose name matches without regard to case; NULL when absent.
 * The first of several counts. */
const char *article_value(const struct article *a, const char *name);
const struct article_field *article_field(const struct article *a, const char *name);

/* The first section whose title matches without regard to case; NULL when absent. */
const struct article_section *article_find_section(const struct article *a,
    const char *title);

/* The bytes of ${span} as UTF-8 with plain newlines, to be freed; NULL without memory. */
char *article_text(const struct article *a, struct article_span span);

/* The same, and for each byte of the text (its NUL included) the offset in the file that it
 * came from; both are to be freed. */
char *article_text_map(const struct article *a, struct article_span span, uint32_t **ret_at);

/* The span of [off, off + len), which lies in ${within}. */
struct article_span article_part(const struct article *a, struct article_span within,
    size_t off, size_t len);

const char *article_kind_name(enum article_kind kind);

/* Accepts NULL. */
void article_free(struct article *a);

#endif
