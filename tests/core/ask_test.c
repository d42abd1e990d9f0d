/* SPDX-License-Identifier: MIT */

/* Rule O02: one process asks another.  Here a process mostly asks itself; the questions and answers
 * go the same way. */

#include <weft/sys/ask.h>

#include "base/buf.h"
#include "base/checkers.h"
#include "core/look/ask_priv.h"
#include "core/look/inspect.h"
#include "core/look/watcher.h"
#include "core/task/sched_priv.h"
#include "harness/exposition.h"
#include "harness/harness.h"

#include <weft.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- asking ---- */

/* The whole answer; what the last line came with. */
static int ask(int pid, const char *question, wf_buf *out)
{
    weft_ask *asking;
    weft_str line;
    wf_buf_reset(out);
    int rc = weft_ask_open(&asking, pid, question);
    if (rc < 0)
        return rc;
    while ((rc = weft_ask_read_line(asking, &line)) == 1) {
        wf_buf_append(out, line.ptr, line.len);
        wf_buf_putc(out, '\n');
    }
    weft_ask_close(asking);
    note("%.*s", (int)wf_buf_bytes(out), wf_buf_ptr(out));
    return rc;
}

static bool says(const wf_buf *text, const char *what)
{
    return memmem(wf_buf_ptr(text), wf_buf_bytes(text), what, strlen(what)) != NULL;
}

static size_t count_of(const wf_buf *text, const char *what)
{
    const char *at = wf_buf_ptr(text), *end = at + wf_buf_bytes(text);
    size_t count = 0;
    while ((at = memmem(at, (size_t)(end - at), what, strlen(what))) != NULL) {
        at += strlen(what);
        count++;
    }
    return count;
}

static int waits(void *arg)
{
    return weft_event_wait(arg);
}

#define CROWD 10000

static int ask_beside_a_crowd(void *arg)
{
    weft_event go = {0};
    wf_buf out = {0};
    (void)arg;
    WEFT_GROUP(crowd);
    for (int i = 0; i < CROWD; i++)
        CHECK_OK(weft_group_spawn(crowd, waits, &go));
    CHECK_OK(weft_yield());
    CHECK_EQ(ask((int)getpid(), "ps", &out), 0);
    char text[64];
    snprintf(text, sizeof text, ": %d tasks\n", CROWD + 1);
    CHECK(says(&out, text));
    CHECK_GT(wf_buf_bytes(&out), (size_t)CROWD * 40);
    CHECK_EQ(ask((int)getpid(), "stack", &out), 0);
    snprintf(text, sizeof text, "  %d tasks waits #", CROWD);
    CHECK(says(&out, text));
    CHECK(says(&out, "    at weft_event_wait+0x"));
    CHECK_EQ(ask((int)getpid(), "stack 0", &out), 0);
    CHECK(says(&out, "  task main #0."));
    CHECK(says(&out, "    at weft_ask_read_line+0x"));
    wf_buf_fini(&out);
    weft_event_set(&go);
    return weft_group_wait(crowd);
}

static void run_asking(weft_fn *fn, void *arg)
{
    use_real_time();
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, fn, arg));
}

KERNEL_TEST(test_O02_ten_thousand_tasks_are_told_to_who_asks)
{
    run_asking(ask_beside_a_crowd, NULL);
}

static int ask_what_is_wrong(void *arg)
{
    wf_buf out = {0};
    weft_ask *asking;
    (void)arg;
    CHECK_EQ(ask((int)getpid(), "weather", &out), 0);
    CHECK(says(&out, "does not know that question"));
    CHECK_EQ(ask((int)getpid(), "", &out), 0);
    CHECK(says(&out, "does not know that question"));
    CHECK_EQ(weft_ask_open(&asking, 0, "ps"), -ESRCH);
    CHECK_EQ(weft_ask_open(&asking, -1, "ps"), -ESRCH);
    CHECK_EQ(weft_ask_open(&asking, INT32_MAX, "ps"), -ESRCH);
    char text[WF_ASK_QUESTION_BYTES + 1];
    memset(text, 'x', sizeof text);
    text[WF_ASK_QUESTION_BYTES - 1] = '\0';
    CHECK_EQ(weft_ask_open(&asking, (int)getpid(), text), -E2BIG);
    text[WF_ASK_QUESTION_BYTES - 2] = '\0';
    CHECK_EQ(ask((int)getpid(), text, &out), 0);
    CHECK_OK(weft_ask_open(&asking, (int)getpid(), "ps"));
    weft_ask *second;
    CHECK_EQ(weft_ask_open(&second, (int)getpid(), "ps"), -EADDRINUSE);
    weft_ask_close(asking);
    weft_ask_close(NULL);
    wf_buf_fini(&out);
    return 0;
}

KERNEL_TEST(question_that_is_wrong_gets_an_error_or_a_sentence)
{
    run_asking(ask_what_is_wrong, NULL);
}

static int ask_cancelled(void *arg)
{
    wf_buf out = {0};
    (void)arg;
    weft_cancel(weft_self(), "before");
    CHECK_EQ(ask((int)getpid(), "ps", &out), -ECANCELED);
    wf_buf_fini(&out);
    return 0;
}

KERNEL_TEST(question_of_a_cancelled_task_ends_with_the_cancel)
{
    run_asking(ask_cancelled, NULL);
}

/* A name may come from anywhere; the answer ends with a line that is a dot. */
static int has_an_evil_name(void *arg)
{
    weft_set_name("x\n.\n\"y\"\x7f");
    return weft_event_wait(arg);
}

static int ask_beside_an_evil_name(void *arg)
{
    weft_event go = {0};
    wf_buf out = {0};
    char name[32];
    (void)arg;
    weft_task plain = weft_spawn(waits, &go), evil = weft_spawn(has_an_evil_name, &go);
    CHECK_OK(weft_yield());
    CHECK_EQ(ask((int)getpid(), "ps", &out), 0);
    CHECK(says(&out, "  task x . \"y\"  #2.1 "));
    CHECK(says(&out, "  task waits #1.1 ")); /* it is told after the other */
    wf_buf_fini(&out);
    weft_set_name("a\tb");
    weft_get_name(name, sizeof name);
    CHECK_STR(name, "a b");
    weft_event_set(&go);
    return weft_gather(plain, evil);
}

KERNEL_TEST(test_O02_a_tasks_name_ends_no_answer)
{
    run_asking(ask_beside_an_evil_name, NULL);
}

/* ---- a loop that a task keeps ---- */

struct kept {
    weft_loop *_Atomic loop;
    _Atomic bool is_told;
};

static int keeps_the_loop(void *arg)
{
    struct kept *kept = arg;
    atomic_store(&kept->loop, weft_loop_self());
    while (!atomic_load(&kept->is_told))
        continue;
    return 0;
}

static void *run_kept(void *arg)
{
    weft_config config = test_config();
    config.hog = WEFT_FOREVER;
    CHECK_OK(weft_run_with(&config, keeps_the_loop, arg));
    return NULL;
}

static int ask_beside_a_hog(void *arg)
{
    struct kept *kept = arg;
    wf_buf out = {0};
    CHECK_EQ(ask((int)getpid(), "stack", &out), 0);
    CHECK(says(&out, " does not answer: task main keeps it, running; spawned: "));
    CHECK(says(&out, "\n  task main #0.1 ")); /* the loop that asks */
    CHECK_EQ(ask((int)getpid(), "ps-json", &out), 0);
    CHECK_EQ(count_of(&out, "\"answers\":false,\"kept_by\":\"main\""), (size_t)1);
    CHECK_EQ(count_of(&out, "\n{\"loop\":"), count_of(&out, "\n") - 1); /* each line is one */
    CHECK_EQ(ask((int)getpid(), "dot", &out), 0);
    CHECK(says(&out, "// loop on "));
    CHECK_EQ(count_of(&out, "\n  at "), (size_t)0);
    wf_buf_fini(&out);
    atomic_store(&kept->is_told, true);
    return 0;
}

KERNEL_TEST(test_O02_of_two_loops_the_kept_one_is_described_from_outside)
{
    use_real_time();
    struct kept kept = {.is_told = false};
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, run_kept, &kept), 0);
    while (atomic_load(&kept.loop) == NULL)
        sched_yield();
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, ask_beside_a_hog, &kept));
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* ---- who waits for whom, over loops ---- */

static int awaits_the_main_task(void *arg)
{
    return weft_await(*(weft_task *)arg);
}

static int goes_round(void *arg)
{
    weft_task *self = arg;
    *self = weft_self();
    weft_task there = weft_spawn_on(weft_loop_at(1), awaits_the_main_task, self);
    return weft_await(there);
}

static int ask_for_a_cycle_over_loops(void *arg)
{
    wf_buf out = {0};
    weft_task self, task = weft_spawn(goes_round, &self);
    (void)arg;
    do { /* until both wait */
        CHECK_EQ(ask((int)getpid(), "graph", &out), 0);
    } while (!says(&out, "  cycle: "));
    CHECK_EQ(count_of(&out, "loop 0 of 2 on "), (size_t)1);
    CHECK_EQ(count_of(&out, "loop 1 of 2 on "), (size_t)1);
    CHECK(says(&out, " -> awaits_the_main_task #"));
    do { /* until both loops have answered */
        CHECK_EQ(ask((int)getpid(), "dot", &out), 0);
    } while (!says(&out, " color=red];\n"));
    CHECK_EQ(count_of(&out, "digraph weft {"), (size_t)1);
    wf_buf_fini(&out);
    weft_cancel(task, "to end the deadlock");
    CHECK_EQ(weft_await(task), -ECANCELED);
    return 0;
}

static void run_asking_on_loops(weft_fn *fn)
{
    use_real_time();
    weft_config config = test_config();
    config.loops = 2;
    CHECK_OK(weft_run_with(&config, fn, NULL));
}

KERNEL_TEST(test_O02_a_cycle_over_loops_is_told_to_who_asks)
{
    run_asking_on_loops(ask_for_a_cycle_over_loops);
}

/* The run ends while its loops are being asked. */
static int ask_and_go(void *arg)
{
    weft_ask *asking;
    (void)arg;
    CHECK_OK(weft_ask_open(&asking, (int)getpid(), "graph"));
    weft_str line;
    CHECK_EQ(weft_ask_read_line(asking, &line), 1);
    weft_ask_close(asking);
    CHECK_OK(weft_ask_open(&asking, (int)getpid(), "graph"));
    weft_ask_close(asking);
    return 0;
}

KERNEL_TEST(test_O02_a_run_may_end_while_its_loops_are_asked)
{
    for (int i = 0; i < 10; i++)
        run_asking_on_loops(ask_and_go);
}

/* ---- counters, and who runs ---- */

static int ask_for_counters(void *arg)
{
    wf_buf out = {0};
    (void)arg;
    CHECK_EQ(ask((int)getpid(), "stats", &out), 0);
    const char *error = exposition_check(wf_buf_ptr(&out), wf_buf_bytes(&out));
    CHECK_STR(error != NULL ? error : "", "");
    CHECK_EQ(exposition_value(wf_buf_ptr(&out), wf_buf_bytes(&out), "weft_tasks_live{loop=\"0\"}"),
             1.0);
    wf_buf_fini(&out);
    return 0;
}

KERNEL_TEST(test_O03_the_counters_of_another_process)
{
    run_asking(ask_for_counters, NULL);
}

static _Atomic bool is_watched;

/* Between its waits it computes, mostly. */
static int computes(void *arg)
{
    if (arg != NULL)
        weft_set_name("with a name");
    while (!atomic_load(&is_watched)) {
        weft_time end = weft_now() + 2 * WEFT_MS;
        while (weft_now() < end)
            continue;
        WEFT_TRY(weft_yield());
    }
    return 0;
}

static int ask_who_runs(void *arg)
{
    wf_buf out = {0};
    atomic_store(&is_watched, false);
    weft_task plain = weft_spawn_at(computes, NULL, "plain at app.c:1");
    weft_task named = weft_spawn_at(computes, "", "named at app.c:2");
    (void)arg;
    CHECK_EQ(ask((int)getpid(), "top 300", &out), 0);
    atomic_store(&is_watched, true);
    const char *text = wf_buf_ptr(&out);
    size_t bytes = wf_buf_bytes(&out);
    const char *error = exposition_check(text, bytes);
    CHECK_STR(error != NULL ? error : "", "");
    CHECK_GT(
        exposition_value(text, bytes, "weft_top_samples{loop=\"0\",site=\"plain at app.c:1\"}"),
        0.0);
    CHECK_GT(exposition_value(
                 text, bytes,
                 "weft_top_samples{loop=\"0\",site=\"with a name, spawned: named at app.c:2\"}"),
             0.0);
    CHECK_EQ(exposition_value(text, bytes, "weft_top_tasks{loop=\"0\",state=\"ready\"}"), 2.0);
    wf_buf_fini(&out);
    CHECK_OK(weft_await(plain));
    return weft_await(named);
}

KERNEL_TEST(test_O03_who_runs_is_seen_from_outside)
{
    run_asking(ask_who_runs, NULL);
}

/* ---- a process that ends ---- */

static int crowd_for_ever(void *arg)
{
    weft_event never = {0};
    WEFT_GROUP(crowd);
    for (int i = 0; i < CROWD; i++)
        CHECK_OK(weft_group_spawn(crowd, waits, &never));
    (void)!write(*(int *)arg, "x", 1);
    return weft_sleep(3600 * WEFT_SEC); /* for ever would be a deadlock */
}

static int sleeps_for_ever(void *arg)
{
    (void)!write(*(int *)arg, "x", 1);
    return weft_sleep(3600 * WEFT_SEC); /* for ever would be a deadlock */
}

/* A process that runs `fn`; it writes to the other end of *out_fd. */
static int start_process(weft_fn *fn, int *out_fd)
{
    int fds[2];
    CHECK_OK(pipe(fds));
    int pid = fork();
    CHECK_OK(pid);
    if (pid == 0) {
        weft_config config = {.backend = test_config().backend};
        (void)weft_run_with(&config, fn, &fds[1]);
        _exit(1);
    }
    CHECK_OK(close(fds[1]));
    *out_fd = fds[0];
    return pid;
}

static int ask_until_it_dies(void *arg)
{
    int pid = *(int *)arg;
    weft_ask *asking;
    weft_str line;
    CHECK_OK(weft_ask_open(&asking, pid, "ps"));
    CHECK_EQ(weft_ask_read_line(asking, &line), 1);
    CHECK_OK(kill(pid, SIGKILL));
    int rc;
    while ((rc = weft_ask_read_line(asking, &line)) == 1)
        continue;
    CHECK_EQ(rc, -WEFT_ETRUNCATED);
    rc = weft_ask_read_line(asking, &line);
    CHECK_LT(rc, 0);
    weft_ask_close(asking);
    return 0;
}

KERNEL_TEST(test_O02_a_process_that_ends_in_the_middle_of_its_answer_is_noticed)
{
    use_real_time();
    int fd, status;
    char byte;
    int pid = start_process(crowd_for_ever, &fd);
    CHECK_EQ(read(fd, &byte, 1), 1);
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, ask_until_it_dies, &pid));
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status));
    CHECK_OK(close(fd));
}

/* ---- questions that get lost ---- */

static void stop_process(int pid)
{
    int status;
    CHECK_OK(kill(pid, SIGSTOP));
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status));
}

/* Of signals of one number the kernel keeps one, so the second question is lost; and then the
 * process is gone before it has heard the third. */
static int ask_while_stopped(void *arg)
{
    int status, pid = *(int *)arg;
    union sigval another = {.sival_ptr = (void *)(uintptr_t)wf_ask_pack(INT32_MAX, 1)};
    weft_ask *asking;
    weft_str line;
    stop_process(pid);
    CHECK_OK(sigqueue(pid, SIGURG, another));
    CHECK_OK(weft_ask_open(&asking, pid, "ps"));
    CHECK_OK(kill(pid, SIGCONT));
    int rc, line_count = 0;
    while ((rc = weft_ask_read_line(asking, &line)) == 1)
        line_count++;
    CHECK_EQ(rc, 0);
    CHECK_GT(line_count, 1);
    weft_ask_close(asking);

    stop_process(pid);
    CHECK_OK(weft_ask_open(&asking, pid, "ps"));
    CHECK_OK(kill(pid, SIGKILL));
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(weft_ask_read_line(asking, &line), -WEFT_ETRUNCATED);
    weft_ask_close(asking);
    return 0;
}

KERNEL_TEST(test_O02_a_question_that_is_lost_beside_another_is_asked_again)
{
    use_real_time();
    int fd;
    char byte;
    int pid = start_process(sleeps_for_ever, &fd);
    CHECK_EQ(read(fd, &byte, 1), 1);
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, ask_while_stopped, &pid));
    CHECK_OK(close(fd));
}

/* In virtual time nobody else watches the loop: the test is its watcher. */
struct watched {
    struct wf_peek *peek;
    struct wf_inspect inspect;
    int wake_fd;
};

static void watched_begin(struct watched *watched)
{
    *watched = (struct watched){.wake_fd = eventfd(0, EFD_CLOEXEC)};
    CHECK_OK(watched->wake_fd);
    CHECK_OK(wf_peek_new(&watched->peek, wf_sched_current, watched->wake_fd));
    wf_inspect_init(&watched->inspect, wf_sched_current, watched->peek, watched->wake_fd);
}

static void watched_end(struct watched *watched)
{
    wf_peek_retire(watched->peek);
    wf_inspect_fini(&watched->inspect);
    wf_peek_free(watched->peek);
    CHECK_OK(close(watched->wake_fd));
}

static int watched_work(struct watched *watched)
{
    struct pollfd polled[WF_INSPECT_TALKS] = {{.fd = -1}};
    int count = 0;
    wf_inspect_work(&watched->inspect, polled);
    for (int i = 0; i < WF_INSPECT_TALKS; i++)
        count += watched->inspect.talks[i].state == WF_TALK_READS;
    return count;
}

/* Before its watcher has attended to the question, and while the question is still to come. */
static int ask_a_loop_that_ends(void *arg)
{
    (void)arg;
    for (int works = 0; works < 2; works++) {
        struct watched watched;
        weft_ask *asking;
        weft_str line;
        watched_begin(&watched);
        CHECK_OK(weft_ask_open(&asking, (int)getpid(), "ps"));
        if (works)
            CHECK_EQ(watched_work(&watched), 1);
        watched_end(&watched);
        CHECK_EQ(weft_ask_read_line(asking, &line), 0);
        weft_ask_close(asking);
    }
    return 0;
}

KERNEL_TEST(test_O02_a_loop_that_ends_before_it_answers_is_not_waited_for)
{
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, ask_a_loop_that_ends, NULL));
}

static void signal_number(uint16_t number)
{
    union sigval value = {.sival_ptr = (void *)(uintptr_t)wf_ask_pack((int)getpid(), number)};
    CHECK_OK(sigqueue(getpid(), SIGURG, value));
}

static int ask_again_and_again(void *arg)
{
    struct watched watched;
    weft_ask *asking;
    (void)arg;
    watched_begin(&watched);
    CHECK_OK(weft_ask_open(&asking, (int)getpid(), "ps"));
    CHECK_EQ(watched_work(&watched), 1);
    for (uint16_t number = 0; number < 2; number++) {
        signal_number(number);
        int count = watched_work(&watched);
        for (int i = 0; i < 5; i++) { /* as often as there is room for */
            signal_number(number);
            CHECK_EQ(watched_work(&watched), count);
        }
    }
    weft_ask_close(asking);
    watched_end(&watched);
    return 0;
}

KERNEL_TEST(test_O02_a_question_that_is_heard_again_is_answered_once)
{
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, ask_again_and_again, NULL));
}

/* ---- those who mean no good ---- */

static int listen_as(int pid)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int len = snprintf(addr.sun_path + 1, sizeof addr.sun_path - 1, WF_ASK_NAME, pid);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_OK(fd);
    CHECK_OK(bind(fd, (const struct sockaddr *)&addr, bytes));
    CHECK_OK(listen(fd, 8));
    return fd;
}

/* Some process asks `times` times. */
static void signal_as(int pid, bool has_question, int times)
{
    static uint16_t number;
    for (int i = 0; i < times; i++) {
        uint64_t packed = has_question ? wf_ask_pack(pid, ++number) : (uint32_t)pid;
        union sigval value = {.sival_ptr = (void *)(uintptr_t)packed};
        CHECK_OK(sigqueue(getpid(), SIGURG, value));
    }
}

/* Its answers come where ours are waited for: it was given up, and its signal was late. */
static int ask_behind_another(void *arg)
{
    weft_ask *asking;
    weft_str line;
    int rc = 0;
    (void)arg;
    for (int i = 0; i < 10; i++) {
        size_t count = 0;
        CHECK_OK(weft_ask_open(&asking, (int)getpid(), "graph"));
        signal_as((int)getpid(), /* has_question= */ true, 1);
        while ((rc = weft_ask_read_line(asking, &line)) > 0)
            count += line.len > 5 && memcmp(line.ptr, "loop ", 5) == 0;
        CHECK_OK(rc);
        CHECK_EQ(count, (size_t)2);
        weft_ask_close(asking);
    }
    return 0;
}

KERNEL_TEST(test_O02_an_answer_to_a_question_given_up_is_none_to_the_next)
{
    run_asking_on_loops(ask_behind_another);
}

/* None that lives, and this test's alone; its children say the same. */
static int mute_pid(void)
{
    static int pid;
    if (pid == 0)
        pid = 0x40000000 + (int)getpid();
    return pid;
}
#define MUTES (WF_INSPECT_TALKS - 1)

/* They hold what they were given, say nothing or half of something, and read nothing. */
static int ask_among_mutes(void *arg)
{
    wf_buf out = {0};
    int fds[MUTES];
    int listener = listen_as(mute_pid());
    (void)arg;
    for (int i = 0; i < MUTES; i++) {
        signal_as(mute_pid(), /* has_question= */ i != 0, 1);
        CHECK_OK(weft_wait_fd(listener, 1 /* POLLIN */));
        fds[i] = accept(listener, NULL, NULL);
        CHECK_OK(fds[i]);
    }
    CHECK_EQ(write(fds[1], "sta", 3), 3);
    CHECK_OK(shutdown(fds[2], SHUT_WR));
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ask((int)getpid(), "stack", &out), 0);
        CHECK(says(&out, "  task main #"));
    }
    for (int i = 0; i < MUTES; i++)
        CHECK_OK(close(fds[i]));
    CHECK_OK(close(listener));
    wf_buf_fini(&out);
    return 0;
}

KERNEL_TEST(test_O02_who_asks_and_says_nothing_keeps_nobody_else)
{
    run_asking(ask_among_mutes, NULL);
}

static int hear_the_mute_cut_off(void *arg)
{
    char byte;
    int listener = listen_as(mute_pid());
    (void)arg;
    signal_as(mute_pid(), /* has_question= */ true, 1);
    CHECK_OK(weft_wait_fd(listener, 1));
    int fd = accept(listener, NULL, NULL);
    CHECK_OK(fd);
    char line[WF_ASK_QUESTION_BYTES + 8];
    memset(line, 'x', sizeof line);
    CHECK_EQ(write(fd, line, sizeof line), (ssize_t)sizeof line);
    CHECK_OK(weft_wait_fd(fd, 1));
    CHECK_LE(read(fd, &byte, 1), 0); /* such a question is not heard out */
    CHECK_OK(close(fd));
    CHECK_OK(close(listener));
    return 0;
}

KERNEL_TEST(test_O02_a_question_without_an_end_is_cut_off)
{
    run_asking(hear_the_mute_cut_off, NULL);
}

/* A flood of questions that nobody listens for. */
static int ask_after_a_flood(void *arg)
{
    wf_buf out = {0};
    (void)arg;
    signal_as(mute_pid(), /* has_question= */ true, 1000);
    signal_as(mute_pid(), /* has_question= */ false, 1000);
    while (ask((int)getpid(), "ps", &out) != 0) /* it may not have been heard among them */
        continue;
    CHECK(says(&out, ": 1 tasks\n"));
    wf_buf_fini(&out);
    return 0;
}

KERNEL_TEST(test_O02_a_flood_of_questions_does_no_harm)
{
    run_asking(ask_after_a_flood, NULL);
}

/* Another user listens under the name; nothing is told. */
static int be_refused(void *arg)
{
    int fds[2], status;
    char byte;
    (void)arg;
    CHECK_OK(pipe(fds));
    (void)mute_pid(); /* the child says the same */
    int pid = fork();
    CHECK_OK(pid);
    if (pid == 0) {
        if (setuid(65534) != 0)
            _exit(1);
        int listener = listen_as(mute_pid());
        (void)!write(fds[1], "x", 1);
        int fd = accept(listener, NULL, NULL);
        _exit(fd >= 0 && read(fd, &byte, 1) == 0 ? 0 : 2);
    }
    CHECK_EQ(read(fds[0], &byte, 1), 1);
    signal_as(mute_pid(), /* has_question= */ false, 1);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    CHECK_OK(close(fds[0]));
    CHECK_OK(close(fds[1]));
    return 0;
}

KERNEL_TEST(test_O02_another_user_is_told_nothing)
{
    if (geteuid() != 0)
        SKIP("only root can be another user");
    use_real_time();
    weft_config config = test_config();
    config.hog = WEFT_FOREVER;
    CHECK_OK(weft_run_with(&config, be_refused, NULL));
}
