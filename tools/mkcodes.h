/* SPDX-License-Identifier: Apache-2.0 */
/* mkcodes.h -- the tool that turns the articles into error codes.
 *
 *     mkcodes generate ARTICLES warn|error DEPFILE CODES_H ERR_TABLE CATALOG MAN
 *     mkcodes used ARTICLES SOURCES warn|error DEPFILE STAMP
 *
 * "generate" reads ARTICLES/classes, ARTICLES/NUMBERS and every ARTICLES/<area>/<Code>.md,
 * checks them and writes what the build needs.  "used" looks for articles whose code no
 * source gives.  Both write a DEPFILE that names each file and folder read, so that a new
 * article or source triggers them.  What breaks a rule is said as FILE:LINE: ... and ends
 * the build; only an unused article, and a number whose article is missing, can be let pass
 * with "warn". */
#ifndef MKCODES_H
#define MKCODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "article.h"

#define MAX_NEEDS 8 /* ERR_MAX_ARGS of err.h */

struct list { /* of strings */
    char **item;
    size_t n;
};

struct class_row {
    char *name;
    size_t parent; /* index + 1; 0 at the top */
    int exit_status;
    const char *retry, *severity; /* enumerators of err.h */
};

struct number_row {
    int number;
    char *code;
    bool retired, has_article;
    size_t line;
};

struct need {
    char *name;
    const char *type;
};

struct entry {
    char *path; /* as the compiler would say it: "articles/base/OutOfMemory.md" */
    char *file; /* below the articles: "base/OutOfMemory.md" */
    char *code;
    struct article *article;
    int number;
    size_t class; /* index + 1 */
    const char *os; /* enumerator of err.h */
    struct need needs[MAX_NEEDS];
    size_t nneeds;
};

struct codes {
    const char *dir, *name; /* the folder, and its last part */
    struct class_row *classes;
    size_t nclasses;
    struct number_row *numbers;
    size_t nnumbers;
    struct entry *entries; /* by number */
    size_t nentries;
    struct list read; /* files and folders, for the depfile */
    bool strict;
    size_t problems;
};

/* mkcodes.c: a tool for the build may end when memory or a file is missing. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void problem(struct codes *c, const char *file, size_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A problem with --strict, else a word on standard error. */
void complain(struct codes *c, const char *file, size_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void *grow(void *array, size_t n, size_t size);
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *slurp(const char *path, size_t *ret_len);
/* Names in a folder, sorted, those that start with a dot left out. */
struct list folder(const char *path);
void list_add(struct list *l, char *item);
/* Write only when the content differs, so that nothing is compiled again for nothing. */
void write_changed(const char *path, const char *content, size_t len);
void write_depfile(const char *path, const char *target, const struct list *read);

/* mkcodes_read.c */
void read_codes(struct codes *c, const char *dir);

/* mkcodes_check.c */
void check_entry(struct codes *c, struct entry *e);
void check_together(struct codes *c);

/* mkcodes_write.c */
void write_codes_h(const struct codes *c, FILE *f);
void write_err_table(const struct codes *c, FILE *f);
void write_catalog(const struct codes *c, FILE *f);
void write_man(const struct codes *c, FILE *f);

/* mkcodes_used.c */
void check_used(struct codes *c, const char *sources);

#endif
