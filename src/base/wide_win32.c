/* SPDX-License-Identifier: Apache-2.0 */
/* Windows refuses no lone surrogate in its own strings; they come out as U+FFFD. */
#include <stdlib.h>
#include <windows.h>
#include <shellapi.h>

#include "codes.h"
#include "wide.h"

struct err *
wide_from(const char *s, wchar_t **ret)
{
    int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, s, -1, NULL, 0);

    if (n <= 0)
        return fail(InputInvalid, s, "it is not UTF-8");
    wchar_t *w = calloc((size_t)n, sizeof(*w));
    if (w == NULL)
        return fail(OutOfMemory);
    (void)MultiByteToWideChar(CP_UTF8, 0, s, -1, w, n);
    *ret = w;
    return NULL;
}

struct err *
wide_path(const char *path, wchar_t **ret)
{
    TRY(wide_from(path, ret));
    for (wchar_t *w = *ret; *w != 0; w++)
        if (*w == L'/')
            *w = L'\\';
    return NULL;
}

struct err *
wide_to(const wchar_t *w, char **ret)
{
    int n = WideCharToMultiByte(CP_UTF8, 0, w, -1, NULL, 0, NULL, NULL);
    char *s = n <= 0 ? NULL : calloc((size_t)n, 1);

    if (s == NULL)
        return fail(OutOfMemory);
    (void)WideCharToMultiByte(CP_UTF8, 0, w, -1, s, n, NULL, NULL);
    *ret = s;
    return NULL;
}

void
wide_arguments_free(int argc, char **argv)
{
    for (int i = 0; argv != NULL && i < argc; i++)
        free(argv[i]);
    free(argv);
}

struct err *
wide_arguments(int *ret_argc, char ***ret_argv)
{
    int argc = 0;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &argc);
    char **argv;
    struct err *e = NULL;

    if (wide == NULL)
        return fail(WindowsCallFailed, "CommandLineToArgvW");
    argv = calloc((size_t)argc + 1, sizeof(*argv));
    if (argv == NULL)
        e = fail(OutOfMemory);
    for (int i = 0; e == NULL && i < argc; i++)
        e = wide_to(wide[i], &argv[i]);
    (void)LocalFree(wide);
    if (e != NULL) {
        wide_arguments_free(argc, argv);
        return e;
    }
    *ret_argc = argc;
    *ret_argv = argv;
    return NULL;
}
