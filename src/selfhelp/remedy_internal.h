/* SPDX-License-Identifier: Apache-2.0 */
/* remedy_internal.h -- one row for each kind of action, grouped by area in remedy_*.c. */
#ifndef REMEDY_INTERNAL_H
#define REMEDY_INTERNAL_H

#include "remedy.h"
#include "text.h"

struct remedy_body {
    const char *kind;
    unsigned look_can, can; /* TARGET_... that looking and applying need */
    struct err *(*look)(struct target *t, const struct action *a, struct deadline by,
        struct remedy_look *ret);
    /* what is wanted, in the words that look uses; NULL: the kind's own description */
    char *(*wanted)(const struct action *a);
    struct err *(*record)(struct target *t, const struct action *a, json_t **ret);
    struct err *(*apply)(struct target *t, const struct action *a, const json_t *before,
        struct deadline by, struct remedy_done *ret);
    struct err *(*undo)(struct target *t, const struct action *a, const json_t *before,
        struct deadline by, char **ret_kept);
};

/* Each ends with { NULL }. */
extern const struct remedy_body remedy_registry[], remedy_services[], remedy_msi[],
    remedy_installers[], remedy_linux[], remedy_files[], remedy_configs[], remedy_machine[];

enum {
    REMEDY_RECORD_MAX = 256 * 1024, /* bytes of a file that a record keeps */
    REMEDY_REGISTER_MS = 60 * 1000, /* for each of msiexec's two switches */
    REMEDY_SHORT_MS = 60 * 1000     /* for small programs */
};

#define REMEDY_SYSTEM32 "C:\\Windows\\System32\\"
#define REMEDY_SERVICES_KEY "HKLM\\SYSTEM\\CurrentControlSet\\Services\\"
#define REMEDY_MSISERVER "msiserver"

/* Fill a look; OutOfMemory is its only failure. */
struct err *remedy_saw(struct remedy_look *ret, enum remedy_state state, const char *format,
    ...) __attribute__((format(TEXT_PRINTF, 3, 4))) must_use;

/* ${o}, or OutOfMemory when it is NULL. */
struct err *remedy_json(json_t *o, json_t **ret) must_use;

/* What undo and apply call a record that is none of theirs. */
struct err *remedy_bad_record(const struct action *a) must_use;

/* A registry value as a record: {"key", "name", "found", "type", "data", "made"}; "made" are
 * the keys that were not there, top first. */
struct err *remedy_record_value(struct target *t, const char *key, const char *name,
    json_t **ret) must_use;
/* Write it back, or remove the value and the keys that were made. */
struct err *remedy_restore_value(struct target *t, const json_t *record) must_use;

/* A file as a record: {"path", "found", "data"}; and back. */
struct err *remedy_record_file(struct target *t, const char *path, json_t **ret) must_use;
struct err *remedy_restore_file(struct target *t, const json_t *record) must_use;
/* The bytes that were in it; *ret stays NULL when there was no file. */
struct err *remedy_recorded_file(const json_t *record, uint8_t **ret, size_t *ret_len) must_use;

/* ---- a file that goes back (remedy_file_back.c) ---- */

struct remedy_bytes {
    const void *data; /* NULL: no file */
    size_t len;
    bool other; /* what is there is no file that firn reads: a folder, a file too large */
};

/* What is at ${path}, whatever somebody has put there; *ret_data owns its bytes. */
struct err *remedy_bytes_see(struct target *t, const char *path, void **ret_data,
    struct remedy_bytes *ret) must_use;
bool remedy_bytes_same(const struct remedy_bytes *a, const struct remedy_bytes *b);
/* Is ${now} all of ${made} (NULL: nothing), or what a write came to before it ended? */
bool remedy_bytes_begun(const struct remedy_bytes *now, const void *made, size_t len);
/* What is there ${now} is somebody else's and stays; ${old} is put beside it.  *ret_kept says
 * so. */
struct err *remedy_leave_file(struct target *t, const char *path,
    const struct remedy_bytes *old, const struct remedy_bytes *now, char **ret_kept) must_use;

/* Bytes as a text of hex digits; NULL when memory is short. */
json_t *remedy_to_hex(const void *data, size_t len);
/* And back, to be freed; false when it is no such text, or memory is short. */
bool remedy_from_hex(const json_t *hex, uint8_t **ret, size_t *ret_len) must_use;

/* Run a small program of the system and hand back its exit code and (unless NULL) output. */
struct err *remedy_run(struct target *t, struct deadline by, uint32_t *ret_exit,
    char **ret_output, const char *program, ...) __attribute__((sentinel)) must_use;

/* What a plan says of the services that need the one that ${a} stops, behind the change itself:
 * "" where there are none; to be freed. */
struct err *remedy_around(struct target *t, const struct action *a, char **ret) must_use;

/* "HKLM\...\Services\<name>", to be freed; NULL without memory. */
char *remedy_service_key(const char *service);

#endif
