/* SPDX-License-Identifier: Apache-2.0 */
/* upkeep_internal.h -- what the parts of upkeep share. */
#ifndef UPKEEP_INTERNAL_H
#define UPKEEP_INTERNAL_H

#include "guest_find.h"
#include "qga.h"
#include "upkeep.h"

struct package;

/* A guest that is worked on. */
struct tended {
    const struct upkeep *u;
    struct qga *g; /* NULL: the conversation broke */
    const struct guest_place *place;
    bool windows;
    char platform[96]; /* as packages spell it, "linux-x86_64" */
    char *root, *incoming, *above; /* above: what firn makes for itself, "/var/lib/firn" */
    unsigned odd; /* failures that may be those of an agent that was started anew */
};

/* ---- upkeep_agent.c: the conversation ---- */

/* Open it and see which system the guest is.  ExtensionPushForbidden,
 * GuestSystemUnsupported. */
struct err *tended_open(const struct upkeep *u, struct tended *ret) must_use;
void tended_done(struct tended *t);

/* Do ${work}, again in a new conversation when one breaks; *progress grows while something is
 * achieved (NULL: it is one step).  ${work} goes on where it was. */
struct err *tended_do(struct tended *t, struct err *(*work)(struct tended *t, void *arg),
    void *arg, const uint64_t *progress, struct deadline by) must_use;

struct deadline tended_soon(void); /* UPKEEP_SHORT_S from now */

/* Tell the user, who may not want to hear it; takes ${e}, which may be NULL. */
void tended_warn(const struct tended *t, struct err *e);

/* Run a program of the system; *ret_exit is its status, ${words} (may be NULL) what it said
 * last, the caller's. */
struct err *tended_run(struct tended *t, const char *const argv[], int64_t *ret_exit,
    char **words) must_use;

/* Run the extension's program at ${program} with these words, and read its document: *ret is
 * the object, the caller's.  A failure that it tells of comes back as one of ours, with its
 * causes. */
struct err *tended_ask(struct tended *t, const char *program, const char *const words[],
    const char *package, struct deadline by, json_t **ret) must_use;

/* ---- upkeep_place.c: folders ---- */

/* The text "<a>/<b>" with the guest's slashes; NULL: no memory. */
char *tended_path(const struct tended *t, const char *a, const char *b);

/* ${path} with '/' between its parts, as the extension's program has paths on every system. */
char *tended_plain(const char *path);

/* May ${folder} be written to, and programs be run from it?  Is there room for ${need} bytes?
 * Looked at where the guest's system tells (Linux). */
struct err *tended_look_at(struct tended *t, const char *folder, uint64_t need) must_use;

/* Make ${folder}, below the folder for what is sent, with these folders in it (ends with NULL);
 * nobody but the administrator gets in. */
struct err *tended_make_folders(struct tended *t, const char *folder,
    const char *const *in_it) must_use;
/* Close where packages lie to others, where that is not so by itself (Windows). */
struct err *tended_close_root(struct tended *t, const char *package) must_use;

struct err *tended_make_program(struct tended *t, const char *path) must_use;
struct err *tended_is_there(struct tended *t, const char *path, bool *ret) must_use;
/* With all in it; may be gone.  GuestFolderFailed when it stays. */
struct err *tended_remove_tree(struct tended *t, const char *path) must_use;
/* If it is empty. */
struct err *tended_remove_empty(struct tended *t, const char *path) must_use;

/* ---- upkeep_find.c ---- */

/* The folder of the package that ${given} (NULL: those that firn brings along) has for a
 * system; the caller's. */
struct err *upkeep_find(const char *given, const char *platform, char **ret) must_use;

/* ---- upkeep_push.c ---- */

/* Send ${p} to ${folder}, where its program can be run then. */
struct err *upkeep_push(struct tended *t, const struct package *p, const char *folder,
    struct deadline by) must_use;

/* ---- upkeep_report.c ---- */

/* What the status file of ${folder} says of a failure; NULL when it tells of none, or cannot be
 * read. */
struct err *upkeep_status_file(struct tended *t, const char *package,
    const char *folder) must_use;

/* The status by the program ${program}. */
struct err *upkeep_ask_status(struct tended *t, const char *program, const char *package,
    json_t **ret) must_use;

#endif
