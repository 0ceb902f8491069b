/* SPDX-License-Identifier: Apache-2.0 */
/* The command of mkcodes.h and what its parts share. */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "mkcodes.h"

/* It runs once and ends: what it holds is the system's to free.  A leak sanitizer knows it
 * by this name. */
const char *__lsan_default_options(void);

const char *
__lsan_default_options(void)
{
    return "detect_leaks=0";
}

void
die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("mkcodes: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void
say(const char *file, size_t line, const char *grade, const char *format, va_list args)
{
    (void)fprintf(stderr, "%s:%zu: %s", file, line, grade);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
}

void
problem(struct codes *c, const char *file, size_t line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(file, line, "error: ", format, args);
    va_end(args);
    c->problems++;
}

void
complain(struct codes *c, const char *file, size_t line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(file, line, c->strict ? "error: " : "warning: ", format, args);
    va_end(args);
    c->problems += c->strict;
}

void *
grow(void *array, size_t n, size_t size)
{
    void *grown;

    if (n != 0 && (n & (n - 1)) != 0)
        return array; /* room up to the next power of two */
    grown = realloc(array, (n == 0 ? 1 : 2 * n) * size);
    if (grown == NULL)
        die("no memory");
    return grown;
}

char *
text(const char *format, ...)
{
    va_list args;
    char *s;

    va_start(args, format);
    if (vasprintf(&s, format, args) < 0)
        die("no memory");
    va_end(args);
    return s;
}

char *
slurp(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "rb");
    char *s = NULL;
    size_t len = 0;

    if (f == NULL)
        die("%s: %s", path, strerror(errno));
    for (;;) {
        char *more = realloc(s, len + 65536 + 1);
        size_t n;

        if (more == NULL)
            die("no memory");
        s = more;
        n = fread(s + len, 1, 65536, f);
        len += n;
        if (n < 65536)
            break;
    }
    if (ferror(f))
        die("%s: %s", path, strerror(errno));
    (void)fclose(f);
    s[len] = '\0';
    if (ret_len != NULL)
        *ret_len = len;
    return s;
}

void
list_add(struct list *l, char *item)
{
    l->item = grow(l->item, l->n, sizeof(*l->item));
    l->item[l->n++] = item;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct list
folder(const char *path)
{
    struct list names = { 0 };
    struct dirent *d;
    DIR *dir = opendir(path);

    if (dir == NULL)
        die("%s: %s", path, strerror(errno));
    while ((d = readdir(dir)) != NULL)
        if (d->d_name[0] != '.')
            list_add(&names, text("%s", d->d_name));
    (void)closedir(dir);
    if (names.n > 0)
        qsort(names.item, names.n, sizeof(*names.item), by_name);
    return names;
}

void
write_changed(const char *path, const char *content, size_t len)
{
    FILE *f = fopen(path, "rb");

    if (f != NULL) {
        size_t had;
        char *old = slurp(path, &had);
        bool same = had == len && memcmp(old, content, len) == 0;

        (void)fclose(f);
        free(old);
        if (same)
            return;
    }
    f = fopen(path, "wb");
    if (f == NULL || fwrite(content, 1, len, f) != len || fclose(f) != 0)
        die("%s: %s", path, strerror(errno));
}

static void
put_path(FILE *f, const char *path)
{
    for (; *path != '\0'; path++) {
        if (*path == ' ' || *path == '#')
            (void)fputc('\\', f);
        (void)fputc(*path, f);
    }
}

void
write_depfile(const char *path, const char *target, const struct list *read)
{
    FILE *f = fopen(path, "wb");

    if (f == NULL)
        die("%s: %s", path, strerror(errno));
    put_path(f, target);
    (void)fputc(':', f);
    for (size_t i = 0; i < read->n; i++) {
        (void)fputs(" \\\n ", f);
        put_path(f, read->item[i]);
    }
    (void)fputc('\n', f);
    if (fclose(f) != 0)
        die("%s: %s", path, strerror(errno));
}

static void
emit(const struct codes *c, const char *path, void (*write)(const struct codes *c, FILE *f))
{
    char *content;
    size_t len;
    FILE *f = open_memstream(&content, &len);

    if (f == NULL)
        die("no memory");
    write(c, f);
    if (fclose(f) != 0)
        die("no memory");
    write_changed(path, content, len);
    free(content);
}

static int
finish(const struct codes *c)
{
    if (c->problems > 0)
        (void)fprintf(stderr, "mkcodes: %zu problem%s in the articles\n", c->problems,
            c->problems == 1 ? "" : "s");
    return c->problems > 0;
}

static int
generate(struct codes *c, char **arg)
{
    read_codes(c, arg[0]);
    if (finish(c) != 0)
        return 1;
    emit(c, arg[3], write_codes_h);
    emit(c, arg[4], write_err_table);
    emit(c, arg[5], write_catalog);
    emit(c, arg[6], write_man);
    write_depfile(arg[2], arg[3], &c->read);
    return 0;
}

static int
used(struct codes *c, char **arg)
{
    bool strict = c->strict;

    c->strict = false; /* "generate" has said what is wrong with the articles */
    read_codes(c, arg[0]);
    c->strict = strict;
    if (c->problems > 0)
        return 1;
    check_used(c, arg[1]);
    if (finish(c) != 0)
        return 1;
    write_depfile(arg[3], arg[4], &c->read);
    write_changed(arg[4], "", 0);
    return 0;
}

int
main(int argc, char **argv)
{
    struct codes c = { 0 };

    if (argc == 9 && strcmp(argv[1], "generate") == 0) {
        c.strict = strcmp(argv[3], "error") == 0;
        return generate(&c, argv + 2);
    }
    if (argc == 7 && strcmp(argv[1], "used") == 0) {
        c.strict = strcmp(argv[4], "error") == 0;
        return used(&c, argv + 2);
    }
    die("usage: mkcodes generate|used ...; see mkcodes.h");
}
