/* SPDX-License-Identifier: Apache-2.0 */
/* render_internal.h -- what the two ways to show an article share: plain text with marks.
 *
 * Marks are control characters, which no visible text holds: RENDER_BOLD and RENDER_PLAIN
 * around what stands out, RENDER_GLUE for a blank that no line is broken at. */
#ifndef RENDER_INTERNAL_H
#define RENDER_INTERNAL_H

#include "article.h"
#include "catalog.h"
#include "render.h"
#include "text.h"

#define RENDER_BOLD '\x01'
#define RENDER_PLAIN '\x02'
#define RENDER_GLUE '\x03'

/* ${s} without its Markdown signs, variables filled, newlines as blanks (but for <br>). */
void render_inline(const struct catalog_entry *e, const struct render_options *o,
    const char *s, struct text *to);

/* ${s} as it is, a block of code, with variables filled. */
void render_code(const struct catalog_entry *e, const struct render_options *o, const char *s,
    struct text *to);

/* Read the entry's article. */
struct err *render_parse(const struct catalog_entry *e, struct article **ret) must_use;

#endif
