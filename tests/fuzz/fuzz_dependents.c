/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest's sc.exe prints of the services that need another, whatever it is: names come
 * out of the limits for names, or a failure. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "codes.h"
#include "target_guest_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct guest m = { .t.name = (char[]){ "web1" } };
    auto_free char *text = strndup((const char *)data, size);
    char **names = NULL;
    size_t n = 0;

    if (text == NULL)
        return 0;
    struct err *e = guest_dependents_in(&m, text, &names);

    assert(e == NULL || err_code(e) == E_AgentWrong || err_code(e) == E_TargetCannot ||
        err_code(e) == E_OutOfMemory);
    assert((e == NULL) == (names != NULL));
    for (; names != NULL && names[n] != NULL; n++) {
        assert(names[n][0] != '\0' && strstr(text, names[n]) != NULL);
        for (const char *s = names[n]; *s != '\0'; s++)
            assert(*s >= 0x20 && *s <= 0x7e);
    }
    assert(n <= TARGET_DEPENDENTS_MAX + 1);
    target_names_free(names);
    err_free(e);
    return 0;
}
