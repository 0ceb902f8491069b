/* SPDX-License-Identifier: Apache-2.0 */
/* The table of codes for the Windows build: it is made in another folder, where meson's
 * generators do not find it. */
#include "err_table.c"
