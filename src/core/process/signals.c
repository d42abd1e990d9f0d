/* SPDX-License-Identifier: MIT */

#include <weft/signal.h>

#include "core/process/signals_priv.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "core/loop/posts.h"
#include "core/loop/registry.h"
#include "core/process/fork.h"
#include "core/process/terminal_priv.h"
#include "core/task/sched_priv.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define SIGNAL_COUNT 65      /* 1 … 64 */
#define SIGNAL_UNHEARD_MAX 2 /* more than these without the loop having looked: it is stuck */
#define SIGNAL_SAME (100 * WEFT_MS) /* timeout(1) asks a process and then its group */

/*
 * What the handler needs, one slot a signal, for the process.  A slot belongs to one loop, from
 * slot_claim to slot_release; both run under `signal_lock`.  The handler reads loop_number and
 * changes `unheard` and `same_until`, nothing else: whoever makes `unheard` 1 posts `msg`, whose
 * run makes it 0 again, so the message is never posted while it is on its way.
 */
struct signal_slot {
    _Atomic uint32_t loop_number; /* see registry.h; 0: nobody's */
    _Atomic uint32_t unheard;     /* arrivals that the loop has not looked at */
    _Atomic weft_time same_until; /* in real time: the loop's clock may stand as the loop does */
    weft_msg msg;
    struct sigaction before;
};

static struct signal_slot signal_slots[SIGNAL_COUNT];
static pthread_mutex_t signal_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t signal_loops; /* that want SIGPIPE ignored */
static struct sigaction signal_pipe_before;

/* Of one loop. */
struct wf_signals {
    sigset_t held_before; /* by the loop's thread, when the run began */
    bool is_interrupted;  /* SIGINT or SIGTERM has come once */
    bool is_kept[SIGNAL_COUNT];
    weft_time same_until[SIGNAL_COUNT]; /* of those that end a run: what comes before is the same */
    weft_waitq waiters[SIGNAL_COUNT];
};

/* ---- in the handler: async-signal-safe calls only ---- */

static void signal_do_default(int number)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t set;
    wf_terminals_give_back();
    sigaction(number, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, number);
    raise(number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* here it happens */
}

static bool signal_ends_runs(int number)
{
    return number == SIGINT || number == SIGTERM;
}

/* Of several threads that handle one at a time one counts. */
static bool slot_is_same(struct signal_slot *slot)
{
    weft_time now = weft_platform_host.now();
    weft_time until = atomic_load_explicit(&slot->same_until, memory_order_relaxed);
    return now < until ||
           !atomic_compare_exchange_strong(&slot->same_until, &until, now + SIGNAL_SAME);
}

static void slot_arrived(struct signal_slot *slot, weft_loop *loop, int number)
{
    bool is_same = signal_ends_runs(number) && slot_is_same(slot);
    if (is_same && atomic_load_explicit(&slot->unheard, memory_order_relaxed) != 0)
        return; /* as one that the loop is still to look at */
    uint32_t unheard = atomic_fetch_add_explicit(&slot->unheard, 1, memory_order_acq_rel);
    if (unheard == 0)
        weft_post_msg(loop, &slot->msg);
    else if (unheard >= SIGNAL_UNHEARD_MAX && signal_ends_runs(number))
        signal_do_default(number);
}

static void on_signal(int number)
{
    int errno_before = errno;
    struct signal_slot *slot = &signal_slots[number];
    uint32_t loop_number = atomic_load_explicit(&slot->loop_number, memory_order_acquire);
    weft_loop *loop = loop_number != 0 ? wf_loop_ref(loop_number) : NULL;
    if (loop == NULL) { /* the child of a fork, or the very end of the run */
        signal_do_default(number);
    } else {
        slot_arrived(slot, loop, number);
        wf_loop_unref(loop_number);
    }
    errno = errno_before;
}

/* A handler holds its own signal back, or runs on the alternate stack. */
bool wf_signals_in_handler(const struct wf_sched *sched)
{
    stack_t stack;
    sigset_t held;
    if (sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_ONSTACK) != 0)
        return true;
    if (sched->signals == NULL || pthread_sigmask(SIG_BLOCK, NULL, &held) != 0)
        return false;
    for (int number = 1; number < SIGNAL_COUNT; number++)
        if (sigismember(&held, number) == 1 &&
            sigismember(&sched->signals->held_before, number) == 0)
            return true;
    return false;
}

/* ---- slots ---- */

static void slot_heard(weft_msg *msg)
{
    struct signal_slot *slot = wf_container(msg, struct signal_slot, msg);
    /* First: what comes from now on is a new burst with a message of its own. */
    atomic_store_explicit(&slot->unheard, 0, memory_order_release);
    wf_signals_arrive(wf_loop_current, (int)(slot - signal_slots));
}

static bool action_is_default(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) == 0 && action->sa_handler == SIG_DFL;
}

/* 0 if the slot is this loop's now.  `if_default`: only if the signal has its default action. */
static int slot_claim(uint32_t loop_number, int number, bool if_default)
{
    struct signal_slot *slot = &signal_slots[number];
    struct sigaction ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigfillset(&ours.sa_mask);
    int rc = 0;

    pthread_mutex_lock(&signal_lock);
    uint32_t owner = atomic_load_explicit(&slot->loop_number, memory_order_relaxed);
    if (owner == loop_number)
        goto out;
    rc = -EBUSY;
    if (owner != 0)
        goto out;
    rc = -EINVAL;
    if (sigaction(number, NULL, &slot->before) < 0)
        goto out;
    if (if_default && !action_is_default(&slot->before))
        goto out;
    slot->msg.fn = slot_heard;
    atomic_store_explicit(&slot->loop_number, loop_number, memory_order_release);
    rc = sigaction(number, &ours, NULL) < 0 ? -EINVAL : 0;
    if (rc < 0)
        atomic_store_explicit(&slot->loop_number, 0, memory_order_relaxed);
out:
    pthread_mutex_unlock(&signal_lock);
    return rc;
}

/* With the lock held: nobody handles the signal any more, and its message is not on its way. */
static void slot_release(weft_loop *loop, int number)
{
    struct signal_slot *slot = &signal_slots[number];
    sigaction(number, &slot->before, NULL);
    while (atomic_load_explicit(&slot->unheard, memory_order_acquire) != 0) {
        if (wf_posts_run(loop) == 0)
            wf_sys_thread_yield(); /* a handler on another thread is about to post */
    }
    atomic_store_explicit(&slot->loop_number, 0, memory_order_release);
}

void wf_signals_after_fork(void)
{
    signal_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER; /* its owner may be gone */
    for (int number = 1; number < SIGNAL_COUNT; number++) {
        struct signal_slot *slot = &signal_slots[number];
        if (atomic_load_explicit(&slot->loop_number, memory_order_relaxed) == 0)
            continue;
        sigaction(number, &slot->before, NULL);
        atomic_store_explicit(&slot->unheard, 0, memory_order_relaxed);
        atomic_store_explicit(&slot->loop_number, 0, memory_order_relaxed);
    }
    if (signal_loops != 0 && action_is_default(&signal_pipe_before))
        sigaction(SIGPIPE, &signal_pipe_before, NULL);
    signal_loops = 0;
}

/* ---- SIGPIPE ---- */

void wf_signals_hold_pipe(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    pthread_mutex_lock(&signal_lock);
    if (signal_loops++ == 0) {
        sigaction(SIGPIPE, NULL, &signal_pipe_before);
        if (action_is_default(&signal_pipe_before)) /* who has a handler keeps it */
            sigaction(SIGPIPE, &ignore, NULL);
    }
    pthread_mutex_unlock(&signal_lock);
}

void wf_signals_release_pipe(void)
{
    pthread_mutex_lock(&signal_lock);
    if (--signal_loops == 0 && action_is_default(&signal_pipe_before))
        sigaction(SIGPIPE, &signal_pipe_before, NULL);
    pthread_mutex_unlock(&signal_lock);
}

/* ---- the run's side ---- */

int wf_signals_install(weft_loop *loop, bool keeps)
{
    struct wf_sched *sched = loop->sched;
    sched->signals = wf_alloc(sizeof *sched->signals);
    if (sched->signals == NULL)
        return -ENOMEM;
    pthread_sigmask(SIG_BLOCK, NULL, &sched->signals->held_before);
    if (sched->is_seeded)
        return 0; /* what happens there does not come from outside, see weft_sim_signal() */
    if (!keeps) {
        (void)slot_claim(wf_loop_number(loop), SIGINT, /* if_default= */ true);
        (void)slot_claim(wf_loop_number(loop), SIGTERM, /* if_default= */ true);
    }
    return 0;
}

void wf_signals_remove(weft_loop *loop)
{
    struct wf_sched *sched = loop->sched;
    if (sched->signals == NULL)
        return;
    if (!sched->is_seeded) {
        pthread_mutex_lock(&signal_lock);
        for (int number = 1; number < SIGNAL_COUNT; number++)
            if (signal_slots[number].loop_number == wf_loop_number(loop))
                slot_release(loop, number);
        pthread_mutex_unlock(&signal_lock);
    }
    wf_free(sched->signals);
    sched->signals = NULL;
}

/* Another arrival of one that has been taken. */
static bool signals_is_same(weft_loop *loop, struct wf_signals *signals, int number)
{
    weft_time now = weft_loop_now(loop);
    if (now < signals->same_until[number])
        return true;
    signals->same_until[number] = now + SIGNAL_SAME;
    return false;
}

static void signals_interrupt(weft_loop *loop, struct wf_signals *signals, int number)
{
    if (!signals->is_interrupted) {
        signals->is_interrupted = true;
        wf_run_interrupt(loop, weft_signal_name(number));
        return;
    }
    weft_dump(STDERR_FILENO);
    signal_do_default(number);
}

void wf_signals_arrive(weft_loop *loop, int number)
{
    struct wf_signals *signals = loop->sched != NULL ? loop->sched->signals : NULL;
    if (signals == NULL)
        return; /* simulated, and the run was over before it arrived */
    bool is_end = signal_ends_runs(number);
    if (is_end && signals_is_same(loop, signals, number))
        return;
    weft_waiter *waiter = weft_waitq_pop(&signals->waiters[number]);
    if (waiter == NULL) {
        if (is_end)
            signals_interrupt(loop, signals, number);
        else
            signals->is_kept[number] = true;
        return;
    }
    for (; waiter != NULL; waiter = weft_waitq_pop(&signals->waiters[number]))
        weft_wake(waiter, number);
}

/* ---- waiting ---- */

static const weft_wait_class signal_wait_class = {.what = "signal"};

/* By SIGURG the process is looked at (peek.c): whoever took it would hear that. */
static bool signal_can_be_waited_for(int number)
{
    return number > 0 && number < SIGNAL_COUNT && number != SIGKILL && number != SIGSTOP &&
           number != SIGSEGV && number != SIGBUS && number != SIGFPE && number != SIGILL &&
           number != SIGURG;
}

int weft_signal_wait(int number)
{
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    if (!signal_can_be_waited_for(number))
        return -EINVAL;
    struct wf_sched *sched = wf_sched_self();
    struct wf_signals *signals = sched->signals;
    if (!sched->is_seeded)
        rc = slot_claim(wf_loop_number(sched->loop), number, /* if_default= */ false);
    if (rc < 0)
        return rc;
    if (signals->is_kept[number]) {
        signals->is_kept[number] = false;
        return number;
    }
    weft_waiter self = WEFT_WAITER(&signal_wait_class, NULL);
    weft_waitq_push(&signals->waiters[number], &self);
    sched->loop->watch_count++;
    rc = weft_park(&self);
    sched->loop->watch_count--;
    return rc;
}

const char *weft_signal_name(int number)
{
    static const char *const names[] = {
        [SIGHUP] = "SIGHUP",     [SIGINT] = "SIGINT",   [SIGQUIT] = "SIGQUIT",
        [SIGILL] = "SIGILL",     [SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT",
        [SIGBUS] = "SIGBUS",     [SIGFPE] = "SIGFPE",   [SIGKILL] = "SIGKILL",
        [SIGUSR1] = "SIGUSR1",   [SIGSEGV] = "SIGSEGV", [SIGUSR2] = "SIGUSR2",
        [SIGPIPE] = "SIGPIPE",   [SIGALRM] = "SIGALRM", [SIGTERM] = "SIGTERM",
        [SIGCHLD] = "SIGCHLD",   [SIGCONT] = "SIGCONT", [SIGSTOP] = "SIGSTOP",
        [SIGTSTP] = "SIGTSTP",   [SIGTTIN] = "SIGTTIN", [SIGTTOU] = "SIGTTOU",
        [SIGWINCH] = "SIGWINCH",
    };
    bool is_known = number > 0 && number < (int)(sizeof names / sizeof names[0]);
    return is_known && names[number] != NULL ? names[number] : "SIG?";
}
