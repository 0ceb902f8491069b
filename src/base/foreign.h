/* SPDX-License-Identifier: Apache-2.0 */
/* foreign.h -- what others call a failure: numbers of Windows' snapshot service and of
 * snapshot extensions, names under which articles of other products know it.
 *
 * Each of them leads to exactly one code of ours, so that a number from an event log or a
 * name from another product's page finds the article here too. */
#ifndef FOREIGN_H
#define FOREIGN_H

#include <stddef.h>
#include <stdint.h>

struct foreign {
    int code;         /* E_... of codes.h; 0: no failure */
    uint32_t hresult; /* 0: none */
    int status;       /* of a snapshot extension's status file, -1: none */
    const char *name; /* NULL: none */
};

extern const struct foreign foreign_table[];
extern const size_t foreign_table_len;

/* The entry of a number that Windows gave (VSS_E_..., or a Win32 number as 0x8007xxxx); NULL
 * when the table has none. */
const struct foreign *foreign_hresult(uint32_t number);

/* The entry of a status number of a snapshot extension; NULL when the table has none. */
const struct foreign *foreign_status(int number);

/* ${what} is "0x800423F4", the same in decimal with or without a sign, "status:121", or a
 * name, without regard to case; NULL when the table has none. */
const struct foreign *foreign_find(const char *what);

#endif
