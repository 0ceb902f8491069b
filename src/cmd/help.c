/* SPDX-License-Identifier: Apache-2.0 */
/* Words are broken to lines of WIDTH columns; the table holds ASCII alone. */
#include <string.h>

#include "help.h"

#define WIDTH 80
#define BRIEF 34 /* where the list of commands says what each is for */

/* ${words} from column ${indent} on; ${at} columns of the first line are used. */
static void
wrap(struct text *to, const char *words, size_t indent, size_t at)
{
    while (*words != '\0') {
        size_t len = strcspn(words, " \n");

        if (at > indent && at + 1 + len > WIDTH) {
            text_str(to, "\n");
            at = 0;
        }
        if (at < indent) {
            text_fmt(to, "%*s", (int)(indent - at), "");
            at = indent;
        } else if (at > indent) {
            text_str(to, " ");
            at++;
        }
        text_add(to, words, len);
        at += len;
        words += len;
        if (*words == '\n') {
            text_str(to, "\n");
            at = 0;
        }
        words += *words != '\0';
    }
    text_str(to, "\n");
}

void
help_all(struct text *to)
{
    text_str(to, "firn keeps states of disks in an encrypted vault and brings any of them "
                 "back.\n\n");
    for (size_t i = 0; i < CMD_COUNT; i++) {
        const struct cmd_command *c = &cmd_commands[i];
        size_t before = to->len;

        text_fmt(to, "  firn %s%s%s", c->name, *c->args == '\0' ? "" : " ", c->args);
        if (to->len - before > BRIEF)
            text_fmt(to, "\n%*s", BRIEF, "");
        else
            text_fmt(to, "%*s", BRIEF - (int)(to->len - before), "");
        text_fmt(to, "  %s\n", c->brief);
    }
    text_str(to, "\nA first backup:\n\n"
                 "  firn init /srv/vault\n"
                 "  export FIRN_VAULT=/srv/vault\n"
                 "  firn backup disk.raw\n"
                 "  firn points\n"
                 "  firn restore latest copy.raw\n\n"
                 "firn help COMMAND tells more about one; man firn about all.\n");
}

static void
help_option(const struct cmd_option *o, struct text *to)
{
    struct text all = { 0 };
    size_t before = to->len;

    text_fmt(to, "  --%s%s%s", o->name, o->value == VALUE_NONE ? "" : " ",
        o->value == VALUE_NONE ? "" : o->shown);
    text_str(&all, o->help);
    if (o->env != NULL)
        text_fmt(&all, " The variable %s stands in for it.", o->env);
    if (to->len - before > 27) {
        text_str(to, "\n");
        before = to->len;
    }
    if (all.s != NULL)
        wrap(to, all.s, 28, to->len - before);
    to->no_memory = to->no_memory || all.no_memory;
    text_done(&all);
}

void
help_command(const struct cmd_command *c, struct text *to)
{
    text_fmt(to, "firn %s%s%s%s\n\n", c->name, c->options == 0 ? "" : " [OPTION]...",
        *c->args == '\0' ? "" : " ", c->args);
    wrap(to, c->text, 0, 0);
    text_str(to, "\n");
    for (unsigned i = OPT_COUNT; i-- > 0;) /* the command's own before those of all */
        if ((c->options >> i & 1) != 0 && i > OPT_HELP)
            help_option(&cmd_options[i], to);
    for (unsigned i = 0; i <= OPT_HELP; i++)
        if ((c->options >> i & 1) != 0)
            help_option(&cmd_options[i], to);
    if (c->page != NULL)
        text_fmt(to, "\nman firn-%s tells more.\n", c->page);
}
