/* SPDX-License-Identifier: Apache-2.0 */
/* monitor SOCKET COMMAND [ARGUMENTS]: one command to QEMU's monitor, for test scripts.
 *
 * ARGUMENTS is a JSON object; with COMMAND "hmp" it is a line for the monitor that people
 * use.  Prints what comes back, and ends with 1 and a message when it is a refusal. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "qmp.h"

enum { PATIENT_MS = 60000 };

static void
print_line(void *to, const char *text)
{
    (void)to;
    fprintf(stderr, "%s\n", text);
}

static struct err *
run(const char *socket, const char *command, const char *text)
{
    struct deadline by = deadline_in_ms(PATIENT_MS);
    json_auto_t *arguments = NULL, *value = NULL;
    auto_ptr(qmp) q = NULL;

    if (strcmp(command, "hmp") == 0) {
        command = "human-monitor-command";
        arguments = json_pack("{s:s}", "command-line", text);
    } else if (text != NULL) {
        arguments = json_loads(text, 0, NULL);
    }
    if (text != NULL && arguments == NULL)
        return fail(UsageWrong, "ARGUMENTS is a JSON object");
    TRY(qmp_open(socket, socket, by, &q));
    TRY(qmp_execute(q, command, arguments, by, &value));
    if (json_is_string(value))
        printf("%s\n", json_string_value(value));
    else
        json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    return NULL;
}

int
main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        fputs("usage: monitor SOCKET COMMAND [ARGUMENTS]\n", stderr);
        return 2;
    }
    struct err *e = run(argv[1], argv[2], argc > 3 ? argv[3] : NULL);
    err_print(e, false, print_line, NULL);
    int status = e != NULL;
    err_free(e);
    return status;
}
