/* SPDX-License-Identifier: Apache-2.0 */
/* wine_launch.exe FILE PROGRAM ARGUMENT... -- run a program of Windows and write the 32 bits
 * of its exit code to FILE, as a number: a process of Linux has eight.
 *
 * What is behind FILE goes to CreateProcess as it stands.  The program and all that it starts
 * end with this one.  On a busy machine Wine gives ERROR_INTERNAL_ERROR now and then: the new
 * process ended before its first instruction.  It ran nothing, so it is started again.  The
 * same may happen to this one: FILE is made, empty, before anything is run, so that whoever
 * started it sees that nothing was. */
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

enum { TRIES = 5 };

/* Behind the first ${n} arguments. */
static wchar_t *
behind(wchar_t *s, int n)
{
    for (; n > 0; n--) {
        BOOL quoted = FALSE;

        for (; *s != L'\0' && (quoted || *s != L' '); s++)
            if (*s == L'"')
                quoted = !quoted;
        while (*s == L' ')
            s++;
    }
    return s;
}

int
wmain(int argc, wchar_t **argv)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = { 0 };
    STARTUPINFOW start = { .cb = sizeof(start), .dwFlags = STARTF_USESTDHANDLES };
    PROCESS_INFORMATION p;
    DWORD code = 0;
    HANDLE job = CreateJobObjectW(NULL, NULL);

    if (argc < 3 || job == NULL)
        return 2;
    FILE *f = _wfopen(argv[1], L"wb");
    if (f == NULL || fclose(f) != 0)
        return 4;
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof(limits));
    start.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    start.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    for (int tries = 0; !CreateProcessW(NULL, behind(GetCommandLineW(), 2), NULL, NULL, TRUE,
             CREATE_SUSPENDED, NULL, NULL, &start, &p); tries++) {
        if (tries < TRIES && GetLastError() == ERROR_INTERNAL_ERROR)
            continue;
        fprintf(stderr, "CreateProcess: %lu\n", GetLastError());
        return 3;
    }
    AssignProcessToJobObject(job, p.hProcess);
    ResumeThread(p.hThread);
    WaitForSingleObject(p.hProcess, INFINITE);
    GetExitCodeProcess(p.hProcess, &code);
    f = _wfopen(argv[1], L"wb");
    if (f == NULL)
        return 4;
    fprintf(f, "%lu\n", code);
    return fclose(f) == 0 ? 0 : 4;
}
