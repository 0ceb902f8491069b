/* SPDX-License-Identifier: Apache-2.0 */
/* record.h -- files that must outlive a crash, and are held by one process at a time: the
 * journals of repairs and what is handed on of them.
 *
 * What was added is on the disk when the call returns.  The hold ends with the process, so
 * nothing can be left behind that has to be broken.  Nobody but the owner (on Windows:
 * administrators and the system) can read or write the files.  Bodies: record_linux.c,
 * record_win32.c. */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auto.h"
#include "err.h"

struct record;

/* A new file, held; its name is durable with what is added first.  FileUnwritable, also when
 * there is one. */
struct err *record_make(const char *path, struct record **ret) must_use;

enum record_state { RECORD_HELD, RECORD_MISSING, RECORD_BUSY };

/* Hold one that is there; *ret is set with RECORD_HELD alone.  RECORD_BUSY: another process,
 * or another record of this one, holds it. */
struct err *record_open(const char *path, struct record **ret,
    enum record_state *ret_state) must_use;

/* All of it, with a NUL behind it that does not count; to be freed.  *ret is NULL when it is
 * no regular file or longer than ${max}. */
struct err *record_read(struct record *r, size_t max, char **ret, size_t *ret_len) must_use;

/* The last bytes of it, up to ${max}, with a NUL behind them; *ret_off is where they begin.
 * *ret is NULL when it is no regular file. */
struct err *record_tail(struct record *r, size_t max, char **ret, size_t *ret_len,
    uint64_t *ret_off) must_use;

/* Write at ${off}, durably; a failure may leave a part of it. */
struct err *record_add(struct record *r, size_t off, const char *data, size_t len) must_use;

/* Everything from ${len} on goes. */
struct err *record_cut(struct record *r, size_t len) must_use;

/* Take its name away; ${r} is freed in any case.  It stays where somebody else has it open. */
struct err *record_remove(struct record *r) must_use;

void record_free(struct record *r); /* accepts NULL; the file stays */
DEFINE_AUTO(record);

/* A new file of these bytes, durable.  FileUnwritable, also when there is one. */
struct err *record_put(const char *path, const char *data, size_t len) must_use;

/* Make the folder when it is missing; that above it is there. */
struct err *record_folder(const char *path) must_use;

/* Each name in ${folder}, in no order, until ${each} gives false. */
struct err *record_list(const char *folder, bool (*each)(void *arg, const char *name),
    void *arg) must_use;

/* Bytes that nobody can guess. */
struct err *record_random(void *to, size_t len) must_use;

#endif
