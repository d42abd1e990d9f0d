/* SPDX-License-Identifier: MIT */

/* What was never closed is named at the end of a run in debug mode; and the end comes all the same.
 */

#include "base/checkers.h"
#include "harness/harness.h"

#include <weft.h>
#include <weft/sys/loop.h>
#include <weft/sys/opened.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a run logged. */
struct said {
    int lines;
    char text[8192];
};

static void keep_line(const char *line, void *arg)
{
    struct said *said = arg;
    size_t used = strlen(said->text);
    snprintf(said->text + used, sizeof said->text - used, "%s\n", line);
    said->lines++;
    note("said: %s", line);
}

static struct said run_with(unsigned flags, unsigned loops, weft_fn *fn, void *arg)
{
    struct said said = {0};
    weft_config config = test_config();
    config.flags = flags;
    config.loops = loops;
    config.log = keep_line;
    config.log_arg = &said;
    CHECK_OK(weft_run_with(&config, fn, arg));
    return said;
}

static struct said run_in_debug_mode(weft_fn *fn, void *arg)
{
    return run_with(WEFT_RUN_DEBUG, 1, fn, arg);
}

static void check_contains(const struct said *said, const char *text)
{
    note("looked for: %s", text);
    CHECK(strstr(said->text, text) != NULL);
}

/* ---- each kind ---- */

/* What the test gives back afterwards; the run's own end frees some. */
static weft_chan *chan;
static weft_reader *reader;
static weft_dir *dir;
static weft_watch *watch;
static weft_shared *shared;

static int open_descriptor(void *arg)
{
    int fd = weft_open("/dev/null", O_RDONLY, 0);
    *(int *)arg = fd;
    return fd < 0 ? fd : 0;
}

static int open_channel(void *arg)
{
    (void)arg;
    return weft_chan_new(&chan, 8, 3);
}

static int open_shared_channel(void *arg)
{
    (void)arg;
    return weft_chan_new_shared(&chan, 4, 2);
}

static int open_reader(void *arg)
{
    (void)arg;
    return weft_reader_open(&reader, "/dev/null", NULL);
}

static int open_directory(void *arg)
{
    (void)arg;
    return weft_dir_open(&dir, "/");
}

static int open_watch(void *arg)
{
    (void)arg;
    return weft_watch_open(&watch);
}

static int open_executor(void *arg)
{
    weft_exec *exec;
    weft_exec_options options = {.thread_max = 2, .queue_max = 5};
    (void)arg;
    return weft_exec_new(&exec, &options);
}

static int open_shared(void *arg)
{
    (void)arg;
    return weft_shared_new(&shared, 4096);
}

static int open_process(void *arg)
{
    const char *const argv[] = {"/bin/sleep", "100", NULL};
    weft_process *process;
    (void)arg;
    return weft_process_open(&process, &(weft_process_options){.argv = argv});
}

static int open_terminal(void *arg)
{
    weft_terminal *terminal;
    return weft_terminal_open(&terminal, *(int *)arg, WEFT_TERMINAL_KEYS);
}

static int body_yields_one(weft_gen *gen, void *arg)
{
    return weft_gen_yield(gen, (int *)arg);
}

static int open_generator(void *arg)
{
    int value;
    weft_gen *gen = weft_gen_open(body_yields_one, arg);
    return weft_gen_next(gen, &value) == 1 ? 0 : -EIO;
}

/* Nothing else is called after what it calls, so a compiler leaves that no frame: it leaves its own
 * here. */
static volatile int kept;

static int body_leaves_open(void *arg)
{
    void **call = arg;
    weft_fn *fn = *(weft_fn **)call[0];
    kept = fn(call[1]);
    return kept;
}

static int body_spawns_who_leaves_open(void *arg)
{
    return weft_await(weft_spawn(body_leaves_open, arg));
}

/* The line of debug mode: with kind and name, how to close it, where and by whom it was opened. */
static struct said check_left(weft_fn *fn, void *arg, const char *what)
{
    void *call[2] = {&fn, arg};
    struct said said = run_in_debug_mode(body_spawns_who_leaves_open, call);
    check_contains(&said, what);
    check_contains(&said, " it; opened: ");
    check_contains(&said, "body_leaves_open+0x");
    check_contains(&said, "; by the task spawned: body_leaves_open at ");
    return said;
}

TEST(a_descriptor_left_open_is_named)
{
    int fd = -1;
    char what[64];
    struct said said = check_left(open_descriptor, &fd, " was never closed: weft_close() it");
    snprintf(what, sizeof what, "debug: descriptor %d was never closed", fd);
    check_contains(&said, what);
    CHECK_EQ(said.lines, 1);
    CHECK_OK(test_platform()->close(fd));
}

TEST(a_channel_left_open_is_named)
{
    struct said said = check_left(open_channel, NULL,
                                  "debug: channel of 3 items of 8 bytes was never closed: "
                                  "weft_chan_free() it");
    CHECK_EQ(said.lines, 1);
    weft_chan_free(chan);
    check_left(open_shared_channel, NULL, "debug: channel of 2 items of 4 bytes");
    weft_chan_free(chan);
}

/* Once: not its descriptor too. */
TEST(a_reader_left_open_is_named)
{
    struct said said = check_left(open_reader, NULL, "debug: reader of descriptor ");
    CHECK_EQ(said.lines, 1);
    check_contains(&said, "weft_reader_close() it");
    weft_reader_close(reader);
}

TEST(a_directory_left_open_is_named)
{
    struct said said = check_left(open_directory, NULL, "debug: directory of descriptor ");
    CHECK_EQ(said.lines, 1);
    check_contains(&said, "weft_dir_close() it");
    weft_dir_close(dir);
}

TEST(a_watch_left_open_is_named)
{
    struct said said = check_left(open_watch, NULL, "debug: watch of descriptor ");
    CHECK_EQ(said.lines, 1);
    check_contains(&said, "weft_watch_close() it");
    weft_watch_close(watch);
}

TEST(an_executor_left_open_is_named)
{
    struct said said = check_left(open_executor, NULL, "debug: executor for 7 bodies was never");
    CHECK_EQ(said.lines, 1);
    check_contains(&said, "weft_exec_free() it");
}

TEST(shared_memory_left_open_is_named)
{
    struct said said = check_left(open_shared, NULL, "debug: shared memory of 4096 bytes was");
    CHECK_EQ(said.lines, 1);
    check_contains(&said, "weft_shared_free() it");
    weft_shared_free(shared);
}

/* It is killed, and that is told in every mode. */
TEST(a_process_left_open_is_named)
{
    struct said said = check_left(open_process, NULL, "debug: process ");
    check_contains(&said, "weft_process_close() it");
    check_contains(&said, " was never closed\n");
}

TEST(a_terminal_left_open_is_named)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    CHECK(master >= 0);
    CHECK_OK(grantpt(master));
    CHECK_OK(unlockpt(master));
    int fd = open(ptsname(master), O_RDWR | O_NOCTTY);
    CHECK(fd >= 0);
    struct said said = check_left(open_terminal, &fd, "debug: terminal was never");
    check_contains(&said, "weft_terminal_close() it");
    close(fd);
    close(master);
}

/* Closed with its opener, in every mode (rule A10). */
RUN_TEST(test_A10_a_generator_left_open_is_named_with_its_place)
{
    int value = 3;
    struct said said = run_with(0, 1, open_generator, &value);
    CHECK_EQ(said.lines, 1);
    check_contains(&said, "a generator is still open when its opener ends; opened: "
                          "body_yields_one at ");
    check_contains(&said, "opened_test.c:");
}

/* ---- what is not told ---- */

static int body_closes_all(void *arg)
{
    int fd;
    weft_exec *exec;
    weft_task task = weft_spawn(open_descriptor, &fd);
    WEFT_TRY(weft_await(task));
    WEFT_TRY(weft_close(fd));
    WEFT_TRY(open_channel(arg));
    weft_chan_free(chan);
    WEFT_TRY(open_reader(arg));
    weft_reader_close(reader);
    WEFT_TRY(open_directory(arg));
    weft_dir_close(dir);
    WEFT_TRY(open_watch(arg));
    weft_watch_close(watch);
    WEFT_TRY(open_shared(arg));
    weft_shared_free(shared);
    WEFT_TRY(weft_exec_new(&exec, NULL));
    weft_exec_free(exec);
    CHECK_EQ(weft_reader_open(&reader, "/nowhere/at/all", NULL), -ENOENT);
    CHECK_EQ(weft_dir_open(&dir, "/nowhere/at/all"), -ENOENT);
    return weft_run_blocking(open_shared, NULL); /* of a thread that has no run */
}

TEST(what_was_closed_is_not_told)
{
    CHECK_EQ(run_in_debug_mode(body_closes_all, NULL).lines, 0);
    weft_shared_free(shared);
}

static int body_leaves_a_few(void *arg)
{
    WEFT_TRY(open_channel(arg));
    return open_executor(arg);
}

TEST(without_debug_mode_nothing_is_told_of_what_is_open)
{
    CHECK_EQ(run_with(0, 1, body_leaves_a_few, NULL).lines, WF_DEBUG_CHECKS * 2);
    weft_chan_free(chan);
}

static int body_closes_behind_our_back(void *arg)
{
    WEFT_TRY(open_descriptor(arg));
    return close(*(int *)arg);
}

TEST(a_descriptor_that_the_system_was_told_to_close_is_not_told)
{
    int fd;
    CHECK_EQ(run_in_debug_mode(body_closes_behind_our_back, &fd).lines, 0);
}

static int free_channel(void *arg)
{
    (void)arg;
    weft_chan_free(chan);
    return 0;
}

static int body_frees_elsewhere(void *arg)
{
    WEFT_TRY(open_channel(arg));
    return weft_run_blocking(free_channel, NULL);
}

TEST(what_a_thread_without_a_run_closed_is_not_told)
{
    CHECK_EQ(run_in_debug_mode(body_frees_elsewhere, NULL).lines, 0);
}

/* ---- objects of one's own ---- */

static int leak_count;

static void thing_name(const void *object, char *out, size_t bytes)
{
    snprintf(out, bytes, "%d", *(const int *)object);
}

static const weft_open_kind thing_kind = {"thing", "thing_free()", thing_name};
static const weft_open_kind nameless_kind = {"nameless", "forget()", NULL};
static int things[2000];

static __attribute__((noinline)) void leak_things(int count)
{
    for (int i = 0; i < count; i++) {
        things[i] = i + 1;
        weft_opened(&things[i], &thing_kind);
    }
}

static int body_leaks_things(void *arg)
{
    (void)arg;
    leak_things(leak_count);
    return 0;
}

TEST(what_was_opened_in_one_place_is_told_in_one_line)
{
    leak_count = 1;
    struct said said = run_in_debug_mode(body_leaks_things, NULL);
    CHECK_EQ(said.lines, 1);
    check_contains(&said,
                   "debug: thing 1 was never closed: thing_free() it; opened: leak_things+0x");
    check_contains(&said, " < body_leaks_things+0x");
    check_contains(&said, "; by the task spawned: main at weft_run");
    leak_count = 100;
    said = run_in_debug_mode(body_leaks_things, NULL);
    CHECK_EQ(said.lines, 1);
    check_contains(&said, " (and 99 more of that place) was never closed");
}

/* Past the limit they are not remembered, and nothing else happens. */
TEST(more_than_can_be_remembered_are_not_told)
{
    leak_count = 2000;
    struct said said = run_in_debug_mode(body_leaks_things, NULL);
    CHECK_EQ(said.lines, 1);
    check_contains(&said, " (and 1023 more of that place) was never closed");
}

static int body_opens_twice(void *arg)
{
    (void)arg;
    weft_closed(&things[0], &thing_kind); /* never told */
    weft_opened(&things[0], &thing_kind);
    weft_opened(&things[0], &nameless_kind); /* at the same address */
    weft_opened(&things[0], &thing_kind);    /* that address again */
    weft_closed(&things[0], &thing_kind);
    weft_closed(&things[0], &thing_kind);
    return 0;
}

/* ---- fork: somebody else may be at the table then ---- */

static pid_t forked = -1;

static int open_and_close(void *arg)
{
    (void)arg;
    int fd = weft_open("/dev/null", O_RDONLY, 0);
    return fd < 0 ? fd : weft_close(fd);
}

/* The table is locked while a name is asked for. */
static void fork_and_run(const void *object, char *out, size_t bytes)
{
    (void)object;
    snprintf(out, bytes, "forked");
    if (forked < 0 && (forked = fork()) == 0) {
        weft_config config = {.flags = WEFT_RUN_DEBUG, .backend = "epoll"};
        alarm(20); /* if it waits for ever */
        _exit(weft_run_with(&config, open_and_close, NULL) == 0 ? 0 : 1);
    }
}

static const weft_open_kind forking = {"object", "nobody", fork_and_run};

static int open_what_forks(void *arg)
{
    weft_opened(arg, &forking);
    return 0;
}

TEST(test_L07_the_child_of_a_fork_waits_for_nobody_at_the_table)
{
    int status = -1;
    if (WF_HAS_TSAN)
        return; /* it takes the lock for the parent's still */
    CHECK_EQ(run_in_debug_mode(open_what_forks, &status).lines, 1);
    CHECK_EQ(waitpid(forked, &status, 0), forked);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
}

TEST(an_object_is_one_of_its_kind_at_its_address)
{
    struct said said = run_in_debug_mode(body_opens_twice, NULL);
    CHECK_EQ(said.lines, 1);
    check_contains(&said, "debug: nameless was never closed: forget() it");
}

static void open_in_callback(weft_timer *timer)
{
    (void)timer;
    weft_opened(&things[0], &nameless_kind);
    kept++;
}

static int body_sleeps_over_a_callback(void *arg)
{
    static weft_timer timer;
    (void)arg;
    weft_timer_init(&timer, open_in_callback);
    weft_timer_start(weft_loop_self(), &timer, weft_after(WEFT_MS));
    return weft_sleep(2 * WEFT_MS);
}

TEST(what_a_callback_opened_is_told_too)
{
    struct said said = run_in_debug_mode(body_sleeps_over_a_callback, NULL);
    CHECK_EQ(said.lines, 1);
    check_contains(&said, "opened: open_in_callback+0x");
    check_contains(&said, "; by a callback\n");
}

static void open_when_told(weft_op *op, const weft_completion *completion, void *arg)
{
    (void)op, (void)completion, (void)arg;
    weft_opened(&things[0], &thing_kind);
    kept++;
}

static int body_ends_before_it_is_told(void *arg)
{
    weft_op *op;
    (void)arg;
    return weft_op_start(weft_loop_self(), &(weft_op_args){.kind = WEFT_OP_NOP, .fd = -1},
                         open_when_told, NULL, &op);
}

TEST(what_a_callback_opened_after_the_last_task_is_told_too)
{
    struct said said = run_in_debug_mode(body_ends_before_it_is_told, NULL);
    CHECK_EQ(said.lines, 1);
    check_contains(&said, "opened: open_when_told+0x");
}

/* ---- several loops ---- */

static int body_opens_there(void *arg)
{
    (void)arg;
    weft_opened(&things[0], &thing_kind);
    weft_opened(&things[1], &thing_kind);
    return 0;
}

static int body_closes_here(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_await(weft_spawn_on(weft_loop_at(1), body_opens_there, NULL)));
    weft_closed(&things[0], &thing_kind);
    return 0;
}

TEST(what_another_loop_closed_is_not_told)
{
    use_real_time();
    things[0] = 10;
    things[1] = 11;
    struct said said = run_with(WEFT_RUN_DEBUG, 2, body_closes_here, NULL);
    CHECK_EQ(said.lines, 1);
    check_contains(&said, "debug: thing 11 was never closed");
}

/* ---- the end comes all the same ---- */

static weft_op *op;
static int op_result, op_count;

static void op_told(weft_op *told, const weft_completion *completion, void *arg)
{
    (void)told;
    op_result = completion->result;
    op_count++;
    if (arg != NULL) /* it is over: nothing more can be begun */
        CHECK_EQ(weft_op_start(weft_loop_self(), arg, op_told, NULL, &op), -EBADF);
}

static int body_leaves_an_operation(void *arg)
{
    return weft_op_start(weft_loop_self(), arg, op_told, arg, &op);
}

KERNEL_TEST(test_L06_an_operation_that_nobody_ends_does_not_keep_the_run)
{
    int ends[2];
    struct said said = {0};
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    weft_op_args args = {.kind = WEFT_OP_POLL, .fd = ends[0], .flags = POLLIN};
    weft_config config = {.backend = test_config().backend, .log = keep_line, .log_arg = &said};
    CHECK_OK(weft_run_with(&config, body_leaves_an_operation, &args));
    CHECK_EQ(op_count, 1);
    CHECK_EQ(op_result, -EBADF);
    CHECK_EQ(said.lines, 1);
    check_contains(&said, "operations of what was never closed end with the run: 1");
    CHECK_EQ(write(ends[1], "x", 1), 1); /* the descriptors are the caller's still */
    CHECK_OK(close(ends[0]));
    CHECK_OK(close(ends[1]));
}
