/* SPDX-License-Identifier: Apache-2.0 */
/* hive_maker.h -- registry hives from a description, for tests and examples.
 *
 * A description is text, one key or value in a line, with blanks around it left out:
 *
 *     # a comment
 *     [ControlSet001\Services\msiserver]        a key, and all above it
 *     Start = dword:3                           decimal, or 0x...
 *     Size = qword:1
 *     ImagePath = expand:%systemroot%\system32\msiexec.exe /V
 *     DisplayName = sz:Windows Installer
 *     DependOnService = multi:rpcss|http
 *     Blob = hex:00 01 ff
 *     Odd = type 8:00 01                        any type and bytes
 *     Big = fill:40000                          bytes that follow from their place
 *     @ = sz:the unnamed value
 *
 * Text is UTF-8.  The hive is of version 1.5, as Windows XP and all after it write: sorted
 * lists with hashes, lists of lists where they are long, long values in pieces, one security
 * descriptor (SYSTEM and Administrators may do all).  Real Windows has not loaded one. */
#ifndef HIVE_MAKER_H
#define HIVE_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *ret is to be freed.  false when the description is wrong; *ret_line is where.  Without
 * memory the program ends.  ${name} is what the base block says the file is called. */
bool hive_make(const char *text, const char *name, uint8_t **ret, size_t *ret_len,
    unsigned *ret_line);

/* Put the right checksum into a base block that was changed. */
void hive_make_checksum(uint8_t *file);

#endif
