/* SPDX-License-Identifier: MIT */

#include "core/probe.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "core/backend/eventfd.h"
#include "core/fork.h"
#include "core/sched_priv.h"

#include <dlfcn.h>
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
#include <unistd.h>

#define PROBE_SIGNAL SIGURG
#define FRAMES_UNSEEN 2 /* the handler's own, and the kernel's way into it */

/* IDLE -> ASKED by who looks; -> ANSWERING -> ANSWERED by the handler, or back to IDLE by who
 * looks, who is tired of waiting. */
enum probe_state { PROBE_IDLE, PROBE_ASKED, PROBE_ANSWERING, PROBE_ANSWERED };

#define PROBE_PATIENCE_MS 100

struct wf_probe {
    struct wf_sched *sched;
    int wake_fd;
    _Atomic int asked_by; /* a process, or 0 */
    pthread_t thread;
    long tid;
    clockid_t cpu_clock;
    _Atomic int state; /* enum probe_state; `answer` is the handler's while ANSWERING */
    struct wf_probe_answer answer;
};

/* Races on purpose, and says so to the thread sanitizer. */
#if defined(__clang__)
#define PROBE_UNSEEN __attribute__((disable_sanitizer_instrumentation))
#else
#define PROBE_UNSEEN __attribute__((no_sanitize_thread))
#endif

static _Thread_local struct wf_probe *probe_self
    __attribute__((tls_model("initial-exec"))); /* the handler must not allocate it */

/* The threads with a probe.  The signal of another process comes to any thread; its handler passes
 * the question on to each of these. */
#define PROBE_COUNT_MAX 64
static _Atomic long probe_tids[PROBE_COUNT_MAX];

static pthread_once_t probe_once = PTHREAD_ONCE_INIT;
static struct sigaction probe_before;

/* ---- on the thread that is looked at ---- */

static void probe_answer(struct wf_probe *probe)
{
    const wf_task *task = probe->sched->current;
    struct wf_probe_answer *answer = &probe->answer;
    *answer = (struct wf_probe_answer){0};
    void *frames[WF_PROBE_FRAMES + FRAMES_UNSEEN];
    int count = backtrace(frames, WF_PROBE_FRAMES + FRAMES_UNSEEN) - FRAMES_UNSEEN;
    if (count > 0) {
        memcpy(answer->frames, frames + FRAMES_UNSEEN, (size_t)count * sizeof frames[0]);
        answer->frame_count = count;
    }
    if (task != NULL) {
        wf_task_name(task, answer->name, sizeof answer->name);
        answer->site = task->site;
    }
}

/* The question of another process carries its pid; passed on, the same negative. */
static void queue_to_all(int pid)
{
    siginfo_t info = {.si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_uid = geteuid();
    info.si_value.sival_int = -pid;
    for (int i = 0; i < PROBE_COUNT_MAX; i++) {
        long tid = atomic_load_explicit(&probe_tids[i], memory_order_relaxed);
        if (tid != 0)
            (void)syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, PROBE_SIGNAL, &info);
    }
}

static void on_question(int pid)
{
    struct wf_probe *probe = probe_self;
    if (pid > 0) {
        queue_to_all(pid);
    } else if (pid < 0 && probe != NULL) {
        atomic_store_explicit(&probe->asked_by, -pid, memory_order_release);
        wf_eventfd_signal(probe->wake_fd);
    }
}

static void on_probe(int signal_number, siginfo_t *info, void *context)
{
    int before = errno;
    struct wf_probe *probe = probe_self;
    int asked = PROBE_ASKED;
    if (info->si_code == SI_QUEUE)
        on_question(info->si_value.sival_int);
    else if (probe != NULL &&
             atomic_compare_exchange_strong(&probe->state, &asked, PROBE_ANSWERING)) {
        probe_answer(probe);
        atomic_store_explicit(&probe->state, PROBE_ANSWERED, memory_order_release);
    } else if ((probe_before.sa_flags & SA_SIGINFO) != 0) {
        probe_before.sa_sigaction(signal_number, info, context);
    } else if (probe_before.sa_handler != SIG_DFL && probe_before.sa_handler != SIG_IGN) {
        probe_before.sa_handler(signal_number);
    }
    errno = before;
}

static void install_handler(void)
{
    struct sigaction ours = {.sa_sigaction = on_probe,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigemptyset(&ours.sa_mask);
    sigaction(PROBE_SIGNAL, &ours, &probe_before);
}

static void tid_change(long from, long to)
{
    for (int i = 0; i < PROBE_COUNT_MAX; i++) {
        long expected = from;
        if (atomic_compare_exchange_strong(&probe_tids[i], &expected, to))
            return;
    }
}

int wf_probe_new(struct wf_probe **out, struct wf_sched *sched, int wake_fd)
{
    struct wf_probe *probe = wf_alloc(sizeof *probe);
    if (probe == NULL)
        return -ENOMEM;
    probe->sched = sched;
    probe->thread = pthread_self();
    probe->tid = gettid();
    probe->wake_fd = wake_fd;
    tid_change(0, probe->tid);
    pthread_getcpuclockid(probe->thread, &probe->cpu_clock);
    probe_self = probe;
    pthread_once(&probe_once, install_handler);
    *out = probe;
    return 0;
}

void wf_probe_free(struct wf_probe *probe)
{
    if (probe == NULL)
        return;
    tid_change(probe->tid, 0);
    probe_self = NULL;
    atomic_signal_fence(memory_order_seq_cst); /* the handler sees that before the memory goes */
    wf_free(probe);
}

void wf_probe_after_fork(void)
{
    probe_self = NULL;
    for (int i = 0; i < PROBE_COUNT_MAX; i++)
        atomic_store_explicit(&probe_tids[i], 0, memory_order_relaxed);
}

/* ---- on the thread that looks ---- */

int wf_probe_asked(struct wf_probe *probe)
{
    return atomic_exchange_explicit(&probe->asked_by, 0, memory_order_acquire);
}

bool wf_probe_is_asked(const struct wf_probe *probe)
{
    return atomic_load_explicit(&probe->asked_by, memory_order_relaxed) != 0;
}

weft_time wf_probe_cpu(const struct wf_probe *probe)
{
    struct timespec used;
    if (clock_gettime(probe->cpu_clock, &used) < 0)
        return 0;
    return used.tv_sec * WEFT_SEC + used.tv_nsec;
}

/* Calls that are known to take their time, and whether the kernel begins them again after a handler
 * (signal(7)). */
static const struct probe_call {
    long number;
    const char *name;
    bool goes_on;
} probe_calls[] = {
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

static void place_of_call(long number, struct wf_probe_place *out)
{
    out->where = WF_PROBE_IN_TENDER_CALL;
    snprintf(out->text, sizeof out->text, "in system call %ld", number);
    for (size_t i = 0; i < sizeof probe_calls / sizeof probe_calls[0]; i++) {
        if (probe_calls[i].number != number)
            continue;
        if (probe_calls[i].goes_on)
            out->where = WF_PROBE_IN_CALL;
        snprintf(out->text, sizeof out->text, "in system call %s", probe_calls[i].name);
    }
}

/* The kernel says "running", or the number of the call and more. */
void wf_probe_find(const struct wf_probe *probe, struct wf_probe_place *out)
{
    char path[64], text[32] = "";
    *out = (struct wf_probe_place){WF_PROBE_RUNS, "running"};
    snprintf(path, sizeof path, "/proc/self/task/%ld/syscall", probe->tid);
    int fd = wf_sys_open(path, O_RDONLY, 0);
    if (fd < 0)
        return;
    ssize_t len = wf_sys_read(fd, text, sizeof text - 1);
    (void)wf_sys_close(fd);
    if (len > 0 && text[0] >= '0' && text[0] <= '9')
        place_of_call(strtol(text, NULL, 10), out);
}

static int probe_state(struct wf_probe *probe)
{
    return atomic_load_explicit(&probe->state, memory_order_acquire);
}

static void pause_a_moment(void)
{
    struct timespec moment = {.tv_nsec = WEFT_MS};
    nanosleep(&moment, NULL);
}

static bool probe_interrupt(struct wf_probe *probe)
{
    void *first[1];
    (void)backtrace(first, 1); /* its first call loads a library, which a handler cannot */
    atomic_store_explicit(&probe->state, PROBE_ASKED, memory_order_release);
    if (pthread_kill(probe->thread, PROBE_SIGNAL) != 0)
        return false;
    for (int i = 0; i < PROBE_PATIENCE_MS && probe_state(probe) == PROBE_ASKED; i++)
        pause_a_moment();
    int asked = PROBE_ASKED;
    if (atomic_compare_exchange_strong(&probe->state, &asked, PROBE_IDLE))
        return false;
    while (probe_state(probe) == PROBE_ANSWERING)
        pause_a_moment();
    atomic_store_explicit(&probe->state, PROBE_IDLE, memory_order_relaxed);
    return true;
}

/* Without disturbing it: records stay where they are while a loop runs, and a site is a literal, so
 * the worst is the name of a task that has just ended. */
PROBE_UNSEEN static const char *probe_site(const struct wf_probe *probe)
{
    const wf_task *task = *(wf_task *const volatile *)&probe->sched->current;
    return task != NULL ? *(const char *const volatile *)&task->site : NULL;
}

void wf_probe_ask(struct wf_probe *probe, enum wf_probe_where where, struct wf_probe_answer *out)
{
    *out = (struct wf_probe_answer){.frame_count = 0};
    if (where != WF_PROBE_IN_TENDER_CALL && probe_interrupt(probe)) {
        *out = probe->answer;
    } else {
        out->site = probe_site(probe);
        if (out->site != NULL)
            snprintf(out->name, sizeof out->name, "%.*s", (int)strcspn(out->site, " "), out->site);
    }
    if (out->site == NULL) {
        snprintf(out->name, sizeof out->name, "(none)");
        out->site = "(a callback)";
    }
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

void wf_probe_frame_text(void *frame, char *out, size_t out_bytes)
{
    Dl_info info;
    if (dladdr(frame, &info) == 0 || info.dli_fname == NULL)
        snprintf(out, out_bytes, "%p", frame);
    else if (info.dli_sname != NULL)
        snprintf(out, out_bytes, "%s+0x%zx in %s", info.dli_sname,
                 (size_t)((char *)frame - (char *)info.dli_saddr), last_part(info.dli_fname));
    else
        snprintf(out, out_bytes, "%s+0x%zx", last_part(info.dli_fname),
                 (size_t)((char *)frame - (char *)info.dli_fbase));
}
