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
        if (!verbs[i].hidden)
            (void)printf("  %-9s %-8s %s\n", verbs[i].name, verbs[i].arguments,
                verbs[i].brief);
    (void)printf("\n  --json             one JSON document on standard output\n"
                 "  --package NAME     the latest version of this package\n"
                 "  --folder FOLDER    the version in this folder\n"
                 "  --root FOLDER      where packages are\n"
                 "  --deadline SECONDS a verb's time\n"
                 "  --digest SHA256    what the package's manifest must be\n\n"
                 "Without --package and --folder, the version that this program lies in.\n");
}

/* The place for the value of an option that has one. */
static const char **
option_place(struct call *c, const char *name, const char **deadline)
{
    if (strcmp(name, "--package") == 0)
        return &c->package;
    if (strcmp(name, "--folder") == 0)
        return &c->folder;
    if (strcmp(name, "--root") == 0)
        return &c->root;
    if (strcmp(name, "--digest") == 0)
        return &c->digest;
    return strcmp(name, "--deadline") == 0 ? deadline : NULL;
}

/* Options are taken out of the words, which are what is left. */
static struct err *
read_options(struct call *c, int argc, char **argv)
{
    const char *deadline = NULL;
    uint64_t seconds;

    for (int i = 0; i < argc; i++) {
        const char **place;

        if (strcmp(argv[i], "--json") == 0) {
            c->json = true;
            continue;
        }
        if (argv[i][0] != '-') {
            c->words[c->nwords++] = argv[i];
            continue;
        }
        place = option_place(c, argv[i], &deadline);
        if (place == NULL || i + 1 == argc)
            return fail(UsageWrong, argv[i]);
        *place = argv[++i];
    }
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
    TRY(read_options(c, argc - 2, argv + 2));
    if (c->nwords != v->words)
        return fail(UsageWrong, "a verb has too many words or too few");
    TRY(v->run(c));
    return NULL;
}

/* A failure goes to standard error, and with --json as a document to standard output. */
static int
report(struct call *c, struct err *e)
{
    int status = e == NULL ? c->exit_status : err_exit_status(e);

    if (e == NULL && c->out.no_memory)
        e = fail(OutOfMemory);
    if (e != NULL) {
        struct doc_out o = { 0 };
        char *text = NULL;

        err_print(e, false, print_line, NULL);
        doc_open(&o, NULL, '{');
        doc_put_int(&o, "schema", 1);
        outcome_put(&o, "error", e);
        doc_close(&o, '}');
        err_free(doc_out_take(&o, &text));
        if (c->json && text != NULL)
            (void)printf("%s\n", text);
        free(text);
        status = err_exit_status(e);
        err_free(e);
    } else if (c->out.s != NULL) {
        (void)fputs(c->out.s, stdout);
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
