/* SPDX-License-Identifier: Apache-2.0 */
/* The article parser on what people really write: each row is one oddity, with the blocks
 * and diagnostics that must come of it.  Whatever comes in, no byte may be lost. */
#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "article.h"

#define HEAD "<properties a=\"1\"/>\n"

struct row {
    const char *name, *text;
    const char *blocks; /* kinds without header and blanks; NULL: not asked */
    const char *diags;  /* ids */
    const char *field, *value;
};

#define T "\n# T\n"

static const struct row header_rows[] = {
    { "strict", "<properties\n  a=\"1\"\n  b=\"2\"\n/>" T, "heading", "", "b", "2" },
    { "one line", "<properties a=\"1\" b=\"2\"/>" T, "heading", "", "B", "2" },
    { "one BOM", "\xef\xbb\xbf<properties a=\"1\"/>" T, "bom heading", "", "a", "1" },
    { "two BOMs", "\xef\xbb\xbf\xef\xbb\xbf<properties a=\"1\"/>" T, "bom heading",
        "bom-twice", "a", "1" },
    { "title before", "# T\n\n<properties a=\"1\"/>\n", "heading", "", "a", "1" },
    { "comment before", "<!-- x -->\n<properties a=\"1\"/>" T, "comment heading", "", "a",
        "1" },
    { "header in a comment", "<!-- <properties a=\"0\"/> -->\n<properties a=\"1\"/>" T,
        "comment heading", "", "a", "1" },
    { "text before", "stray <properties a=\"1\"/>" T, "paragraph heading", "", "a", "1" },
    { "quote missing", "<properties\n a=\"1\n b=\"2\"\n/>" T, "heading", "quote-missing",
        "a", "1" },
    { "quote missing, next kept", "<properties\n a=\"1\n b=\"2\"\n/>" T, "heading",
        "quote-missing", "b", "2" },
    { "quote missing before the end", "<properties\n a=\"1\r\n/>" T, "heading",
        "quote-missing", "a", "1" },
    { "quote doubled", "<properties a=\"1\"\" b=\"2\"/>" T, "heading", "quote-doubled", "b",
        "2" },
    { "newline in value", "<properties a=\"one\n two\" b=\"2\"/>" T, "heading", "", "a",
        "one\n two" },
    { "CRLF in value", "<properties a=\"one\r\n two\"/>" T, "heading", "", "a",
        "one\n two" },
    { "ZWSP between", "<properties a=\"1\"\xe2\x80\x8b b=\"2\"/>" T, "heading",
        "header-blank", "b", "2" },
    { "NBSP as indentation", "<properties\n\xc2\xa0\xc2\xa0" "a=\"1\"/>" T, "heading",
        "header-blank", "a", "1" },
    { "comma after", "<properties a=\"1\", b=\"2\"/>" T, "heading", "header-junk", "b", "2" },
    { "CR after the tag", "<properties\r a=\"1\"/>" T, "heading", "", "a", "1" },
    { "single quotes", "<properties a='say \"hi\"'/>" T, "heading", "", "a", "say \"hi\"" },
    { "raw signs", "<properties a=\"a & b < c > d \\ e &amp;\"/>" T, "heading", "", "a",
        "a & b < c > d \\ e &amp;" },
    { "padded", "<properties a = \"  1 \"/>" T, "heading", "", "a", "  1 " },
    { "any case", "<properties PageTitle=\"x\"/>" T, "heading", "", "pagetitle", "x" },
    { "dotted name", "<properties ms.author=\"x\"/>" T, "heading", "", "ms.author", "x" },
    { "empty value", "<properties a=\"\" b=\"2\"/>" T, "heading", "", "a", "" },
    { "unquoted", "<properties a=1 b=\"2\"/>" T, "heading", "value-unquoted", "a", "1" },
    { "no value", "<properties a b=\"2\"/>" T, "heading", "field-without-value", "b", "2" },
    { "twice", "<properties a=\"1\" A=\"2\"/>" T, "heading", "field-twice", "a", "1" },
    { "no blank between", "<properties a=\"1\"b=\"2\"/>" T, "heading", "", "b", "2" },
    { "text glued to the end", "<properties a=\"1\"/>text\n# T\n", "paragraph heading",
        "text-after-header", "a", "1" },
    { "ends with >", "<properties a=\"1\">" T, "heading", "header-end", "a", "1" },
    { "never ends", "<properties a=\"1\"", "", "header-unclosed no-title", "a", "1" },
    { "value never ends", "<properties a=\"1", "",
        "quote-missing header-unclosed no-title", "a", "1" },
    { "no header", "# T\ntext\n", "heading paragraph", "no-header", NULL, NULL },
    { "empty file", "", "", "no-header no-title", NULL, NULL },
    { "propertiesx is none", "<propertiesx a=\"1\"/>" T, "paragraph heading", "no-header",
        NULL, NULL },
};

static const struct row encoding_rows[] = {
    { "cp1252", HEAD "# \x93T\x94 \x80\n", "heading", "not-utf8", "a", "1" },
    { "cp1252 in a value", "<properties a=\"it\x92s\"/>\n# T\n", "heading", "not-utf8", "a",
        "it\xe2\x80\x99s" },
    { "mixed line ends", "<properties a=\"1\"/>\r\n# T\r\n\r\ntext\nmore\r\n* x\n",
        "heading paragraph item", "", NULL, NULL },
    { "no final newline", HEAD "# T\ntext", "heading paragraph", "", NULL, NULL },
    { "ZWSP at the end of a line", HEAD "# T\n* x \xe2\x80\x8b\n", "heading item", "", NULL,
        NULL },
    { "overlong UTF-8", HEAD "# T\n\xc0\xaf\n", "heading paragraph", "not-utf8", NULL, NULL },
    { "surrogate", HEAD "# T\n\xed\xa0\x80\n", "heading paragraph", "not-utf8", NULL, NULL },
    { "lone CR stays in the line", HEAD "# T\na\rb\n", "heading paragraph", "", NULL, NULL },
};

static const struct row body_rows[] = {
    { "no heading", HEAD "text\n", "paragraph", "no-title", NULL, NULL },
    { "several titles", HEAD "# T\n# U\n", "heading heading", "title-again", NULL, NULL },
    { "glued #", HEAD "# T\n##X\n##**Y**\n", "heading heading heading",
        "heading-glued heading-glued", NULL, NULL },
    { "hash of a number", HEAD "# T\n#1 is text\n", "heading paragraph", "", NULL, NULL },
    { "indented heading", HEAD "# T\n   ## X\n", "heading heading", "", NULL, NULL },
    { "empty heading", HEAD "# T\n## \n", "heading heading", "heading-empty", NULL, NULL },
    { "seven #", HEAD "# T\n####### x\n", "heading paragraph", "", NULL, NULL },
    { "underlined", HEAD "T\n===\n\nX\n---\ntext\n", "heading heading paragraph", "", NULL,
        NULL },
    { "rule", HEAD "# T\n\n---\n\n* * *\n", "heading rule rule", "", NULL, NULL },
    { "JSON payload", HEAD "# T\ntext\n---\n{ \"a\": 1 }\n# not a heading\n",
        "heading paragraph rule json", "", NULL, NULL },
    { "list right after text", HEAD "# T\ntext\n* a\n* b\n", "heading paragraph item item", "",
        NULL, NULL },
    { "bullet and tab", HEAD "# T\n*\ta\n-\tb\n+ c\n", "heading item item item", "", NULL,
        NULL },
    { "bold is no bullet", HEAD "# T\n**a** b\n", "heading paragraph", "", NULL, NULL },
    { "unicode bullet", HEAD "# T\n\xe2\x80\xa2 a\n\xe2\x80\xa2 b\n", "heading item item", "",
        NULL, NULL },
    { "cp1252 bullet", HEAD "# T\n\x95 a\n", "heading item", "not-utf8", NULL, NULL },
    { "numbers", HEAD "# T\n1. a\n1. b\n7) c\n1.d\n1x. e\n", "heading item item item", "", NULL,
        NULL },
    { "lazy lines", HEAD "# T\n* a\nstill a\n  and here\n", "heading item", "", NULL, NULL },
    { "tabs between items", HEAD "# T\n* a\n\t\n* b\n", "heading item item", "", NULL, NULL },
    { "paragraph of an item", HEAD "# T\n* a\n\n \t`x`\n\t`y`\n\nout\n",
        "heading item paragraph paragraph", "", NULL, NULL },
    { "fence", HEAD "# T\n```bash\nls\n```\ntext\n", "heading fence paragraph", "", NULL,
        NULL },
    { "fence in a list", HEAD "# T\n1. a\n\n    ```\n    x\n    ```\n\n1. b\n",
        "heading item fence item", "", NULL, NULL },
    { "fence never closed", HEAD "# T\n```\n# x\n* y\n", "heading fence", "fence-unclosed",
        NULL, NULL },
    { "longer fence", HEAD "# T\n````\n```\n````\n~~~\n```\n~~~\n", "heading fence fence", "",
        NULL, NULL },
    { "three backticks in a line", HEAD "# T\n```net stop x```\n", "heading paragraph", "",
        NULL, NULL },
    { "indented code", HEAD "# T\n\n    code\n    more\ntext\n", "heading indented paragraph",
        "", NULL, NULL },
    { "table and quote", HEAD "# T\n|a|b|\n|-|-|\n> **Note:** x\n> y\n", "heading table quote",
        "", NULL, NULL },
    { "markers", HEAD "# T\n<!--issueDescription-->\n## X\n<!--/issueDescription-->\ntext\n",
        "heading marker heading marker paragraph", "", NULL, NULL },
    { "markers with blanks", HEAD "# T\n<!-- issueDescription -->x<!-- /issuedescription -->\n",
        "heading marker paragraph marker", "", NULL, NULL },
    { "marker amid a line", HEAD "# T\na <!--issueDescription-->b<!--/issueDescription--> c\n",
        "heading paragraph marker paragraph marker paragraph", "", NULL, NULL },
    { "marker not closed", HEAD "# T\n<!--issueDescription-->\nx\n\ny\n",
        "heading marker paragraph paragraph", "marker-unbalanced", NULL, NULL },
    { "marker not opened", HEAD "# T\nx\n<!--/issueDescription-->\n",
        "heading paragraph marker", "marker-unbalanced", NULL, NULL },
    { "marker in itself",
        HEAD "# T\n<!--issueDescription-->\n<!--issueDescription-->\n"
        "<!--/issueDescription-->\n",
        "heading marker marker marker", "marker-unbalanced", NULL, NULL },
    { "other comment", HEAD "# T\n<!-- a\nb\n--> c\n", "heading comment paragraph", "", NULL,
        NULL },
    { "token is text", HEAD "# T\n<!--$name-->x<!--/$name--> is here\n", "heading paragraph",
        "", NULL, NULL },
    { "comment never closed", HEAD "# T\n<!-- a\n* b\n<!-- c\n", "heading comment item comment",
        "comment-unclosed comment-unclosed", NULL, NULL },
};

static void
no_byte_is_lost(const struct article *a)
{
    size_t at = 0, lines = 1, column_ok = 1;

    for (size_t i = 0; i < a->nblocks; i++) {
        const struct article_block *b = &a->blocks[i];
        char *s = article_text(a, b->span);

        assert_non_null(s);
        free(s);
        assert_int_equal(b->span.off, at);
        assert_true(b->span.len > 0);
        for (; at < b->span.off + b->span.len; at++)
            lines += a->bytes[at] == '\n';
        assert_true(b->inner.off >= b->span.off && b->inner.off + b->inner.len <= at);
        assert_true(b->info.off + b->info.len <= at);
        assert_true(b->span.line >= 1 && b->span.line <= lines);
        assert_true(b->section < a->nsections);
        column_ok = column_ok && b->span.column >= 1;
    }
    assert_true(column_ok);
    assert_int_equal(at, a->len);
    for (size_t i = 0; i < a->ndiags; i++)
        assert_true(a->diags[i].span.off + a->diags[i].span.len <= a->len);
}

static void
names_of(const struct article *a, char *blocks, char *diags, size_t size)
{
    blocks[0] = diags[0] = '\0';
    for (size_t i = 0; i < a->nblocks; i++) {
        enum article_kind k = a->blocks[i].kind;

        if (k == ARTICLE_HEADER || k == ARTICLE_BLANK)
            continue;
        (void)snprintf(blocks + strlen(blocks), size - strlen(blocks), "%s%s",
            blocks[0] == '\0' ? "" : " ", article_kind_name(k));
    }
    for (size_t i = 0; i < a->ndiags; i++)
        (void)snprintf(diags + strlen(diags), size - strlen(diags), "%s%s",
            diags[0] == '\0' ? "" : " ", a->diags[i].id);
}

static struct article *
parse(const char *text, size_t len)
{
    struct article *a = NULL;

    assert_int_equal(article_parse(text, len, &a), ARTICLE_OK);
    no_byte_is_lost(a);
    return a;
}

static void
check_rows(const struct row *row, size_t n)
{
    char blocks[512], diags[512];

    for (; n > 0; n--, row++) {
        struct article *a = parse(row->text, strlen(row->text));

        names_of(a, blocks, diags, sizeof(blocks));
        if (strcmp(blocks, row->blocks) != 0 || strcmp(diags, row->diags) != 0)
            print_error("row \"%s\"\n", row->name);
        assert_string_equal(blocks, row->blocks);
        assert_string_equal(diags, row->diags);
        if (row->field != NULL) {
            assert_non_null(article_value(a, row->field));
            assert_string_equal(article_value(a, row->field), row->value);
        }
        article_free(a);
    }
}

static void
headers(void **state)
{
    (void)state;
    check_rows(header_rows, sizeof(header_rows) / sizeof(header_rows[0]));
}

static void
encodings(void **state)
{
    struct article *a;

    (void)state;
    check_rows(encoding_rows, sizeof(encoding_rows) / sizeof(encoding_rows[0]));
    a = parse(HEAD "# \x93T\x94\n", strlen(HEAD "# \x93T\x94\n"));
    assert_int_equal(a->encoding, ARTICLE_CP1252);
    assert_string_equal(a->title, "\xe2\x80\x9cT\xe2\x80\x9d");
    article_free(a);
    a = parse(HEAD "# T\0x\n", sizeof(HEAD "# T\0x\n") - 1);
    assert_string_equal(a->diags[0].id, "nul-byte");
    assert_string_equal(a->title, "T?x");
    article_free(a);
}

static void
bodies(void **state)
{
    (void)state;
    check_rows(body_rows, sizeof(body_rows) / sizeof(body_rows[0]));
}

static void
every_prefix_of_every_row(void **state)
{
    static const struct {
        const struct row *row;
        size_t n;
    } tables[] = {
        { header_rows, sizeof(header_rows) / sizeof(header_rows[0]) },
        { encoding_rows, sizeof(encoding_rows) / sizeof(encoding_rows[0]) },
        { body_rows, sizeof(body_rows) / sizeof(body_rows[0]) },
    };

    (void)state;
    for (size_t t = 0; t < 3; t++)
        for (size_t i = 0; i < tables[t].n; i++)
            for (size_t len = strlen(tables[t].row[i].text); len > 0; len--)
                article_free(parse(tables[t].row[i].text, len));
}

static void
spans_count_lines_and_characters(void **state)
{
    static const char text[] = "<properties\r\n\ta=\"\xc3\xa4\" b=\"2\"/>\r\n"
        "# T\r\n\xc3\xa4 <!--issueDescription-->x<!--/issueDescription-->\r\n  1. one\r\n";
    struct article *a = parse(text, sizeof(text) - 1);
    const struct article_field *b = article_field(a, "b");
    const struct article_block *last = &a->blocks[a->nblocks - 1];

    (void)state;
    assert_int_equal(b->name_span.line, 2);
    assert_int_equal(b->name_span.column, 8);
    assert_int_equal(b->value_span.off, strchr(text, '2') - text);
    assert_int_equal(a->title_span.line, 3);
    assert_int_equal(a->title_span.column, 3);
    assert_int_equal(a->blocks[3].kind, ARTICLE_MARKER);
    assert_int_equal(a->blocks[3].span.column, 3);
    assert_true(a->blocks[4].in_issue);
    assert_false(a->blocks[2].in_issue || a->blocks[5].in_issue || last->in_issue);
    assert_int_equal(last->kind, ARTICLE_ITEM);
    assert_int_equal(last->number, 1);
    assert_int_equal(last->level, 1);
    assert_int_equal(last->inner.line, 5);
    assert_int_equal(last->inner.column, 6);
    assert_int_equal(last->inner.len, 3);
    article_free(a);
}

static void
lists_nest(void **state)
{
    static const char text[] = HEAD "# T\n* a\n  * b\n    1. c\n   * d\n* e\n"
        "    * f\n## X\n  * g\n";
    static const unsigned level[] = { 1, 2, 3, 2, 1, 2, 1 };
    struct article *a = parse(text, sizeof(text) - 1);
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < a->nblocks; i++)
        if (a->blocks[i].kind == ARTICLE_ITEM)
            assert_int_equal(a->blocks[i].level, level[n++]);
    assert_int_equal(n, 7);
    article_free(a);
}

static void
sections_have_their_blocks(void **state)
{
    static const char text[] = "before\n" HEAD "# T\n\n## **Recommended Steps**\n* a\n* b\n\n"
        "```action\nx.y z=1\n```\n## Half **X*\n";
    struct article *a = parse(text, sizeof(text) - 1);
    const struct article_section *s = article_find_section(a, "recommended steps");

    (void)state;
    assert_int_equal(a->nsections, 4);
    assert_null(a->sections[0].title);
    assert_int_equal(a->sections[0].count, 2);
    assert_non_null(s);
    assert_int_equal(s->count, 5);
    assert_int_equal(a->blocks[s->first + 4].kind, ARTICLE_FENCE);
    assert_memory_equal(a->bytes + a->blocks[s->first + 4].info.off, "action", 6);
    assert_int_equal(a->blocks[s->first + 4].info.len, 6);
    assert_memory_equal(a->bytes + a->blocks[s->first + 4].inner.off, "x.y z=1\n", 8);
    assert_int_equal(a->blocks[s->first + 4].inner.len, 8);
    assert_string_equal(a->sections[3].title, "Half X");
    assert_null(article_find_section(a, "none"));
    article_free(a);
}

/* A file of ${total} bytes that repeats ${unit}. */
static char *
repeat(const char *unit, size_t total)
{
    size_t n = strlen(unit);
    char *s = malloc(total);

    assert_non_null(s);
    for (size_t i = 0; i < total; i++)
        s[i] = unit[i % n];
    return s;
}

static void
hostile_files_cost_no_more_than_their_size(void **state)
{
    static const char *const units[] = { ">", "*", "* ", "#", "# ", "`", "```", "```\n", "<!--",
        "<!-- x -->", "<!--$a-->", "<!--issueDescription-->", "<properties ", "a=\"\n",
        "a='\n!!\n", "[", "](", "{", "\n", "a\n\n", "|", "---\n", "---\n\n", "    x\n", "\t",
        "\xef\xbb\xbf", "\xe2\x80\x8b", "\xff", "* a\n ", "1. ", "0", "- - ", "=\n" };
    const size_t total = ARTICLE_MAX_BYTES;

    (void)state;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        for (int header = 0; header < 2; header++) {
            char *s = repeat(units[i], total);
            clock_t start = clock();
            double seconds;

            if (header)
                memcpy(s, "<properties ", 12);
            article_free(parse(s, total));
            seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
            if (seconds > 5)
                print_error("unit \"%s\": %.1f s\n", units[i], seconds);
            assert_true(seconds <= 5); /* quadratic would be minutes */
            free(s);
        }
}

static void
limits_hold(void **state)
{
    char *s = repeat("x", ARTICLE_MAX_BYTES + 1);
    struct article *a = NULL;

    (void)state;
    assert_int_equal(article_parse(s, ARTICLE_MAX_BYTES + 1, &a), ARTICLE_TOO_LARGE);
    assert_null(a);
    free(s);
    s = repeat("# x\n", ARTICLE_MAX_BYTES);
    a = parse(s, ARTICLE_MAX_BYTES);
    assert_int_equal(a->nblocks, ARTICLE_MAX_BLOCKS);
    assert_int_equal(a->blocks[a->nblocks - 1].kind, ARTICLE_REST);
    assert_int_equal(a->ndiags, ARTICLE_MAX_DIAGS);
    assert_string_equal(a->diags[a->ndiags - 1].id, "too-many");
    article_free(a);
    free(s);
    s = repeat("a=\"1\" ", 6000);
    memcpy(s, "<properties   ", 12);
    memcpy(s + 5900, "/>\n# T\n", 7);
    a = parse(s, 6000);
    assert_int_equal(a->nfields, ARTICLE_MAX_FIELDS);
    assert_string_equal(a->title, "T");
    article_free(a);
    free(s);
}

/* linked with --wrap=malloc,calloc,realloc,strdup: the n-th of them fails */
static long countdown = -1;
static bool persistent, fired;

static bool
fails_now(void)
{
    if (countdown < 0 || countdown-- > 0)
        return false;
    fired = true;
    countdown = persistent ? 0 : -1;
    return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);

void *
__wrap_malloc(size_t n)
{
    return fails_now() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
    return fails_now() ? NULL : __real_realloc(p, n);
}

char *
__wrap_strdup(const char *s)
{
    return fails_now() ? NULL : __real_strdup(s);
}

static void
each_allocation_may_fail(void **state)
{
    static const char text[] = "\xef\xbb\xbf<properties a=\"1\", b=\"2\"\"/>\n# T\n"
        "<!--issueDescription-->\nx\n<!--/issueDescription-->\n## **S**\n* a\n\t* b\n\n"
        "```\nc\n```\n> q\n\n|t|\n\n---\n\n# U\n\nV\n--\n* 1\n* 2\n* 3\n* 4\n* 5\n* 6\n";
    size_t failed = 0;

    (void)state;
    for (int mode = 0; mode < 2; mode++)
        for (long n = 0;; n++) {
            struct article *a = NULL;
            enum article_result r;

            persistent = mode == 1;
            fired = false;
            countdown = n;
            r = article_parse(text, sizeof(text) - 1, &a);
            countdown = -1;
            if (!fired) {
                assert_int_equal(r, ARTICLE_OK);
                article_free(a);
                break;
            }
            assert_int_equal(r, ARTICLE_NO_MEMORY);
            assert_null(a);
            failed++;
        }
    assert_in_range(failed, 20, 200);
}

static size_t
check_samples(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *d;
    size_t n = 0;

    while (dir != NULL && (d = readdir(dir)) != NULL) {
        char sub[1024], *s;
        struct article *a;
        size_t len;
        FILE *f;

        if (d->d_name[0] == '.')
            continue;
        (void)snprintf(sub, sizeof(sub), "%s/%s", path, d->d_name);
        if (d->d_type == DT_DIR) {
            n += check_samples(sub);
            continue;
        }
        f = fopen(sub, "rb");
        s = malloc(ARTICLE_MAX_BYTES);
        assert_true(f != NULL && s != NULL);
        len = fread(s, 1, ARTICLE_MAX_BYTES, f);
        (void)fclose(f);
        a = parse(s, len);
        if (!a->has_header || a->nfields < 4)
            print_error("%s: %zu fields\n", sub, a->nfields);
        assert_true(a->has_header && a->nfields >= 4);
        for (size_t i = 0; i < a->ndiags; i++)
            assert_int_not_equal(a->diags[i].severity, ARTICLE_ERROR);
        article_free(a);
        free(s);
        n++;
    }
    if (dir != NULL)
        (void)closedir(dir);
    return n;
}

static void
real_articles(void **state)
{
    size_t n = check_samples("../shared/samples");

    (void)state;
    if (n == 0)
        skip();
    print_message("# %zu articles\n", n);
}

/* Every place of a long text, counted from each block, is where it is counted byte by byte:
 * what shortens the way must not change where it leads. */
static void
places(void **state)
{
    static const struct {
        const char *begin, *piece;
    } texts[] = {
        { "", "one two " },
        { "\xef\xbb\xbf", "one two " },
        { "\xef\xbb\xbf" HEAD "# T\n\n", "\xc3\xa9t\xc3\xa9 \xe2\x82\xac " },
        { HEAD "# T\n\n", "caf\xe9 and\n" },
        { HEAD "# T\n\n", "a line\r\n\r\nanother " },
    };
    static char text[6000];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct article *a = NULL;
        size_t len = strlen(texts[i].begin), more = strlen(texts[i].piece);

        memcpy(text, texts[i].begin, len);
        for (; len + more < sizeof(text); len += more)
            memcpy(text + len, texts[i].piece, more);
        assert_int_equal(article_parse(text, len, &a), ARTICLE_OK);
        const struct article_span whole = { 0, len, 1, 1 };
        for (size_t k = 0; k < a->nblocks; k++) {
            struct article_span b = a->blocks[k].span, s = article_part(a, whole, b.off, b.len);

            assert_true(s.line == b.line && s.column == b.column && s.len == b.len);
            s = b;
            for (size_t off = b.off; off < b.off + b.len; off++) {
                struct article_span is = article_part(a, b, off, 1);

                assert_true(is.off == off && is.line == s.line && is.column == s.column);
                if (text[off] == '\n') {
                    s.line++;
                    s.column = 1;
                } else if (a->encoding == ARTICLE_CP1252 || (text[off] & 0xc0) != 0x80) {
                    s.column++;
                }
            }
        }
        article_free(a);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(encodings),
        cmocka_unit_test(bodies),
        cmocka_unit_test(every_prefix_of_every_row),
        cmocka_unit_test(spans_count_lines_and_characters),
        cmocka_unit_test(lists_nest),
        cmocka_unit_test(sections_have_their_blocks),
        cmocka_unit_test(hostile_files_cost_no_more_than_their_size),
        cmocka_unit_test(places),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(real_articles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
