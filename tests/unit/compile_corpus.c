/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences of articles in two files, tests/corpus/sentences: those of which nothing may be
 * executed, and those that must be read, each with its action.  Precision is held to all of
 * them, recall too; both are printed. */
#include "check.h"

#include <stdio.h>

#include "plan_text.h"
#include "pool.h"

#define CORPUS "tests/corpus/sentences/"

enum { LINE_MAX_ = 1024, LINES_MAX = 1000, WORKERS = 4 };

/* The next line that is no comment, without its newline; false at the end. */
static bool
next_line(FILE *f, char line[LINE_MAX_])
{
    while (fgets(line, LINE_MAX_, f) != NULL) {
        size_t n = strcspn(line, "\n");

        assert_true(line[n] == '\n'); /* it fits */
        line[n] = '\0';
        if (n > 0 && line[0] != '#')
            return true;
    }
    return false;
}

static FILE *
open_corpus(const char *path)
{
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    return f;
}

static void
nothing_of_these_is_executed(void **state)
{
    FILE *f = open_corpus(CORPUS "never.txt");
    unsigned n = 0, wrong = 0;
    char line[LINE_MAX_];

    (void)state;
    for (; next_line(f, line); n++) {
        auto_ptr(plan) p = plan_of_body(line);
        auto_free char *text = plan_text(p, true);

        if (text[0] != '\0') {
            print_error("# %s\n#   gives %s", line, text);
            wrong++;
        }
    }
    (void)fclose(f);
    print_message("# %u sentences, %u executed\n", n, wrong);
    assert_true(n >= 100);
    assert_int_equal(wrong, 0);
}

static void
all_of_these_are_read(void **state)
{
    FILE *f = open_corpus(CORPUS "must.txt");
    unsigned n = 0, missed = 0, other = 0;
    char line[LINE_MAX_], want[LINE_MAX_ + 16];

    (void)state;
    for (; next_line(f, line); n++) {
        char *arrow = strstr(line, " => ");

        assert_non_null(arrow);
        *arrow = '\0';
        (void)snprintf(want, sizeof(want), "[always] %s\n", arrow + 4);
        auto_ptr(plan) p = plan_of_body(line);
        auto_free char *text = plan_text(p, true);

        if (strcmp(text, want) != 0) {
            print_error("# %s\n#   gives   %s\n#   and not %s", line, text, want);
            missed += text[0] == '\0';
            other += text[0] != '\0';
        }
    }
    (void)fclose(f);
    print_message("# %u sentences, %u not read, %u read as something else\n", n, missed, other);
    assert_true(n >= 100);
    assert_int_equal(missed + other, 0);
}

struct reading {
    char line[LINE_MAX_];
    char *text;
    struct pool_task task;
};

static struct err *
read_line(struct pool_task *t, unsigned worker)
{
    struct reading *r = t->arg;
    auto_ptr(plan) p = plan_of_body(r->line);

    (void)worker;
    r->text = plan_text(p, false);
    return NULL;
}

static size_t
submit_lines(struct pool *pool, const char *path, struct reading *r, size_t max)
{
    FILE *f = open_corpus(path);
    size_t n = 0;

    for (; n < max && next_line(f, r[n].line); n++) {
        r[n].task = (struct pool_task){ .run = read_line, .arg = &r[n] };
        pool_submit(pool, &r[n].task);
    }
    (void)fclose(f);
    return n;
}

/* The first test of all, so that what a reader remembers is made while others read. */
static void
many_read_at_once_what_one_reads(void **state)
{
    auto_free struct reading *r = calloc(LINES_MAX, sizeof(*r));
    struct pool *pool = NULL;
    size_t n;

    (void)state;
    assert_non_null(r);
    assert_ok(pool_new(WORKERS, &pool));
    n = submit_lines(pool, CORPUS "must.txt", r, LINES_MAX);
    n += submit_lines(pool, CORPUS "never.txt", r + n, LINES_MAX - n);
    for (size_t i = 0; i < n; i++)
        assert_ok(pool_wait(pool, &r[i].task));
    pool_free(pool);
    assert_true(n >= 200);
    for (size_t i = 0; i < n; i++) {
        auto_ptr(plan) p = plan_of_body(r[i].line);
        auto_free char *text = plan_text(p, false);

        assert_string_equal(r[i].text, text);
        free(r[i].text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_read_at_once_what_one_reads),
        cmocka_unit_test(nothing_of_these_is_executed),
        cmocka_unit_test(all_of_these_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
