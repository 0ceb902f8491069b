/* SPDX-License-Identifier: Apache-2.0 */
/* Files that firn replaced or converted, on the model, by chance: calls fail before or after
 * they took effect, and somebody else writes to the file between the change and its undoing.
 * Whatever comes: what somebody else wrote is there afterwards, what was there before is there,
 * too, in its place or beside it, and firn's own bytes are gone unless others built on them. */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chance.h"
#include "codes.h"
#include "pattern.h"
#include "remedy.h"
#include "target_fault.h"
#include "target_local.h"
#include "target_mem.h"

#define SOURCE "/etc/source"
#define PLACE "/etc/place"
#define BESIDE PLACE TARGET_OLD
#define BESIDE_ROOT "/place" TARGET_OLD

static const char QUOTED[] = "say \xe2\x80\x9chello\xe2\x80\x9d\n", ASCII[] = "say \"hello\"\n";

/* What somebody else does meanwhile. */
enum event { NOTHING, WRITES, APPENDS, EMPTIES, DELETES, PUTS_BACK, CHANGES_SOURCE, EVENTS };

struct story {
    struct target *t;
    struct action a;
    json_t *record;
    const char *old, *made; /* old NULL: there was no file */
    enum event event;
    char since[100]; /* what somebody else has left there */
    bool copies;
    uint64_t seed, chance;
};

static void
expect_at(const struct story *s, bool holds, int line)
{
    if (!holds) {
        auto_free char *all = target_mem_dump(s->t);

        print_error("line %d, seed %lu, event %d, %s:\n%s\n", line, (unsigned long)s->seed,
            (int)s->event, s->copies ? "copy" : "convert", all);
    }
    assert_true(holds);
}
#define expect(s, holds) expect_at(s, holds, __LINE__)

/* Is ${text} (NULL: nothing) at ${path}? */
static bool
holds(struct target *t, const char *path, const char *text)
{
    auto_free void *data = NULL;
    size_t len = 0;
    bool found;

    assert_ok(target_file_read(t, path, &data, &len, &found));
    return text == NULL ? !found
                        : found && len == strlen(text) && memcmp(data, text, len) == 0;
}

static void
begin(struct story *s, uint64_t seed)
{
    static const char *const olds[] = { NULL, "old\n", "" };
    static const char *const sources[] = { "made\n", "old\n", "" };
    char line[200];

    *s = (struct story){ .seed = seed, .chance = seed };
    assert_ok(target_mem_new(ACTION_LINUX, "model", &s->t));
    s->copies = below(&s->chance, 2) == 0;
    s->old = s->copies ? olds[below(&s->chance, 3)] : QUOTED;
    s->made = s->copies ? sources[below(&s->chance, 3)] : ASCII;
    if (s->copies)
        target_mem_put(s->t, SOURCE, s->made);
    if (s->old != NULL)
        target_mem_put(s->t, PLACE, s->old);
    (void)snprintf(line, sizeof(line), s->copies ? "file.copy from=%s to=%s"
            : "file.convert path=%.0s%s to=ascii", SOURCE, PLACE);
    assert_int_equal(action_parse(line, &s->a, NULL), ACTION_OK);
    assert_ok(remedy_record(s->t, &s->a, &s->record));
    s->event = (enum event)below(&s->chance, EVENTS);
}

/* Through a machine whose n-th call may fail. */
static struct err *
with_fault(struct story *s, bool undo, char **ret_kept)
{
    struct target_fault plan = { .call = 1 + below(&s->chance, 8),
        .kind = below(&s->chance, 2) == 0 ? TARGET_FAULT_BEFORE : TARGET_FAULT_AFTER };
    struct remedy_done done = { 0 };
    auto_ptr(target) f = NULL;

    assert_ok(target_fault_new(s->t, &plan, &f));
    if (undo)
        return remedy_undo(f, &s->a, s->record, deadline_in_ms(1000), ret_kept);
    struct err *e = remedy_apply(f, &s->a, s->record, deadline_in_ms(1000), &done);
    remedy_done_done(&done);
    return e;
}

static void
meanwhile(struct story *s)
{
    auto_free void *data = NULL;
    size_t len = 0;
    bool found;

    assert_ok(target_file_read(s->t, PLACE, &data, &len, &found));
    if (s->event == WRITES)
        (void)snprintf(s->since, sizeof(s->since), "theirs\n");
    else if (s->event == APPENDS)
        (void)snprintf(s->since, sizeof(s->since), "%.*stheirs\n", (int)len,
            found ? (const char *)data : "");
    if (s->since[0] != '\0')
        assert_ok(target_file_write(s->t, PLACE, s->since, strlen(s->since)));
    else if (s->event == EMPTIES)
        assert_ok(target_file_write(s->t, PLACE, "", 0));
    else if (s->event == DELETES)
        assert_ok(target_file_delete(s->t, PLACE));
    else if (s->event == PUTS_BACK && s->old != NULL)
        assert_ok(target_file_write(s->t, PLACE, s->old, strlen(s->old)));
    else if (s->event == CHANGES_SOURCE && s->copies)
        assert_ok(target_file_write(s->t, SOURCE, "newer\n", 6));
}

static void
check_end(struct story *s, const char *kept)
{
    bool theirs = s->since[0] != '\0';

    expect(s, (kept != NULL) == theirs);
    expect(s, holds(s->t, PLACE, theirs ? s->since : s->old));
    expect(s, holds(s->t, BESIDE, theirs ? s->old : NULL));
    expect(s, holds(s->t, BESIDE ".2", NULL));
    expect(s, kept == NULL || s->old == NULL || strstr(kept, BESIDE) != NULL);
}

static void
nobody_loses_what_he_wrote(void **state)
{
    unsigned left = 0, failed = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 20000; seed++) {
        struct story s;
        struct err *e;

        begin(&s, seed);
        e = with_fault(&s, false, NULL);
        failed += e != NULL;
        err_free(e);
        meanwhile(&s);
        for (int i = 0; i < 3; i++) { /* one that fails half way; then twice as it should be */
            auto_free char *kept = NULL;

            if (i == 0) {
                e = with_fault(&s, true, &kept);
                failed += e != NULL;
                err_free(e);
                continue;
            }
            assert_ok(remedy_undo(s.t, &s.a, s.record, deadline_in_ms(1000), &kept));
            check_end(&s, kept);
            left += kept != NULL;
        }
        json_decref(s.record);
        action_done(&s.a);
        target_free(s.t);
    }
    print_message("# left %u times, failed %u times\n", left, failed);
    assert_true(left > 1000 && failed > 1000);
}

/* Somebody else's file beside it is no place, and there are not as many as one likes. */
static void
names_beside_it_may_be_taken(void **state)
{
    struct remedy_done done = { 0 };
    uint64_t seed = 0;
    struct story s;

    (void)state;
    for (begin(&s, seed); !s.copies || s.old == NULL || *s.old == '\0' || *s.made != 'm';) {
        json_decref(s.record);
        action_done(&s.a);
        target_free(s.t);
        begin(&s, ++seed);
    }
    assert_ok(remedy_apply(s.t, &s.a, s.record, deadline_in_ms(1000), &done));
    remedy_done_done(&done);
    assert_ok(target_file_write(s.t, PLACE, "theirs\n", 7));
    for (int i = 1; i <= 9; i++) {
        auto_free char *kept = NULL, *name = NULL;

        assert_true(asprintf(&name, i == 1 ? "%s" : "%s.%d", BESIDE, i) > 0);
        assert_ok(remedy_undo(s.t, &s.a, s.record, deadline_in_ms(1000), &kept));
        assert_non_null(strstr(kept, name));
        assert_true(holds(s.t, name, s.old));
        assert_true(holds(s.t, PLACE, "theirs\n"));
        assert_ok(target_file_write(s.t, name, "other\n", 6));
    }
    char *kept = NULL;
    assert_fails(remedy_undo(s.t, &s.a, s.record, deadline_in_ms(1000), &kept),
        E_InputInvalid);
    assert_null(kept);
    json_decref(s.record);
    action_done(&s.a);
    target_free(s.t);
}

/* A source too large for a journal is compared as it is now; a record of before, too. */
static void
a_copy_without_its_bytes_in_the_record(void **state)
{
    enum { LARGE = 300 * 1024 };
    auto_free char *large = malloc(LARGE);

    (void)state;
    assert_non_null(large);
    for (int i = 0; i < 3; i++) {
        auto_ptr(target) t = NULL;
        auto_free char *kept = NULL;
        struct remedy_done done = { 0 };
        json_t *record = NULL;
        struct action a;

        memset(large, 'x', LARGE);
        assert_ok(target_mem_new(ACTION_LINUX, "model", &t));
        assert_ok(target_file_write(t, SOURCE, large, i == 2 ? 5 : LARGE));
        target_mem_put(t, PLACE, "old\n");
        assert_int_equal(action_parse("file.copy from=" SOURCE " to=" PLACE, &a, NULL),
            ACTION_OK);
        assert_ok(remedy_record(t, &a, &record));
        assert_int_equal(json_object_get(record, "made") != NULL, i == 2);
        (void)json_object_del(record, "made");
        assert_ok(remedy_apply(t, &a, record, deadline_in_ms(1000), &done));
        remedy_done_done(&done);
        if (i == 1) /* then nobody knows whose it is */
            assert_ok(target_file_write(t, SOURCE, "newer\n", 6));
        assert_ok(remedy_undo(t, &a, record, deadline_in_ms(1000), &kept));
        assert_int_equal(kept != NULL, i == 1);
        assert_true(holds(t, i == 1 ? BESIDE : PLACE, "old\n"));
        json_decref(record);
        action_done(&a);
    }
}

/* What somebody else has put where firn's file was, or beside it, or where it came from. */
enum in_the_way { FOLDER, LOOP, LARGE_FILE, FOLDER_BESIDE, NO_SOURCE_FILE, WAYS };

static void
put_in_the_way(struct target *t, enum in_the_way way)
{
    char place[200];
    const char *path = pattern_path_in(place, sizeof(place), "place");

    if (way == FOLDER_BESIDE) {
        assert_ok(target_file_write(t, "/place", "theirs\n", 7));
        assert_int_equal(mkdir(pattern_path("place" TARGET_OLD), 0700), 0);
        return;
    }
    if (way == NO_SOURCE_FILE) {
        assert_ok(target_file_write(t, "/place", "theirs\n", 7));
        path = pattern_path_in(place, sizeof(place), "source");
    }
    pattern_remove(path);
    if (way == LOOP)
        assert_int_equal(symlink("place", path), 0);
    else if (way == LARGE_FILE)
        pattern_to_file(path, (const uint8_t *)"", 0, NULL);
    else
        assert_int_equal(mkdir(path, 0700), 0);
    if (way == LARGE_FILE)
        assert_int_equal(truncate(path, TARGET_FILE_MAX + 1), 0);
}

/* An undoing that stumbles over it would never come to its end, and the old bytes would stay in
 * the journal. */
static void
whatever_is_in_the_way_stays(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * WAYS; i++) {
        enum in_the_way way = (enum in_the_way)(i / 2);
        bool copies = i % 2 == 0;
        const char *old = copies ? "old\n" : QUOTED;
        auto_ptr(target) t = NULL;
        auto_free char *kept = NULL;
        struct remedy_done done = { 0 };
        json_t *record = NULL;
        struct action a;
        struct stat st;

        for (int k = 0; k < 4; k++)
            pattern_remove(pattern_path(k == 0 ? "place" : k == 1 ? "source" : k == 2
                        ? "place" TARGET_OLD : "place" TARGET_OLD ".2"));
        assert_ok(target_local_open(pattern_folder(), "tree", &t));
        assert_ok(target_file_write(t, "/source", "made\n", 5));
        assert_ok(target_file_write(t, "/place", old, strlen(old)));
        assert_int_equal(action_parse(copies ? "file.copy from=/source to=/place"
                             : "file.convert path=/place to=ascii", &a, NULL), ACTION_OK);
        assert_ok(remedy_record(t, &a, &record));
        assert_ok(remedy_apply(t, &a, record, deadline_in_ms(1000), &done));
        remedy_done_done(&done);
        put_in_the_way(t, way);
        assert_ok(remedy_undo(t, &a, record, deadline_in_ms(1000), &kept));
        assert_non_null(kept);
        assert_true(holds(t, way == FOLDER_BESIDE ? BESIDE_ROOT ".2" : BESIDE_ROOT, old));
        if (way < FOLDER_BESIDE)
            assert_non_null(strstr(kept, "something else"));
        else
            assert_true(holds(t, "/place", "theirs\n"));
        assert_int_equal(lstat(pattern_path("place"), &st), 0);
        assert_true(S_ISDIR(st.st_mode) == (way == FOLDER));
        assert_true(S_ISLNK(st.st_mode) == (way == LOOP));
        json_decref(record);
        action_done(&a);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_loses_what_he_wrote),
        cmocka_unit_test(names_beside_it_may_be_taken),
        cmocka_unit_test(a_copy_without_its_bytes_in_the_record),
        cmocka_unit_test(whatever_is_in_the_way_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
