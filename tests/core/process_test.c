/* SPDX-License-Identifier: MIT */

/* Processes: what they are given, what comes back, and that none is ever left. */

#include "core/scratch.h"
#include "harness/harness.h"

#include <weft.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

static const weft_str no_input = {"", 0};

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SHELL(script_) ARGV("/bin/sh", "-c", (script_))

/* True under the simulator, where it must be refused. */
static bool refused_in_simulation(void)
{
    weft_process *process;
    weft_process_options options = {.argv = SHELL("exit 0")};
    if (!scratch_is_simulated())
        return false;
    CHECK_EQ(weft_process_open(&process, &options), -EPERM);
    CHECK(strstr(weft_error_text(), "no processes in a simulation") != NULL);
    return true;
}

static weft_process_options piped(const char *const *argv)
{
    return (weft_process_options){
        .argv = argv, .in = WEFT_STDIO_PIPE, .out = WEFT_STDIO_PIPE, .err = WEFT_STDIO_PIPE};
}

/* ---- what comes back ---- */

TASK_TEST(process_output_and_status_come_back)
{
    weft_process_output output;
    if (refused_in_simulation())
        return;
    weft_process_options options = piped(SHELL("cat; echo oops >&2; exit 7"));
    CHECK_OK(weft_process_run(&options, (weft_str){"some text", 9}, 100, &output));
    CHECK_EQ(output.status, 7);
    CHECK_BYTES(output.out.ptr, output.out.len, "some text", 9);
    CHECK_STR(output.err.ptr, "oops\n");
    weft_process_output_free(&output);
    weft_process_output_free(NULL);
}

/* More in each direction than a pipe holds: nobody may wait for the other. */
TASK_TEST(process_much_goes_both_ways_at_once)
{
    static char text[300000];
    weft_process_output output;
    if (refused_in_simulation())
        return;
    memset(text, 'x', sizeof text);
    weft_process_options options = piped(ARGV("cat"));
    CHECK_OK(weft_process_run(&options, (weft_str){text, sizeof text}, sizeof text, &output));
    CHECK_EQ(output.status, 0);
    CHECK_BYTES(output.out.ptr, output.out.len, text, sizeof text);
    weft_process_output_free(&output);
    CHECK_EQ(weft_process_run(&options, (weft_str){text, sizeof text}, 1000, &output),
             -WEFT_ELIMIT);
    CHECK(strstr(weft_error_text(), "more than 1000 bytes on descriptor 1") != NULL);
    options = piped(SHELL("exit 0")); /* reads nothing: no error */
    CHECK_OK(weft_process_run(&options, (weft_str){text, sizeof text}, 1000, &output));
    weft_process_output_free(&output);
}

/* Emulators of user programs make vfork a fork; then the C library itself cannot tell that a
 * program was not there: it ends with status 127. */
static bool spawn_can_tell(void)
{
    char *argv[] = {"/nowhere/nothing", NULL};
    pid_t pid;
    if (posix_spawn(&pid, argv[0], NULL, NULL, argv, argv + 1) != 0)
        return true;
    waitpid(pid, NULL, 0);
    return false;
}

TASK_TEST(process_that_cannot_be_started_says_why)
{
    weft_process *process;
    if (refused_in_simulation() || !spawn_can_tell())
        return;
    weft_process_options options = {.argv = ARGV("/nowhere/nothing")};
    CHECK_EQ(weft_process_open(&process, &options), -ENOENT);
    CHECK(strstr(weft_error_text(), "/nowhere/nothing: ") != NULL);
    options.argv = ARGV("/etc/passwd");
    CHECK_EQ(weft_process_open(&process, &options), -EACCES);
    options = (weft_process_options){.argv = SHELL("exit 0"), .cwd = "/nowhere"};
    CHECK_EQ(weft_process_open(&process, &options), -ENOENT);
    CHECK(strstr(weft_error_text(), " in /nowhere: ") != NULL);
    options = (weft_process_options){.argv = SHELL("exit 0"), .out = WEFT_STDIO_FD, .out_fd = -1};
    CHECK_EQ(weft_process_open(&process, &options), -EBADF);
    options = (weft_process_options){.argv = SHELL("exit 0"), .in = WEFT_STDIO_OUT};
    CHECK_EQ(weft_process_open(&process, &options), -EINVAL);
    const char *const nothing[] = {NULL};
    options = (weft_process_options){.argv = nothing};
    CHECK_EQ(weft_process_open(&process, &options), -EINVAL);
    options.argv = NULL;
    CHECK_EQ(weft_process_open(&process, &options), -EINVAL);
}

TASK_TEST(process_gets_what_the_options_say)
{
    weft_process_output output;
    if (refused_in_simulation())
        return;
    weft_process_options options =
        piped(SHELL("echo \"$NAME\"; pwd; echo err >&2; read x || echo end"));
    options.env = ARGV("NAME=value", "PATH=/bin:/usr/bin");
    options.cwd = "/tmp";
    options.in = WEFT_STDIO_NULL;
    options.err = WEFT_STDIO_OUT;
    CHECK_OK(weft_process_run(&options, no_input, 100, &output));
    CHECK_STR(output.out.ptr, "value\n/tmp\nerr\nend\n");
    CHECK_EQ(output.err.len, 0);
    weft_process_output_free(&output);
}

/* Signals as by default, none blocked, and no descriptor but the three: what a loop ignores and has
 * open is its own business. */
TASK_TEST(test_I08_class_49_a_process_has_no_descriptor_and_signal_of_ours)
{
    weft_process_output output;
    if (refused_in_simulation())
        return;
    int fd = open("/dev/null", O_RDONLY);
    weft_process_options options =
        piped(SHELL("ls /proc/self/fd | wc -l; grep -E 'SigBlk|SigIgn' /proc/self/status"));
    CHECK_OK(weft_process_run(&options, no_input, 1000, &output));
    close(fd);
    /* ls has the three and the directory it lists. */
    CHECK_EQ(output.out.ptr[0], '4');
    CHECK(strstr(output.out.ptr, "SigBlk:\t0000000000000000\n") != NULL);
    const char *ignored = strstr(output.out.ptr, "SigIgn:\t");
    CHECK(ignored != NULL);
    CHECK_EQ(strtoull(ignored + 8, NULL, 16) & 0x7fffffff, 0); /* 32 and 33 are the C library's */
    weft_process_output_free(&output);
}

TASK_TEST(process_a_file_is_its_output)
{
    if (refused_in_simulation())
        return;
    scratch_make();
    int fd = weft_open(scratch("out"), O_RDWR | O_CREAT, 0600);
    CHECK_OK(fd);
    weft_process_options options = {.argv = SHELL("echo one; echo two >&2"),
                                    .out = WEFT_STDIO_FD,
                                    .out_fd = fd,
                                    .err = WEFT_STDIO_OUT};
    weft_process_output output;
    CHECK_OK(weft_process_run(&options, no_input, 0, &output));
    weft_process_output_free(&output);
    CHECK_OK(weft_close(fd));
    weft_bytes bytes;
    CHECK_OK(weft_file_load(scratch("out"), 100, &bytes));
    CHECK_STR(bytes.ptr, "one\ntwo\n");
    weft_bytes_free(&bytes);
    scratch_clean(0);
}

/* Then our ends of the pipes have the very numbers that the program's are to get. */
TASK_TEST(process_pipes_work_where_we_have_no_standard_descriptors)
{
    weft_process_output output;
    if (refused_in_simulation())
        return;
    int saved[2] = {dup(0), dup(1)};
    close(0);
    close(1);
    weft_process_options options = piped(SHELL("cat; echo err >&2"));
    int rc = weft_process_run(&options, (weft_str){"text", 4}, 100, &output);
    dup2(saved[0], 0);
    dup2(saved[1], 1);
    close(saved[0]);
    close(saved[1]);
    CHECK_OK(rc);
    CHECK_STR(output.out.ptr, "text");
    CHECK_STR(output.err.ptr, "err\n");
    weft_process_output_free(&output);
}

/* ---- talking and waiting ---- */

static int wait_body(void *arg)
{
    return weft_process_wait(arg);
}

TASK_TEST(process_talks_in_turns_and_ends_with_its_input)
{
    char buf[16];
    weft_process *process;
    if (refused_in_simulation())
        return;
    weft_process_options options = {
        .argv = ARGV("cat"), .in = WEFT_STDIO_PIPE, .out = WEFT_STDIO_PIPE};
    CHECK_OK(weft_process_open(&process, &options));
    CHECK_GT(weft_process_get_pid(process), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(weft_write(weft_process_get_fd(process, 0), "ping", 4), 4);
        CHECK_EQ(weft_read(weft_process_get_fd(process, 1), buf, sizeof buf), 4);
    }
    CHECK_EQ(weft_process_get_fd(process, 2), -1);
    CHECK_EQ(weft_process_get_fd(process, 3), -1);
    weft_task waiters[] = {weft_spawn(wait_body, process), weft_spawn(wait_body, process)};
    CHECK_OK(weft_yield());
    weft_process_close_fd(process, 0);
    weft_process_close_fd(process, 0);
    CHECK_EQ(weft_read(weft_process_get_fd(process, 1), buf, sizeof buf), 0);
    CHECK_EQ(weft_await(waiters[0]), 0);
    CHECK_EQ(weft_await(waiters[1]), 0);
    CHECK_EQ(weft_process_wait(process), 0);
    CHECK_EQ(weft_process_signal(process, SIGTERM), -ESRCH);
    weft_process_close(process);
    weft_process_close(NULL);
}

TASK_TEST(process_ended_by_a_signal_says_which)
{
    weft_process *process;
    if (refused_in_simulation())
        return;
    weft_process_options options = {.argv = ARGV("sleep", "1000")};
    CHECK_OK(weft_process_open(&process, &options));
    CHECK_OK(weft_process_signal(process, SIGUSR1));
    CHECK_EQ(weft_process_wait(process), WEFT_PROCESS_KILLED + SIGUSR1);
    weft_process_close(process);
}

static int run_for_ever(void *arg)
{
    weft_process_output output;
    weft_process_options options = piped(arg);
    options.kill_after = WEFT_SEC / 100;
    return weft_process_run(&options, no_input, 100, &output);
}

/* The sweep would not see it: a program that does not listen to SIGTERM is killed. */
TASK_TEST(process_of_a_cancelled_task_is_ended_by_force_if_need_be)
{
    const char *const *const programs[] = {
        ARGV("sleep", "1000"),
        SHELL("trap '' TERM; echo ready; while :; do sleep 0.01; done"),
    };
    if (refused_in_simulation())
        return;
    for (size_t i = 0; i < 2; i++) {
        weft_task task = weft_spawn(run_for_ever, (void *)(uintptr_t)programs[i]);
        CHECK_OK(weft_sleep(30 * WEFT_MS));
        CHECK_EQ(weft_cancel(task, "test"), 1);
        CHECK_EQ(weft_await(task), -ECANCELED);
    }
}

TASK_TEST(test_B04_a_deadline_ends_a_process)
{
    if (refused_in_simulation())
        return;
    int rc = weft_wait_for(run_for_ever, (void *)(uintptr_t)ARGV("sleep", "1000"), 20 * WEFT_MS);
    CHECK_EQ(rc, -ETIMEDOUT);
}

TASK_TEST(process_group_ends_as_a_whole)
{
    char buf[8];
    weft_process *process;
    if (refused_in_simulation())
        return;
    /* The inner program holds the pipe: it ends only when that one is gone too. */
    weft_process_options options = {
        .argv = SHELL("sleep 1000 & echo x; wait"), .out = WEFT_STDIO_PIPE, .has_group = true};
    CHECK_OK(weft_process_open(&process, &options));
    CHECK_EQ(weft_read(weft_process_get_fd(process, 1), buf, sizeof buf), 2);
    CHECK_OK(weft_process_signal(process, SIGTERM));
    CHECK_EQ(weft_read(weft_process_get_fd(process, 1), buf, sizeof buf), 0);
    CHECK_EQ(weft_process_wait(process), WEFT_PROCESS_KILLED + SIGTERM);
    weft_process_close(process);
}

/* ---- forgotten ---- */

static char logged[200];

static void keep_line(const char *line, void *arg)
{
    (void)arg;
    snprintf(logged, sizeof logged, "%s", line);
}

static int forget_a_process(void *arg)
{
    weft_process *process;
    weft_process_options options = {.argv = ARGV("sleep", "1000"), .out = WEFT_STDIO_PIPE};
    (void)arg;
    return weft_process_open(&process, &options);
}

TEST(process_never_closed_is_killed_when_the_run_ends)
{
    weft_config config = {.backend = "epoll", .platform = test_platform(), .log = keep_line};
    CHECK_OK(weft_run_with(&config, forget_a_process, NULL));
    CHECK(strstr(logged, "was never closed") != NULL); /* the harness looks for the rest */
}

TEST(test_L04_processes_need_a_task)
{
    weft_process *process;
    weft_process_options options = {.argv = SHELL("exit 0")};
    CHECK_EQ(weft_process_open(&process, &options), -EPERM);
}

/* Without pidfds, as on old kernels. */
static int without_pidfd(void *arg)
{
    weft_process *process;
    weft_fault_plan plan = {.classes = WEFT_FAULT_CALL, .nth = 1};
    weft_process_options options = {.argv = SHELL("exit 3")};
    (void)arg;
    weft_fault_arm(&plan); /* the first call asks for the pidfd */
    int rc = weft_process_open(&process, &options);
    weft_fault_arm(NULL);
    CHECK_OK(rc);
    CHECK_STR(plan.point, "pidfd_open");
    CHECK_EQ(weft_process_wait(process), 3);
    weft_process_close(process);
    return 0;
}

TEST(process_end_is_noticed_without_pidfd)
{
    weft_config config = {.backend = "epoll", .platform = test_platform()};
    CHECK_OK(weft_run_with(&config, without_pidfd, NULL));
}

KERNEL_SCENARIO(process_run_leaves_nothing)
{
    weft_process_output output;
    weft_process_options options = piped(SHELL("read line; echo \"$line\" >&2; exit 2"));
    WEFT_TRY(weft_process_run(&options, (weft_str){"hello\n", 6}, 100, &output));
    CHECK_EQ(output.status, 2);
    CHECK_STR(output.err.ptr, "hello\n");
    weft_process_output_free(&output);
    return 0;
}
