/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded articles: found by each of their names, shown with and without values. */
#include "check.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalog.h"
#include "codes.h"
#include "foreign.h"
#include "render.h"

static void
each_name_finds_its_article(void **state)
{
    char number[16], lower[128];

    (void)state;
    assert_true(catalog_table_len > 5);
    for (size_t i = 0; i < catalog_table_len; i++) {
        const struct catalog_entry *e = &catalog_table[i];
        size_t n = 0;

        (void)snprintf(number, sizeof(number), "%d", e->code);
        for (; e->id[n] != '\0' && n < sizeof(lower) - 1; n++)
            lower[n] = (char)tolower((unsigned char)e->id[n]);
        lower[n] = '\0';
        assert_ptr_equal(catalog_find(e->id), e);
        assert_ptr_equal(catalog_find(lower), e);
        assert_ptr_equal(catalog_find(number), e);
        assert_ptr_equal(catalog_find(e->scenario), e);
        assert_ptr_equal(catalog_by_number(e->code), e);
        assert_true(i == 0 || e[-1].code < e->code);
    }
    assert_null(catalog_find(""));
    assert_null(catalog_find("0"));
    assert_null(catalog_find("99999999999999999999"));
    assert_null(catalog_find("NoSuchCode"));
    assert_null(catalog_by_number(-1));
}

/* What others call a failure finds our article, and never one of our numbers. */
static void
foreign_names_find_articles(void **state)
{
    (void)state;
    assert_string_equal(catalog_find("0x800423F4")->id, "VssWriterBad");
    assert_string_equal(catalog_find("2147754996")->id, "VssWriterBad");
    assert_string_equal(catalog_find("-2147212300")->id, "VssWriterBad");
    assert_string_equal(catalog_find("status:121")->id, "FreezeFailed");
    assert_string_equal(catalog_find("usererrorfsfreezefailed")->id, "FreezeFailed");
    assert_null(catalog_find("status:0"));
    assert_null(catalog_find("status:"));
    assert_null(catalog_find("status:99999999999999999999"));
    assert_null(catalog_find("0x80070005"));
    assert_null(catalog_find("0x"));
    assert_null(catalog_find("-"));
    assert_null(catalog_find("-5"));
    assert_null(foreign_hresult(0));
    assert_null(foreign_status(-1));
    for (size_t i = 0; i < foreign_table_len; i++) {
        const struct foreign *f = &foreign_table[i];

        assert_true(f->code == E_NONE || catalog_by_number(f->code) != NULL);
        assert_int_equal((f->hresult != 0) + (f->status >= 0) + (f->name != NULL), 1);
        for (size_t k = 0; k < i; k++) { /* one name, one code */
            const struct foreign *g = &foreign_table[k];

            assert_true(f->hresult == 0 || f->hresult != g->hresult);
            assert_true(f->status < 0 || f->status != g->status);
            assert_true(f->name == NULL || g->name == NULL ||
                strcasecmp(f->name, g->name) != 0);
        }
    }
}

static void
classes_select(void **state)
{
    const struct catalog_entry *e = catalog_find("FileUnreadable");

    (void)state;
    assert_true(catalog_in_class(e, "host"));
    assert_true(catalog_in_class(e, "host.io"));
    assert_false(catalog_in_class(e, "hos"));
    assert_false(catalog_in_class(e, "host.i"));
    assert_false(catalog_in_class(e, "vault"));
}

static void
where_an_article_applies(void **state)
{
    struct catalog_entry e = *catalog_find("FileUnreadable");

    (void)state;
    e.clouds = "Public, fairfax ,mooncake";
    e.products = "";
    assert_true(catalog_applies(&e, NULL, NULL, NULL));
    assert_true(catalog_applies(&e, "public", NULL, NULL));
    assert_true(catalog_applies(&e, "fairfax", "15207", NULL));
    assert_true(catalog_applies(&e, "mooncake", NULL, NULL));
    assert_false(catalog_applies(&e, "usnat", NULL, NULL));
    assert_false(catalog_applies(&e, "pub", NULL, NULL));
    e.products = " 15207 ";
    assert_true(catalog_applies(&e, NULL, "15207", NULL));
    assert_false(catalog_applies(&e, NULL, "1520", NULL));
    e.clouds = " , ";
    assert_true(catalog_applies(&e, "usnat", NULL, NULL));
}

static void
a_slip_is_understood(void **state)
{
    const struct catalog_entry *found[4];

    (void)state;
    assert_in_range(catalog_suggest("FileUnreadible", found, 4), 1, 4);
    assert_string_equal(found[0]->id, "FileUnreadable");
    assert_in_range(catalog_suggest("unwrit", found, 4), 1, 4);
    assert_string_equal(found[0]->id, "FileUnwritable");
    assert_int_equal(catalog_suggest("Zzzzzzzzzzzzzzzzzzzz", found, 4), 0);
    assert_int_equal(catalog_suggest("", found, 4), 0);
    assert_int_equal(catalog_suggest("e", found, 2), 2);
}

static size_t
longest_line(const char *s)
{
    size_t longest = 0, n = 0;

    for (; *s != '\0'; s++) {
        n = *s == '\n' ? 0 : n + ((*s & 0xc0) != 0x80);
        longest = n > longest ? n : longest;
    }
    return longest;
}

static void
an_article_is_shown(void **state)
{
    static const struct err_arg args[] = { { "path", "/srv/it's\x1b[2J", 0 } };
    const struct catalog_entry *e = catalog_find("FileUnreadable");
    struct render_options o = { .width = 60 };
    char *s;

    (void)state;
    assert_ok(render_article(e, &o, &s));
    assert_memory_equal(s, "FileUnreadable (2, host.io)\n", 28);
    assert_non_null(strstr(s, "‹path› cannot be read\n"));
    assert_non_null(strstr(s, "\nRecommended Steps\n\n  * "));
    assert_non_null(strstr(s, "`ls -l ‹path›`"));
    assert_null(strchr(s, '\x1b'));
    assert_null(strstr(s, "**"));
    assert_null(strstr(s, "<!--"));
    assert_null(strstr(s, "properties"));
    assert_true(longest_line(s) <= 60);
    free(s);
    o.args = args;
    o.nargs = 1;
    assert_ok(render_article(e, &o, &s));
    assert_non_null(strstr(s, "\n/srv/it's\\x1b[2J cannot be read\n"));
    /* safe to paste */
    assert_non_null(strstr(s, "`ls -l \"$(printf '/srv/it\\047s\\033[2J')\"`"));
    free(s);
    o.bold = true;
    o.width = 200;
    assert_ok(render_article(e, &o, &s));
    assert_non_null(strstr(s, "\x1b[1mRecommended Steps\x1b[0m"));
    assert_null(strchr(s, '`'));
    free(s);
}

static void
odd_text_is_shown_too(void **state)
{
    static const char text[] = "<properties a=\"b\"/>\n# T\n\n"
        "A **bold word**, `a  b`, a [link](https://x.y/z), 5 * 3, \\*star\\*, <br/>next, ` "
        "open, [no link], {what} {other}\n\n"
        "1. one\n    * two\n\n      more of two\n3) three\n\n"
        "```\nls {what}\n\tx\n```\n> said\n";
    struct catalog_entry e = *catalog_find("InternalError");
    struct render_options o = { .width = 70 };
    static const char want[] = "InternalError (4, internal)\n"
        "firn has a defect: ‹what›\n\n"
        "A bold word, `a  b`, a link (https://x.y/z), 5 * 3, *star*,\n"
        "next, ` open, [no link], ‹what› {other}\n\n"
        "  1. one\n    * two\n\n      more of two\n\n  3. three\n\n    ls ‹what›\n    \tx\n\n"
        "> said\n";
    char *s;

    (void)state;
    e.text = text;
    e.text_len = sizeof(text) - 1;
    assert_ok(render_article(&e, &o, &s));
    assert_string_equal(s, want);
    free(s);
}

static void
an_article_is_json(void **state)
{
    struct render_options o = { 0 };

    (void)state;
    for (size_t i = 0; i < catalog_table_len; i++) {
        const char *code, *title;
        json_t *j, *issue, *sections;
        int number;

        assert_ok(render_article_json(&catalog_table[i], &o, &j));
        assert_int_equal(0, json_unpack(j, "{s:{s:s, s:i, s:o, s:o}}", "article", "code",
            &code, "number", &number, "issue", &issue, "sections", &sections));
        assert_string_equal(code, catalog_table[i].id);
        assert_int_equal(number, catalog_table[i].code);
        assert_true(json_array_size(issue) > 0);
        assert_true(json_array_size(sections) >= 2);
        assert_int_equal(0, json_unpack(json_array_get(sections, 0), "{s:s, s:[{s:s}]}",
            "title", &title, "blocks", "kind", &code));
        json_decref(j);
    }
}

static void
every_article_is_sound(void **state)
{
    struct render_options o = { .width = 40 };

    (void)state;
    for (size_t i = 0; i < catalog_table_len; i++) {
        char *s;

        assert_ok(render_article(&catalog_table[i], &o, &s));
        assert_true(strlen(s) > 200);
        free(s);
        assert_ok(render_line(&catalog_table[i], &o, &s));
        assert_in_range(longest_line(s), 10, 40);
        free(s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_finds_its_article),
        cmocka_unit_test(foreign_names_find_articles),
        cmocka_unit_test(classes_select),
        cmocka_unit_test(where_an_article_applies),
        cmocka_unit_test(a_slip_is_understood),
        cmocka_unit_test(an_article_is_shown),
        cmocka_unit_test(odd_text_is_shown_too),
        cmocka_unit_test(an_article_is_json),
        cmocka_unit_test(every_article_is_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
