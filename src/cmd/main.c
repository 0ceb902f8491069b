/* SPDX-License-Identifier: Apache-2.0 */
/* The program: reads the command line, runs one command, prints what came of it, and turns
 * it into an exit status.
 *
 * A signal that asks to end is noted (stop.h) and the job ends in order; a second one ends
 * the process at once, which no vault minds.  SIGPIPE and SIGXFSZ are ignored, so that a
 * reader who went away and a limit on files are failed writes with a code. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd.h"
#include "codes.h"
#include "err_json.h"
#include "help.h"
#include "job_freeze.h"
#include "last.h"
#include "retry.h"
#include "stop.h"
#include "text.h"

#define WIDTH_MOST 100

static struct err *(*const run[CMD_COUNT])(struct cmd *c) = {
    [CMD_INIT] = cmd_init,
    [CMD_BACKUP] = cmd_backup,
    [CMD_POINTS] = cmd_points,
    [CMD_RESTORE] = cmd_restore,
    [CMD_VERIFY] = cmd_verify,
    [CMD_EXPLAIN] = cmd_explain,
    [CMD_DOCTOR] = cmd_doctor,
    [CMD_ARTICLE] = cmd_article,
    [CMD_EXTENSION_INSTALL] = cmd_extension_install,
    [CMD_EXTENSION_STATUS] = cmd_extension_status,
    [CMD_EXTENSION_REMOVE] = cmd_extension_remove,
    [CMD_KEY_ADD] = cmd_key_add,
    [CMD_KEY_LIST] = cmd_key_list,
    [CMD_KEY_REMOVE] = cmd_key_remove,
    [CMD_KEY_EXPORT_WRITER] = cmd_key_export_writer,
    [CMD_HELP] = cmd_help,
};

static void
on_signal(int number)
{
    (void)number;
    stop_request();
}

static void
catch_signals(void)
{
    static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction act = { .sa_handler = on_signal,
        .sa_flags = SA_RESTART | (int)SA_RESETHAND };
    struct sigaction now;

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            (void)sigaction(ends[i], &act, NULL); /* nohup stays what it is */
    act.sa_handler = SIG_IGN;
    act.sa_flags = 0;
    (void)sigaction(SIGPIPE, &act, NULL);
    (void)sigaction(SIGXFSZ, &act, NULL);
}

/* 0, 1 and 2 must be open, or the vault's first file would get their messages.  What is written
 * to a standard output that was closed must fail: it may be a disk. */
static bool
have_standard_files(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 1 ? O_RDONLY : O_RDWR) != fd)
            return false;
    return true;
}

static struct err *
show_help(struct cmd *c, const struct cmd_command *about)
{
    struct text t = { 0 };
    struct err *e;

    if (about == NULL)
        help_all(&t);
    else
        help_command(about, &t);
    if (t.no_memory) {
        text_done(&t);
        return fail(OutOfMemory);
    }
    cmd_say_raw(c, t.s);
    e = cmd_result(c, json_pack("{s:s}", "help", t.s));
    text_done(&t);
    return e;
}

struct err *
cmd_help(struct cmd *c)
{
    const struct cmd_command *about;

    if (c->o.nargs == 0)
        return show_help(c, NULL);
    about = options_command(c->o.args[0], c->o.nargs > 1 ? c->o.args[1] : NULL);
    if (about != NULL)
        return show_help(c, about);
    size_t len = strlen(c->o.args[0]), n = 0;
    for (size_t i = 0; c->o.nargs == 1 && i < CMD_COUNT; i++) {
        const struct cmd_command *one = &cmd_commands[i];

        if (strncmp(one->name, c->o.args[0], len) != 0 || one->name[len] != ' ')
            continue;
        cmd_say(c, "firn %s %s\n    %s\n", one->name, one->args, one->brief);
        n++;
    }
    return n > 0 ? NULL
                 : options_unknown(c->o.args[0], c->o.nargs > 1 ? c->o.args[1] : NULL);
}

struct err *
cmd_set_up_job(struct cmd *c)
{
    const char *const *value = c->o.value;
    uint64_t threads, retries;

    TRY(options_number(&c->o, OPT_THREADS, 1, 64, 0, &threads));
    TRY(options_number(&c->o, OPT_RETRIES, 0, RETRY_MOST, RETRY_USUAL, &retries));
    c->job = (struct job){
        .vault = value[OPT_VAULT],
        .passphrase_file = value[OPT_PASSPHRASE_FILE],
        .key_file = value[OPT_KEY_FILE],
        .writer_file = value[OPT_WRITER_KEY],
        .threads = (unsigned)threads,
        .retries = (unsigned)retries,
        .progress = cmd_progress,
        .warn = cmd_warn,
        .arg = c,
    };
    if (!c->o.set[OPT_PASSPHRASE_FILE] &&
        (c->job.key_file != NULL || c->job.writer_file != NULL))
        c->job.passphrase_file = NULL; /* a variable gives way to an option */
    if ((c->o.command->options & OPT(VAULT)) != 0 && c->job.vault == NULL &&
        c->o.command != &cmd_commands[CMD_DOCTOR]) /* which can do without */
        return fail(UsageWrong, "which vault? Name it with --vault or in FIRN_VAULT");
    return NULL;
}

static void
look_at_terminal(struct cmd *c)
{
    struct winsize size;
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

    c->bold = isatty(1) == 1 && term != NULL && strcmp(term, "dumb") != 0 &&
        (no_color == NULL || no_color[0] == '\0');
    if (isatty(1) == 1 && ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        c->width = size.ws_col < WIDTH_MOST ? size.ws_col : WIDTH_MOST;
    c->meter.shown = isatty(2) == 1 && !c->o.set[OPT_QUIET];
}

static struct err *
run_command(struct cmd *c, int argc, char **argv)
{
    TRY(options_parse(argc, argv, &c->o));
    c->trace = c->o.set[OPT_TRACE];
    look_at_terminal(c);
    if (c->o.set[OPT_HELP])
        return show_help(c, c->o.command);
    TRY(cmd_set_up_job(c));
    if ((c->o.command->options & OPT(SCRATCH)) != 0)
        job_sweep();
    return run[c->o.command - cmd_commands](c);
}

/* The document: what the command found, its warnings, its failure. */
static struct err *
print_document(struct cmd *c, const struct err *e)
{
    json_t *doc = c->doc == NULL ? json_object() : json_incref(c->doc);
    json_t *error = e == NULL ? NULL : err_json(e);
    char *text = NULL;
    size_t skip = c->streams; /* the { is there already */
    bool ok = json_object_set_new(doc, "schema", json_integer(1)) == 0 &&
        json_object_set(doc, "warnings", c->warnings) == 0 &&
        (e == NULL || json_object_update(doc, error) == 0);

    if (ok)
        text = json_dumps(doc, JSON_INDENT(2));
    json_decref(error);
    json_decref(doc);
    if (c->streams)
        (void)fputs("\n  ],", stdout);
    if (text == NULL) { /* the shape of a failure still holds */
        static const char short_of[] =
            "{\"schema\": 1, \"warnings\": [], \"error\": {\"code\": \"OutOfMemory\", "
            "\"number\": 1, \"class\": \"host.resource\", \"message\": \"\", "
            "\"facts\": {}, \"os\": null, \"cause\": null, \"also\": []}}";

        (void)puts(short_of + skip);
        return fail(OutOfMemory);
    }
    (void)puts(text + skip);
    free(text);
    return NULL;
}

/* Did all that was printed arrive? */
static struct err *
finish_output(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return fail(OutputFailed);
    return NULL;
}

static bool
wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

/* Commands that tell of failures must not take the place of the one they tell of. */
static bool
is_work(const struct cmd_command *command)
{
    return command != NULL && command != &cmd_commands[CMD_DOCTOR] &&
        command != &cmd_commands[CMD_EXPLAIN] && command != &cmd_commands[CMD_ARTICLE] &&
        command != &cmd_commands[CMD_EXTENSION_STATUS];
}

static int
end(struct cmd *c, struct err *e, int argc, char *const *argv)
{
    struct err *lost;
    int status;

    if (e != NULL && stop_requested() && err_code(e) != E_Interrupted)
        e = err_because(fail(Interrupted), e);
    cmd_meter_clear(c);
    if (e != NULL && is_work(c->o.command))
        last_keep(argc, argv, e);
    if (c->json) {
        lost = print_document(c, e);
        if (e == NULL)
            e = lost;
        else
            err_free(lost);
    }
    lost = finish_output();
    if (e == NULL) {
        e = lost;
        lost = NULL;
    }
    if (e != NULL && (!c->json || err_code(e) == E_OutputFailed || c->trace))
        cmd_show_error(c, e);
    status = e != NULL ? err_exit_status(e) : c->weaker;
    err_free(lost);
    err_free(e);
    return status;
}

static int
show_version(struct cmd *c, int argc, char *const *argv)
{
    cmd_say(c, "firn %s\n", FIRN_VERSION);
    return end(c, cmd_result(c, json_pack("{s:s}", "version", FIRN_VERSION)), argc, argv);
}

int
main(int argc, char **argv)
{
    struct cmd c = { .out = stdout };
    int status;

    if (!have_standard_files())
        return 70;
    if (job_freeze_helper(argc, argv, &status))
        return status;
    catch_signals();
    c.json = wants_json(argc, argv);
    c.warnings = json_array();
    job_freeze_rescue(cmd_warn, &c); /* whatever is asked for: a guest may stand still */
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        status = show_version(&c, argc, argv);
    else if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        status = end(&c, show_help(&c, NULL), argc, argv);
    else
        status = end(&c, run_command(&c, argc, argv), argc, argv);
    options_done(&c.o);
    json_decref(c.doc);
    json_decref(c.warnings);
    return status;
}
