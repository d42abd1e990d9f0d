/* SPDX-License-Identifier: MIT */

#include "core/stack/stack_overflow.h"

#include "core/platform/host_call.h"
#include "core/process/fork.h"
#include "core/process/terminal_priv.h"
#include "core/stack/probe.h"

#include <weft/sys/fault.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALTERNATE_BYTES_MIN ((size_t)32 << 10)

/* What a thread that runs a loop has for this. */
struct overflow_thread {
    wf_overflow_find_fn *find; /* NULL: the thread has not begun */
    void *arg;
    void *alternate; /* ours, or NULL if the thread had one */
    size_t alternate_bytes;
};

static _Thread_local struct overflow_thread overflow_self
    __attribute__((tls_model("initial-exec"))); /* the handler must not allocate it */

/* Handlers belong to the process. */
static const int overflow_signals[] = WF_PROBE_SIGNALS;
#define OVERFLOW_SIGNALS (sizeof overflow_signals / sizeof overflow_signals[0])
static pthread_once_t overflow_once = PTHREAD_ONCE_INIT;
static struct sigaction overflow_before[OVERFLOW_SIGNALS];

/* ---- the line, by means that are safe in a signal handler ---- */

struct line {
    char text[512];
    size_t bytes;
};

static void line_add(struct line *line, const char *text)
{
    while (*text != '\0' && line->bytes < sizeof line->text)
        line->text[line->bytes++] = *text++;
}

static void line_add_number(struct line *line, size_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    line_add(line, &digits[at]);
}

static void overflow_print(const wf_overflow *overflow)
{
    struct line line = {.bytes = 0};
    line_add(&line, "stack overflow in task ");
    line_add(&line, overflow->name != NULL ? overflow->name : "?");
    line_add(&line, " (");
    line_add_number(&line, overflow->stack_bytes >> 10);
    line_add(&line, " KiB)");
    if (overflow->site != NULL) {
        line_add(&line, "; spawned: ");
        line_add(&line, overflow->site);
    }
    line_add(&line, "; weft_spawn_stack() or weft_config.stack_bytes gives more");
    if (line.bytes == sizeof line.text)
        line.bytes--;
    line.text[line.bytes++] = '\n';
    (void)!wf_host_write(STDERR_FILENO, line.text, line.bytes);
}

_Noreturn void wf_overflow_die(const wf_overflow *overflow)
{
    overflow_print(overflow);
    abort();
}

/* ---- the handler ---- */

/* Leaves the rest to the default action: the instruction faults again, or the signal is sent again,
 * and the core dump shows the place. */
static void die_by_default(int signal_number, const siginfo_t *info)
{
    struct sigaction by_default = {.sa_handler = SIG_DFL};
    wf_terminals_give_back();
    sigaction(signal_number, &by_default, NULL);
    if (info->si_code <= 0) /* sent by somebody: it would not come back by itself */
        raise(signal_number);
}

static const struct sigaction *handler_before(int signal_number)
{
    size_t i = 0;
    while (i + 1 < OVERFLOW_SIGNALS && overflow_signals[i] != signal_number)
        i++;
    return &overflow_before[i];
}

/* What would have happened without us. */
static void pass_on(int signal_number, siginfo_t *info, void *context)
{
    const struct sigaction *before = handler_before(signal_number);
    if (before->sa_flags & SA_SIGINFO)
        before->sa_sigaction(signal_number, info, context);
    else if (before->sa_handler == SIG_IGN && info->si_code <= 0)
        return; /* sent by somebody: no fault */
    else if (before->sa_handler == SIG_DFL || before->sa_handler == SIG_IGN)
        die_by_default(signal_number, info);
    else
        before->sa_handler(signal_number);
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    const struct overflow_thread *self = &overflow_self;
    wf_overflow overflow = {0};
    int before = errno;
    wf_probe_on_fault(info);
    if (signal_number == SIGSEGV && info->si_code > 0 && self->find != NULL &&
        self->find(self->arg, info->si_addr, &overflow)) {
        overflow_print(&overflow);
        die_by_default(signal_number, info);
    } else {
        pass_on(signal_number, info, context);
    }
    errno = before;
}

static void install_handler(void)
{
    struct sigaction ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&ours.sa_mask);
    for (size_t i = 0; i < OVERFLOW_SIGNALS; i++)
        sigaction(overflow_signals[i], &ours, &overflow_before[i]);
}

bool wf_overflow_handles_faults(void)
{
    sigset_t blocked;
    if (overflow_self.find == NULL || pthread_sigmask(SIG_BLOCK, NULL, &blocked) != 0)
        return false;
    for (size_t i = 0; i < OVERFLOW_SIGNALS; i++) {
        struct sigaction now;
        if (sigaction(overflow_signals[i], NULL, &now) < 0 || now.sa_sigaction != on_fault ||
            sigismember(&blocked, overflow_signals[i]) != 0)
            return false;
    }
    return true;
}

/* ---- threads ---- */

static int alternate_make(struct overflow_thread *self)
{
    stack_t present;
    if (sigaltstack(NULL, &present) == 0 && !(present.ss_flags & SS_DISABLE))
        return 0;

    long need = sysconf(_SC_SIGSTKSZ); /* grows with the processor's registers */
    size_t bytes = need > (long)ALTERNATE_BYTES_MIN ? (size_t)need : ALTERNATE_BYTES_MIN;
    void *space = MAP_FAILED;
    if (!WEFT_FAULT(WEFT_FAULT_CALL, "mmap"))
        space = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (space == MAP_FAILED)
        return -ENOMEM;
    stack_t ours = {.ss_sp = space, .ss_size = bytes};
    if (WEFT_FAULT(WEFT_FAULT_CALL, "sigaltstack") || sigaltstack(&ours, NULL) < 0) {
        munmap(space, bytes);
        return -ENOMEM;
    }
    self->alternate = space;
    self->alternate_bytes = bytes;
    return 0;
}

int wf_overflow_thread_begin(wf_overflow_find_fn *find, void *arg)
{
    struct overflow_thread *self = &overflow_self;
    if (self->find != NULL)
        return -EBUSY;
    int rc = alternate_make(self);
    if (rc < 0)
        return rc;
    self->find = find;
    self->arg = arg;
    pthread_once(&overflow_once, install_handler);
    return 0;
}

void wf_overflow_thread_end(void)
{
    struct overflow_thread *self = &overflow_self;
    if (self->alternate != NULL) {
        stack_t none = {.ss_flags = SS_DISABLE};
        sigaltstack(&none, NULL);
        munmap(self->alternate, self->alternate_bytes);
    }
    *self = (struct overflow_thread){0};
}

/* The alternate stack stays: the thread may stand on it. */
void wf_overflow_after_fork(void)
{
    overflow_self = (struct overflow_thread){0};
}
