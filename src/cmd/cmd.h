/* SPDX-License-Identifier: Apache-2.0 */
/* cmd.h -- what every command has in hand: its options, the job that it runs, and the two
 * places to which it speaks.
 *
 * Results go to standard output: as text by cmd_say, or with --json as one document that
 * cmd_result collects and main prints at the end, also after a failure.  Progress and
 * messages go to standard error.  Whatever comes from elsewhere (names, paths, messages)
 * passes through an escape, so that it cannot steer a terminal. */
#ifndef CMD_H
#define CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "err.h"
#include "job.h"
#include "options.h"

struct cmd_meter {
    bool shown;         /* standard error is a terminal and --quiet is not given */
    bool drawn;         /* a line stands there and must be wiped first */
    int64_t began_ns, drawn_ns;
    char stage[80];
};

struct cmd {
    struct options o;
    struct job job;
    bool json, trace;
    FILE *out;         /* for cmd_say: standard output; standard error when that is a disk */
    json_t *doc;       /* with --json */
    bool streams;      /* the document has begun on standard output */
    size_t streamed;   /* items of its array */
    json_t *warnings;
    int weaker;        /* exit status of the gravest warning, 0: none */
    bool bold;         /* standard output is a terminal that shows it */
    size_t width;
    struct cmd_meter meter;
};

/* Text for people; nothing with --json.  Escaped but for newline and tab. */
void cmd_say(struct cmd *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, as it is: for text that is escaped already. */
void cmd_say_raw(struct cmd *c, const char *text);

/* A message on standard error. */
void cmd_note(struct cmd *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The result as JSON: ${doc}'s members become the document's; takes ${doc}, where NULL
 * means that memory ran out. */
struct err *cmd_result(struct cmd *c, json_t *doc) must_use;

/* With --json: begin the document with an array of this name, whose items are printed one by
 * one (${item} is the text of a JSON value), so that a long list takes no memory.  What the
 * command gives to cmd_result follows it.  One array for a command. */
void cmd_stream_begin(struct cmd *c, const char *name);
struct err *cmd_stream(struct cmd *c, const char *item) must_use;

/* A failure with its causes on standard error, and how to learn more. */
void cmd_show_error(struct cmd *c, const struct err *e);

/* The job's callbacks; arg is the struct cmd. */
void cmd_warn(void *arg, struct err *warning);
void cmd_progress(void *arg, const struct job_progress *p);

/* Wipe the progress line, if one is drawn. */
void cmd_meter_clear(struct cmd *c);

/* Fill the job from the options; UsageWrong. */
struct err *cmd_set_up_job(struct cmd *c) must_use;

/* The backup that the options ask for; borrows from them. */
void cmd_backup_of(const struct cmd *c, struct job_backup *ret);

/* The commands, in the order of enum cmd_id. */
struct err *cmd_init(struct cmd *c) must_use;
struct err *cmd_backup(struct cmd *c) must_use;
struct err *cmd_points(struct cmd *c) must_use;
struct err *cmd_restore(struct cmd *c) must_use;
struct err *cmd_verify(struct cmd *c) must_use;
struct err *cmd_explain(struct cmd *c) must_use;
struct err *cmd_article(struct cmd *c) must_use;
struct err *cmd_doctor(struct cmd *c) must_use;
struct err *cmd_extension_install(struct cmd *c) must_use;
struct err *cmd_extension_status(struct cmd *c) must_use;
struct err *cmd_extension_remove(struct cmd *c) must_use;
struct err *cmd_key_add(struct cmd *c) must_use;
struct err *cmd_key_list(struct cmd *c) must_use;
struct err *cmd_key_remove(struct cmd *c) must_use;
struct err *cmd_key_export_writer(struct cmd *c) must_use;
struct err *cmd_help(struct cmd *c) must_use;

#endif
