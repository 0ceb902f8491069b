/* SPDX-License-Identifier: Apache-2.0 */
/* firn-extension: reads its words, runs one verb, prints what came of it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

#include "codes.h"
#include "number.h"
#include "outcome.h"
#include "verbs.h"
#ifdef _WIN32
#include "wide.h"
#endif

static void
print_line(void *to, const char *text)
{
    (void)to;
    (void)fprintf(stderr, "firn-extension: %s\n", text);
}

static void
print_help(void)
{
    (void)printf("usage: firn-extension VERB [OPTION...]\n\n");
    for (unsigned i = 0; i < verbs_len; i++)
        if (verbs[i].kind != VERB_HIDDEN)
            (void)printf("  %-9s %-8s %s\n", verbs[i].name, verbs[i].arguments,
                verbs[i].brief);
    (void)printf("\n  --json             one JSON document on standard output\n"
                 "  --package NAME     the latest version of this package\n"
                 "  --folder FOLDER    the version in this folder\n"
                 "  --root FOLDER      where packages are\n"
                 "  --deadline SECONDS a verb's time\n"
                 "  --digest SHA256    what the package's manifest must be\n\n"
                 "  doctor also takes:\n"
                 "  --apply            repair; without it nothing is changed\n"
                 "  --yes RISKS        consent: config,service,install,restart,override,data\n"
                 "  --done STEPS       these steps of the plan, a person's, are done\n"
                 "  --article FILE     the cause that this article names\n"
                 "  --order ORDER      safe (usual) or article\n"
                 "  --undo ID          take a repair back\n"
                 "  --look             of prepare: change nothing, run no installer\n\n"
                 "Without --package and --folder, the version that this program lies in.\n");
}

struct option {
    const char *name;
    const char **place;
    bool doctor; /* of a doctor alone */
};

/* The option of the word ${word}, "--name" or "--name=value"; NULL when there is none.
 * *ret_value is what follows the '=', or NULL. */
static const struct option *
find_option(const struct option *all, const char *word, const char **ret_value)
{
    size_t len = strcspn(word, "=");

    *ret_value = word[len] == '=' ? word + len + 1 : NULL;
    for (; all->name != NULL; all++)
        if (strlen(all->name) == len && strncmp(all->name, word, len) == 0)
            return all;
    return NULL;
}

/* Options are taken out of the words, which are what is left. */
static struct err *
read_words(struct call *c, const struct option *all, enum verb_kind kind, int argc, char **argv)
{
    bool doctor = kind == VERB_DOCTOR;

    for (int i = 0; i < argc; i++) {
        const struct option *o;
        const char *value;

        if (strcmp(argv[i], "--json") == 0) {
            c->json = true;
            continue;
        }
        if (doctor && strcmp(argv[i], "--apply") == 0) {
            c->apply = true;
            continue;
        }
        if (kind == VERB_LOOKER && strcmp(argv[i], "--look") == 0) {
            c->look = true;
            continue;
        }
        if (argv[i][0] != '-') {
            c->words[c->nwords++] = argv[i];
            continue;
        }
        o = find_option(all, argv[i], &value);
        if (o == NULL || (o->doctor && !doctor) || (value == NULL && i + 1 == argc))
            return fail(UsageWrong, argv[i]);
        *o->place = value != NULL ? value : argv[++i];
    }
    return NULL;
}

static struct err *
read_options(struct call *c, enum verb_kind kind, int argc, char **argv)
{
    const char *deadline = NULL;
    const struct option all[] = {
        { "--package", &c->package, false },
        { "--folder", &c->folder, false },
        { "--root", &c->root, false },
        { "--digest", &c->digest, false },
        { "--deadline", &deadline, false },
        { "--article", &c->article, true },
        { "--yes", &c->yes, true },
        { "--done", &c->done, true },
        { "--order", &c->order, true },
        { "--undo", &c->undo, true },
        { NULL, NULL, false },
    };
    uint64_t seconds;

    TRY(read_words(c, all, kind, argc, argv));
    if (deadline == NULL)
        return NULL;
    if (!number_parse(deadline, &seconds) || seconds < 1 || seconds > 3600)
        return fail(UsageWrong, "--deadline is from 1 to 3600 seconds");
    c->deadline_s = (int64_t)seconds;
    return NULL;
}

static const struct verb *
find_verb(const char *name)
{
    for (unsigned i = 0; i < verbs_len; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static struct err *
run(struct call *c, int argc, char **argv)
{
    const struct verb *v = find_verb(argv[1]);

    if (v == NULL)
        return fail(UsageWrong, argv[1]);
    c->words = argv + 2;
    if (v->words < 0) {
        c->nwords = argc - 2;
        TRY(v->run(c));
        return NULL;
    }
    TRY(read_options(c, v->kind, argc - 2, argv + 2));
    if (c->nwords > v->words || (c->nwords < v->words && v->kind != VERB_DOCTOR))
        return fail(UsageWrong, "a verb has too many words or too few");
    TRY(v->run(c));
    return NULL;
}

static char *
failure_document(const struct err *e)
{
    struct doc_out o = { 0 };
    char *text = NULL;

    doc_open(&o, NULL, '{');
    doc_put_int(&o, "schema", 1);
    outcome_put(&o, "error", e);
    doc_close(&o, '}');
    err_free(doc_out_take(&o, &text));
    return text;
}

/* What a verb found goes to standard output, also before its failure; the failure to standard
 * error, and with --json as a document to standard output. */
static int
report(struct call *c, struct err *e)
{
    int status = e == NULL ? c->exit_status : err_exit_status(e);

    if (e == NULL && c->out.no_memory)
        e = fail(OutOfMemory);
    if (c->out.s != NULL && (e == NULL || !c->json || c->told))
        (void)fputs(c->out.s, stdout);
    if (e != NULL) {
        auto_free char *text = failure_document(e);

        (void)fflush(stdout);
        err_print(e, false, print_line, NULL);
        if (c->json && !c->told && text != NULL)
            (void)printf("%s\n", text);
        status = err_exit_status(e);
        err_free(e);
    }
    text_done(&c->out);
    if (fflush(stdout) != 0)
        status = 1;
    return status;
}

static int
extension_main(int argc, char **argv)
{
    struct call c = { 0 };

    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help();
        return argc < 2 ? 2 : 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("firn-extension %s\n", FIRN_VERSION);
        return 0;
    }
    return report(&c, run(&c, argc, argv));
}

#ifdef _WIN32
int
main(void)
{
    char **argv = NULL;
    int argc = 0, status;
    struct err *e = wide_arguments(&argc, &argv);

    if (e != NULL) {
        err_print(e, false, print_line, NULL);
        err_free(e);
        return 1;
    }
    (void)_setmode(_fileno(stdout), _O_BINARY);
    char **words = calloc((size_t)argc + 1, sizeof(*words));
    if (words == NULL)
        return 1;
    memcpy(words, argv, (size_t)argc * sizeof(*words));
    status = extension_main(argc, words);
    free(words);
    wide_arguments_free(argc, argv);
    return status;
}
#else
int
main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN);
    return extension_main(argc, argv);
}
#endif
