/* SPDX-License-Identifier: Apache-2.0 */
/* win_installer.exe -- stands for the installer of a runtime in the tests of the extension.
 *
 * It does what the file installer.todo beside it says: a line "exit N", "copy NAME" (into
 * System32), "say WORDS" or "hang" each, and writes one more line to installer.log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static void
beside(const char *name, char *to, size_t size)
{
    char self[MAX_PATH];

    (void)GetModuleFileNameA(NULL, self, sizeof(self));
    *(strrchr(self, '\\') + 1) = '\0';
    (void)snprintf(to, size, "%s%s", self, name);
}

static int
copy(const char *name)
{
    char from[2 * MAX_PATH], to[2 * MAX_PATH], system[MAX_PATH];

    beside(name, from, sizeof(from));
    (void)GetSystemDirectoryA(system, sizeof(system));
    (void)snprintf(to, sizeof(to), "%s\\%s", system, name);
    return CopyFileA(from, to, FALSE) ? 0 : (int)GetLastError();
}

/* A child that hangs too, so that ending only the installer is seen. */
static void
hang(void)
{
    STARTUPINFOA si = { .cb = sizeof(si) };
    PROCESS_INFORMATION pi;
    char line[MAX_PATH + 16], self[MAX_PATH];

    (void)GetModuleFileNameA(NULL, self, sizeof(self));
    (void)snprintf(line, sizeof(line), "\"%s\" hang", self);
    (void)CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &si, &pi);
    Sleep(INFINITE);
}

int
main(int argc, char **argv)
{
    char path[2 * MAX_PATH], line[200];
    FILE *f, *log;

    if (argc == 2 && strcmp(argv[1], "hang") == 0)
        Sleep(INFINITE);
    beside("installer.log", path, sizeof(path));
    log = fopen(path, "a");
    for (int i = 1; log != NULL && i < argc; i++)
        (void)fprintf(log, "[%s]", argv[i]);
    (void)fprintf(log, "\n");
    (void)fclose(log);
    beside("..\\..\\..\\installer.todo", path, sizeof(path));
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (strncmp(line, "exit ", 5) == 0)
            ExitProcess((UINT)strtoul(line + 5, NULL, 0));
        if (strncmp(line, "copy ", 5) == 0 && copy(line + 5) != 0)
            return 1603;
        if (strncmp(line, "say ", 4) == 0)
            (void)puts(line + 4);
        (void)fflush(stdout);
        if (strcmp(line, "hang") == 0)
            hang();
    }
    return 0;
}
