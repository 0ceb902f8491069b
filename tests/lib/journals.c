/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codes.h"
#include "journals.h"

char journals[64];

int
journals_set_up(void **state)
{
    const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

    (void)state;
    (void)snprintf(journals, sizeof(journals), "%s/firn-journals-XXXXXX", place);
    return mkdtemp(journals) != NULL ? 0 : -1;
}

void
journals_empty(const char *path)
{
    DIR *d = opendir(path);
    char name[512];

    for (const struct dirent *f; d != NULL && (f = readdir(d)) != NULL;) {
        (void)snprintf(name, sizeof(name), "%s/%s", path, f->d_name);
        (void)unlink(name); /* the entries . and .. stay */
    }
    if (d != NULL)
        (void)closedir(d);
}

int
journals_tear_down(void **state)
{
    (void)state;
    journals_empty(journals);
    return rmdir(journals);
}

unsigned long
journals_times(unsigned long usual)
{
    return getenv("FIRN_SOAK") != NULL ? usual * 20
        : getenv("FIRN_SLOW_BUILD") != NULL ? usual / 10 + 1 : usual;
}

struct err *
kill_line(struct kill_at *k)
{
    if (k->fault == NULL || ++k->lines < k->after)
        return NULL;
    target_fault_cut(k->fault);
    return fail(Interrupted);
}
