/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c -- lines are appended one by one, each durable (record.h); memory follows the
 * file.  A torn last line is cut off before anything is added after it. */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "clock.h"
#include "codes.h"
#include "journal.h"
#include "journal_internal.h"
#include "number.h"
#include "state.h"
#include "text.h"

struct err *
journal_folder(char **ret)
{
    auto_free char *state = NULL, *folder = NULL;

    TRY(state_folder(&state));
    if (asprintf(&folder, "%s/journal", state) < 0)
        return fail(OutOfMemory);
    TRY(record_folder(folder));
    *ret = take(folder);
    return NULL;
}

/* ---- writing ---- */

static struct err *
write_line(struct journal *j, json_t *line)
{
    auto_free char *s = line == NULL ? NULL : json_dumps(line, JSON_COMPACT);
    size_t len = s == NULL ? 0 : strlen(s);

    json_decref(line);
    if (s == NULL)
        return fail(OutOfMemory);
    if (j->broken)
        return fail(FileUnwritable, j->path);
    j->broken = true; /* until all of it went well */
    if (len + 1 > JOURNAL_LINE_MAX || j->len + len + 1 > JOURNAL_FILE_MAX)
        return fail(InputInvalid, j->path, "what is to be recorded is too long");
    s[len] = '\n'; /* in place of the NUL */
    TRY(record_add(j->file, j->len, s, len + 1));
    j->len += len + 1;
    if (j->written != NULL)
        TRY(j->written(j->arg));
    j->broken = false;
    return NULL;
}

struct err *
journal_new_id(char id[JOURNAL_ID_LEN + 1])
{
    uint8_t raw[JOURNAL_ID_LEN / 2];
    uint32_t now = (uint32_t)(clock_real_ns() / CLOCK_S);

    for (int i = 0; i < 4; i++)
        raw[i] = (uint8_t)(now >> (24 - 8 * i)); /* ids sort by time */
    TRY(record_random(raw + 4, 4));
    bytes_to_hex(raw, sizeof(raw), id);
    return NULL;
}

struct err *
journal_begin(const char *folder, const char *target, const char *code, struct journal **ret)
{
    auto_ptr(journal) j = calloc(1, sizeof(*j));
    char now[NUMBER_TIME_MAX];

    if (j == NULL)
        return fail(OutOfMemory);
    TRY(journal_new_id(j->id));
    err_free(journal_prune(folder)); /* what stays now goes another time */
    j->target = strdup(target);
    j->code = strdup(code);
    if (j->target == NULL || j->code == NULL ||
        asprintf(&j->path, "%s/%s.jsonl", folder, j->id) < 0)
        return fail(OutOfMemory);
    TRY(record_make(j->path, &j->file));
    number_time(now, clock_real_ns());
    TRY(write_line(j, json_pack("{s:i, s:s, s:s, s:s, s:s}", "schema", 1, "run", j->id,
                          "target", target, "code", code, "time", now)));
    *ret = take(j);
    return NULL;
}

struct err *
journal_intent(struct journal *j, const char *step, const struct action *a,
    const json_t *before, size_t *ret_i)
{
    auto_free char *text = action_text(a);
    struct journal_entry *e;

    if (text == NULL)
        return fail(OutOfMemory);
    if (j->n >= JOURNAL_ENTRIES_MAX)
        return fail(InputInvalid, j->path, "one run cannot change so much");
    e = &j->entries[j->n];
    *e = (struct journal_entry){ .step = strdup(step), .before = json_deep_copy(before) };
    j->n++;
    if (e->step == NULL || e->before == NULL || !action_copy(&e->action, a))
        return fail(OutOfMemory);
    journal_goes_on(j);
    TRY(write_line(j, json_pack("{s:I, s:s, s:s, s:O}", "intent", (json_int_t)(j->n - 1),
                          "step", step, "action", text, "before", e->before)));
    *ret_i = j->n - 1;
    return NULL;
}

struct err *
journal_result(struct journal *j, size_t i, const char *result, const json_t *facts)
{
    struct journal_entry *e = &j->entries[i];

    free(e->result);
    e->result = strdup(result);
    if (e->result == NULL)
        return fail(OutOfMemory);
    TRY(write_line(j, json_pack("{s:I, s:s, s:o}", "result", (json_int_t)i, "is", result,
                          "facts", facts == NULL ? json_object() : json_deep_copy(facts))));
    return NULL;
}

struct err *
journal_undone(struct journal *j, size_t i, const char *kept)
{
    TRY(write_line(j, json_pack("{s:I, s:s?}", "undone", (json_int_t)i, "kept", kept)));
    j->entries[i].undone = true;
    journal_goes_on(j);
    return NULL;
}

void
journal_goes_on(struct journal *j)
{
    j->waits = j->waits_person = false;
}

struct err *
journal_keep_wait(struct journal *j, const char *boot, bool itself)
{
    char *copy = boot == NULL ? NULL : strdup(boot);

    if (boot != NULL && copy == NULL)
        return fail(OutOfMemory);
    journal_goes_on(j);
    j->waits = true;
    if (j->nwaited == JOURNAL_WAITS_MAX)
        free(copy);
    else
        j->waited[j->nwaited++] = (struct journal_wait){ copy, itself };
    return NULL;
}

struct err *
journal_wait(struct journal *j, const char *boot, bool itself)
{
    TRY(write_line(j, json_pack("{s:s, s:s?, s:b}", "waits", "restart", "boot", boot, "itself",
                          itself)));
    TRY(journal_keep_wait(j, boot, itself));
    return NULL;
}

static void
free_texts(char *texts[JOURNAL_PERSON_TEXTS])
{
    for (size_t i = 0; i < JOURNAL_PERSON_TEXTS; i++)
        free(texts[i]);
}

struct err *
journal_keep_person(struct journal *j, const struct journal_person *p)
{
    const char *const from[] = { p->step, p->text, p->done, p->what, p->boot };
    char *copy[JOURNAL_PERSON_TEXTS] = { NULL };
    bool no_memory = false;

    _Static_assert(sizeof(from) == sizeof(copy), "each of its texts has a copy");
    for (size_t i = 0; i < JOURNAL_PERSON_TEXTS; i++) {
        copy[i] = from[i] == NULL ? NULL : strdup(from[i]);
        no_memory = no_memory || (from[i] != NULL && copy[i] == NULL);
    }
    if (no_memory) {
        free_texts(copy);
        return fail(OutOfMemory);
    }
    const struct journal_person kept = { copy[0], copy[1], copy[2], copy[3], copy[4],
        p->restart_due };

    free_texts(j->person_text);
    memcpy(j->person_text, copy, sizeof(copy));
    j->person = kept;
    journal_goes_on(j);
    j->waits_person = true;
    return NULL;
}

struct err *
journal_wait_person(struct journal *j, const struct journal_person *p)
{
    TRY(write_line(j, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:b}", "waits", "person",
                          "step", p->step, "text", p->text, "done", p->done, "what", p->what,
                          "boot", p->boot, "restart", p->restart_due)));
    TRY(journal_keep_person(j, p));
    return NULL;
}

struct err *
journal_end(struct journal *j, const char *outcome)
{
    TRY(write_line(j, json_pack("{s:s}", "end", outcome)));
    free(j->outcome);
    j->outcome = strdup(outcome);
    return j->outcome == NULL ? fail(OutOfMemory) : NULL;
}

void
journal_watch(struct journal *j, struct err *(*written)(void *arg), void *arg)
{
    j->written = written;
    j->arg = arg;
}

/* ---- what it holds ---- */

const char *
journal_id(const struct journal *j)
{
    return j->id;
}

const char *
journal_target(const struct journal *j)
{
    return j->target;
}

const char *
journal_code(const struct journal *j)
{
    return j->code;
}

const char *
journal_outcome(const struct journal *j)
{
    return j->outcome;
}

bool
journal_waits(const struct journal *j)
{
    return j->waits && j->outcome == NULL;
}

const struct journal_person *
journal_person(const struct journal *j)
{
    return j->waits_person && j->outcome == NULL ? &j->person : NULL;
}

size_t
journal_nwaits(const struct journal *j)
{
    return j->nwaited;
}

const struct journal_wait *
journal_wait_at(const struct journal *j, size_t i)
{
    return &j->waited[i];
}

size_t
journal_entries(const struct journal *j)
{
    return j->n;
}

const struct journal_entry *
journal_entry(const struct journal *j, size_t i)
{
    return &j->entries[i];
}

void
journal_free(struct journal *j)
{
    if (j == NULL)
        return;
    for (size_t i = 0; i < j->n; i++) {
        free(j->entries[i].step);
        free(j->entries[i].result);
        json_decref(j->entries[i].before);
        action_done(&j->entries[i].action);
    }
    for (size_t i = 0; i < j->nwaited; i++)
        free(j->waited[i].boot);
    free_texts(j->person_text);
    record_free(j->file);
    free(j->path);
    free(j->target);
    free(j->code);
    free(j->outcome);
    free(j);
}
