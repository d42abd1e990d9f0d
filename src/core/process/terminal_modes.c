/* SPDX-License-Identifier: MIT */

/* Changed modes of terminals, and the ways out on which they are given back. */

#include "core/process/terminal_priv.h"

#include "core/process/fork.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Written with `modes_lock`, read by signal handlers on any thread: what a slot holds is set before
 * `is_taken` is, and stays while it is.
 */
struct modes_slot {
    _Atomic bool is_taken;
    int fd;
    pid_t pid; /* a child of a fork has no part in it */
    struct termios before, during;
};

static struct modes_slot modes_slots[WEFT_TERMINALS_MAX];
static pthread_mutex_t modes_lock = PTHREAD_MUTEX_INITIALIZER;

static const int modes_fatal[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT,
                                  SIGBUS,  SIGFPE,  SIGUSR1, SIGSEGV, SIGUSR2, SIGALRM,
                                  SIGTERM, SIGXCPU, SIGXFSZ, SIGSYS};
#define MODES_FATAL_COUNT (sizeof modes_fatal / sizeof modes_fatal[0])

/* ---- in handlers: async-signal-safe calls only ---- */

/* Setting modes from the background would stop us, or, with SIGTTOU held back, change the terminal
 * under who has it now.  One that is not ours to share has no foreground. */
static bool modes_are_ours(const struct modes_slot *slot)
{
    if (!atomic_load_explicit(&slot->is_taken, memory_order_acquire) || slot->pid != getpid())
        return false;
    pid_t front = tcgetpgrp(slot->fd);
    return front < 0 || front == getpgrp();
}

/* Newest first, so that of several on one terminal the oldest's is what stays. */
void wf_terminals_give_back(void)
{
    int errno_before = errno;
    for (int i = WEFT_TERMINALS_MAX - 1; i >= 0; i--)
        if (modes_are_ours(&modes_slots[i]))
            tcsetattr(modes_slots[i].fd, TCSANOW, &modes_slots[i].before);
    errno = errno_before;
}

static void modes_take_again(void)
{
    for (int i = 0; i < WEFT_TERMINALS_MAX; i++)
        if (modes_are_ours(&modes_slots[i]))
            tcsetattr(modes_slots[i].fd, TCSANOW, &modes_slots[i].during);
}

/* What the signal does by default, here and now; returns if that is a stop that is over. */
static void modes_do_default(int number)
{
    struct sigaction by_default = {.sa_handler = SIG_DFL}, ours;
    sigset_t set, held;
    sigaction(number, &by_default, &ours);
    sigemptyset(&set);
    sigaddset(&set, number);
    raise(number);
    pthread_sigmask(SIG_UNBLOCK, &set, &held); /* here it happens */
    pthread_sigmask(SIG_SETMASK, &held, NULL);
    sigaction(number, &ours, NULL);
}

static void on_fatal(int number)
{
    wf_terminals_give_back();
    modes_do_default(number);
}

static void on_stop(int number)
{
    int errno_before = errno;
    wf_terminals_give_back();
    modes_do_default(number);
    modes_take_again();
    errno = errno_before;
}

static void on_continue(int number)
{
    int errno_before = errno;
    (void)number;
    modes_take_again();
    errno = errno_before;
}

/* ---- who handles ---- */

static void modes_handle(int number, void (*handler)(int))
{
    struct sigaction present, ours = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigfillset(&ours.sa_mask);
    sigaction(number, NULL, &present);
    if ((present.sa_flags & SA_SIGINFO) == 0 && present.sa_handler == SIG_DFL)
        sigaction(number, &ours, NULL);
}

static void modes_unhandle(int number, void (*handler)(int))
{
    struct sigaction present, by_default = {.sa_handler = SIG_DFL};
    sigaction(number, NULL, &present);
    if ((present.sa_flags & SA_SIGINFO) == 0 && present.sa_handler == handler)
        sigaction(number, &by_default, NULL);
}

static void modes_for_each_signal(void (*fn)(int number, void (*handler)(int)))
{
    for (size_t i = 0; i < MODES_FATAL_COUNT; i++)
        fn(modes_fatal[i], on_fatal);
    fn(SIGTSTP, on_stop);
    fn(SIGCONT, on_continue);
}

/* The parent gives them back; who held the lock may be gone. */
void wf_terminals_after_fork(void)
{
    modes_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    for (size_t i = 0; i < WEFT_TERMINALS_MAX; i++)
        atomic_store_explicit(&modes_slots[i].is_taken, false, memory_order_relaxed);
}

static void modes_at_exit(void)
{
    (void)atexit(wf_terminals_give_back);
}

/* ---- slots ---- */

static unsigned modes_count(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < WEFT_TERMINALS_MAX; i++)
        count += atomic_load_explicit(&modes_slots[i].is_taken, memory_order_relaxed);
    return count;
}

/* With the lock held.  In order: later ones are given back first. */
static int modes_find_slot(void)
{
    int number = WEFT_TERMINALS_MAX;
    while (number > 0 && !atomic_load(&modes_slots[number - 1].is_taken))
        number--;
    return number < WEFT_TERMINALS_MAX ? number : -EMFILE;
}

/* The slot is taken first and the modes are set then: a signal in between finds it. */
static int modes_take(int number, int fd, const struct termios *mode)
{
    struct modes_slot *slot = &modes_slots[number];
    if (tcgetattr(fd, &slot->before) < 0)
        return -ENOTTY;
    slot->fd = fd;
    slot->pid = getpid();
    slot->during = *mode;
    if (modes_count() == 0)
        modes_for_each_signal(modes_handle);
    atomic_store_explicit(&slot->is_taken, true, memory_order_release);
    return tcsetattr(fd, TCSANOW, mode) == 0 ? number : -errno;
}

static void modes_drop(int number)
{
    atomic_store_explicit(&modes_slots[number].is_taken, false, memory_order_release);
    if (modes_count() == 0)
        modes_for_each_signal(modes_unhandle);
}

int wf_terminal_take(int fd, const struct termios *mode)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, modes_at_exit);
    pthread_mutex_lock(&modes_lock);
    int number = modes_find_slot();
    int rc = number < 0 ? number : modes_take(number, fd, mode);
    if (number >= 0 && rc < 0)
        modes_drop(number);
    pthread_mutex_unlock(&modes_lock);
    return rc;
}

void wf_terminal_give_back(int number)
{
    struct modes_slot *slot = &modes_slots[number];
    pthread_mutex_lock(&modes_lock);
    if (modes_are_ours(slot))
        tcsetattr(slot->fd, TCSANOW, &slot->before);
    modes_drop(number);
    pthread_mutex_unlock(&modes_lock);
}
