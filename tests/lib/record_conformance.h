/* SPDX-License-Identifier: Apache-2.0 */
/* record_conformance.h -- what record.h promises, on every system.  The folder in which it is
 * tried is record_in: there, and empty. */
#ifndef RECORD_CONFORMANCE_H
#define RECORD_CONFORMANCE_H

extern const char *record_in;

void records_are_added_to_and_cut(void **state);
void a_record_is_held_by_one(void **state);
void records_are_listed(void **state);
void random_bytes_differ(void **state);

#define RECORD_CONFORMANCE \
    cmocka_unit_test(records_are_added_to_and_cut), cmocka_unit_test(a_record_is_held_by_one), \
        cmocka_unit_test(records_are_listed), cmocka_unit_test(random_bytes_differ)

#endif
