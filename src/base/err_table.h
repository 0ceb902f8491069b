/* SPDX-License-Identifier: Apache-2.0 */
/* err_table.h -- what mkcodes generates from the articles for err.c and err_data.c.
 *
 * The table of codes is sorted by number.  Class 0 is no class; a class's parent comes
 * before it and the top ones have parent 0. */
#ifndef ERR_TABLE_H
#define ERR_TABLE_H

#include "err.h"

enum err_need_type { NEED_STRING, NEED_INT, NEED_SIZE };

struct err_need {
    const char *name;
    enum err_need_type type;
};

struct err_info {
    int code, class;
    enum err_os os;
    const char *id, *message;
    size_t nneeds;
    struct err_need needs[ERR_MAX_ARGS];
};

struct err_class_info {
    const char *name;
    int parent;
    int exit_status;
    enum err_retry retry;
    enum err_severity severity;
};

extern const struct err_info err_table[];
extern const size_t err_table_len;
extern const struct err_class_info err_class_table[];
extern const size_t err_class_table_len;

#endif
