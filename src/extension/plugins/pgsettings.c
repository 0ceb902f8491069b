/* SPDX-License-Identifier: Apache-2.0 */
/* Lines "name = value"; "#" begins a comment.  A word that is not known is a failure: a
 * misspelt skip would be found only when a server is missed. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "number.h"
#include "postgresql.h"

enum { PORT_MAX = 65535 };

static char *
trimmed(char *s)
{
    size_t n;

    while (isspace((unsigned char)*s))
        s++;
    n = strlen(s);
    while (n > 0 && isspace((unsigned char)s[n - 1]))
        s[--n] = '\0';
    return s;
}

static bool
set_name(char to[PG_NAME_MAX], const char *value)
{
    if (*value == '\0' || strlen(value) >= PG_NAME_MAX)
        return false;
    (void)snprintf(to, PG_NAME_MAX, "%s", value);
    return true;
}

static bool
set(struct pg_settings *s, const char *name, const char *value)
{
    uint64_t port;

    if (strcmp(name, "user") == 0)
        return set_name(s->user, value);
    if (strcmp(name, "database") == 0)
        return set_name(s->database, value);
    if (strcmp(name, "skip") != 0 || !number_parse(value, &port) || port == 0 ||
        port > PORT_MAX || s->nskip == PG_SKIP_MAX)
        return false;
    s->skip[s->nskip++] = (unsigned)port;
    return true;
}

static bool
parse(char *text, const char *path, struct pg_settings *s, struct pg_verdict *v)
{
    char *line;

    for (unsigned n = 1; (line = strsep(&text, "\n")) != NULL; n++) {
        char *name, *value = line + strcspn(line, "#");

        if (n > PG_SETTINGS_LINES)
            return pg_says(v, PG_SETTINGS, "%s has more than %d lines", path,
                PG_SETTINGS_LINES);
        *value = '\0';
        value = line;
        name = trimmed(strsep(&value, "="));
        if (*name == '\0' && value == NULL)
            continue;
        if (value == NULL || !set(s, name, trimmed(value)))
            return pg_says(v, PG_SETTINGS, "line %u of %s is no setting that can be used", n,
                path);
    }
    return true;
}

static bool
read_safely(int fd, const char *path, char text[PG_SETTINGS_LEN + 1], struct pg_verdict *v)
{
    struct stat st;
    size_t len = 0;
    ssize_t n = 1;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        (st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022) != 0)
        return pg_says(v, PG_SETTINGS,
            "%s must be a file of root's that nobody else may write", path);
    while (n > 0 && len < PG_SETTINGS_LEN) {
        n = read(fd, text + len, PG_SETTINGS_LEN - len);
        if (n < 0)
            return pg_says(v, PG_SETTINGS, "%s cannot be read: %s", path, strerror(errno));
        len += (size_t)n;
    }
    if (len == PG_SETTINGS_LEN || memchr(text, '\0', len) != NULL)
        return pg_says(v, PG_SETTINGS, "%s is too long, or no text", path);
    text[len] = '\0';
    return true;
}

bool
pgsettings_read(struct pg_settings *ret, struct pg_verdict *v)
{
    const char *folder = getenv("FIRN_CONFIG");
    auto_free char *text = malloc(PG_SETTINGS_LEN + 1);
    char path[PATH_MAX];

    *ret = (struct pg_settings){ .database = "postgres" };
    if (text == NULL)
        return pg_says(v, PG_FAILED, "there is no memory left");
    (void)snprintf(path, sizeof(path), "%s/postgresql.conf",
        folder != NULL && *folder != '\0' ? folder : "/etc/firn");
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0)
        return pg_says(v, PG_SETTINGS, "%s cannot be read: %s", path, strerror(errno));
    return read_safely(fd, path, text, v) && parse(text, path, ret, v);
}
