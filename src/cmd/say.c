/* SPDX-License-Identifier: Apache-2.0 */
/* What a command says.  Lines are escaped byte by byte on their way out, without taking
 * memory, so that a failure for want of memory can still be shown. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "frozen.h"
#include "hint.h"
#include "codes.h"
#include "err_json.h"
#include "text.h"

static void
put_escaped(FILE *to, const char *s)
{
    frozen_forbids();
    while (*s != '\0') {
        size_t n = *s == '\n' || *s == '\t' ? 1 : text_visible(s);

        if (n > 0)
            (void)fwrite(s, 1, n, to);
        else
            (void)fprintf(to, "\\x%02x", (unsigned char)*s);
        s += n > 0 ? n : 1;
    }
}

static void
put_formatted(FILE *to, const char *format, va_list args)
{
    char *s;

    if (vasprintf(&s, format, args) < 0)
        return; /* a line of text is lost; what it told of is done */
    put_escaped(to, s);
    free(s);
}

void
cmd_say(struct cmd *c, const char *format, ...)
{
    va_list args;

    if (c->json)
        return;
    cmd_meter_clear(c);
    va_start(args, format);
    put_formatted(c->out, format, args);
    va_end(args);
}

void
cmd_say_raw(struct cmd *c, const char *text)
{
    if (!c->json)
        (void)fputs(text, c->out);
}

void
cmd_note(struct cmd *c, const char *format, ...)
{
    va_list args;

    cmd_meter_clear(c);
    va_start(args, format);
    put_formatted(stderr, format, args);
    va_end(args);
}

struct err *
cmd_result(struct cmd *c, json_t *doc)
{
    if (!c->json) {
        json_decref(doc);
        return NULL;
    }
    if (doc == NULL)
        return fail(OutOfMemory);
    if (c->doc == NULL) {
        c->doc = doc;
        return NULL;
    }
    if (json_object_update(c->doc, doc) != 0) {
        json_decref(doc);
        return fail(OutOfMemory);
    }
    json_decref(doc);
    return NULL;
}

void
cmd_stream_begin(struct cmd *c, const char *name)
{
    if (!c->json)
        return;
    (void)printf("{\n  \"%s\": [", name);
    c->streams = true;
}

struct err *
cmd_stream(struct cmd *c, const char *item)
{
    (void)printf("%s%s", c->streamed++ == 0 ? "\n" : ",\n", item);
    return ferror(stdout) ? fail(OutputFailed) : NULL;
}

struct lines {
    const char *lead; /* before the first line */
};

static void
put_line(void *to, const char *text)
{
    struct lines *l = to;

    put_escaped(stderr, l->lead);
    put_escaped(stderr, text);
    put_escaped(stderr, "\n");
    l->lead = "  ";
}

void
cmd_show_error(struct cmd *c, const struct err *e)
{
    struct lines l = { "firn: " };
    auto_free char *doctor = NULL;

    cmd_meter_clear(c);
    err_print(e, c->trace, put_line, &l);
    (void)fprintf(stderr, "  firn explain %s\n", err_id(e));
    err_free(hint_doctor(c, e, &doctor)); /* without memory the line is left out */
    if (doctor != NULL) {
        put_escaped(stderr, "  ");
        put_escaped(stderr, doctor);
        put_escaped(stderr, "\n");
    }
}

void
cmd_warn(void *arg, struct err *warning)
{
    struct cmd *c = arg;
    bool noted = err_is(warning, C_job_noted);
    struct lines l = { noted ? "firn: " : "firn: warning: " };
    json_t *j;

    flockfile(stderr); /* threads of the vault warn, too; this is what they take turns by */
    if (err_severity(warning) == SEVERITY_WARNING && err_exit_status(warning) > c->weaker)
        c->weaker = err_exit_status(warning);
    cmd_meter_clear(c);
    err_print(warning, c->trace, put_line, &l);
    j = c->json ? err_json_warning(warning) : NULL;
    if (j != NULL)
        (void)json_array_append_new(c->warnings, j);
    funlockfile(stderr);
    err_free(warning);
}
