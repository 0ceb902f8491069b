/* SPDX-License-Identifier: Apache-2.0 */
/* "[NAME=]SOURCE" from any text, addresses of servers among them: the name that comes out can
 * be a disk's name and a file's, and the source is the end of what was given. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "codes.h"
#include "vault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), *name = NULL;
    const char *spec = NULL;

    assert(text != NULL);
    struct err *e = backup_name(text, &name, &spec);
    if (e == NULL) {
        size_t len = strlen(name);

        assert(len > 0 && len <= VAULT_NAME_MAX && strchr(name, '/') == NULL);
        assert(strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strchr(name, '\n') == NULL);
        assert(spec >= text && spec <= text + strlen(text) && *spec != '\0');
    } else {
        assert(err_code(e) == E_UsageWrong);
    }
    err_free(e);
    free(name);
    free(text);
    return 0;
}
