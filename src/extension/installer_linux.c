/* SPDX-License-Identifier: Apache-2.0 */
/* os_installer_wait on Linux: dpkg and apt hold record locks on files of theirs, which vanish
 * with the process that holds them.  The kernel names that process, and tells of its end; one
 * that lets go of the lock and lives on is seen at the next look. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "auto.h"
#include "os.h"

enum { LOOK_MS = 200 };

/* The process that holds one of the locks; 0: none, -1: one that has no number here. */
static pid_t
lock_holder(void)
{
    static const char *const locks[] = { "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock",
        "/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock" };

    for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++) {
        auto_fd int fd = open(locks[i], O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        struct flock f = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

        if (fd >= 0 && fcntl(fd, F_GETLK, &f) == 0 && f.l_type != F_UNLCK)
            return f.l_pid > 0 ? f.l_pid : -1;
    }
    return 0;
}

/* "apt-get (process 1234)" */
static void
name_of(pid_t pid, char who[OS_WHO_MAX])
{
    char path[64], name[32] = "";

    (void)snprintf(who, OS_WHO_MAX, "another process");
    if (pid <= 0)
        return;
    (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof(name) - 1);

    name[n > 0 ? n : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    (void)snprintf(who, OS_WHO_MAX, "%s (process %d)", name[0] != '\0' ? name : "a program",
        (int)pid);
}

/* Until it ends, or for a moment. */
static void
await(pid_t pid, struct deadline by)
{
    auto_fd int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    struct pollfd end = { .fd = fd, .events = POLLIN };

    (void)poll(&end, 1, deadline_poll_ms(deadline_first(by, deadline_in_ms(LOOK_MS))));
}

bool
os_installer_wait(struct deadline by, char who[OS_WHO_MAX])
{
    pid_t pid;

    while ((pid = lock_holder()) != 0) {
        name_of(pid, who);
        if (deadline_passed(by))
            return false;
        await(pid, by);
    }
    return true;
}
