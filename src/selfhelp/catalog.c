/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: the table is generated, sorted by number and small, so a number is found by
 * halving and everything else by looking through it. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "catalog.h"
#include "codes.h"
#include "foreign.h"
#include "text.h"

#define WORD_MAX 64  /* longer words are not compared letter by letter */
#define STRANGE 4    /* from so many differences on, words are strangers */

const struct catalog_entry *
catalog_by_number(int code)
{
    size_t lo = 0, hi = catalog_table_len;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (catalog_table[mid].code < code)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < catalog_table_len && catalog_table[lo].code == code ? &catalog_table[lo]
                                                                    : NULL;
}

const struct catalog_entry *
catalog_find(const char *what)
{
    size_t digits = strspn(what, "0123456789");
    const struct foreign *elsewhere;
    int number = 0;

    if (digits > 0 && digits < 10 && what[digits] == '\0') {
        for (; *what != '\0' && number < 100000; what++)
            number = number * 10 + (*what - '0');
        return catalog_by_number(number);
    }
    for (size_t i = 0; i < catalog_table_len; i++)
        if (strcasecmp(catalog_table[i].id, what) == 0 ||
            strcasecmp(catalog_table[i].scenario, what) == 0)
            return &catalog_table[i];
    elsewhere = foreign_find(what);
    return elsewhere != NULL ? catalog_by_number(elsewhere->code) : NULL;
}

bool
catalog_in_class(const struct catalog_entry *e, const char *class)
{
    size_t n = strlen(class);

    return strncmp(e->class_name, class, n) == 0 &&
        (e->class_name[n] == '\0' || e->class_name[n] == '.');
}

/* Is ${word} one of the words between the commas of ${list}?  An empty list names all. */
static bool
list_has(const char *list, const char *word)
{
    size_t n = strlen(word);
    bool any = false;

    while (*list != '\0') {
        size_t len;

        list += strspn(list, ", \t\r\n");
        len = strcspn(list, ",");
        while (len > 0 && isspace((unsigned char)list[len - 1]))
            len--;
        if (len == n && strncasecmp(list, word, n) == 0)
            return true;
        any = any || len > 0;
        list += strcspn(list, ",");
    }
    return !any;
}

bool
catalog_applies(const struct catalog_entry *e, const char *cloud, const char *product,
    const char *resource)
{
    return (cloud == NULL || list_has(e->clouds, cloud)) &&
        (product == NULL || list_has(e->products, product)) &&
        (resource == NULL || list_has(e->resource, resource));
}

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be changed, added or left out to make one word the other. */
static size_t
distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], na = strlen(a), nb = strlen(b);

    if (na > WORD_MAX || nb > WORD_MAX)
        return WORD_MAX;
    for (size_t k = 0; k <= nb; k++)
        row[k] = k;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t k = 1; k <= nb; k++) {
            bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[k - 1]);
            size_t best = least(diagonal + !same, least(row[k], row[k - 1]) + 1);

            diagonal = row[k];
            row[k] = best;
        }
    }
    return row[nb];
}

size_t
catalog_suggest(const char *what, const struct catalog_entry **ret, size_t max)
{
    size_t n = 0;

    for (size_t apart = 0; apart < STRANGE && *what != '\0'; apart++)
        for (size_t i = 0; i < catalog_table_len && n < max; i++) {
            const struct catalog_entry *e = &catalog_table[i];
            size_t d = strcasestr(e->id, what) != NULL ? 0 : distance(what, e->id);

            if (d == apart)
                ret[n++] = e;
        }
    return n;
}

struct err *
catalog_unknown(const char *what)
{
    const struct catalog_entry *like[3];
    size_t n = catalog_suggest(what, like, 3);
    struct text why = { 0 };
    struct err *e;

    text_fmt(&why, "there is no code %s", what);
    for (size_t i = 0; i < n; i++)
        text_fmt(&why, "%s%s", i == 0 ? "; did you mean " : i + 1 < n ? ", " : " or ",
            like[i]->id);
    text_str(&why, n > 0 ? "?" : "; firn explain lists all");
    e = why.no_memory ? fail(OutOfMemory) : fail(UsageWrong, why.s);
    text_done(&why);
    return e;
}
