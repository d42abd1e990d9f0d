/* SPDX-License-Identifier: MIT */

/* Rule O01: a task that keeps its loop is reported while it does.  The hogs of these tests go on
 * until they have been reported, however long that takes. */

#include "core/look/hog.h"

#include "base/checkers.h"
#include "core/emulated.h"
#include "core/look/watcher.h"
#include "core/task/sched_priv.h"
#include "harness/harness.h"

#include <weft.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- the decision ---- */

#define LIMIT (100 * WEFT_MS)

/* Looks at a loop every 25 ms.  A look that changes nothing is written as itself. */
struct judge {
    struct wf_hog_state state;
    struct wf_hog_look look;
};

static enum wf_hog_verdict judge_after(struct judge *judge, weft_time wall, weft_time cpu)
{
    judge->look.now += wall;
    judge->look.cpu += cpu;
    return wf_hog_judge(&judge->state, &judge->look, LIMIT);
}

TEST(test_O01_a_turn_that_computes_for_the_limit_is_a_hog_once)
{
    struct judge judge = {.look.turn = 7};
    CHECK_EQ(judge_after(&judge, 0, 0), WF_HOG_NOTHING);
    CHECK_EQ(judge_after(&judge, LIMIT - 1, LIMIT - 1), WF_HOG_NOTHING);
    CHECK_EQ(judge_after(&judge, 1, 1), WF_HOG_FOUND);
    CHECK_EQ(judge_after(&judge, LIMIT, LIMIT), WF_HOG_NOTHING);
    judge.look.turn++;
    CHECK_EQ(judge_after(&judge, 1, 1), WF_HOG_OVER);
    CHECK_EQ(judge_after(&judge, LIMIT - 1, LIMIT - 1), WF_HOG_NOTHING);
    CHECK_EQ(judge_after(&judge, 1, 1), WF_HOG_FOUND);
}

TEST(test_O01_a_loop_that_turns_or_waits_is_none)
{
    struct judge judge = {.look.turn = 1};
    for (int i = 0; i < 100; i++) {
        judge.look.turn++;
        CHECK_EQ(judge_after(&judge, LIMIT * 3 / 4, LIMIT * 3 / 4), WF_HOG_NOTHING);
    }
    judge.look.waits = true;
    CHECK_EQ(judge_after(&judge, LIMIT, LIMIT), WF_HOG_NOTHING);
    CHECK_EQ(judge_after(&judge, 3600 * WEFT_SEC, 0), WF_HOG_NOTHING);
    judge.look.waits = false; /* when it was woken nobody knows: from now on it counts */
    CHECK_EQ(judge_after(&judge, 10 * LIMIT, 10 * LIMIT), WF_HOG_NOTHING);
    CHECK_EQ(judge_after(&judge, LIMIT - 1, LIMIT - 1), WF_HOG_NOTHING);
    CHECK_EQ(judge_after(&judge, 1, 1), WF_HOG_FOUND);
}

TEST(test_O01_a_thread_that_others_keep_from_running_is_none)
{
    struct judge judge = {.look.turn = 1};
    CHECK_EQ(judge_after(&judge, 0, 0), WF_HOG_NOTHING);
    CHECK_EQ(judge_after(&judge, 50 * LIMIT, LIMIT / 2 - 1), WF_HOG_NOTHING);
    CHECK_EQ(judge_after(&judge, 1, 1), WF_HOG_FOUND);

    judge = (struct judge){.look = {.turn = 1, .in_call = true}};
    CHECK_EQ(judge_after(&judge, 0, 0), WF_HOG_NOTHING);
    CHECK_EQ(judge_after(&judge, LIMIT, 0), WF_HOG_FOUND); /* blocked there */
}

/* ---- real hogs ---- */

/* What was said, by the watching thread. */
static struct {
    pthread_mutex_t lock;
    char text[16384];
    size_t len;
    _Atomic int reports;
    int fds[2];
    char fifo[64];
} said = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void hear(const char *line, void *arg)
{
    (void)arg;
    pthread_mutex_lock(&said.lock);
    int more = snprintf(said.text + said.len, sizeof said.text - said.len, "%s\n", line);
    said.len += (size_t)more < sizeof said.text - said.len ? (size_t)more : 0;
    pthread_mutex_unlock(&said.lock);
    if (strstr(line, " keeps the loop for ") != NULL) {
        atomic_fetch_add(&said.reports, 1);
        (void)!write(said.fds[1], "x", 1);
        if (said.fifo[0] != '\0')
            CHECK_OK(close(open(said.fifo, O_WRONLY | O_CLOEXEC)));
    }
}

__attribute__((noinline)) static void spin_until_reported(void)
{
    while (atomic_load(&said.reports) == 0)
        continue;
}

static int compute(void *arg)
{
    (void)arg;
    spin_until_reported();
    WEFT_TRY(weft_yield());
    weft_run_stats stats;
    CHECK_OK(weft_run_stats_get(&stats));
    CHECK_GE(stats.hogs, 1u);
    return 0;
}

static bool has_said(const char *text)
{
    pthread_mutex_lock(&said.lock);
    bool has = strstr(said.text, text) != NULL;
    pthread_mutex_unlock(&said.lock);
    return has;
}

/* On a busy machine it may be found on its way to the call: then it tries again, in a new turn. */
static int block_in_read(void *arg)
{
    char byte;
    (void)arg;
    while (!has_said("in system call read")) {
        CHECK_EQ(read(said.fds[0], &byte, 1), 1);
        CHECK_OK(weft_sleep(WEFT_MS));
    }
    return 0;
}

/* A call that the kernel begins again after the signal. */
static int block_in_open(void *arg)
{
    (void)arg;
    while (!has_said("in system call openat")) {
        int fd = open(said.fifo, O_RDONLY | O_CLOEXEC);
        CHECK_OK(fd);
        CHECK_OK(close(fd));
        CHECK_OK(weft_sleep(WEFT_MS));
    }
    return 0;
}

static int spawn_and_await(void *arg)
{
    return weft_await(weft_spawn_at(*(weft_fn **)arg, NULL, "greedy at app.c:12"));
}

static void run_hog(weft_fn *body)
{
    use_real_time();
    CHECK_OK(pipe(said.fds));
    weft_config config = test_config();
    config.hog = 20 * WEFT_MS;
    config.log = hear;
    CHECK_OK(weft_run_with(&config, spawn_and_await, &body));
    CHECK_OK(close(said.fds[0]));
    CHECK_OK(close(said.fds[1]));
    note("%s", said.text);
}

static void expect_said(const char *text)
{
    CHECK(has_said(text));
}

KERNEL_TEST(test_O01_a_task_that_computes_is_named_with_its_backtrace)
{
    run_hog(compute);
    expect_said("task greedy keeps the loop for ");
    expect_said(" ms, running; spawned: greedy at app.c:12\n");
    if (!WF_HAS_TSAN) /* which keeps signals back until the code calls something */
        expect_said("\n  at ");
}

/* Waits until *done.  Its unwind table is wrong: a number stands where it says that the return
 * address is, as in some code of others, if only between two of its instructions. */
void wait_with_a_wrong_table(const _Atomic int *done);
#if defined(__x86_64__)
__asm__(".text\n"
        "wait_with_a_wrong_table:\n"
        ".cfi_startproc\n"
        "pushq $0x5a5a5a\n"
        "1: cmpl $0, (%rdi)\n"
        "je 1b\n"
        "addq $8, %rsp\n"
        "ret\n"
        ".cfi_endproc\n");
#else
__asm__(".text\n"
        "wait_with_a_wrong_table:\n"
        ".cfi_startproc\n"
        "mov x9, x30\n"
        "mov x30, #0x5a00\n"
        "1: ldr w10, [x0]\n"
        "cbz w10, 1b\n"
        "br x9\n"
        ".cfi_endproc\n");
#endif

static int keep_with_a_wrong_table(void *arg)
{
    (void)arg;
    wait_with_a_wrong_table(&said.reports);
    return 0;
}

KERNEL_TEST(test_O01_a_hog_whose_stack_cannot_be_walked_is_named_and_goes_on)
{
    run_hog(keep_with_a_wrong_table);
    expect_said("task greedy keeps the loop for ");
    if (!WF_HAS_TSAN) /* as above */
        expect_said("\n  at ");
}

static void skip_under_emulation(void)
{
    if (is_emulated())
        SKIP("the kernel is another processor's");
}

KERNEL_TEST(test_O01_a_task_that_blocks_is_named_with_its_system_call)
{
    skip_under_emulation();
    run_hog(block_in_read);
    expect_said("task greedy keeps the loop for ");
    expect_said(" ms, in system call read; spawned: greedy at app.c:12\n");
}

KERNEL_TEST(test_O01_a_task_that_blocks_in_a_patient_call_gives_its_backtrace_and_goes_on)
{
    skip_under_emulation();
    char dir[] = "/tmp/weft-hog-XXXXXX";
    CHECK(mkdtemp(dir) != NULL);
    snprintf(said.fifo, sizeof said.fifo, "%s/fifo", dir);
    CHECK_OK(mkfifo(said.fifo, 0600));
    run_hog(block_in_open);
    CHECK_OK(unlink(said.fifo));
    CHECK_OK(rmdir(dir));
    expect_said(" ms, in system call openat; spawned: greedy at app.c:12\n");
    if (!WF_HAS_TSAN) /* which keeps signals back until the code calls something */
        expect_said("\n  at ");
}

/* ---- idle ---- */

static void *set_when_parked(void *arg)
{
    weft_loop *loop = ((void **)arg)[0];
    while (!wf_watcher_is_parked(loop->watcher))
        sched_yield();
    weft_future_set(((void **)arg)[1], 7, NULL);
    return NULL;
}

static int wait_for_another_thread(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        weft_future future = {0};
        void *args[] = {weft_loop_self(), &future};
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, set_when_parked, args), 0);
        CHECK_EQ(weft_future_wait(&future, NULL), 7);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK(!wf_watcher_is_parked(weft_loop_self()->watcher));
    }
    return 0;
}

/* ---- how much is said ---- */

static _Atomic int hogs_told;

static void count_told(const char *line, void *arg)
{
    (void)arg;
    if (strstr(line, "keeps the loop for") != NULL)
        atomic_fetch_add(&hogs_told, 1);
}

static int keep_the_loop_often(void *arg)
{
    (void)arg;
    weft_run_stats stats = {0};
    for (uint64_t i = 0; i < 8; i++) {
        while (stats.hogs == i) /* computes until it is found */
            CHECK_OK(weft_run_stats_get(&stats));
        CHECK_OK(weft_sleep(WEFT_US)); /* another turn */
    }
    return 0;
}

static int count_hogs(void *arg)
{
    weft_time until = weft_now() + 20 * WEFT_MS;
    while (weft_now() < until)
        ;
    CHECK_OK(weft_sleep(WEFT_US)); /* another turn: it is over */
    return weft_run_stats_get(arg);
}

/* "never" is of the one that configures a limit, a limit of the one that configures none. */
KERNEL_TEST(test_O01_the_environment_says_what_is_too_long)
{
    use_real_time();
    weft_run_stats stats = {0};
    weft_config config = test_config();
    config.hog = 2 * WEFT_MS;
    config.log = count_told;
    CHECK_OK(setenv("WEFT_HOG", "never", 1));
    CHECK_OK(weft_run_with(&config, count_hogs, &stats));
    CHECK_EQ(stats.hogs, 0u);

    config.hog = WEFT_FOREVER;
    CHECK_OK(setenv("WEFT_HOG", "4", 1));
    CHECK_OK(weft_run_with(&config, keep_the_loop_often, NULL));
    CHECK_EQ(atomic_load(&hogs_told), 5);
    CHECK_OK(unsetenv("WEFT_HOG"));
}

KERNEL_TEST(test_O01_five_are_told_in_a_minute_and_the_rest_counted)
{
    use_real_time();
    weft_config config = test_config();
    config.hog = 4 * WEFT_MS;
    config.log = count_told;
    CHECK_OK(weft_run_with(&config, keep_the_loop_often, NULL));
    CHECK_EQ(atomic_load(&hogs_told), 5);
}

KERNEL_TEST(test_O01_nobody_watches_an_idle_loop)
{
    use_real_time();
    weft_config config = test_config();
    config.hog = WEFT_MS;
    CHECK_OK(weft_run_with(&config, wait_for_another_thread, NULL));
}

/* By a clock that stands still but for this. */
static void let_park(const weft_loop *loop)
{
    while (!wf_watcher_is_parked(loop->watcher)) {
        test_platform()->advance(test_platform()->now() + WEFT_MS);
        sched_yield();
    }
}

static void *set_a_second_later(void *arg)
{
    let_park(((weft_loop **)arg)[0]);
    test_platform()->advance(test_platform()->now() + WEFT_SEC);
    weft_future_set(((void **)arg)[1], 7, NULL);
    return NULL;
}

static weft_time processor_time(void)
{
    struct timespec used;
    CHECK_OK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used));
    return used.tv_sec * WEFT_SEC + used.tv_nsec;
}

static int wait_then_compute(void *arg)
{
    weft_future future = {0};
    void *args[] = {weft_loop_self(), &future};
    pthread_t thread;
    weft_run_stats stats;
    (void)arg;
    CHECK_EQ(pthread_create(&thread, NULL, set_a_second_later, args), 0);
    CHECK_EQ(weft_future_wait(&future, NULL), 7);
    weft_time end = processor_time() + 50 * WEFT_MS;
    while (processor_time() < end)
        continue;
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_OK(weft_run_stats_get(&stats));
    CHECK_EQ(stats.hogs, 0u);
    return 0;
}

/* The clock stands still but for the wait. */
KERNEL_TEST(test_O01_time_spent_waiting_unwatched_makes_no_hog)
{
    weft_platform by_hand = *test_platform();
    by_hand.advance = NULL;
    weft_config config = test_config();
    config.platform = &by_hand;
    config.hog = 4 * WEFT_MS;
    CHECK_OK(weft_run_with(&config, wait_then_compute, NULL));
}

/* ---- the end ---- */

/* A clock that stands still until the loop waits for its watcher to end, which is kept from looking
 * meanwhile: then a second has passed in the loop's last turn. */
static struct {
    weft_platform platform;
    void (*watch)(void *arg);
    pthread_t loop;
    pid_t tid;
    _Atomic int looks;
    _Atomic bool is_ending, waits_for_watcher;
} last;

static bool loop_sleeps(void)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)last.tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK_GT(read(fd, text, sizeof text - 1), 0);
    CHECK_OK(close(fd));
    const char *state = strrchr(text, ')');
    return state != NULL && state[1] == ' ' && state[2] == 'S';
}

static weft_time look_late(void)
{
    if (!pthread_equal(pthread_self(), last.loop)) {
        last.looks++;
        while (last.is_ending && !(last.waits_for_watcher && loop_sleeps()))
            sched_yield();
    }
    return test_platform()->now();
}

static void join_late(weft_thread thread)
{
    test_platform()->advance(test_platform()->now() + WEFT_SEC);
    last.waits_for_watcher = true;
    test_platform()->thread_join(thread);
}

/* The only thread that the run starts. */
static void watch_late(void *arg)
{
    weft_platform_set(&last.platform);
    last.watch(arg);
}

static int start_late(weft_thread *out, void (*fn)(void *arg), void *arg, size_t stack_bytes)
{
    last.watch = fn;
    return test_platform()->thread_start(out, watch_late, arg, stack_bytes);
}

static int end_when_looked_at(void *arg)
{
    (void)arg;
    int seen = last.looks;
    while (last.looks < seen + 8)
        sched_yield();
    last.is_ending = true;
    return 0;
}

KERNEL_TEST(test_O01_a_loop_that_waits_for_its_watcher_to_end_is_no_hog)
{
    skip_under_emulation();
    last.platform = *test_platform();
    last.platform.advance = NULL;
    last.platform.now = look_late;
    last.platform.thread_start = start_late;
    last.platform.thread_join = join_late;
    weft_config config = test_config();
    config.platform = &last.platform;
    config.hog = 4 * WEFT_MS;
    config.log = count_told;
    last.loop = pthread_self();
    last.tid = (pid_t)syscall(SYS_gettid);
    CHECK_OK(weft_run_with(&config, end_when_looked_at, NULL));
    CHECK_EQ(atomic_load(&hogs_told), 0);
}

static void *set_when_it_could_have_parked(void *arg)
{
    const weft_loop *loop = ((void **)arg)[0];
    const struct timespec pause = {.tv_nsec = 5 * WEFT_MS};
    CHECK_OK(nanosleep(&pause, NULL));
    CHECK(!wf_watcher_is_parked(loop->watcher));
    weft_future_set(((void **)arg)[1], 7, NULL);
    return NULL;
}

static int wait_and_wait_again(void *arg)
{
    void *(*const threads[])(void *) = {set_a_second_later, set_when_it_could_have_parked,
                                        set_when_it_could_have_parked};
    (void)arg;
    for (int i = 0; i < 3; i++) {
        weft_future future = {0};
        void *args[] = {weft_loop_self(), &future};
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, threads[i], args), 0);
        CHECK_EQ(weft_future_wait(&future, NULL), 7);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
    return 0;
}

/* To wake whoever watches costs a loop a call and a switch of threads. */
TEST(test_O01_a_loop_that_waits_again_and_again_need_not_say_so_each_time)
{
    weft_platform by_hand = *test_platform();
    by_hand.advance = NULL;
    weft_config config = {.platform = &by_hand, .hog = 4 * WEFT_MS};
    CHECK_OK(weft_run_with(&config, wait_and_wait_again, NULL));
}

static int check_unwatched(void *arg)
{
    (void)arg;
    CHECK(weft_loop_self()->watcher == NULL);
    return 0;
}

RUN_TEST(test_O01_nobody_watches_in_virtual_time)
{
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, check_unwatched, NULL));
}

static int keep_until_parked(void *arg)
{
    (void)arg;
    while (!wf_watcher_is_parked(weft_loop_self()->watcher))
        sched_yield();
    return 0;
}

KERNEL_TEST(test_O01_a_watcher_that_need_not_look_parks_even_beside_a_hog)
{
    use_real_time();
    weft_config config = test_config();
    config.hog = WEFT_FOREVER;
    CHECK_OK(weft_run_with(&config, keep_until_parked, NULL));
}

static int do_nothing(void *arg)
{
    (void)arg;
    return 5;
}

/* Whatever goes wrong in a run's beginning, either it does not begin, or it runs. */
KERNEL_TEST(hog_detector_that_cannot_start_does_not_keep_the_run_from_running)
{
    use_real_time();
    weft_config config = test_config();
    for (unsigned classes = WEFT_FAULT_ALLOC; classes <= WEFT_FAULT_CALL; classes++) {
        bool has_failed_at_thread = false;
        for (uint64_t k = 1;; k++) {
            weft_fault_plan plan = {.classes = classes, .nth = k};
            weft_fault_arm(&plan);
            int rc = weft_run_with(&config, do_nothing, NULL);
            weft_fault_arm(NULL);
            if (plan.point == NULL)
                break;
            if (strcmp(plan.point, "thread_start") == 0) {
                has_failed_at_thread = true;
                CHECK_EQ(rc, 5);
            }
        }
        CHECK_EQ(has_failed_at_thread, classes == WEFT_FAULT_CALL);
    }
}
