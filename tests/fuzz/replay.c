/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of its corpus, so that what was found once is tried in
 * every build, with any compiler.
 *
 * usage: replay FILE|FOLDER...   (folders are read with all below them)
 *
 * The empty input is always tried.  Each file is handed over in a buffer of exactly its
 * size, so that a read beyond the end is seen by the sanitizers. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t runs;

static void
stop(const char *path)
{
    (void)fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
    exit(1);
}

static void
run_file(const char *path, size_t size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(size == 0 ? 1 : size);

    if (f == NULL || data == NULL || fread(data, 1, size, f) != size)
        stop(path);
    (void)fclose(f);
    (void)printf("%s\n", path);
    (void)fflush(stdout); /* the last line names the culprit */
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    runs++;
}

static void
run(const char *path)
{
    struct stat st;
    struct dirent **names;
    int n;

    if (stat(path, &st) != 0)
        stop(path);
    if (!S_ISDIR(st.st_mode)) {
        run_file(path, (size_t)st.st_size);
        return;
    }
    n = scandir(path, &names, NULL, alphasort);
    if (n < 0)
        stop(path);
    for (int i = 0; i < n; i++) {
        char *sub;

        if (names[i]->d_name[0] != '.') {
            if (asprintf(&sub, "%s/%s", path, names[i]->d_name) < 0)
                stop(path);
            run(sub);
            free(sub);
        }
        free(names[i]);
    }
    free(names);
}

int
main(int argc, char **argv)
{
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        run(argv[i]);
    (void)printf("%zu files and the empty input\n", runs);
    return 0;
}
