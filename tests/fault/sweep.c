/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.c -- see sweep.h. */
#include "check.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pattern.h"
#include "sweep.h"

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

/* true when some call failed. */
static bool
run_once(struct kept *k, const struct sweep *s, const struct fault_plan *plan)
{
    size_t files = count_entries(pattern_folder());
    unsigned long failed;

    if (s->before != NULL)
        s->before(k);
    size_t fds = count_entries("/proc/self/fd");
    faults_begin(plan);
    struct err *e = s->run(k);
    (void)faults_end(&failed);
    bool worked = e == NULL;
    if (!worked && (failed == 0 || err_is(e, C_internal) || err_id(e)[0] == '\0')) {
        err_print(e, true, check_line, NULL);
        assert_true(failed > 0);
        assert_false(err_is(e, C_internal));
    }
    err_free(e);
    assert_int_equal(count_entries("/proc/self/fd"), fds);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    s->after(k, worked);
    assert_int_equal(count_entries(pattern_folder()), files);
    return failed > 0;
}

static void
by_number(struct kept *k, const struct sweep *s, struct fault_plan plan)
{
    for (plan.n = 1; run_once(k, s, &plan); plan.n++)
        ;
    print_message("# %s: kind %u, %s: all of %lu calls\n", s->name, plan.kinds,
        plan.from_then_on ? "from then on" : "once", plan.n - 1);
}

static void
by_place(struct kept *k, const struct sweep *s, struct fault_plan plan, const uint64_t *places,
    size_t n, size_t most)
{
    size_t tried = n < most ? n : most, failed = 0;

    for (size_t i = 0; i < tried; i++) {
        plan.place = places[i * n / tried];
        failed += run_once(k, s, &plan);
    }
    print_message("# %s: kind %u, %s: %zu of %zu places\n", s->name, plan.kinds,
        plan.from_then_on ? "from then on" : "once", tried, n);
    assert_true(failed * 2 >= tried); /* places are reached again */
}

static void
places_of(struct kept *k, const struct sweep *s, unsigned kind, uint64_t **ret, size_t *ret_n)
{
    struct fault_plan none = { .kinds = kind };

    faults_note(true);
    (void)run_once(k, s, &none);
    faults_note(false);
    const uint64_t *places = faults_places(ret_n);
    *ret = malloc((*ret_n + 1) * sizeof(**ret));
    assert_non_null(*ret);
    memcpy(*ret, places, *ret_n * sizeof(**ret));
}

void
sweep(struct kept *k, const struct sweep *s)
{
    size_t most = s->most != 0 ? s->most : SWEEP_MOST;

    if (getenv("FIRN_SLOW_BUILD") != NULL)
        most = most / 3 + 1;
    for (unsigned kind = 1; kind <= FAULT_REMOVE; kind *= 2) {
        uint64_t *places;
        size_t n;

        if ((s->kinds & kind) == 0)
            continue;
        places_of(k, s, kind, &places, &n);
        assert_true(n > 0);
        for (int way = 0; way < 2; way++) {
            struct fault_plan plan = { .kinds = kind, .from_then_on = way == 1 };

            if (getenv("FIRN_SOAK") != NULL)
                by_number(k, s, plan);
            else
                by_place(k, s, plan, places, n, most);
        }
        free(places);
    }
}

void
sweep_in_memory(void)
{
    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK | X_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 1);
}
