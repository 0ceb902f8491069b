/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the folder of articles: the class tree, the fixed numbers, the articles. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mkcodes.h"

#define MAX_WORDS 5

/* Cut the line at ${*s} into words; returns how many there are, none for a comment. */
static size_t
words_of_line(char **s, char *word[MAX_WORDS])
{
    char *line = *s, *nl = strchr(line, '\n');
    size_t n = 0;

    *s = nl == NULL ? line + strlen(line) : nl + 1;
    if (nl != NULL)
        *nl = '\0';
    if (*line == '#')
        return 0;
    for (char *at = NULL, *w = strtok_r(line, " \t\r", &at); w != NULL && n < MAX_WORDS;
         w = strtok_r(NULL, " \t\r", &at))
        word[n++] = w;
    return n;
}

static bool
to_number(const char *s, int most, int *ret)
{
    long n = 0;

    if (*s == '\0')
        return false;
    for (; isdigit((unsigned char)*s) && n <= most; s++)
        n = n * 10 + (*s - '0');
    *ret = (int)n;
    return *s == '\0' && n <= most;
}

static size_t
find_class(const struct codes *c, const char *name, size_t len)
{
    for (size_t i = 0; i < c->nclasses; i++)
        if (strlen(c->classes[i].name) == len && memcmp(c->classes[i].name, name, len) == 0)
            return i + 1;
    return 0;
}

static const char *
retry_word(const char *w)
{
    return strcmp(w, "never") == 0 ? "RETRY_NEVER"
        : strcmp(w, "transient") == 0 ? "RETRY_TRANSIENT"
        : strcmp(w, "after-repair") == 0 ? "RETRY_AFTER_REPAIR" : NULL;
}

static const char *
severity_word(const char *w)
{
    return strcmp(w, "warning") == 0 ? "SEVERITY_WARNING"
        : strcmp(w, "error") == 0 ? "SEVERITY_ERROR"
        : strcmp(w, "fatal") == 0 ? "SEVERITY_FATAL" : NULL;
}

static void
add_class(struct codes *c, const char *file, size_t line, char **w)
{
    struct class_row row = { .name = text("%s", w[0]), .retry = retry_word(w[2]),
        .severity = severity_word(w[3]) };
    const char *dot = strrchr(w[0], '.');

    if (dot != NULL)
        row.parent = find_class(c, w[0], (size_t)(dot - w[0]));
    if (w[0][strspn(w[0], "abcdefghijklmnopqrstuvwxyz0123456789.")] != '\0')
        problem(c, file, line, "class %s: small letters, digits and dots only", w[0]);
    else if (find_class(c, w[0], strlen(w[0])) != 0)
        problem(c, file, line, "class %s stands here twice", w[0]);
    else if (dot != NULL && row.parent == 0)
        problem(c, file, line, "class %s must stand after its parent", w[0]);
    else if (!to_number(w[1], 125, &row.exit_status))
        problem(c, file, line, "class %s: %s is no exit status", w[0], w[1]);
    else if (row.retry == NULL || row.severity == NULL)
        problem(c, file, line, "class %s: %s is unknown", w[0],
            row.retry == NULL ? w[2] : w[3]);
    c->classes = grow(c->classes, c->nclasses, sizeof(row));
    c->classes[c->nclasses++] = row;
}

static void
read_classes(struct codes *c)
{
    char *path = text("%s/classes", c->dir), *file = text("%s/classes", c->name);
    char *all = slurp(path, NULL), *s = all, *w[MAX_WORDS];

    list_add(&c->read, path);
    for (size_t line = 1; *s != '\0'; line++) {
        size_t n = words_of_line(&s, w);

        if (n == 4)
            add_class(c, file, line, w);
        else if (n != 0)
            problem(c, file, line, "not CLASS EXIT RETRY SEVERITY");
    }
    if (find_class(c, "internal", 8) == 0)
        problem(c, file, 1, "class internal is missing");
    free(all);
}

static void
add_number(struct codes *c, const char *file, size_t line, char **w, size_t n)
{
    struct number_row row = { .line = line, .code = text("%s", w[1]), .retired = n == 3 };

    if (!to_number(w[0], 99999, &row.number) || row.number == 0)
        problem(c, file, line, "%s is no number from 1 to 99999", w[0]);
    for (size_t i = 0; i < c->nnumbers; i++)
        if (c->numbers[i].number == row.number)
            problem(c, file, line, "number %d was given to %s in line %zu", row.number,
                c->numbers[i].code, c->numbers[i].line);
        else if (strcmp(c->numbers[i].code, row.code) == 0)
            problem(c, file, line, "%s has number %d in line %zu", row.code,
                c->numbers[i].number, c->numbers[i].line);
    c->numbers = grow(c->numbers, c->nnumbers, sizeof(row));
    c->numbers[c->nnumbers++] = row;
}

static void
read_numbers(struct codes *c)
{
    char *path = text("%s/NUMBERS", c->dir), *file = text("%s/NUMBERS", c->name);
    char *all = slurp(path, NULL), *s = all, *w[MAX_WORDS];

    list_add(&c->read, path);
    for (size_t line = 1; *s != '\0'; line++) {
        size_t n = words_of_line(&s, w);

        if (n == 2 || (n == 3 && strcmp(w[2], "retired") == 0))
            add_number(c, file, line, w, n);
        else if (n != 0)
            problem(c, file, line, "not NUMBER Code, nor NUMBER Code retired");
    }
    free(all);
}

static void
read_article(struct codes *c, const char *area, const char *name)
{
    struct entry e = { .file = text("%s/%s", area, name),
        .path = text("%s/%s/%s", c->name, area, name),
        .code = text("%.*s", (int)strlen(name) - 3, name) };
    char *path = text("%s/%s/%s", c->dir, area, name);
    size_t len;
    char *all = slurp(path, &len);

    list_add(&c->read, path);
    switch (article_parse(all, len, &e.article)) {
    case ARTICLE_OK:
        check_entry(c, &e);
        break;
    case ARTICLE_TOO_LARGE:
        problem(c, e.path, 1, "larger than an article may be");
        free(all);
        return;
    case ARTICLE_NO_MEMORY:
        die("no memory");
    }
    free(all);
    c->entries = grow(c->entries, c->nentries, sizeof(e));
    c->entries[c->nentries++] = e;
}

static void
read_area(struct codes *c, const char *area)
{
    char *path = text("%s/%s", c->dir, area);
    struct list files;
    struct stat st;

    if (stat(path, &st) != 0)
        die("%s: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return;
    list_add(&c->read, path);
    files = folder(path);
    for (size_t i = 0; i < files.n; i++) {
        size_t n = strlen(files.item[i]);
        if (n > 3 && strcmp(files.item[i] + n - 3, ".md") == 0)
            read_article(c, area, files.item[i]);
    }
}

static int
by_number(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return x->number != y->number ? (x->number < y->number ? -1 : 1)
                                  : strcmp(x->path, y->path);
}

void
read_codes(struct codes *c, const char *dir)
{
    const char *slash = strrchr(dir, '/');
    struct list areas;

    c->dir = dir;
    c->name = slash == NULL ? dir : slash + 1;
    list_add(&c->read, text("%s", dir));
    read_classes(c);
    read_numbers(c);
    areas = folder(dir);
    for (size_t i = 0; i < areas.n; i++)
        read_area(c, areas.item[i]);
    if (c->nentries > 0)
        qsort(c->entries, c->nentries, sizeof(*c->entries), by_number);
    check_together(c);
}
