/* SPDX-License-Identifier: Apache-2.0 */
/* windows_conformance.h -- what every target for a Windows that runs must do, whether it is
 * asked through an agent or from inside.  *state is the struct target *; its machine is a fresh
 * Wine prefix with firn-plugin-host.exe and test-service.exe in C:\firn. */
#ifndef WINDOWS_CONFORMANCE_H
#define WINDOWS_CONFORMANCE_H

#include <stdint.h>

#include "target.h"

/* A folder for the journals of repairs; set by the program. */
extern const char *windows_journals;

void windows_values_keep_their_bytes(void **state);
void windows_only_empty_keys_go(void **state); /* after that */
void windows_installer_service(void **state);
void windows_services_are_made(void **state);
void windows_dependents(void **state);
void windows_files(void **state);
void windows_programs(void **state);

#define WINDOWS_CONFORMANCE \
    cmocka_unit_test(windows_values_keep_their_bytes), \
        cmocka_unit_test(windows_only_empty_keys_go), \
        cmocka_unit_test(windows_installer_service), \
        cmocka_unit_test(windows_services_are_made), cmocka_unit_test(windows_dependents), \
        cmocka_unit_test(windows_files), cmocka_unit_test(windows_programs)

/* Time that always suffices. */
struct deadline windows_patient(void);
void windows_start_is(struct target *t, const char *service, uint32_t start);

#endif
