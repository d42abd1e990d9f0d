/* SPDX-License-Identifier: MIT */

/* The host's processes: starting, signalling and reaping them. */

#include "core/platform/platform_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- starting ---- */

/* A descriptor below 3 would be overwritten while the three are put in their places: a copy above.
 * -1 stays. */
static int fd_above(int fd, int *out_copy)
{
    *out_copy = -1;
    if (fd < 0 || fd > 2)
        return fd;
    *out_copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return *out_copy < 0 ? -errno : *out_copy;
}

/* posix_spawn and its kin give positive error numbers. */
static int actions_fill(posix_spawn_file_actions_t *actions, const struct weft_process_plan *plan,
                        int copies[3])
{
    int rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++) {
        if (plan->fds[i] < 0)
            continue;
        int fd = fd_above(plan->fds[i], &copies[i]);
        rc = fd < 0 ? -fd : posix_spawn_file_actions_adddup2(actions, fd, i);
    }
    if (rc == 0 && plan->cwd != NULL)
        rc = posix_spawn_file_actions_addchdir_np(actions, plan->cwd);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(actions, 3);
#endif
    return rc;
}

static int attributes_fill(posix_spawnattr_t *attributes, const struct weft_process_plan *plan)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (plan->has_group)
        flags |= POSIX_SPAWN_SETPGROUP; /* to 0: its own */
    int rc = posix_spawnattr_setflags(attributes, flags);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(attributes, &none);
    return rc == 0 ? posix_spawnattr_setsigdefault(attributes, &all) : rc;
}

static int pidfd_open_of(int pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

int wf_host_process_start(const struct weft_process_plan *plan, int *out_pid, int *out_pidfd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int copies[3] = {-1, -1, -1};
    pid_t pid;

    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return -rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc != 0)
        goto out;
    rc = actions_fill(&actions, plan, copies);
    if (rc == 0)
        rc = attributes_fill(&attributes, plan);
    if (rc == 0) {
        char *const *env = plan->env != NULL ? (char *const *)(uintptr_t)plan->env : environ;
        char *const *argv = (char *const *)(uintptr_t)plan->argv;
        rc = posix_spawnp(&pid, argv[0], &actions, &attributes, argv, env);
    }
    posix_spawnattr_destroy(&attributes);
out:
    posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < 3; i++)
        if (copies[i] >= 0)
            close(copies[i]);
    if (rc != 0)
        return -rc;
    *out_pid = pid;
    *out_pidfd = plan->wants_pidfd ? pidfd_open_of(pid) : -1;
    return 0;
}

/* ---- the rest of its life ---- */

int wf_host_process_signal(int pid, bool is_group, int signal_number)
{
    return kill(is_group ? -pid : pid, signal_number) < 0 ? -errno : 0;
}

int wf_host_process_reap(int pid, bool waits, int *out_status)
{
    siginfo_t info = {0};
    int rc;
    do
        rc = waitid(P_PID, (id_t)pid, &info, WEXITED | (waits ? 0 : WNOHANG));
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return -errno;
    if (info.si_pid == 0)
        return -EAGAIN;
    *out_status = info.si_code == CLD_EXITED ? info.si_status : 256 + info.si_status;
    return 0;
}
