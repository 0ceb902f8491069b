/* SPDX-License-Identifier: Apache-2.0 */
/* journal_internal.h -- a run in memory, shared by writing and reading. */
#ifndef JOURNAL_INTERNAL_H
#define JOURNAL_INTERNAL_H

#include "journal.h"
#include "record.h"

enum { JOURNAL_PERSON_TEXTS = 5 };

struct journal {
    char id[JOURNAL_ID_LEN + 1];
    char *path, *target, *code, *outcome;
    struct record *file;
    size_t len; /* of the file's whole lines */
    bool broken, waits, waits_person;
    struct journal_person person;             /* of the last time that it waited so */
    char *person_text[JOURNAL_PERSON_TEXTS];  /* its texts in their order, owned */
    struct journal_entry entries[JOURNAL_ENTRIES_MAX];
    size_t n;
    struct journal_wait waited[JOURNAL_WAITS_MAX];
    size_t nwaited;
    struct err *(*written)(void *arg);
    void *arg;
};

bool journal_is_id(const char *s, size_t len);

/* Remember that it waits; those beyond JOURNAL_WAITS_MAX leave no trace but that. */
struct err *journal_keep_wait(struct journal *j, const char *boot, bool itself) must_use;

/* Remember that it waits for a person; ${p} is copied. */
struct err *journal_keep_person(struct journal *j, const struct journal_person *p) must_use;

/* It waits for nothing any more. */
void journal_goes_on(struct journal *j);

#endif
