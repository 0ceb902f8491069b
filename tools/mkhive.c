/* SPDX-License-Identifier: Apache-2.0 */
/* mkhive -- make registry hives, and a Windows disk to try firn on.
 *
 * usage: mkhive DESCRIPTION HIVE    a hive from a text (tests/lib/hive_maker.h says how; -
 *                                   is standard input); its file name is its name
 *        mkhive --broken FOLDER     a Windows whose backup extension cannot load and whose
 *                                   installer service is disabled
 *        mkhive --healthy FOLDER    the same in order
 *
 * HIVE must not be there; FOLDER may be, without what is to be made. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hive_maker.h"
#include "windows_maker.h"

static char *
slurp(const char *path)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *text = NULL;
    size_t room = 0;

    if (f == NULL)
        return NULL;
    if (getdelim(&text, &room, 0, f) < 0) {
        free(text);
        text = ferror(f) ? NULL : strdup("");
    }
    if (f != stdin)
        (void)fclose(f);
    return text;
}

static bool
save(const char *path, const uint8_t *data, size_t len)
{
    FILE *f = fopen(path, "wbx");
    bool ok;

    if (f == NULL)
        return false;
    ok = fwrite(data, 1, len, f) == len;
    return fclose(f) == 0 && ok;
}

static int
make_hive(const char *from, const char *to)
{
    const char *slash = strrchr(to, '/');
    char *text = slurp(from);
    uint8_t *data;
    size_t len;
    unsigned line;
    bool ok;

    if (text == NULL) {
        (void)fprintf(stderr, "mkhive: %s: %s\n", from, strerror(errno));
        return 1;
    }
    ok = hive_make(text, slash == NULL ? to : slash + 1, &data, &len, &line);
    free(text);
    if (!ok) {
        (void)fprintf(stderr, "mkhive: %s: line %u is neither a key nor a value\n", from, line);
        return 1;
    }
    ok = save(to, data, len);
    if (!ok)
        (void)fprintf(stderr, "mkhive: %s: %s\n", to, strerror(errno));
    free(data);
    return ok ? 0 : 1;
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--broken") == 0)
        return windows_make(argv[2], WINDOWS_BROKEN) ? 0 : 1;
    if (argc == 3 && strcmp(argv[1], "--healthy") == 0)
        return windows_make(argv[2], WINDOWS_HEALTHY) ? 0 : 1;
    if (argc == 3 && (argv[1][0] != '-' || argv[1][1] == '\0'))
        return make_hive(argv[1], argv[2]);
    (void)fprintf(stderr,
        "usage: mkhive DESCRIPTION HIVE | --broken FOLDER | --healthy FOLDER\n");
    return 2;
}
