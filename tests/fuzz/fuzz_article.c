/* SPDX-License-Identifier: Apache-2.0 */
/* The article parser on any bytes: blocks cover the input without gap or overlap, spans lie
 * inside it, and what is shown of it can steer no terminal. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "article.h"
#include "catalog.h"
#include "err.h"
#include "render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_span(const struct article *a, struct article_span span)
{
    assert(span.off <= a->len && span.len <= a->len - span.off);
    assert(span.line >= 1 && span.column >= 1);
}

static void
check_blocks(const struct article *a)
{
    size_t at = 0;

    for (size_t i = 0; i < a->nblocks; i++) {
        const struct article_block *b = &a->blocks[i];

        assert(b->span.off == at && b->span.len > 0);
        at += b->span.len;
        check_span(a, b->span);
        check_span(a, b->inner);
        check_span(a, b->info);
        assert(b->section < a->nsections);
        assert(b->level <= ARTICLE_MAX_DEPTH);
    }
    assert(at == a->len);
    for (size_t i = 0; i < a->ndiags; i++)
        check_span(a, a->diags[i].span);
    for (size_t i = 0; i < a->nfields; i++) {
        check_span(a, a->fields[i].name_span);
        check_span(a, a->fields[i].value_span);
        assert(article_value(a, a->fields[i].name) != NULL);
    }
}

static void
check_shown(const uint8_t *data, size_t size)
{
    const struct err_arg args[] = { { "what", "a'b\x1b", 0 }, { "n", NULL, -1 } };
    const struct catalog_entry e = { .id = "Fuzz", .class_name = "internal",
        .message = "{what}", .description = "d", .scenario = "s", .clouds = "a,b",
        .products = "", .resource = ",", .needs = "what:string n:size other:int",
        .text = (const char *)data, .text_len = size };
    const struct render_options o = { .width = 40, .args = args, .nargs = 2 };
    struct err *failed;
    char *text = NULL;
    json_t *json = NULL;

    failed = render_article(&e, &o, &text);
    if (failed == NULL) {
        assert(strchr(text, '\x1b') == NULL && strpbrk(text, "\x01\x02\x03\x7f") == NULL);
        free(text);
    }
    err_free(failed);
    failed = render_article_json(&e, &o, &json);
    if (failed == NULL)
        json_decref(json);
    err_free(failed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct article *a = NULL;
    enum article_result r = article_parse(data, size, &a);

    if (r != ARTICLE_OK) {
        assert(r == ARTICLE_NO_MEMORY || size > ARTICLE_MAX_BYTES);
        return 0;
    }
    assert(a->len == size && (size == 0 || memcmp(a->bytes, data, size) == 0));
    check_blocks(a);
    article_free(a);
    check_shown(data, size);
    return 0;
}
