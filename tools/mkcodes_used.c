/* SPDX-License-Identifier: Apache-2.0 */
/* Which codes does a source give?  A code is given by fail(Code and by E_Code in a table or
 * call; E_Code that is only compared with (==, !=, case, err_has) gives nothing.  The search
 * works on the words of the C source, outside comments and strings. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mkcodes.h"

/* What was read last, as far as it matters to the next word. */
struct scan {
    bool fail;    /* "fail" "(" */
    bool compare; /* "==", "!=", "case", or inside err_has( */
    bool word_fail, has;
};

static bool *
seen_flag(const struct codes *c, bool *seen, const char *word, size_t len)
{
    for (size_t i = 0; i < c->nentries; i++)
        if (strlen(c->entries[i].code) == len &&
            memcmp(c->entries[i].code, word, len) == 0)
            return &seen[i];
    return NULL;
}

static bool
is(const char *word, size_t len, const char *what)
{
    return strlen(what) == len && memcmp(word, what, len) == 0;
}

static void
note_word(const struct codes *c, bool *seen, struct scan *s, const char *w, size_t len,
    const char *after)
{
    bool *flag = NULL;

    after += strspn(after, " \t\r\n");
    if (s->fail)
        flag = seen_flag(c, seen, w, len);
    else if (len > 2 && w[0] == 'E' && w[1] == '_' && !s->compare && !s->has &&
        strncmp(after, "==", 2) != 0 && strncmp(after, "!=", 2) != 0)
        flag = seen_flag(c, seen, w + 2, len - 2);
    if (flag != NULL)
        *flag = true;
    s->word_fail = is(w, len, "fail");
    s->compare = is(w, len, "case");
    s->has = s->has || is(w, len, "err_has");
    s->fail = false;
}

/* The end of a comment or literal that starts at ${p}; ${p} itself when there is none. */
static const char *
skip_literal(const char *p)
{
    if (p[0] == '/' && p[1] == '*') {
        const char *end = strstr(p + 2, "*/");
        return end == NULL ? p + strlen(p) : end + 2;
    }
    if (p[0] == '/' && p[1] == '/')
        return p + strcspn(p, "\n");
    if (*p == '"' || *p == '\'') {
        char quote = *p++;
        while (*p != '\0' && *p != quote && *p != '\n')
            p += *p == '\\' && p[1] != '\0' ? 2 : 1;
        return *p == quote ? p + 1 : p;
    }
    return p;
}

static void
scan_source(const struct codes *c, bool *seen, const char *p)
{
    struct scan s = { 0 };

    while (*p != '\0') {
        const char *next = skip_literal(p), *start = p;

        if (next != p) {
            p = next;
        } else if (isspace((unsigned char)*p)) {
            p++;
        } else if (isalnum((unsigned char)*p) || *p == '_') {
            while (isalnum((unsigned char)*p) || *p == '_')
                p++;
            note_word(c, seen, &s, start, (size_t)(p - start), p);
        } else {
            s.fail = *p == '(' && s.word_fail;
            s.compare = strncmp(p, "==", 2) == 0 || strncmp(p, "!=", 2) == 0;
            s.has = s.has && *p != ')' && *p != ';';
            s.word_fail = false;
            p += s.compare ? 2 : 1;
        }
    }
}

static void
scan_folder(struct codes *c, bool *seen, const char *path)
{
    struct list names = folder(path);

    list_add(&c->read, text("%s", path));
    for (size_t i = 0; i < names.n; i++) {
        char *sub = text("%s/%s", path, names.item[i]);
        size_t n = strlen(sub);
        struct stat st;

        if (stat(sub, &st) != 0)
            continue; /* an editor's file that is gone again */
        if (S_ISDIR(st.st_mode)) {
            scan_folder(c, seen, sub);
        } else if (n > 2 && sub[n - 2] == '.' && (sub[n - 1] == 'c' || sub[n - 1] == 'h')) {
            char *all = slurp(sub, NULL);
            scan_source(c, seen, all);
            free(all);
            list_add(&c->read, text("%s", sub));
        }
        free(sub);
    }
}

void
check_used(struct codes *c, const char *sources)
{
    bool *seen = calloc(c->nentries + 1, sizeof(*seen));

    if (seen == NULL)
        die("no memory");
    scan_folder(c, seen, sources);
    for (size_t i = 0; i < c->nentries; i++)
        if (!seen[i])
            complain(c, c->entries[i].path, 1,
                "nothing gives %s: no fail(%s, ...) and no table with E_%s",
                c->entries[i].code, c->entries[i].code, c->entries[i].code);
    free(seen);
}
