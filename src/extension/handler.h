/* SPDX-License-Identifier: Apache-2.0 */
/* handler.h -- the files by which an agent and an extension's version talk: environment,
 * settings, status, heartbeat, the sequence number that was done last.
 *
 * They follow the public contract of VM extensions, each platform's names.  The agent writes
 * HandlerEnvironment.json (which folders to use) and <sequence>.settings; the handler writes
 * <sequence>.status and the heartbeat.  Where no agent has written an environment, the
 * platform's folders inside the version's own count.
 *
 * Every file of ours appears whole or not at all. */
#ifndef HANDLER_H
#define HANDLER_H

#include "auto.h"
#include "doc.h"
#include "err.h"

#define HANDLER_PREPARE_FILE "prepare" /* whose status belongs to no sequence number */

enum {
    HANDLER_FILE_MAX = 128 * 1024, /* bytes of a status or settings file; readers stop there */
    HANDLER_MESSAGE_MAX = 1000,    /* bytes of a status's message; readers cut at 1 KiB */
    HANDLER_DETAIL_MAX = 10000,    /* bytes of a substatus's message; readers cut at 10 KiB */
    HANDLER_ENABLE_S = 280,        /* the time of a verb; agents kill at 300 s */
    HANDLER_ENABLE_MAX_S = 3600
};

struct handler {
    char *folder; /* of the version */
    char *name;   /* publisher.name, for the status */
    char *settings_folder, *status_folder, *heartbeat;
};

/* HandlerEnvironmentInvalid when the agent's file cannot be used; PackageLinkRefused where a
 * folder of the version's own is a link. */
struct err *handler_open(const char *folder, const char *name, struct handler **ret) must_use;
/* The version's own folders, whatever the agent's file says: where to tell that it cannot be
 * used. */
struct err *handler_open_own(const char *folder, const char *name, struct handler **ret)
    must_use;
void handler_free(struct handler *h);
DEFINE_AUTO(handler);

/* Which settings count: ConfigSequenceNumber in the environment, else the highest number of
 * a <number>.settings file; 0 when there is none. */
struct err *handler_sequence(const struct handler *h, int64_t *ret) must_use;

/* What the settings ask for. */
struct handler_settings {
    int64_t deadline_s; /* of a verb */
};
/* SettingsInvalid.  A file that is missing or empty asks for nothing. */
struct err *handler_settings(const struct handler *h, int64_t sequence,
    struct handler_settings *ret) must_use;
struct err *handler_settings_parse(const char *path, const char *bytes, size_t len,
    struct handler_settings *ret) must_use;

/* The sequence number that was carried out last; -1: none.  Removed by _forget. */
struct err *handler_done(const struct handler *h, int64_t *ret) must_use;
struct err *handler_set_done(const struct handler *h, int64_t sequence) must_use;
struct err *handler_forget(const struct handler *h) must_use; /* status files too */

enum handler_state {
    HANDLER_NO_STATUS,
    HANDLER_TRANSITIONING,
    HANDLER_WARNING,
    HANDLER_ERROR,
    HANDLER_SUCCESS
};

struct handler_status {
    const char *operation; /* "Enable" */
    enum handler_state state;
    int64_t code;          /* 0, or the number of a code */
    const char *message;
    const char *code_name; /* with detail: the code's name, or NULL for "0" */
    const char *detail;    /* a substatus: JSON with all facts, or NULL */
};

/* <status folder>/<file>.status, where ${file} is the sequence or a word. */
struct err *handler_status_write(const struct handler *h, const char *file,
    const struct handler_status *s) must_use;
/* What a status file says; HANDLER_NO_STATUS when there is none or it cannot be read. */
struct err *handler_status_read(const struct handler *h, const char *file,
    enum handler_state *ret) must_use;
struct err *handler_status_parse(const char *path, const char *bytes, size_t len,
    enum handler_state *ret) must_use;

/* Its message with all facts when it tells of a failure, and the name of its code; both are
 * the caller's, and NULL when it tells of none or cannot be read. */
struct err *handler_status_failure(const struct handler *h, const char *file, char **ret_code,
    char **ret_detail) must_use;

/* What a status file says, without its details, as the object ${name} of ${o}; null when there
 * is none that can be read.  The same of the heartbeat. */
struct err *handler_status_put(const struct handler *h, const char *file, struct doc_out *o,
    const char *name) must_use;
struct err *handler_heartbeat_put(const struct handler *h, struct doc_out *o,
    const char *name) must_use;

struct err *handler_heartbeat(const struct handler *h, bool ready, const char *message)
    must_use;

#endif
