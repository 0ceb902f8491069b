/* SPDX-License-Identifier: Apache-2.0 */
/* fake_agent.h -- a guest agent in a process of its own, whose guest can be frozen: in memory,
 * so that its time can be taken whoever is killed meanwhile.
 *
 * It serves one client at a time, as QEMU does, and tells the test of each step by a letter:
 * C a client came; F asked to freeze, f froze; T asked to thaw, t thawed. */
#ifndef FAKE_AGENT_H
#define FAKE_AGENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What the agent does wrong with one command. */
enum fake_odd {
    ODD_NOT,
    ODD_LATE,      /* does it and answers when something else is asked */
    ODD_MUTE,      /* does it and never answers */
    ODD_HALF,      /* does it and sends half an answer */
    ODD_OTHER_ID,  /* does it and answers another question */
    ODD_NO_JSON,   /* does it and sends nonsense */
    ODD_FLOOD,     /* does it and sends 1 MiB of answers to others */
    ODD_OVERSIZED, /* does it and sends a line of 5 MiB */
    ODD_CLOSE,     /* does it and hangs up */
    ODD_REFUSE,    /* does not do it, and says so */
    ODD_DEAF,      /* neither does it nor answers */
    ODD_LIE        /* does not do it, and says 0 (the status: "thawed") */
};

struct fake_shared {
    _Atomic int frozen, freezes, thaws; /* now; how often */
    _Atomic int64_t froze_ns, thawed_ns;
    _Atomic int client; /* process number of the last */
    _Atomic int wait_freeze, wait_thaw; /* before doing it, once, until fake_agent_go */
    _Atomic int odd, odd_times;
    char odd_command[40]; /* as it is spelled after "guest-" */
    _Atomic int no_freeze;  /* its configuration forbids to freeze */
    _Atomic int mounts; /* file systems that it can freeze */
    /* An extension in the guest: what it prints when it is asked to prepare, and to freeze; the
     * latter with exit status 1, at once.  "": there is none, and no guest-exec. */
    char prepare[400], helper_freeze[400];
    char resumed[400]; /* and when it is asked whether applications went on */
    _Atomic int busy;  /* so often it says first that they have not yet */
};

struct fake_agent {
    pid_t pid;
    struct fake_shared *s;
    int events, go;
};

/* It listens on ${path} when this returns. */
void fake_agent_start(struct fake_agent *a, const char *path);
/* Does ${command} wrong, ${times} times. */
void fake_agent_odd(struct fake_agent *a, const char *command, enum fake_odd odd, int times);
/* False when the letter did not come by then; letters before it are dropped. */
bool fake_agent_saw(struct fake_agent *a, char letter, int64_t ms);
void fake_agent_go(struct fake_agent *a);
/* Thaw, as somebody in the guest would. */
void fake_agent_thaw(struct fake_agent *a);
void fake_agent_stop(struct fake_agent *a);

#endif
