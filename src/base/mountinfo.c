/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "mountinfo.h"

enum { LINE_FIELDS = 6, DIGITS_MAX = 10 };

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
number(const char *s, const char *end, uint64_t *ret)
{
    uint64_t v = 0;

    if (s == end || end - s > DIGITS_MAX)
        return false;
    for (; s < end; s++) {
        if (*s < '0' || *s > '9')
            return false;
        v = v * 10 + (uint64_t)(*s - '0');
    }
    *ret = v;
    return true;
}

static bool
parse_device(const char *s, struct mountinfo *to)
{
    const char *colon = strchr(s, ':');
    uint64_t major, minor;

    if (colon == NULL || !number(s, colon, &major) ||
        !number(colon + 1, s + strlen(s), &minor) || major > UINT32_MAX || minor > UINT32_MAX)
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
    if (ret->super == NULL || !number(field[0], field[0] + strlen(field[0]), &ret->id) ||
        !parse_device(field[2], ret))
        return false;
    unescape(ret->point);
    unescape(ret->source);
    return true;
}

bool
mountinfo_read_only(const struct mountinfo *m)
{
    return strncmp(m->super, "ro", 2) == 0 && (m->super[2] == ',' || m->super[2] == '\0');
}
