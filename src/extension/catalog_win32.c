/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue for the Windows build: it is made in another folder, where meson's generators
 * do not find it. */
#include "catalog_table.c"
