/* SPDX-License-Identifier: MIT */

#include "core/look/peek.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "core/backend/eventfd.h"
#include "core/look/ask_priv.h"
#include "core/look/trace.h"
#include "core/loop/posts.h"
#include "core/loop/registry.h"
#include "core/process/fork.h"
#include "core/stack/probe.h"
#include "core/task/sched_priv.h"

#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define PEEK_SIGNAL SIGURG
#define FRAMES_UNSEEN 8 /* at most: the handler's own, and the kernel's way into it */

/* IDLE -> ASKED by who looks; -> ANSWERING -> ANSWERED by the handler, or back to IDLE by who
 * looks, who is tired of waiting. */
enum peek_state { PEEK_IDLE, PEEK_ASKED, PEEK_ANSWERING, PEEK_ANSWERED };

#define PEEK_PATIENCE (100 * WEFT_MS)
#define PEEK_ASKERS 4 /* that nobody has attended to; more are not heard */

struct wf_peek {
    struct wf_sched *sched;
    int wake_fd;
    _Atomic uint64_t askers[PEEK_ASKERS]; /* see asker_pack(); 0: none */
    pthread_t thread;
    long tid;
    clockid_t cpu_clock;
    _Atomic int state; /* enum peek_state; `answer` is the handler's while ANSWERING */
    struct wf_peek_answer answer;
};

/* Races on purpose, and says so to the thread sanitizer. */
#if defined(__clang__)
#define PEEK_UNSEEN __attribute__((disable_sanitizer_instrumentation))
#else
#define PEEK_UNSEEN __attribute__((no_sanitize_thread))
#endif

static _Thread_local struct wf_peek *peek_self
    __attribute__((tls_model("initial-exec"))); /* the handler must not allocate it */

/* The threads with a peek; below 0: it retires, and is not counted any more.  The signal of another
 * process comes to any thread; its handler passes the question on to each of these. */
#define PEEK_COUNT_MAX WF_REGISTRY_SLOTS
static _Atomic long peek_tids[PEEK_COUNT_MAX];
static _Atomic uint32_t peek_passing; /* handlers that pass one on, and may have read a number */

static pthread_once_t peek_once = PTHREAD_ONCE_INIT;
static struct sigaction peek_before;

/* ---- on the thread that is looked at ---- */

static void *interrupted_at(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (void *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#else
    return (void *)(uintptr_t)context->uc_mcontext.pc;
#endif
}

/* Not in a static program: there the unwinder, before gcc 13, takes a lock, which whoever is
 * interrupted in it holds. */
static bool walk_takes_no_lock(void)
{
#if __GNUC__ >= 13
    return true;
#else
    extern const char _DYNAMIC[] __attribute__((weak));
    return _DYNAMIC != NULL;
#endif
}

struct peek_walk {
    void *frames[FRAMES_UNSEEN + WF_PEEK_FRAMES];
};

static void peek_walk(void *arg)
{
    struct peek_walk *walk = arg;
    (void)backtrace(walk->frames, FRAMES_UNSEEN + WF_PEEK_FRAMES);
}

/* Those of who was interrupted at `pc`.  What a fault has cut off counts as far as it came. */
static void peek_frames(struct wf_peek_answer *answer, void *pc)
{
    struct peek_walk walk = {.frames = {NULL}};
    void **frame = walk.frames, **end = frame + FRAMES_UNSEEN + WF_PEEK_FRAMES;
    answer->frames[answer->frame_count++] = pc;
    if (walk_takes_no_lock())
        (void)wf_probe_run(peek_walk, &walk);
    while (frame < end && *frame != pc)
        frame++;
    for (frame++; frame < end && *frame != NULL && answer->frame_count < WF_PEEK_FRAMES; frame++)
        answer->frames[answer->frame_count++] = *frame;
}

static void peek_answer(struct wf_peek *peek, const ucontext_t *context)
{
    const wf_task *task = peek->sched->current;
    struct wf_peek_answer *answer = &peek->answer;
    *answer = (struct wf_peek_answer){0};
    if (task != NULL) {
        wf_task_name(task, answer->name, sizeof answer->name);
        answer->site = wf_task_site(task);
    }
    peek_frames(answer, interrupted_at(context));
}

/* Passed on: pid, above it the question's number, whether there is one, and how many loops are
 * asked, which is not how many there are when one answers: a loop may begin meanwhile. */
static uint64_t asker_pack(int pid, uint32_t loop_count, uint64_t asker)
{
    return (uint64_t)(loop_count << 1 | wf_ask_has_question(asker)) << 48 |
           (uint64_t)wf_ask_number(asker) << 32 | (uint32_t)pid;
}

/* Those that a question is passed on to, and so many answer: a loop that begins meanwhile is not
 * among them, and one that ends is still there until it is passed on. */
struct peek_hearers {
    uint64_t slots[PEEK_COUNT_MAX / 64]; /* a bit for each */
    uint32_t count;
};

static void find_hearers(struct peek_hearers *out)
{
    *out = (struct peek_hearers){.count = 0};
    for (uint32_t i = 0; i < PEEK_COUNT_MAX; i++) {
        if (atomic_load(&peek_tids[i]) > 0) {
            out->slots[i / 64] |= (uint64_t)1 << i % 64;
            out->count++;
        }
    }
}

/* What another process sends comes to any thread; passed on, its pid is negative. */
static void queue_to_all(uint64_t asker)
{
    struct peek_hearers hearers;
    siginfo_t info = {.si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_uid = geteuid();
    atomic_fetch_add(&peek_passing, 1);
    find_hearers(&hearers);
    info.si_value.sival_ptr =
        (void *)(uintptr_t)asker_pack(-wf_ask_pid(asker), hearers.count, asker);
    for (uint32_t i = 0; i < PEEK_COUNT_MAX; i++) {
        if ((hearers.slots[i / 64] >> i % 64 & 1) != 0)
            (void)syscall(SYS_rt_tgsigqueueinfo, getpid(), labs(atomic_load(&peek_tids[i])),
                          PEEK_SIGNAL, &info);
    }
    atomic_fetch_sub(&peek_passing, 1);
}

static void note_asker(struct wf_peek *peek, uint64_t asker)
{
    for (int i = 0; i < PEEK_ASKERS; i++) {
        uint64_t none = 0;
        if (atomic_compare_exchange_strong(&peek->askers[i], &none, asker))
            break;
    }
    wf_eventfd_signal(peek->wake_fd);
}

static void on_question(uint64_t asker)
{
    int pid = wf_ask_pid(asker);
    if (pid > 0)
        queue_to_all(asker);
    else if (pid < 0 && pid != INT32_MIN && peek_self != NULL)
        note_asker(peek_self, (asker & ~(uint64_t)UINT32_MAX) | (uint32_t)-pid);
}

static void on_peek(int signal_number, siginfo_t *info, void *context)
{
    int before = errno;
    struct wf_peek *peek = peek_self;
    int asked = PEEK_ASKED;
    if (info->si_code == SI_QUEUE)
        on_question((uintptr_t)info->si_value.sival_ptr);
    else if (peek != NULL && atomic_compare_exchange_strong(&peek->state, &asked, PEEK_ANSWERING)) {
        peek_answer(peek, context);
        atomic_store_explicit(&peek->state, PEEK_ANSWERED, memory_order_release);
    } else if ((peek_before.sa_flags & SA_SIGINFO) != 0) {
        peek_before.sa_sigaction(signal_number, info, context);
    } else if (peek_before.sa_handler != SIG_DFL && peek_before.sa_handler != SIG_IGN) {
        peek_before.sa_handler(signal_number);
    }
    errno = before;
}

static void install_handler(void)
{
    struct sigaction ours = {.sa_sigaction = on_peek,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigemptyset(&ours.sa_mask);
    sigaction(PEEK_SIGNAL, &ours, &peek_before);
}

static void tid_change(long from, long to)
{
    for (uint32_t i = 0; i < PEEK_COUNT_MAX; i++) {
        long expected = from;
        if (atomic_compare_exchange_strong(&peek_tids[i], &expected, to))
            return;
    }
}

int wf_peek_new(struct wf_peek **out, struct wf_sched *sched, int wake_fd)
{
    struct wf_peek *peek = wf_alloc(sizeof *peek);
    if (peek == NULL)
        return -ENOMEM;
    peek->sched = sched;
    peek->thread = pthread_self();
    peek->tid = gettid();
    peek->wake_fd = wake_fd;
    tid_change(0, peek->tid);
    pthread_getcpuclockid(peek->thread, &peek->cpu_clock);
    peek_self = peek;
    pthread_once(&peek_once, install_handler);
    *out = peek;
    return 0;
}

/* What is sent to us by then comes at the latest with the last of these calls. */
void wf_peek_retire(struct wf_peek *peek)
{
    tid_change(peek->tid, -peek->tid);
    do
        wf_sys_thread_yield();
    while (atomic_load(&peek_passing) != 0);
    tid_change(-peek->tid, 0);
    wf_sys_thread_yield();
}

void wf_peek_free(struct wf_peek *peek)
{
    if (peek == NULL)
        return;
    tid_change(peek->tid, 0);
    peek_self = NULL;
    atomic_signal_fence(memory_order_seq_cst); /* the handler sees that before the memory goes */
    wf_free(peek);
}

void wf_peek_after_fork(void)
{
    peek_self = NULL;
    atomic_store_explicit(&peek_passing, 0, memory_order_relaxed);
    for (uint32_t i = 0; i < PEEK_COUNT_MAX; i++)
        atomic_store_explicit(&peek_tids[i], 0, memory_order_relaxed);
}

/* ---- on the thread that looks ---- */

bool wf_peek_take_asker(struct wf_peek *peek, struct wf_peek_asker *out)
{
    uint64_t asker = 0;
    for (int i = 0; i < PEEK_ASKERS && asker == 0; i++)
        asker = atomic_exchange_explicit(&peek->askers[i], 0, memory_order_acquire);
    *out = (struct wf_peek_asker){
        .pid = (int)(uint32_t)asker,
        .loop_count = (int)(asker >> 49),
        .number = wf_ask_number(asker),
        .has_question = (asker >> 48 & 1) != 0,
    };
    return asker != 0;
}

bool wf_peek_is_asked(const struct wf_peek *peek)
{
    for (int i = 0; i < PEEK_ASKERS; i++) {
        if (atomic_load_explicit(&peek->askers[i], memory_order_relaxed) != 0)
            return true;
    }
    return false;
}

weft_time wf_peek_cpu(const struct wf_peek *peek)
{
    struct timespec used;
    if (clock_gettime(peek->cpu_clock, &used) < 0)
        return 0;
    return used.tv_sec * WEFT_SEC + used.tv_nsec;
}

/* Calls that are known to take their time, and whether the kernel begins them again after a handler
 * (signal(7)). */
static const struct peek_call {
    long number;
    const char *name;
    bool goes_on;
} peek_calls[] = {
#ifdef SYS_poll
    {SYS_poll, "poll", false},
    {SYS_select, "select", false},
    {SYS_epoll_wait, "epoll_wait", false},
    {SYS_open, "open", true},
#endif
    {SYS_clock_nanosleep, "clock_nanosleep", false},
    {SYS_close, "close", true},
    {SYS_epoll_pwait, "epoll_pwait", false},
    {SYS_fcntl, "fcntl", true},
    {SYS_fdatasync, "fdatasync", true},
    {SYS_flock, "flock", true},
    {SYS_fsync, "fsync", true},
    {SYS_futex, "futex", true},
    {SYS_getdents64, "getdents64", true},
    {SYS_nanosleep, "nanosleep", false},
    {SYS_openat, "openat", true},
    {SYS_ppoll, "ppoll", false},
    {SYS_pread64, "pread64", true},
    {SYS_pselect6, "pselect6", false},
    {SYS_pwrite64, "pwrite64", true},
    {SYS_read, "read", false}, /* like the socket calls below: not with SO_RCVTIMEO */
    {SYS_write, "write", false},
    {SYS_accept4, "accept4", false},
    {SYS_connect, "connect", false},
    {SYS_recvfrom, "recvfrom", false},
    {SYS_recvmsg, "recvmsg", false},
    {SYS_sendmsg, "sendmsg", false},
    {SYS_sendto, "sendto", false},
    {SYS_wait4, "wait4", true},
    {SYS_waitid, "waitid", true},
};

static void place_of_call(long number, struct wf_peek_place *out)
{
    out->where = WF_PEEK_IN_TENDER_CALL;
    snprintf(out->text, sizeof out->text, "in system call %ld", number);
    for (size_t i = 0; i < sizeof peek_calls / sizeof peek_calls[0]; i++) {
        if (peek_calls[i].number != number)
            continue;
        if (peek_calls[i].goes_on)
            out->where = WF_PEEK_IN_CALL;
        snprintf(out->text, sizeof out->text, "in system call %s", peek_calls[i].name);
    }
}

/* The kernel says "running", or the number of the call and more. */
void wf_peek_find(const struct wf_peek *peek, struct wf_peek_place *out)
{
    char path[64], text[32] = "";
    *out = (struct wf_peek_place){WF_PEEK_RUNS, "running"};
    snprintf(path, sizeof path, "/proc/self/task/%ld/syscall", peek->tid);
    int fd = wf_sys_open(path, O_RDONLY, 0);
    if (fd < 0)
        return;
    ssize_t len = wf_sys_read(fd, text, sizeof text - 1);
    (void)wf_sys_close(fd);
    if (len > 0 && text[0] >= '0' && text[0] <= '9')
        place_of_call(strtol(text, NULL, 10), out);
}

static int peek_state(struct wf_peek *peek)
{
    return atomic_load_explicit(&peek->state, memory_order_acquire);
}

/* An answer takes some 20 us, if the thread has a processor. */
static void peek_pause(weft_time pause)
{
    struct timespec moment = {.tv_nsec = pause};
    nanosleep(&moment, NULL);
}

static bool peek_interrupt(struct wf_peek *peek)
{
    weft_time pause = 10 * WEFT_US, waited = 0;
    wf_trace_prepare(); /* a handler cannot load a library */
    atomic_store_explicit(&peek->state, PEEK_ASKED, memory_order_release);
    if (pthread_kill(peek->thread, PEEK_SIGNAL) != 0)
        return false;
    while (waited < PEEK_PATIENCE && peek_state(peek) == PEEK_ASKED) {
        peek_pause(pause);
        waited += pause;
        pause = pause < WEFT_MS ? 2 * pause : pause;
    }
    int asked = PEEK_ASKED;
    if (atomic_compare_exchange_strong(&peek->state, &asked, PEEK_IDLE))
        return false;
    while (peek_state(peek) == PEEK_ANSWERING)
        peek_pause(pause);
    atomic_store_explicit(&peek->state, PEEK_IDLE, memory_order_relaxed);
    return true;
}

/* Records and names stay where they are while a loop runs, and a site is a literal, so the worst is
 * that of a task that has just ended. */
PEEK_UNSEEN static const char *peek_site(const struct wf_peek *peek)
{
    struct wf_peek_run run;
    if (wf_peek_run(peek->sched, &run) != WF_PEEK_TASK)
        return NULL;
    /* It is in a system call: what it is does not change meanwhile. */
    const wf_task *task = *(wf_task *const volatile *)&peek->sched->current;
    return run.site == NULL && task != NULL ? wf_task_site(task) : run.site;
}

PEEK_UNSEEN enum wf_peek_who wf_peek_run(const struct wf_sched *sched, struct wf_peek_run *out)
{
    const wf_task *task = *(wf_task *const volatile *)&sched->current;
    *out = (struct wf_peek_run){0};
    if (task == NULL)
        return wf_posts_is_asleep(sched->loop) ? WF_PEEK_NOBODY : WF_PEEK_LOOP;
    out->id = *(const volatile uint64_t *)&task->id;
    /* In this order: what is not named yet may be by now, then its name is taken for its site. */
    bool is_named = (*(const volatile uint8_t *)&task->flags & WF_TASK_NAMED) != 0;
    atomic_thread_fence(memory_order_acquire);
    out->site = is_named ? NULL : *(const char *const volatile *)&task->site;
    return WF_PEEK_TASK;
}

void wf_peek_ask(struct wf_peek *peek, enum wf_peek_where where, struct wf_peek_answer *out)
{
    *out = (struct wf_peek_answer){.frame_count = 0};
    if (where != WF_PEEK_IN_TENDER_CALL && peek_interrupt(peek)) {
        *out = peek->answer;
    } else {
        out->site = peek_site(peek);
        if (out->site != NULL)
            snprintf(out->name, sizeof out->name, "%.*s", (int)strcspn(out->site, " "), out->site);
    }
    if (out->site == NULL) {
        snprintf(out->name, sizeof out->name, "(none)");
        out->site = "(a callback)";
    }
}
