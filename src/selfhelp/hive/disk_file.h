/* SPDX-License-Identifier: Apache-2.0 */
/* disk_file.h -- files of a disk that is not running, made so that a file is whole and
 * durable before it has its name. */
#ifndef DISK_FILE_H
#define DISK_FILE_H

#include "bytes.h"
#include "err.h"

/* Exactly ${len} bytes from the start of ${fd}; FileUnreadable, which calls it ${shown}. */
struct err *disk_file_read(int fd, const char *shown, uint8_t *to, size_t len) must_use;

/* A new file ${name} in ${folder} with these bytes: synced, read back, with owner, mode and the
 * file system's own attributes of the open file ${like} (-1: of none).  When anything fails it
 * is removed again.  FileUnwritable. */
struct err *disk_file_new(int folder, const char *name, int like, const char *shown,
    struct view v) must_use;

/* As disk_file_new, and then it takes the place of ${name}, whose ${like} it is. */
struct err *disk_file_replace(int folder, const char *name, int like, const char *shown,
    struct view v) must_use;

/* What was renamed in ${folder} survives a loss of power. */
struct err *disk_file_sync(int folder, const char *shown) must_use;

#endif
