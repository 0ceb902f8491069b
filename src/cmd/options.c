/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the words.  The command is the first word that is no option (two words for
 * "key add"), so that options may stand before it.  Which options a command takes is its
 * bit set in the table; one name may stand for two options there (--format), so a name is
 * always looked up within a command. */
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "number.h"
#include "options.h"
#include "text.h"

#define NEAR 3 /* words that differ by fewer letters are taken for slips */

unsigned
options_distance(const char *a, const char *b)
{
    unsigned row[32];
    size_t na = strlen(a), nb = strlen(b);

    if (na > 31 || nb > 31)
        return 31;
    for (size_t j = 0; j <= nb; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        unsigned corner = row[0];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            unsigned best = corner + (a[i - 1] != b[j - 1]);

            corner = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[nb];
}

/* UsageWrong from pieces of text. */
static struct err *
wrong(struct text *why)
{
    struct err *e = why->no_memory || why->s == NULL ? fail(OutOfMemory)
                                                     : fail(UsageWrong, why->s);

    text_done(why);
    return e;
}

const struct cmd_command *
options_command(const char *first, const char *second)
{
    for (size_t i = 0; i < CMD_COUNT; i++) {
        const char *name = cmd_commands[i].name;
        size_t len = strcspn(name, " ");

        if (strlen(first) != len || strncmp(name, first, len) != 0)
            continue;
        if (name[len] == '\0' || (second != NULL && strcmp(name + len + 1, second) == 0))
            return &cmd_commands[i];
    }
    return NULL;
}

struct err *
options_unknown(const char *first, const char *second)
{
    struct text why = { 0 };
    const char *near = NULL, *group = NULL; /* group: the second word of its first command */
    unsigned least = NEAR;

    for (size_t i = 0; i < CMD_COUNT; i++) {
        const char *name = cmd_commands[i].name;
        size_t len = strcspn(name, " ");
        unsigned far = options_distance(first, name);

        if (name[len] == ' ' && strlen(first) == len && strncmp(first, name, len) == 0) {
            group = group != NULL ? group : name + len + 1;
            far = second == NULL ? NEAR : options_distance(second, name + len + 1);
        }
        if (far < least) {
            least = far;
            near = name;
        }
    }
    if (group != NULL && second == NULL)
        text_fmt(&why, "firn %s needs a second word, such as %s; ", first, group);
    else
        text_fmt(&why, "there is no command %s%s%s; ", first, group != NULL ? " " : "",
            group != NULL ? second : "");
    if (near != NULL)
        text_fmt(&why, "did you mean %s? ", near);
    text_str(&why, "firn help lists the commands");
    return wrong(&why);
}

/* The option of ${c} with the name of ${len} bytes, or OPT_COUNT. */
static enum cmd_option_id
find_option(const struct cmd_command *c, const char *name, size_t len)
{
    for (unsigned i = 0; i < OPT_COUNT; i++)
        if ((c->options >> i & 1) != 0 && strlen(cmd_options[i].name) == len &&
            strncmp(cmd_options[i].name, name, len) == 0)
            return (enum cmd_option_id)i;
    return OPT_COUNT;
}

static struct err *
unknown_option(const struct cmd_command *c, const char *word)
{
    struct text why = { 0 };
    size_t len = strcspn(word, "=");
    const char *near = NULL;
    unsigned least = NEAR;

    text_fmt(&why, "firn %s has no option %.*s; ", c->name, (int)(len < 200 ? len : 200), word);
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        char name[32] = "";
        unsigned far;

        if ((c->options >> i & 1) == 0 || len < 2 || len - 2 >= sizeof(name))
            continue;
        memcpy(name, word + 2, len - 2);
        far = options_distance(name, cmd_options[i].name);
        if (far < least) {
            least = far;
            near = cmd_options[i].name;
        }
    }
    if (near != NULL)
        text_fmt(&why, "did you mean --%s? ", near);
    text_fmt(&why, "firn %s --help lists its options", c->name);
    return wrong(&why);
}

static bool
is_one_of(const char *words, const char *value)
{
    size_t len = strlen(value);

    for (const char *p = words; *p != '\0'; p += strcspn(p, "|"), p += *p == '|')
        if (strcspn(p, "|") == len && strncmp(p, value, len) == 0)
            return true;
    return false;
}

static struct err *
set_option(struct options *o, enum cmd_option_id id, const char *value)
{
    const struct cmd_option *opt = &cmd_options[id];
    struct text why = { 0 };

    if (o->set[id]) {
        text_fmt(&why, "--%s is given twice", opt->name);
        return wrong(&why);
    }
    if (value != NULL && *value == '\0') {
        text_fmt(&why, "--%s needs %s, and it is empty", opt->name, opt->shown);
        return wrong(&why);
    }
    if (opt->value == VALUE_WORD && !is_one_of(opt->shown, value)) {
        text_fmt(&why, "--%s is one of %s, not %s", opt->name, opt->shown, value);
        return wrong(&why);
    }
    o->set[id] = true;
    o->value[id] = value;
    return NULL;
}

/* Take the option at argv[*at]. */
static struct err *
take_option(struct options *o, int argc, char **argv, int *at)
{
    const char *word = argv[*at], *equals = strchr(word, '=');
    size_t len = equals == NULL ? strlen(word) : (size_t)(equals - word);
    enum cmd_option_id id = OPT_COUNT;
    struct text why = { 0 };

    if (strcmp(word, "-h") == 0)
        id = (o->command->options & OPT(HELP)) != 0 ? OPT_HELP : OPT_COUNT;
    else if (len > 2 && word[1] == '-')
        id = find_option(o->command, word + 2, len - 2);
    if (id == OPT_COUNT)
        return unknown_option(o->command, word);
    if (cmd_options[id].value == VALUE_NONE) {
        if (equals == NULL)
            return set_option(o, id, NULL);
        text_fmt(&why, "--%s takes no value", cmd_options[id].name);
        return wrong(&why);
    }
    if (equals != NULL)
        return set_option(o, id, equals + 1);
    if (*at + 1 >= argc) {
        text_fmt(&why, "--%s needs %s; firn %s --help tells more", cmd_options[id].name,
            cmd_options[id].shown, o->command->name);
        return wrong(&why);
    }
    return set_option(o, id, argv[++*at]);
}

/* Which words of ${argv} name the command: *ret_first and, for two words, *ret_second.  The
 * value of an option that stands before them must not be taken for one. */
static void
find_command(int argc, char **argv, int *ret_first, int *ret_second)
{
    int at[2] = { 0, 0 }, n = 0;

    for (int i = 1; i < argc && n < 2; i++) {
        if (strcmp(argv[i], "--") == 0)
            break;
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            at[n++] = i;
            continue;
        }
        if (strchr(argv[i], '=') != NULL || argv[i][1] != '-')
            continue;
        for (unsigned k = 0; k < OPT_COUNT; k++)
            if (strcmp(argv[i] + 2, cmd_options[k].name) == 0 &&
                cmd_options[k].value != VALUE_NONE) {
                i++;
                break;
            }
    }
    *ret_first = at[0];
    *ret_second = at[1];
}

static void
add_environment(struct options *o)
{
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        const char *value = cmd_options[i].env == NULL || (o->command->options >> i & 1) == 0
            ? NULL
            : getenv(cmd_options[i].env);

        if (!o->set[i] && value != NULL && *value != '\0')
            o->value[i] = value;
    }
}

static struct err *
check_words(const struct options *o)
{
    const struct cmd_command *c = o->command;
    struct text why = { 0 };

    for (unsigned i = 0; i < o->nargs; i++)
        if (o->args[i][0] == '\0' && !o->set[OPT_HELP]) {
            text_fmt(&why, "word %u after firn %s is empty, as a variable of a shell is that "
                           "was not set; firn %s --help tells more", i + 1, c->name, c->name);
            return wrong(&why);
        }
    if (o->set[OPT_HELP] || (o->nargs >= c->least && o->nargs <= c->most))
        return NULL;
    if (o->nargs < c->least)
        text_fmt(&why, "firn %s needs %s; firn %s --help tells more", c->name, c->args,
            c->name);
    else
        text_fmt(&why, "firn %s does not take %s; firn %s --help tells more", c->name,
            o->args[c->most], c->name);
    return wrong(&why);
}

static bool
is_option(const char *word)
{
    size_t len = strcspn(word, "=");

    for (unsigned i = 0; i < OPT_COUNT; i++)
        if (strncmp(word, "--", 2) == 0 && strlen(cmd_options[i].name) == len - 2 &&
            strncmp(word + 2, cmd_options[i].name, len - 2) == 0)
            return true;
    return false;
}

static struct err *
no_command(int argc, char **argv)
{
    struct text why = { 0 };

    if (argc < 2 || strcmp(argv[1], "--") == 0 || is_option(argv[1]))
        return fail(UsageWrong, "firn needs a command; firn help lists them");
    text_fmt(&why, "firn has no option %s; firn help tells how it is called", argv[1]);
    return wrong(&why);
}

struct err *
options_parse(int argc, char **argv, struct options *ret)
{
    int first, second;
    bool ended = false, two;

    memset(ret, 0, sizeof(*ret));
    find_command(argc, argv, &first, &second);
    if (first == 0)
        return no_command(argc, argv);
    ret->command = options_command(argv[first], second == 0 ? NULL : argv[second]);
    if (ret->command == NULL)
        return options_unknown(argv[first], second == 0 ? NULL : argv[second]);
    two = strchr(ret->command->name, ' ') != NULL;
    ret->args = calloc((size_t)argc + 1, sizeof(*ret->args));
    if (ret->args == NULL)
        return fail(OutOfMemory);
    for (int i = 1; i < argc; i++) {
        if (i == first || (two && i == second))
            continue;
        if (!ended && strcmp(argv[i], "--") == 0)
            ended = true;
        else if (!ended && argv[i][0] == '-' && argv[i][1] != '\0')
            TRY(take_option(ret, argc, argv, &i));
        else
            ret->args[ret->nargs++] = argv[i];
    }
    add_environment(ret);
    return check_words(ret);
}

void
options_done(struct options *o)
{
    free(o->args);
    o->args = NULL;
}

struct err *
options_number(const struct options *o, enum cmd_option_id id, uint64_t least, uint64_t most,
    uint64_t usual, uint64_t *ret)
{
    const struct cmd_option *opt = &cmd_options[id];
    struct text why = { 0 };
    uint64_t v;
    bool ok;

    if (o->value[id] == NULL) {
        *ret = usual;
        return NULL;
    }
    ok = opt->value == VALUE_SIZE ? number_parse_size(o->value[id], &v)
                                  : number_parse(o->value[id], &v);
    if (ok && v >= least && v <= most) {
        *ret = v;
        return NULL;
    }
    text_fmt(&why, "--%s is a number from %llu to %llu, not %s", opt->name,
        (unsigned long long)least, (unsigned long long)most, o->value[id]);
    return wrong(&why);
}
