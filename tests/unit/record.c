/* SPDX-License-Identifier: Apache-2.0 */
/* Records on this system; that on Windows is tried by tests/e2e/machine_windows.c. */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"
#include "record_conformance.h"

static char folder[] = "/tmp/firn-record.XXXXXX";

static int
make_folder(void **state)
{
    (void)state;
    record_in = mkdtemp(folder);
    return record_in == NULL;
}

static bool
remove_one(void *arg, const char *name)
{
    (void)arg;
    if (name[0] != '.') {
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        (void)remove(path);
    }
    return true;
}

static int
remove_folder(void **state)
{
    (void)state;
    err_free(record_list(folder, remove_one, NULL));
    return rmdir(folder);
}

/* Neither a link nor what would keep a reader waiting is taken for a record, and nobody else
 * can read one. */
static void
only_own_files_are_records(void **state)
{
    char path[512], link[512];
    enum record_state how;
    struct record *r = NULL;
    auto_free char *data = NULL;
    struct stat st;
    size_t len;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/pipe", folder);
    (void)snprintf(link, sizeof(link), "%s/link", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_ok(record_open(path, &r, &how));
    assert_int_equal(how, RECORD_HELD);
    assert_ok(record_read(r, 100, &data, &len));
    assert_null(data);
    record_free(r);
    assert_int_equal(symlink("pipe", link), 0);
    assert_fails(record_open(link, &r, &how), E_FileUnreadable);
    assert_fails(record_make(link, &r), E_FileUnwritable);
    (void)snprintf(path, sizeof(path), "%s/mode", folder);
    assert_ok(record_make(path, &r));
    record_free(r);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RECORD_CONFORMANCE,
        cmocka_unit_test(only_own_files_are_records),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
