/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "record.h"
#include "record_conformance.h"

const char *record_in;

static const char *
at(const char *name)
{
    static char path[4][1024];
    static unsigned next;

    next = (next + 1) % 4;
    (void)snprintf(path[next], sizeof(path[next]), "%s/%s", record_in, name);
    return path[next];
}

static void
holds(struct record *r, const char *want)
{
    auto_free char *data = NULL;
    size_t len = 0;

    assert_ok(record_read(r, 100, &data, &len));
    assert_non_null(data);
    assert_int_equal(len, strlen(want));
    assert_string_equal(data, want);
}

void
records_are_added_to_and_cut(void **state)
{
    auto_free char *data = NULL;
    enum record_state how;
    struct record *r = NULL;
    size_t len = 7;

    (void)state;
    assert_ok(record_make(at("one"), &r));
    holds(r, "");
    assert_ok(record_add(r, 0, "first\n", 6));
    assert_ok(record_add(r, 6, "second\n", 7));
    holds(r, "first\nsecond\n");
    assert_ok(record_read(r, 12, &data, &len));
    assert_null(data); /* too long */
    assert_ok(record_cut(r, 9));
    holds(r, "first\nsec");
    assert_ok(record_add(r, 6, "2\n", 2));
    record_free(r);
    assert_ok(record_open(at("one"), &r, &how));
    assert_int_equal(how, RECORD_HELD);
    holds(r, "first\n2\nc");
    record_free(r);
    assert_fails(record_make(at("one"), &r), E_FileUnwritable); /* there is one */
    assert_fails(record_make(at("no/such"), &r), E_FileUnwritable);
    assert_ok(record_put(at("whole"), "all of it", 9));
    assert_fails(record_put(at("whole"), "x", 1), E_FileUnwritable);
    assert_ok(record_open(at("whole"), &r, &how));
    holds(r, "all of it");
    record_free(r);
    record_free(NULL);
}

void
a_record_is_held_by_one(void **state)
{
    enum record_state how = RECORD_HELD;
    struct record *r = NULL, *other = NULL;

    (void)state;
    assert_ok(record_open(at("nowhere"), &other, &how));
    assert_int_equal(how, RECORD_MISSING);
    assert_ok(record_make(at("held"), &r));
    assert_ok(record_open(at("held"), &other, &how));
    assert_int_equal(how, RECORD_BUSY);
    assert_null(other);
    record_free(r);
    assert_ok(record_open(at("held"), &other, &how));
    assert_int_equal(how, RECORD_HELD);
    record_free(other);
    assert_ok(record_folder(at("folder")));
    assert_ok(record_folder(at("folder"))); /* it is there */
    assert_fails(record_folder(at("no/such")), E_FileUnwritable);
}

struct seen {
    unsigned n, most;
    bool held, folder;
};

static bool
note(void *arg, const char *name)
{
    struct seen *s = arg;

    s->held |= strcmp(name, "held") == 0;
    s->folder |= strcmp(name, "folder") == 0;
    return ++s->n < s->most;
}

/* After the others. */
void
records_are_listed(void **state)
{
    struct seen all = { .most = 100 }, few = { .most = 2 };

    (void)state;
    assert_ok(record_list(record_in, note, &all));
    assert_true(all.held && all.folder && all.n >= 4);
    assert_ok(record_list(record_in, note, &few));
    assert_int_equal(few.n, 2);
    assert_fails(record_list(at("nowhere"), note, &all), E_FileUnreadable);
}

void
random_bytes_differ(void **state)
{
    uint8_t a[32] = { 0 }, b[32] = { 0 };

    (void)state;
    assert_ok(record_random(a, sizeof(a)));
    assert_ok(record_random(b, sizeof(b)));
    assert_true(memcmp(a, b, sizeof(a)) != 0);
}
