/* SPDX-License-Identifier: Apache-2.0 */
/* armour_parity.h -- the Reed-Solomon half of armour: making parity and mending with it.
 * Private to armour. */
#ifndef ARMOUR_PARITY_H
#define ARMOUR_PARITY_H

#include "armour.h"

/* Fill ARMOUR_PARITY * columns cells at ${parity} from the padded body. */
void armour_parity_make(const uint8_t *body, const struct armour_shape *s, uint8_t *parity);

/* CRC-32C as the format has it. */
uint32_t armour_crc(const void *data, size_t len);

/* Write the table of checksums, with its own, for the cells of ${object}. */
void armour_write_table(const uint8_t *object, const struct armour_shape *s, uint8_t *to);

#endif
