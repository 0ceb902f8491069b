/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: what is written is read back; cut at any byte it is what was whole; anything
 * else gives a code; a run that is alive is left alone. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "journal.h"

static char folder[64], path[128];

static int
set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "%s/firn-journal-XXXXXX",
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void
name_file(const char *id)
{
    (void)snprintf(path, sizeof(path), "%s/%s.jsonl", folder, id);
}

static size_t
read_file(char *to, size_t room)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, to, room);

    (void)close(fd);
    assert_true(n > 0 && (size_t)n < room);
    return (size_t)n;
}

static void
write_file(const char *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(write(fd, data, len), (ssize_t)len);
    (void)close(fd);
}

/* A run of two changes, the second without a result. */
static void
make_run(char id[JOURNAL_ID_LEN + 1])
{
    auto_ptr(journal) j = NULL;
    json_t *before = json_pack("{s:i}", "start", 4);
    struct action a;
    size_t i;

    assert_ok(journal_begin(folder, "disk:server", "SomeCode", &j));
    memcpy(id, journal_id(j), JOURNAL_ID_LEN + 1);
    name_file(id);
    assert_int_equal(action_parse("windows.service.start_type service=vss want=3", &a, NULL),
        ACTION_OK);
    assert_ok(journal_intent(j, "1", &a, before, &i));
    assert_ok(journal_result(j, i, "done", NULL));
    assert_ok(journal_intent(j, "2", &a, before, &i));
    json_decref(before);
    action_done(&a);
}

static void
a_run_is_read_back(void **state)
{
    char id[JOURNAL_ID_LEN + 1], **ids = NULL;
    auto_ptr(journal) j = NULL;
    auto_ptr(journal) second = NULL;

    (void)state;
    make_run(id);
    assert_ok(journal_unfinished(folder, "disk:server", &ids));
    assert_string_equal(ids[0], id);
    assert_null(ids[1]);
    journal_ids_free(ids);
    assert_ok(journal_unfinished(folder, "another", &ids));
    assert_null(ids[0]);
    journal_ids_free(ids);

    assert_ok(journal_open(folder, id, &j));
    assert_int_equal(journal_entries(j), 2);
    assert_string_equal(journal_entry(j, 0)->result, "done");
    assert_null(journal_entry(j, 1)->result);
    assert_int_equal(json_integer_value(json_object_get(journal_entry(j, 1)->before, "start")),
        4);
    assert_fails(journal_open(folder, id, &second), E_JournalBusy);
    assert_ok(journal_undone(j, 1, NULL));
    assert_ok(journal_end(j, "undone"));
    journal_free(take(j));
    assert_ok(journal_open(folder, id, &j));
    assert_true(journal_entry(j, 1)->undone);
    assert_false(journal_entry(j, 0)->undone);
    assert_string_equal(journal_outcome(j), "undone");
    (void)unlink(path);
}

/* Cut after any byte: whole lines count, the rest was never finished, and writing goes on. */
static void
cut_anywhere(void **state)
{
    char id[JOURNAL_ID_LEN + 1], data[4096];
    size_t len;

    (void)state;
    make_run(id);
    len = read_file(data, sizeof(data));
    for (size_t cut = 0; cut <= len; cut++) {
        auto_ptr(journal) j = NULL;
        size_t lines = 0;

        for (size_t i = 0; i < cut; i++)
            lines += data[i] == '\n';
        write_file(data, cut);
        if (lines == 0) {
            assert_fails(journal_open(folder, id, &j), E_JournalDamaged);
            continue;
        }
        assert_ok(journal_open(folder, id, &j));
        assert_int_equal(journal_entries(j), lines < 2 ? 0 : lines < 4 ? 1 : 2);
        assert_ok(journal_end(j, "healthy"));
        journal_free(take(j));
        assert_ok(journal_open(folder, id, &j));
        assert_string_equal(journal_outcome(j), "healthy");
    }
    (void)unlink(path);
}

static void
odd_bytes_give_a_code(void **state)
{
    char id[JOURNAL_ID_LEN + 1], data[4096], head[512];
    static const char *const lines[] = { "{", "[]", "{}", "7", "{\"intent\": 5}",
        "{\"intent\": 0, \"step\": \"1\", \"action\": \"rm -rf /\", \"before\": {}}",
        "{\"intent\": 0, \"step\": \"1\", \"action\": \"windows.registry.set key=HKLM\\\\A\", "
        "\"before\": {}}",
        "{\"intent\": 0, \"step\": \"1\", \"action\": \"machine.restart\", \"before\": []}",
        "{\"result\": 9, \"is\": \"done\"}", "{\"undone\": -1}", "{\"end\": 1}",
        "{\"end\": \"a\", \"end\": \"b\"}" };
    auto_ptr(journal) j = NULL;
    size_t len;

    (void)state;
    make_run(id);
    len = read_file(data, sizeof(data));
    size_t first = (size_t)((char *)memchr(data, '\n', len) - data) + 1;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        int n = snprintf(head, sizeof(head), "%.*s%s\n", (int)first, data, lines[i]);

        write_file(head, (size_t)n);
        assert_fails(journal_open(folder, id, &j), E_JournalDamaged);
    }
    for (size_t i = 0; i < len; i++) { /* any byte another: read or refused, never a crash */
        char was = data[i];

        data[i] = (char)(was ^ 0x15);
        write_file(data, len);
        err_free(journal_open(folder, id, &j));
        journal_free(take(j));
        data[i] = was;
    }
    (void)unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_fails(journal_open(folder, id, &j), E_FileUnreadable);
    (void)rmdir(path);
    assert_fails(journal_open(folder, "0123456789ABCDEF", &j), E_JournalMissing);
    assert_fails(journal_open(folder, "../../../etc/pass", &j), E_JournalMissing);
}

static struct err *
refuse(void *arg)
{
    ++*(int *)arg;
    return fail(Interrupted);
}

/* After a failed line nothing more is taken. */
static void
a_broken_journal_stays_broken(void **state)
{
    auto_ptr(journal) j = NULL;
    json_t *before = json_object();
    struct action a;
    size_t i;
    int calls = 0;

    (void)state;
    assert_ok(journal_begin(folder, "t", "C", &j));
    name_file(journal_id(j));
    journal_watch(j, refuse, &calls);
    assert_int_equal(action_parse("machine.restart", &a, NULL), ACTION_OK);
    assert_fails(journal_intent(j, "1", &a, before, &i), E_Interrupted);
    assert_fails(journal_intent(j, "2", &a, before, &i), E_FileUnwritable);
    assert_fails(journal_end(j, "x"), E_FileUnwritable);
    assert_int_equal(calls, 1);
    json_decref(before);
    action_done(&a);
}

/* ---- a folder of many runs ---- */

enum { DAY_S = 86400 };

/* Run ${n}, begun ${days} ago. */
static void
put_run(unsigned n, int64_t days, const char *lines)
{
    char text[512], id[JOURNAL_ID_LEN + 1];
    uint32_t s = (uint32_t)(clock_real_ns() / CLOCK_S - days * DAY_S);

    (void)snprintf(id, sizeof(id), "%08x%08x", s, n);
    name_file(id);
    int len = snprintf(text, sizeof(text), "{\"schema\":1,\"run\":\"%s\",\"target\":\"many\","
                                           "\"code\":\"C\",\"time\":\"t\"}\n%s", id, lines);

    write_file(text, (size_t)len);
}

static size_t
count(const char *ending)
{
    DIR *d = opendir(folder);
    size_t n = 0;

    for (const struct dirent *f; (f = readdir(d)) != NULL;)
        n += strlen(f->d_name) == JOURNAL_ID_LEN + strlen(ending) &&
            strcmp(f->d_name + JOURNAL_ID_LEN, ending) == 0;
    (void)closedir(d);
    return n;
}

static void
empty_folder(void)
{
    DIR *d = opendir(folder);

    for (const struct dirent *f; (f = readdir(d)) != NULL;)
        (void)unlinkat(dirfd(d), f->d_name, 0);
    (void)closedir(d);
}

static size_t
unfinished(char ***ret)
{
    size_t n = 0;

    assert_ok(journal_unfinished(folder, "many", ret));
    for (; (*ret)[n] != NULL; n++)
        assert_true(n == 0 || strcmp((*ret)[n - 1], (*ret)[n]) > 0); /* newest first */
    return n;
}

/* More runs than anybody has: those without an end are found, wherever they stand. */
static void
unfinished_among_very_many(void **state)
{
    char **ids = NULL;

    (void)state;
    for (unsigned n = 0; n < 12000; n++)
        put_run(n, n % 390, n % 4000 == 17 ? "{\"waits\":\"restart\"}\n"
                                           : "{\"end\":\"repaired\"}\n");
    assert_int_equal(unfinished(&ids), 3);
    journal_ids_free(ids);
    assert_ok(journal_prune(folder));
    assert_int_equal(unfinished(&ids), 3);
    journal_ids_free(ids);
    assert_in_range(count(".jsonl"), JOURNAL_KEPT_MAX, JOURNAL_KEPT_MAX + 3);
    empty_folder();
    for (unsigned n = 0; n < 3 * JOURNAL_UNFINISHED_MAX; n++)
        put_run(n, n / 7, "");
    assert_int_equal(unfinished(&ids), JOURNAL_UNFINISHED_MAX);
    assert_string_equal(ids[0] + 8, "00000006"); /* the newest of them */
    journal_ids_free(ids);
    empty_folder();
}

/* What goes: ended, and old or one of too many.  What has no end or is damaged stays. */
static void
old_runs_go(void **state)
{
    auto_ptr(journal) alive = NULL;
    char id[JOURNAL_ID_LEN + 1];

    (void)state;
    put_run(1, JOURNAL_KEPT_DAYS - 1, "{\"end\":\"x\"}\n");
    put_run(2, JOURNAL_KEPT_DAYS + 1, "{\"end\":\"x\"}\n");
    memcpy(id, path + strlen(folder) + 1, JOURNAL_ID_LEN);
    id[JOURNAL_ID_LEN] = '\0';
    (void)snprintf(path, sizeof(path), "%s/%s.json", folder, id);
    write_file("{}", 2); /* its bundle */
    put_run(3, JOURNAL_KEPT_DAYS + 1, "");
    put_run(4, JOURNAL_KEPT_DAYS + 1, "{\"end\":\"x\"}\n{\"undone\":0");
    put_run(5, JOURNAL_KEPT_DAYS + 1, "{\"end\":\"x\"}\nno JSON\n");
    put_run(6, JOURNAL_KEPT_DAYS + 1, "{\"end\":\"x\"}\n");
    memcpy(id, path + strlen(folder) + 1, JOURNAL_ID_LEN);
    assert_ok(journal_open(folder, id, &alive)); /* somebody takes it back */
    assert_ok(journal_prune(folder));
    assert_int_equal(count(".jsonl"), 5); /* but for the second */
    assert_int_equal(count(".json"), 0);
    journal_free(take(alive));
    assert_ok(journal_prune(folder));
    assert_int_equal(count(".jsonl"), 4);
    assert_ok(journal_begin(folder, "t", "C", &alive)); /* and this prunes by itself */
    empty_folder();
}

/* ---- restarts ---- */

static bool
each_recent(void *arg, const struct journal *j)
{
    size_t *n = arg;

    *n += journal_nwaits(j);
    return journal_outcome(j) == NULL || strcmp(journal_outcome(j), "repaired") != 0;
}

/* A run waits only while that is the last of it; what it ever waited for stays known. */
static void
a_wait_is_read_back(void **state)
{
    char id[JOURNAL_ID_LEN + 1];
    auto_ptr(journal) j = NULL;

    (void)state;
    make_run(id);
    assert_ok(journal_open(folder, id, &j));
    assert_false(journal_waits(j));
    assert_ok(journal_wait(j, "start 1", true));
    assert_true(journal_waits(j));
    assert_ok(journal_undone(j, 1, NULL));
    assert_false(journal_waits(j));
    assert_ok(journal_wait(j, NULL, false));
    journal_free(take(j));
    assert_ok(journal_open(folder, id, &j));
    assert_true(journal_waits(j));
    assert_int_equal(journal_nwaits(j), 2);
    assert_string_equal(journal_wait_at(j, 0)->boot, "start 1");
    assert_true(journal_wait_at(j, 0)->itself);
    assert_null(journal_wait_at(j, 1)->boot);
    assert_false(journal_wait_at(j, 1)->itself);
    for (unsigned i = 0; i < 2 * JOURNAL_WAITS_MAX; i++) /* more than are kept */
        assert_ok(journal_wait(j, "start 2", false));
    journal_free(take(j));
    assert_ok(journal_open(folder, id, &j));
    assert_int_equal(journal_nwaits(j), JOURNAL_WAITS_MAX);
    assert_ok(journal_end(j, "blocked"));
    assert_false(journal_waits(j));
    (void)unlink(path);
}

/* Runs for the same code and target, of the last days, newest first. */
static void
runs_of_the_last_days(void **state)
{
    static const char waits[] = "{\"waits\":\"restart\"}\n"; /* as an older firn wrote it */
    auto_free char *old = NULL, *repaired = NULL;
    size_t n = 0;

    (void)state;
    assert_true(asprintf(&old, "%s{\"end\":\"blocked\"}\n", waits) > 0);
    assert_true(asprintf(&repaired, "%s{\"end\":\"repaired\"}\n", waits) > 0);
    put_run(1, 9, waits);
    put_run(2, 6, repaired);
    put_run(3, 5, old);
    put_run(4, 4, "no JSON\n");
    put_run(5, -1, waits); /* by a clock that was wrong */
    assert_ok(journal_recent(folder, "many", "c", 7, each_recent, &n));
    assert_int_equal(n, 3);
    n = 0;
    assert_ok(journal_recent(folder, "many", "C", 2, each_recent, &n));
    assert_int_equal(n, 1);
    n = 0;
    assert_ok(journal_recent(folder, "many", "D", 7, each_recent, &n));
    assert_ok(journal_recent(folder, "another", "C", 7, each_recent, &n));
    assert_int_equal(n, 0);
    empty_folder();
}

/* It waits for a person until it does anything else, and reads back as it was written. */
static void
it_waits_for_a_person(void **state)
{
    const struct journal_person p = { "2", "Empty it.", "", "step 2 is yours", NULL, true };
    struct journal *j = NULL;
    char id[JOURNAL_ID_LEN + 1], data[4096];
    struct action a;
    json_t *before = json_object();
    size_t i, len;

    (void)state;
    make_run(id);
    assert_ok(journal_open(folder, id, &j));
    assert_null(journal_person(j));
    assert_ok(journal_wait_person(j, &p));
    journal_free(take(j));

    assert_ok(journal_open(folder, id, &j));
    assert_non_null(journal_person(j));
    assert_false(journal_waits(j)); /* that is for a restart */
    assert_string_equal(journal_person(j)->step, "2");
    assert_string_equal(journal_person(j)->text, "Empty it.");
    assert_string_equal(journal_person(j)->what, "step 2 is yours");
    assert_null(journal_person(j)->boot);
    assert_true(journal_person(j)->restart_due);
    assert_int_equal(action_parse("machine.restart", &a, NULL), ACTION_OK);
    assert_ok(journal_intent(j, "3", &a, before, &i));
    assert_null(journal_person(j));
    action_done(&a);
    json_decref(before);
    journal_free(take(j));

    len = read_file(data, sizeof(data));
    char *words = memmem(data, len, "\"what\"", 6);

    assert_non_null(words);
    words[1] = 'W';
    write_file(data, len);
    assert_fails(journal_open(folder, id, &j), E_JournalDamaged);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_read_back),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(odd_bytes_give_a_code),
        cmocka_unit_test(a_broken_journal_stays_broken),
        cmocka_unit_test(unfinished_among_very_many),
        cmocka_unit_test(old_runs_go),
        cmocka_unit_test(a_wait_is_read_back),
        cmocka_unit_test(runs_of_the_last_days),
        cmocka_unit_test(it_waits_for_a_person),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
