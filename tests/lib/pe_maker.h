/* SPDX-License-Identifier: Apache-2.0 */
/* pe_maker.h -- Windows libraries that say what they are told to and do nothing, for tests
 * and examples of what reads them. */
#ifndef PE_MAKER_H
#define PE_MAKER_H

#include <stddef.h>
#include <stdint.h>

struct pe_spec {
    uint16_t machine;     /* 0: 0x8664, x64 */
    const char *imports;  /* "MSVCR120.dll:malloc,free;KERNEL32.dll:Sleep", or NULL */
    const char *exports;  /* "DllMain,free", or NULL */
    uint16_t version[4];  /* all 0: none */
};

/* To be freed.  Without memory the program ends. */
uint8_t *pe_make(const struct pe_spec *spec, size_t *ret_len);

#endif
