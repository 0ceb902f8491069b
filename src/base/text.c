/* SPDX-License-Identifier: Apache-2.0 */
/* text.h says what; there is no trick to it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

size_t
text_visible(const char *str)
{
    const unsigned char *s = (const unsigned char *)str;
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3
        : s[0] < 0xf5 ? 4 : 0;

    if (n == 1)
        return s[0] >= 0x20 && s[0] != 0x7f;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if (n == 2 && s[0] == 0xc2 && s[1] < 0xa0)
        return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
        return 0;
    return n;
}

size_t
text_size(char *to, uint64_t bytes)
{
    static const char *const unit[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    uint64_t tenths, whole = bytes;
    size_t u = 0;
    int n;

    while (whole >= 1024 && u + 1 < sizeof(unit) / sizeof(unit[0])) {
        whole >>= 10;
        u++;
    }
    tenths = (bytes - (whole << (10 * u))) * 10 >> (10 * u); /* below 10 * 2^60 */
    if (tenths == 0)
        n = snprintf(to, TEXT_SIZE_MAX, "%" PRIu64 " %s", whole,
            bytes == 1 ? "byte" : unit[u]);
    else
        n = snprintf(to, TEXT_SIZE_MAX, "%" PRIu64 ".%" PRIu64 " %s", whole, tenths, unit[u]);
    return (size_t)n;
}

void
text_add(struct text *t, const char *s, size_t len)
{
    if (t->no_memory)
        return;
    if (len >= t->room - t->len) {
        size_t room = t->room + t->room / 2 + len + 64;
        char *grown = realloc(t->s, room);

        t->no_memory = grown == NULL;
        if (grown == NULL)
            return;
        t->s = grown;
        t->room = room;
    }
    if (len > 0)
        memcpy(t->s + t->len, s, len);
    t->len += len;
    t->s[t->len] = '\0';
}

void
text_str(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

void
text_fmt(struct text *t, const char *format, ...)
{
    va_list args;
    char *s;
    int n;

    va_start(args, format);
    n = vasprintf(&s, format, args);
    va_end(args);
    if (n < 0) {
        t->no_memory = true;
        return;
    }
    text_add(t, s, (size_t)n);
    free(s);
}

bool
text_is_visible(const char *s)
{
    for (size_t n; *s != '\0'; s += n)
        if ((n = text_visible(s)) == 0)
            return false;
    return true;
}

void
text_escaped(struct text *t, const char *s)
{
    while (*s != '\0') {
        size_t n = *s == '\n' || *s == '\t' ? 1 : text_visible(s);
        char hex[8];

        if (n > 0) {
            text_add(t, s, n);
            s += n;
            continue;
        }
        text_add(t, hex, (size_t)snprintf(hex, sizeof(hex), "\\x%02x", (unsigned char)*s));
        s++;
    }
}

void
text_inline(struct text *t, const char *s)
{
    size_t from = t->len;

    text_escaped(t, s);
    for (; from < t->len; from++)
        if (t->s[from] == '\n' || t->s[from] == '\t')
            t->s[from] = ' ';
}

/* As a format of printf between single quotes: nothing in it means anything to the shell, and
 * printf writes just these bytes. */
static void
shell_by_printf(struct text *t, const char *s)
{
    bool ends_line = s[strlen(s) - 1] == '\n';

    text_str(t, ends_line ? "$'" : "\"$(printf '");
    for (const char *p = s; *p != '\0';) {
        size_t n = text_visible(p);

        if (*p == '\\' || (*p == '%' && !ends_line))
            text_fmt(t, "%c%c", *p, *p);
        else if (n == 0 || *p == '\'' || (*p == '-' && p == s))
            text_fmt(t, "\\%03o", (unsigned char)*p);
        else
            text_add(t, p, n);
        p += n > 0 ? n : 1;
    }
    text_str(t, ends_line ? "'" : "')\"");
}

void
text_shell(struct text *t, const char *s)
{
    static const char harmless[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        "0123456789_./:@%+=,-";

    if (*s != '\0' && s[strspn(s, harmless)] == '\0') {
        text_str(t, s);
        return;
    }
    if (!text_is_visible(s)) {
        shell_by_printf(t, s);
        return;
    }
    text_str(t, "'");
    for (; *s != '\0'; s++)
        if (*s == '\'')
            text_str(t, "'\\''");
        else
            text_add(t, s, 1);
    text_str(t, "'");
}

void
text_done(struct text *t)
{
    free(t->s);
    *t = (struct text){ 0 };
}
