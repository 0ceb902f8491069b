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
    if (ret->super == NULL || !number_parse(field[0], &ret->id) ||
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
