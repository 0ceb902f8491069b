/* SPDX-License-Identifier: Apache-2.0 */
/* article_internal.h -- what the files of the article parser share. */
#ifndef ARTICLE_INTERNAL_H
#define ARTICLE_INTERNAL_H

#include "article.h"

struct parse {
    struct article *a;
    const unsigned char *s;
    size_t len;
    uint32_t *lines; /* offset of each line */
    size_t nlines;
    size_t col_off; /* where the column was counted last: spans come mostly in order */
    uint32_t col_line, col;
    size_t cap_fields, cap_blocks, cap_sections, cap_diags;
    bool no_memory;

    /* state of the block reader */
    bool in_issue;
    size_t issue_at;
    bool blocks_full;
    bool comment_unclosed; /* no "-->" follows from here on */
    size_t eol; /* end of the line that is being read */
    struct mark {
        size_t from, at, after, end; /* found by looking from "from" up to "end" */
        struct article_span name;
        bool close;
    } mark;
    unsigned depth;
    unsigned indent[ARTICLE_MAX_DEPTH];
};

struct article_span parse_span(struct parse *p, size_t off, size_t len);
void parse_diag(struct parse *p, const char *id, enum article_severity severity, size_t off,
    size_t len, const char *text);

/* Room for one more of ${n} things of ${size} bytes; false without memory. */
bool parse_room(struct parse *p, void *array, size_t *cap, size_t n, size_t size);

/* Where the header starts, or len when there is none. */
size_t header_find(struct parse *p);
/* Read the header at ${off}; returns the offset after it and the rest of its last line. */
size_t header_read(struct parse *p, size_t off);

/* Cut [off, end) into blocks. */
void body_read(struct parse *p, size_t off, size_t end);
struct article_block *body_block(struct parse *p, enum article_kind kind, size_t off,
    size_t end);
/* Close what is still open at the end of the file and count the sections' blocks. */
void body_finish(struct parse *p);

/* The length of a white-space or zero-width character at ${off}, 0 when there is another;
 * ${ret_odd} says that it is not plain ASCII. */
size_t blank_at(const struct parse *p, size_t off, size_t end, bool *ret_odd);

#endif
