/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "mountinfo.h"
#include "number.h"

enum { LINE_FIELDS = 6 };

/* "\040" and the like, in place. */
static void
unescape(char *s)
{
    char *to = s;

    while (*s != '\0') {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
            s[3] >= '0' && s[3] <= '7') {
            *to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
            s += 4;
        } else {
            *to++ = *s++;
        }
    }
    *to = '\0';
}

static bool
parse_device(char *s, struct mountinfo *to)
{
    uint64_t major, minor;
    const char *first = strsep(&s, ":");

    if (s == NULL || !number_parse(first, &major) || !number_parse(s, &minor) ||
        major > UINT32_MAX || minor > UINT32_MAX)
        return false;
    to->major = (uint32_t)major;
    to->minor = (uint32_t)minor;
    return true;
}

/* "36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/root rw,errors=continue" */
bool
mountinfo_parse(char *line, struct mountinfo *ret)
{
    char *field[LINE_FIELDS], *rest = line;

    for (int i = 0; i < LINE_FIELDS; i++)
        if ((field[i] = strsep(&rest, " ")) == NULL)
            return false;
    while (rest != NULL && strncmp(rest, "- ", 2) != 0)
        (void)strsep(&rest, " ");
    if (rest == NULL)
        return false;
    (void)strsep(&rest, " ");
    ret->type = strsep(&rest, " ");
    ret->source = strsep(&rest, " ");
    ret->super = strsep(&rest, " ");
    ret->point = field[4];
    ret->options = field[5];
    if (ret->super == NULL || !number_parse(field[0], &ret->id) ||
        !parse_device(field[2], ret))
        return false;
    unescape(ret->point);
    unescape(ret->source);
    return true;
}

bool
mountinfo_holds(const char *point, const char *path)
{
    size_t n = strcmp(point, "/") == 0 ? 0 : strlen(point);

    return strncmp(point, path, n) == 0 && (path[n] == '/' || (n > 0 && path[n] == '\0'));
}

bool
mountinfo_find(char *text, const char *path, struct mountinfo *ret)
{
    struct mountinfo m;
    size_t deepest = 0;
    char *line;

    while ((line = strsep(&text, "\n")) != NULL) {
        if (!mountinfo_parse(line, &m) || !mountinfo_holds(m.point, path) ||
            strlen(m.point) < deepest)
            continue;
        deepest = strlen(m.point);
        *ret = m;
    }
    return deepest > 0;
}

bool
mountinfo_has(const char *options, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = options; *at != '\0'; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == len && strncmp(at, name, len) == 0)
            return true;
    return false;
}

bool
mountinfo_read_only(const struct mountinfo *m)
{
    return mountinfo_has(m->super, "ro");
}

bool
mountinfo_on_device(const struct mountinfo *m)
{
    return strncmp(m->source, "/dev/", 5) == 0 && strncmp(m->type, "fuse", 4) != 0 &&
           strcmp(m->type, "devtmpfs") != 0;
}
