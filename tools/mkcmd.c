/* SPDX-License-Identifier: Apache-2.0 */
/* mkcmd -- the command table (src/cmd/table.c) as manual pages and as a completion for bash.
 *
 *     mkcmd page NAME MORE OUTPUT   the page firn-NAME(1), or firn(1) for the name "firn";
 *                                   MORE, in man(7), goes before the list of options
 *     mkcmd bash OUTPUT */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

/* Text for man(7): a dash is a dash, a line does not begin a request. */
static void
put(FILE *to, const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '-')
            (void)fputs("\\-", to);
        else if (*s == '\\')
            (void)fputs("\\e", to);
        else if (*s == '\n')
            (void)fputs("\n.PP\n", to);
        else
            (void)fputc(*s, to);
    }
}

static void
put_option(FILE *to, const struct cmd_option *o)
{
    (void)fputs(".TP\n.B ", to);
    (void)fputs("\\-\\-", to);
    put(to, o->name);
    if (o->value != VALUE_NONE) {
        (void)fputs(" \\fI", to);
        put(to, o->shown);
        (void)fputs("\\fR", to);
    }
    (void)fputc('\n', to);
    put(to, o->help);
    if (o->env != NULL)
        (void)fprintf(to, " The variable\n.B %s\nstands in for it.", o->env);
    (void)fputc('\n', to);
}

static void
put_synopsis(FILE *to, const struct cmd_command *c)
{
    (void)fputs(".B firn ", to);
    put(to, c->name);
    (void)fputs("\n", to);
    if (c->options != 0)
        (void)fputs(".RI [ OPTION ]...\n", to);
    if (*c->args != '\0') {
        (void)fputs(".I \"", to);
        put(to, c->args);
        (void)fputs("\"\n", to);
    }
    (void)fputs(".br\n", to);
}

static void
put_file(FILE *to, const char *path)
{
    char buf[4096];
    size_t n;
    FILE *from = fopen(path, "r");

    if (from == NULL)
        die(path);
    while ((n = fread(buf, 1, sizeof(buf), from)) > 0)
        (void)fwrite(buf, 1, n, to);
    (void)fclose(from);
}

static void
put_end(FILE *to)
{
    (void)fputs(".SH EXIT STATUS\n"
                "0: done. 1: failed; the code says why. 2: wrong usage. 3: done, but less\n"
                "than was asked; a warning says what. 70: a defect of firn.\n"
                ".SH SEE ALSO\n", to);
    for (unsigned i = 0; i < CMD_COUNT; i++)
        if (cmd_commands[i].page != NULL &&
            (i == 0 || cmd_commands[i - 1].page == NULL ||
                strcmp(cmd_commands[i - 1].page, cmd_commands[i].page) != 0))
            (void)fprintf(to, ".BR firn\\-%s (1),\n", cmd_commands[i].page);
    (void)fputs(".BR firn (1),\n.BR firn\\-vault (5),\n.BR firn\\-codes (7)\n", to);
}

static bool
on_page(const struct cmd_command *c, const char *page)
{
    return c->page != NULL && strcmp(c->page, page) == 0;
}

static void
page_command(FILE *to, const char *page, const char *more)
{
    uint64_t options = 0;
    const char *brief = NULL;

    for (unsigned i = 0; i < CMD_COUNT; i++)
        if (on_page(&cmd_commands[i], page)) {
            options |= cmd_commands[i].options;
            brief = strncmp(cmd_commands[i].name, "key ", 4) == 0
                ? "add, list and remove what opens a vault"
                : strncmp(cmd_commands[i].name, "extension ", 10) == 0
                ? "put the backup extension into a guest, look after it, take it out"
                : cmd_commands[i].brief;
        }
    if (brief == NULL) {
        (void)fprintf(stderr, "mkcmd: no command has the page %s\n", page);
        exit(1);
    }
    (void)fprintf(to, ".TH FIRN\\-%s 1 \"\" firn\n.SH NAME\nfirn\\-%s \\- %s\n.SH SYNOPSIS\n",
        page, page, brief);
    for (unsigned i = 0; i < CMD_COUNT; i++)
        if (on_page(&cmd_commands[i], page))
            put_synopsis(to, &cmd_commands[i]);
    (void)fputs(".SH DESCRIPTION\n", to);
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        if (!on_page(&cmd_commands[i], page))
            continue;
        if (strchr(cmd_commands[i].name, ' ') != NULL) {
            (void)fputs(".TP\n.B firn ", to);
            put(to, cmd_commands[i].name);
            (void)fputc('\n', to);
        }
        put(to, cmd_commands[i].text);
        (void)fputc('\n', to);
    }
    put_file(to, more);
    (void)fputs(".SH OPTIONS\n", to);
    for (unsigned i = 0; i < OPT_COUNT; i++)
        if ((options >> i & 1) != 0)
            put_option(to, &cmd_options[i]);
    put_end(to);
}

static void
page_all(FILE *to, const char *more)
{
    (void)fputs(".TH FIRN 1 \"\" firn\n.SH NAME\nfirn \\- keep the states of disks in an "
                "encrypted vault, and bring them back\n.SH SYNOPSIS\n", to);
    for (unsigned i = 0; i < CMD_COUNT; i++)
        put_synopsis(to, &cmd_commands[i]);
    (void)fputs(".SH COMMANDS\n", to);
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        (void)fputs(".TP\n.B firn ", to);
        put(to, cmd_commands[i].name);
        (void)fputc('\n', to);
        put(to, cmd_commands[i].brief);
        (void)fputs(".\n", to);
    }
    put_file(to, more);
    put_end(to);
}

/* One line of a case statement for each command: its options, and what a word may be. */
static void
bash(FILE *to)
{
    static const char *const words[] = {
        [WORD_NONE] = "", [WORD_FILE] = "file", [WORD_CODE] = "code", [WORD_COMMAND] = "command"
    };

    (void)fputs("# Completion of firn for bash; made from its command table.\n"
                "_firn() {\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                "    local cmd=${COMP_WORDS[1]} options= word=\n"
                "    case $cmd in key | extension) cmd=\"$cmd ${COMP_WORDS[2]}\" ;; esac\n"
                "    case $cmd in\n", to);
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        (void)fprintf(to, "    '%s') word=%s options='", cmd_commands[i].name,
            words[cmd_commands[i].word]);
        for (unsigned k = 0; k < OPT_COUNT; k++)
            if ((cmd_commands[i].options >> k & 1) != 0)
                (void)fprintf(to, "--%s ", cmd_options[k].name);
        (void)fputs("' ;;\n", to);
    }
    (void)fputs("    esac\n    COMPREPLY=()\n"
                "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                "        COMPREPLY=($(compgen -W 'init backup points restore verify "
                "explain doctor article extension key help --version' -- \"$cur\"))\n"
                "    elif [ \"$COMP_CWORD\" -eq 2 ] && [ \"${COMP_WORDS[1]}\" = key ]; then\n"
                "        COMPREPLY=($(compgen -W 'add list remove export-writer' "
                "-- \"$cur\"))\n"
                "    elif [ \"$COMP_CWORD\" -eq 2 ] && "
                "[ \"${COMP_WORDS[1]}\" = extension ]; then\n"
                "        COMPREPLY=($(compgen -W 'install status remove' -- \"$cur\"))\n"
                "    elif [[ $cur == -* ]]; then\n"
                "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
                "    elif [[ $prev == --vault ]]; then\n"
                "        COMPREPLY=($(compgen -d -- \"$cur\"))\n"
                "    elif [[ $prev == --*-file || $prev == --writer-key || "
                "$prev == --changed || $word = file ]]; then\n"
                "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                "    elif [ \"$word\" = code ]; then\n"
                "        COMPREPLY=($(compgen -W \"$(firn explain 2> /dev/null | "
                "awk '{ print $2 }')\" -- \"$cur\"))\n"
                "    fi\n"
                "}\n"
                "complete -o filenames -F _firn firn\n", to);
}

int
main(int argc, char **argv)
{
    FILE *to = argc > 2 ? fopen(argv[argc - 1], "w") : NULL;

    if (to == NULL)
        die(argc > 2 ? argv[argc - 1]
                     : "usage: mkcmd page NAME MORE OUTPUT, mkcmd bash OUTPUT");
    if (argc == 5 && strcmp(argv[1], "page") == 0 && strcmp(argv[2], "firn") == 0)
        page_all(to, argv[3]);
    else if (argc == 5 && strcmp(argv[1], "page") == 0)
        page_command(to, argv[2], argv[3]);
    else
        bash(to);
    if (fclose(to) != 0)
        die(argv[argc - 1]);
    return 0;
}
