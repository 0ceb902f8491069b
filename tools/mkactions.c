/* SPDX-License-Identifier: Apache-2.0 */
/* mkactions -- the page firn-article(5), with its lists of actions and ambiguities made from
 * the tables that firn itself uses.
 *
 *     mkactions INPUT OUTPUT
 *
 * Lines of INPUT that are only @ACTIONS@ or @AMBIGUITIES@ are replaced. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "ambiguity.h"

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static void
put(FILE *to, const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '-')
            (void)fputs("\\-", to);
        else if (*s == '\\')
            (void)fputs("\\e", to);
        else
            (void)fputc(*s, to);
    }
}

static const char *
type_name(const struct action_param *p)
{
    static const char *const name[] = { [PARAM_TEXT] = "text", [PARAM_NUMBER] = "number",
        [PARAM_PATH] = "path", [PARAM_KEY] = "key", [PARAM_NAME] = "name",
        [PARAM_ADDRESS] = "address", [PARAM_WORD] = NULL };

    return p->type == PARAM_WORD ? p->words : name[p->type];
}

static void
put_kind(FILE *to, const struct action_kind *k)
{
    static const char *const risk[] = { "read", "config", "service", "install", "restart",
        "override", "data" };

    (void)fputs(".TP\n.B ", to);
    put(to, k->name);
    for (int i = 0; k->param[i].name != NULL; i++) {
        (void)fputs(k->param[i].required ? " " : " [", to);
        put(to, k->param[i].name);
        (void)fputc('=', to);
        put(to, type_name(&k->param[i]));
        (void)fputs(k->param[i].required ? "" : "]", to);
    }
    (void)fputc('\n', to);
    put(to, k->about);
    if (k->person) {
        (void)fputs("\nFor a person.\n", to);
        return;
    }
    (void)fprintf(to, "\nRisk: %s.%s\n", risk[k->risk], k->undo != NULL ? " Undo:" : "");
    if (k->undo != NULL)
        put(to, k->undo);
    if (k->fixed != NULL)
        put(to, k->fixed);
    if (k->undo != NULL || k->fixed != NULL)
        (void)fputc('\n', to);
}

int
main(int argc, char **argv)
{
    FILE *from, *to;
    char line[1024];

    if (argc != 3) {
        (void)fputs("usage: mkactions INPUT OUTPUT\n", stderr);
        return 2;
    }
    from = fopen(argv[1], "r");
    if (from == NULL)
        die(argv[1]);
    to = fopen(argv[2], "w");
    if (to == NULL)
        die(argv[2]);
    while (fgets(line, sizeof(line), from) != NULL) {
        if (strcmp(line, "@ACTIONS@\n") == 0) {
            for (size_t i = 0; i < action_kinds_len; i++)
                put_kind(to, &action_kinds[i]);
        } else if (strcmp(line, "@AMBIGUITIES@\n") == 0) {
            for (size_t i = 0; plan_ambiguities[i].id != NULL; i++) {
                (void)fputs(".TP\n.B ", to);
                put(to, plan_ambiguities[i].id);
                (void)fputc('\n', to);
                put(to, plan_ambiguities[i].about);
                (void)fputc('\n', to);
            }
        } else {
            (void)fputs(line, to);
        }
    }
    (void)fclose(from);
    if (fclose(to) != 0)
        die(argv[2]);
    return 0;
}
