/* SPDX-License-Identifier: Apache-2.0 */
/* hold SOCKET GUARD MS LEVEL MOUNT... -- a freeze window around nothing: freeze these mount
 * points of an agent's guest, print "holding", wait for the end of standard input, thaw, and
 * print "LEVEL frozen N by WORD own US" or the code of the failure.  GUARD is the program firn,
 * LEVEL the best level (3 application, 2 file-system). */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "codes.h"
#include "number.h"
#include "window.h"

static struct err *
wait_for_input(void *arg, struct deadline by)
{
    struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

    (void)arg;
    (void)puts("holding");
    (void)fflush(stdout);
    (void)poll(&p, 1, deadline_poll_ms(by));
    return NULL;
}

static void
show_line(void *to, const char *text)
{
    (void)to;
    (void)fprintf(stderr, "%s\n", text);
}

int
main(int argc, char **argv)
{
    struct window_options o = { .machine = "guest",
        .snapshot = wait_for_input };
    struct window_result r = { 0 };
    uint64_t ms, level;

    if (argc < 6 || !number_parse(argv[3], &ms) || !number_parse(argv[4], &level))
        return 2;
    for (unsigned l = WINDOW_CRASH; l <= level && l <= WINDOW_APPLICATION; l++)
        o.levels |= WINDOW_ALLOW(l);
    o.socket = argv[1];
    o.guard = argv[2];
    o.freeze_ms = (int64_t)ms;
    o.mounts = (const char *const *)argv + 5;
    struct err *e = window_run(&o, &r);
    if (e != NULL) {
        err_print(e, false, show_line, NULL);
        err_free(e);
        return 1;
    }
    (void)printf("%d frozen %u by %s own %lld\n", (int)r.level, r.frozen,
        window_held_word(r.held), (long long)r.own_ns / 1000);
    err_print(r.weaker, false, show_line, NULL);
    err_print(r.stuck, false, show_line, NULL);
    window_result_done(&r);
    return 0;
}
