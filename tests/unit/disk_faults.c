/* SPDX-License-Identifier: Apache-2.0 */
/* Sources, sinks and child programs when the n-th allocation or system call fails, for every
 * n, once and from then on: a code, no file, descriptor or child left behind. */
#include "check.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "faults.h"
#include "pattern.h"
#include "sink.h"
#include "source.h"

static size_t
count_entries(const char *folder)
{
    DIR *d = opendir(folder);
    size_t n = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

/* ${run} until nothing is left to fail.  It makes the file ${made} (or NULL) when it works. */
static void
exhaust(struct err *(*run)(void), const char *made)
{
    size_t files = count_entries(pattern_folder()), fds = count_entries("/proc/self/fd");
    unsigned long n = 0;

    for (int way = 0; way < 2; way++) {
        for (n = 1;; n++) {
            faults_begin(&(struct fault_plan){
                .kinds = FAULT_MEMORY | FAULT_FILES | FAULT_SPAWN,
                .from_then_on = way == 1, .n = n });
            struct err *e = run();
            unsigned long calls = faults_end(NULL);
            bool worked = e == NULL;
            assert_true(worked || err_code(e) > 0);
            err_free(e);
            if (made != NULL && access(made, F_OK) == 0)
                unlink(made);
            else
                assert_true(made == NULL || !worked);
            assert_int_equal(count_entries(pattern_folder()), files);
            assert_int_equal(count_entries("/proc/self/fd"), fds);
            assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
            if (calls < n) {
                assert_true(worked);
                break;
            }
            assert_true(n < 2000);
        }
    }
    print_message("# %lu places\n", n - 1);
}

static const char *spec;

static struct err *
read_it(void)
{
    struct source_options options = { .lanes = 2, .run_dir = pattern_folder() };
    auto_ptr(source) s = NULL;
    enum source_extent kind;
    struct source_stamp then;
    uint8_t buf[5000];
    uint64_t len;
    bool same;

    TRY(source_open(spec, &options, &s));
    then = s->stamp;
    TRY(source_extent(s, 0, &kind, &len));
    TRY(source_read(s, 0, 0, buf, sizeof(buf)));
    TRY(source_read(s, s->lanes - 1, 60000, buf, 5));
    TRY(source_unwritten(s, &then, &same));
    TRY(source_check(s));
    return NULL;
}

static bool in_place, force;

static struct err *
write_it(void)
{
    struct sink_options options = { .lanes = 2, .run_dir = pattern_folder(),
        .in_place = in_place, .force = force };
    auto_ptr(sink) s = NULL;
    uint8_t buf[5000] = { 1 };

    TRY(sink_open(spec, 65536, &options, &s));
    TRY(sink_write(s, 0, 0, buf, sizeof(buf)));
    TRY(sink_write(s, 1, 60000, buf, 5));
    TRY(sink_zero(s, 0, 100, 20000));
    if (s->readable)
        TRY(sink_read(s, 1, 100, buf, 200));
    TRY(sink_finish(s));
    return NULL;
}

static void
sources(void **state)
{
    uint64_t size = 65536;
    auto_free uint8_t *data = pattern_new(1, size, NULL);
    struct sink_options options = { .run_dir = pattern_folder() };
    struct sink *image = NULL;
    char raw[4400];

    (void)state;
    spec = pattern_path_in(raw, sizeof(raw), "disk.raw");
    pattern_to_file(raw, data, size, NULL);
    exhaust(read_it, NULL);
    unlink(raw);
    spec = pattern_path_in(raw, sizeof(raw), "disk.qcow2");
    assert_ok(sink_open(raw, size, &options, &image));
    assert_ok(sink_write(image, 0, 0, data, size));
    assert_ok(sink_finish(image));
    sink_free(image);
    exhaust(read_it, NULL);
    unlink(raw);
}

static void
new_files(void **state)
{
    static const char *const names[] = { "new.raw", "new.qcow2" };
    char path[4400];

    (void)state;
    for (int i = 0; i < 4; i++) {
        spec = pattern_path_in(path, sizeof(path), names[i % 2]);
        force = i >= 2;
        exhaust(write_it, path);
    }
    force = false;
}

static void
in_place_files(void **state)
{
    char path[4400];

    (void)state;
    spec = pattern_path_in(path, sizeof(path), "place.raw");
    pattern_to_file(path, (const uint8_t *)"x", 1, NULL);
    in_place = true;
    exhaust(write_it, NULL);
    in_place = false;
}

static void
what_cannot_be_read_back(void **state)
{
    const struct sink_options options = { .run_dir = pattern_folder(), .in_place = true };
    auto_ptr(sink) s = NULL;
    uint8_t buf[5000];

    (void)state;
    assert_ok(sink_open(pattern_path("place.raw"), 65536, &options, &s));
    assert_true(s->readable);
    assert_ok(sink_read(s, 0, 0, buf, sizeof(buf)));
    faults_begin(&(struct fault_plan){ .kinds = FAULT_FILES, .n = 1 });
    struct err *e = sink_read(s, 0, 0, buf, sizeof(buf));
    (void)faults_end(NULL);
    assert_fails(e, E_RestoreReadBackFailed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources),
        cmocka_unit_test(new_files),
        cmocka_unit_test(in_place_files),
        cmocka_unit_test(what_cannot_be_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
