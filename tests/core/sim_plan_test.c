/* SPDX-License-Identifier: MIT */

/* Fault plans: as text, what they do to memory and disk, sweeps, and what a failure says. */

#include "harness/harness.h"

#include <weft.h>
#include <weft/sys/platform.h>

#include "base/alloc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- text ---- */

TEST(plan_text_sets_what_it_names)
{
    weft_sim_options plan = {.seed = 7};
    CHECK_OK(weft_sim_plan(&plan, "delay 20ms, lost 5%, reset 0.1%, doubled 20ppm, short none,\n"
                                  " buffer 4KiB, disk 1MB, blocking 3s, chances 12"));
    CHECK_EQ(plan.seed, 7u);
    CHECK_EQ(plan.delay_max, 20 * WEFT_MS);
    CHECK_EQ(plan.lost_ppm, 50000u);
    CHECK_EQ(plan.reset_ppm, 1000u);
    CHECK_EQ(plan.double_ppm, 20u);
    CHECK_EQ(plan.short_ppm, WEFT_SIM_NEVER);
    CHECK_EQ(plan.buffer_bytes, 4096u);
    CHECK_EQ(plan.disk_bytes, 1000000u);
    CHECK_EQ(plan.blocking_max, 3 * WEFT_SEC);
    CHECK_EQ(plan.chance_max, 12u);
    CHECK_EQ(plan.faults[0].kind, WEFT_SIM_NOTHING);
}

TEST(plan_text_of_nothing_is_none)
{
    weft_sim_options plan = {.seed = 7};
    CHECK_OK(weft_sim_plan(&plan, "delay 0s, blocking none, lost 0%, wait none"));
    CHECK_EQ(plan.delay_max, -1);
    CHECK_EQ(plan.blocking_max, -1);
    CHECK_EQ(plan.lost_ppm, WEFT_SIM_NEVER);
    CHECK_EQ(plan.wait_ppm, WEFT_SIM_NEVER);
    CHECK_OK(weft_sim_plan(&plan, ""));
}

TEST(plan_text_reads_faults)
{
    weft_sim_options plan = {.faults = {{.kind = WEFT_SIM_RESET}}};
    CHECK_OK(weft_sim_plan(&plan,
                           "cut 10.0.0.1 from fd00::2 after 2s within 500ms for 3s every 1min,"
                           "slow 10.0.0.1 at 64KB, slow 3%, break disk for 1s, fill disk,"
                           "exhaust memory after 1h"));
    const weft_sim_fault *cut = &plan.faults[1];
    CHECK_EQ(cut->kind, WEFT_SIM_CUT);
    CHECK_STR(cut->a, "10.0.0.1");
    CHECK_STR(cut->b, "fd00::2");
    CHECK_EQ(cut->after, 2 * WEFT_SEC);
    CHECK_EQ(cut->within, 500 * WEFT_MS);
    CHECK_EQ(cut->lasts, 3 * WEFT_SEC);
    CHECK_EQ(cut->every, 60 * WEFT_SEC);
    CHECK_EQ(plan.faults[2].kind, WEFT_SIM_SLOW);
    CHECK_EQ(plan.faults[2].bytes_per_second, 64000u);
    CHECK_STR(plan.faults[2].b, "");
    CHECK_EQ(plan.slow_ppm, 30000u);
    CHECK_EQ(plan.faults[3].kind, WEFT_SIM_DISK_BROKEN);
    CHECK_EQ(plan.faults[4].kind, WEFT_SIM_DISK_FULL);
    CHECK_EQ(plan.faults[5].kind, WEFT_SIM_NO_MEMORY);
    CHECK_OK(weft_sim_plan(&plan, "without 2, without 6"));
    CHECK_EQ(plan.faults[1].kind, WEFT_SIM_NOTHING);
    CHECK_EQ(plan.faults[0].kind, WEFT_SIM_RESET);
}

TEST(plan_text_that_is_wrong_says_where_and_changes_nothing)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"dealy 20ms", "plan: \"dealy\" is no word of a plan"},
        {"delay", "plan: \"delay\" needs a value"},
        {"delay 20", "plan: \"20\" needs a unit: one of us, ms, s, min, h, d"},
        {"delay -2ms", "plan: \"-2ms\" is no such value"},
        {"delay 5sec", "plan: \"5sec\" is no such value"},
        {"delay 1ms, cut 10.0.0.1 after", "plan: \"after\" needs a value"},
        {"fill disk for", "plan: \"for\" needs a value"},
        {"without", "plan: \"without\" needs a value"},
        {"without x", "plan: without \"x\": a number of a fault, from 1"},
        {"buffer 4XB", "plan: \"4XB\" is no such value"},
        {"disk", "plan: \"disk\" needs a value"},
        {"chances many", "plan: \"many\" is no such value"},
        {"slow 10.0.0.1 at", "plan: \"at\" needs a value"},
        {"lost a-word-that-is-longer-than-any-word-of-a-plan-could-be",
         "plan: a word of 54 bytes, the limit is 47: a-word-that-is-longe…"},
        {"cut a-word-that-is-longer-than-any-word-of-a-plan-could-be",
         "plan: a word of 54 bytes, the limit is 47: a-word-that-is-longe…"},
        {"lost 5", "plan: \"5\" needs a unit: one of %, ppm"},
        {"lost 101%", "plan: \"101%\" is too much"},
        {"lost 5% 6%", "plan: \"6%\" is too many"},
        {"cut there", "plan: \"there\" is no address of a host"},
        {"cut 10.0.0.1 from", "plan: \"from\" needs a value"},
        {"without 9", "plan: without \"9\": a number of a fault, from 1"},
        {"cut,cut,cut,cut,cut,cut,cut,cut,cut", "plan: more than 8 faults"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        weft_sim_options plan = {.seed = 1}, before = plan;
        note("%s", rows[i].text);
        CHECK_EQ(weft_sim_plan(&plan, rows[i].text), -WEFT_ESYNTAX);
        CHECK_STR(weft_error_text(), rows[i].why);
        CHECK_BYTES(&plan, sizeof plan, &before, sizeof before);
    }
}

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

TEST(plan_that_makes_no_sense_is_refused)
{
    static const weft_sim_fault wrong[] = {
        {.kind = 99},
        {.kind = WEFT_SIM_CUT, .a = "nowhere"},
        {.kind = WEFT_SIM_CUT, .after = -1},
        {.kind = WEFT_SIM_CUT, .every = WEFT_SEC},
        {.kind = WEFT_SIM_CUT, .every = WEFT_SEC, .lasts = WEFT_SEC},
        {.kind = WEFT_SIM_SLOW},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        weft_sim_options plan = {.faults = {wrong[i]}};
        note("row %zu", i);
        CHECK_EQ(weft_sim_run_with(&plan, nothing, NULL), -EINVAL);
        CHECK_EQ(weft_sim_sweep(&plan, 1, nothing, NULL, NULL), -EINVAL);
    }
    CHECK_EQ(weft_sim_happen(&wrong[1]), -EPERM);
}

/* ---- disk and memory ---- */

static int write_once_a_second(void *arg)
{
    int *outcomes = arg;
    int fd = weft_open("/tmp/log", O_CREAT | O_WRONLY, 0644);
    if (fd < 0)
        return fd;
    for (int i = 0; i < 10; i++) {
        outcomes[i] = (int)weft_pwrite(fd, "x", 1, i);
        WEFT_TRY(weft_sleep(WEFT_SEC));
    }
    return weft_close(fd);
}

static void check_disk(const char *text, int wrong)
{
    int outcomes[10];
    weft_sim_options plan = {.seed = 3};
    CHECK_OK(weft_sim_plan(&plan, text));
    CHECK_OK(weft_sim_run_with(&plan, write_once_a_second, outcomes));
    for (int i = 0; i < 10; i++)
        CHECK_EQ(outcomes[i], i == 3 || i == 4 || i == 7 || i == 8 ? wrong : 1);
}

TEST(test_Z04_the_disk_is_full_and_breaks_at_its_times)
{
    check_disk("fill disk after 2500ms for 2s every 4s", -ENOSPC);
    check_disk("break disk after 2500ms for 2s every 4s", -EIO);
}

static int allocate(void *arg)
{
    int *refused = arg;
    for (int i = 0; i < 1000; i++) {
        void *memory = wf_alloc(10);
        refused[weft_now() >= 1010 * WEFT_SEC] += memory == NULL;
        wf_free(memory);
        if (i == 500)
            WEFT_TRY(weft_sleep(10 * WEFT_SEC));
    }
    return 0;
}

TEST(test_Z04_memory_fails_by_chance_or_at_its_time)
{
    int refused[2] = {0, 0};
    weft_sim_options plan = {.seed = 3, .memory_error_ppm = 100000};
    CHECK_OK(weft_sim_run_with(&plan, allocate, refused));
    CHECK_GT(refused[0] + refused[1], 50);
    CHECK_LT(refused[0] + refused[1], 200);

    weft_sim_options timed = {.seed = 3};
    refused[0] = refused[1] = 0;
    CHECK_OK(weft_sim_plan(&timed, "exhaust memory after 5s"));
    CHECK_OK(weft_sim_run_with(&timed, allocate, refused));
    CHECK_EQ(refused[0], 0);
    CHECK_EQ(refused[1], 499);
}

static int take_a_while(void *arg)
{
    (void)arg;
    return 0;
}

static int block_often(void *arg)
{
    weft_time begin = weft_now();
    for (int i = 0; i < 50; i++)
        WEFT_TRY(weft_run_blocking(take_a_while, NULL));
    *(weft_time *)arg = weft_now() - begin;
    return 0;
}

TEST(test_Z05_blocking_bodies_take_as_long_as_the_plan_says)
{
    weft_time took = 0;
    weft_sim_options plan = {.seed = 3, .blocking_max = WEFT_SEC};
    CHECK_OK(weft_sim_run_with(&plan, block_often, &took));
    CHECK_GT(took, 30 * WEFT_SEC);
    CHECK_LT(took, 70 * WEFT_SEC);
}

static int open_a_program(void *arg)
{
    const char *const argv[] = {"true", NULL};
    weft_process_options options = {.argv = argv};
    weft_process *process;
    (void)arg;
    CHECK_EQ(weft_process_open(&process, &options), -EPERM);
    return 0;
}

TEST(test_Z05_programs_are_refused)
{
    CHECK_OK(weft_sim_run(1, open_a_program, NULL));
}

/* ---- sweeps ---- */

/* Wrong: takes one read for the whole message. */
static int read_in_one_go(void *arg)
{
    int fds[2];
    char buf[10];
    (void)arg;
    CHECK_OK(weft_platform_get()->pipe(fds));
    int rc = (int)weft_write_all(fds[1], "0123456789", sizeof buf);
    for (int i = 0; rc >= 0 && i < 5; i++) {
        rc = (int)weft_read(fds[0], buf, sizeof buf);
        if (rc >= 0 && rc < (int)sizeof buf)
            rc = weft_fail(-EPROTO, "read %d of 10 bytes", rc);
        if (rc >= 0)
            rc = (int)weft_write_all(fds[1], buf, sizeof buf);
    }
    weft_close(fds[0]);
    weft_close(fds[1]);
    return rc;
}

TEST(test_Z06_a_sweep_finds_the_first_failure_and_makes_it_small)
{
    weft_sim_options plan = {.seed = 1, .reset_ppm = 1000, .lost_ppm = 1000};
    CHECK_OK(weft_sim_plan(&plan, "fill disk after 1h"));
    weft_sim_failure failure;
    CHECK_EQ(weft_sim_sweep(&plan, 1000, read_in_one_go, NULL, &failure), 1);
    CHECK_EQ(failure.rc, -EPROTO);
    CHECK_EQ(strncmp(failure.text, "read ", 5), 0);
    CHECK_EQ(failure.descriptors, 0u);
    CHECK_GT(failure.step, 0u);
    CHECK(strstr(failure.plan, "reset none, lost none") != NULL);
    CHECK(strstr(failure.plan, "without 1") != NULL);
    CHECK(strstr(failure.plan, "short none") == NULL);
    CHECK_GE(failure.chances, 1u);
    CHECK_LE(failure.chances, 2u);

    /* The same again, from what the failure says. */
    plan.seed = failure.seed;
    CHECK_OK(weft_sim_plan(&plan, failure.plan));
    CHECK_EQ(weft_sim_run_with(&plan, read_in_one_go, NULL), -EPROTO);
    weft_sim_stats stats;
    weft_sim_stats_get(&stats);
    CHECK_EQ(stats.end_step, failure.step);
    CHECK_OK(weft_sim_plan(&plan, "short none"));
    CHECK_EQ(weft_sim_sweep(&plan, 1000, read_in_one_go, NULL, &failure), 0);
}

/* Wrong for one short read among many, and says so at its end. */
static int complain_late(void *arg)
{
    int fds[2], shorts = 0;
    char buf[10];
    (void)arg;
    CHECK_OK(weft_platform_get()->pipe(fds));
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(weft_write_all(fds[1], "0123456789", sizeof buf), (int)sizeof buf);
        for (size_t got = 0; got < sizeof buf;) {
            ssize_t count = weft_read(fds[0], buf, sizeof buf - got);
            CHECK_GT(count, 0);
            got += (size_t)count;
            shorts += got < sizeof buf;
        }
    }
    CHECK_OK(weft_close(fds[0]));
    CHECK_OK(weft_close(fds[1]));
    return shorts >= 2 ? weft_fail(-EPROTO, "%d short reads", shorts) : 0;
}

static int sweep_inside(void *arg)
{
    weft_sim_failure failure;
    return weft_sim_sweep(NULL, 1, complain_late, arg, &failure);
}

/* Of all the chances that a failing run took the fewest that are needed are kept. */
TEST(test_Z06_a_failure_is_made_small_in_chances)
{
    weft_sim_options plan = {.seed = test_seed(), .short_ppm = 500000};
    weft_sim_failure failure;
    CHECK_EQ(weft_sim_sweep(&plan, 100, complain_late, NULL, &failure), 1);
    const char *chances = strstr(failure.plan, "chances ");
    note("%s", failure.plan);
    CHECK(chances != NULL);
    CHECK_LE(atoi(chances + strlen("chances ")), 10);
    plan.seed = failure.seed;
    CHECK_OK(weft_sim_plan(&plan, failure.plan));
    CHECK_EQ(weft_sim_run_with(&plan, complain_late, NULL), -EPROTO);
    CHECK_EQ(weft_sim_run(1, sweep_inside, NULL), -EBUSY);
}

/* ---- Y03: schedules ---- */

#define ORDER_TASKS 6
#define ORDERS 720 /* 6! */

static struct {
    int numbers[ORDER_TASKS], count; /* in the order in which they ran */
    bool has_been[ORDERS];
} orders;

static int note_number(void *arg)
{
    orders.numbers[orders.count++] = *(const int *)arg;
    return 0;
}

/* By its digits in the factorial number system. */
static int order_index(void)
{
    int index = 0;
    for (int i = 0; i < ORDER_TASKS; i++) {
        int smaller = 0;
        for (int k = i + 1; k < ORDER_TASKS; k++)
            smaller += orders.numbers[k] < orders.numbers[i];
        index = index * (ORDER_TASKS - i) + smaller;
    }
    return index;
}

static int run_in_some_order(void *arg)
{
    int numbers[ORDER_TASKS];
    (void)arg;
    orders.count = 0;
    WEFT_GROUP(group);
    for (int i = 0; i < ORDER_TASKS; i++) {
        numbers[i] = i;
        WEFT_TRY(weft_group_spawn(group, note_number, &numbers[i]));
    }
    WEFT_TRY(weft_group_wait(group));
    orders.has_been[order_index()] = true;
    return 0;
}

/* What a sweep of so many seeds is for. */
TEST(test_Y03_ten_thousand_seeds_run_six_tasks_in_each_of_their_orders)
{
    int seen = 0;
    CHECK_EQ(weft_sim_sweep(NULL, 10000, run_in_some_order, NULL, NULL), 0);
    for (int i = 0; i < ORDERS; i++)
        seen += orders.has_been[i];
    CHECK_EQ(seen, ORDERS);
}

static int leave_open(void *arg)
{
    int fds[2];
    (void)arg;
    return weft_platform_get()->pipe(fds);
}

TEST(sweep_fails_a_run_that_leaves_descriptors_open)
{
    weft_sim_failure failure;
    CHECK_EQ(weft_sim_sweep(NULL, 10, leave_open, NULL, &failure), 1);
    CHECK_EQ(failure.seed, 1u);
    CHECK_EQ(failure.rc, 0);
    CHECK_EQ(failure.descriptors, 2u);
}

/* ---- main ---- */

static int sleep_for_ever(void *arg)
{
    for (;;)
        WEFT_TRY(weft_sleep(WEFT_SEC));
    return arg == NULL;
}

static int give_up(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_SEC));
    abort();
}

/* What the test of the program plans itself. */
static weft_sim_options program_plan = {.step_max = 5000};

/* What the program says on standard output and error; its status. */
static int run_program(char **argv, weft_fn *fn, char *out, size_t out_bytes)
{
    int fds[2], argc = 0, status;
    while (argv[argc] != NULL)
        argc++;
    CHECK_EQ(pipe(fds), 0);
    fflush(stdout);
    pid_t child = fork();
    CHECK_GE(child, 0);
    if (child == 0) {
        close(fds[0]);
        dup2(fds[1], STDERR_FILENO);
        dup2(fds[1], STDOUT_FILENO);
        int code = weft_sim_main(argc, argv, &program_plan, fn, NULL);
        fflush(stdout);
        _exit(code);
    }
    close(fds[1]);
    size_t used = 0;
    for (ssize_t got; (got = read(fds[0], out + used, out_bytes - 1 - used)) > 0;)
        used += (size_t)got;
    out[used] = '\0';
    close(fds[0]);
    CHECK_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Splits the command behind "again: " at its spaces and quotes. */
static void parse_again(char *text, char *argv[16])
{
    char *at = strstr(text, "weft: again: ");
    CHECK(at != NULL);
    at += strlen("weft: again: ");
    at[strcspn(at, "\n")] = '\0';
    int argc = 0;
    while (*at != '\0' && argc < 15) {
        char end = *at == '\'' ? '\'' : ' ';
        at += end == '\'';
        argv[argc++] = at;
        at += strcspn(at, (char[]){end, '\0'});
        if (*at != '\0')
            *at++ = '\0';
        at += strspn(at, " ");
    }
    argv[argc] = NULL;
}

TEST(test_Z06_a_failure_prints_the_command_that_runs_to_its_step)
{
    char *sweep[] = {(char *)"prog", (char *)"--plan", (char *)"reset 1%", NULL}, *again[16];
    static char text[32768], second[32768];
    CHECK_EQ(run_program(sweep, read_in_one_go, text, sizeof text), 1);
    note("%s", text);
    CHECK(strstr(text, "failed with -71 (Protocol error): read ") != NULL);
    CHECK(strstr(text, "chance    a short transfer") != NULL);
    CHECK(strstr(text, "runs      main #0.1\n") != NULL);
    parse_again(text, again);
    CHECK_STR(again[0], "prog");
    CHECK_STR(again[1], "--replay");
    CHECK_STR(again[3], "--step");
    CHECK_STR(again[5], "--plan");
    CHECK_EQ(run_program(again, read_in_one_go, second, sizeof second), 1); /* it fails as it did */
    note("%s", second);
    char line[64];
    snprintf(line, sizeof line, "seed %s, step %s, ", again[2], again[4]);
    CHECK(strstr(second, line) != NULL);
    const char *stop = strstr(second, "the step that was asked for");
    CHECK(stop != NULL);
    CHECK(strstr(stop, "failed with -71 (Protocol error): read ") != NULL);
    again[3] = NULL; /* without the step: to the end */
    again[3] = again[5];
    again[4] = again[6];
    again[5] = NULL;
    CHECK_EQ(run_program(again, read_in_one_go, second, sizeof second), 1);
}

TEST(test_Z06_an_abort_and_a_run_without_end_are_failures_too)
{
    char *sweep[] = {(char *)"prog", (char *)"--seeds", (char *)"3", NULL};
    static char text[32768];
    CHECK_EQ(run_program(sweep, give_up, text, sizeof text), -SIGABRT);
    CHECK(strstr(text, "weft: seed 1, step ") != NULL);
    CHECK(strstr(text, "aborted") != NULL);
    CHECK(strstr(text, "weft: again: prog --replay 1 --step ") != NULL);
    CHECK_EQ(run_program(sweep, sleep_for_ever, text, sizeof text), -SIGABRT);
    CHECK(strstr(text, "more steps than the plan allows") != NULL);
    CHECK(strstr(text, "weft: again: prog --replay 1 --step 5000") != NULL);
}

TEST(sim_main_refuses_what_it_does_not_know)
{
    static char text[4096];
    static const struct {
        const char *option, *value, *says;
    } rows[] = {
        {"--sees", NULL, "prog: unrecognized option '--sees'\n"},
        {"--seeds", "many", "prog: --seeds: \"many\" is no number\n"},
        {"--replay", "abc", "prog: --replay: \"abc\" is no number\n"},
        {"--step=-1", NULL, "prog: --step: \"-1\" is no number\n"},
        {"7", NULL, "prog: \"7\" is no option\n"},
        {"--plan", "lost 5", "prog: plan: \"5\" needs a unit: one of %, ppm"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *argv[] = {(char *)"prog", (char *)(uintptr_t)rows[i].option,
                        (char *)(uintptr_t)rows[i].value, NULL};
        CHECK_EQ(run_program(argv, nothing, text, sizeof text), 2);
        note("%s", text);
        CHECK(strstr(text, rows[i].says) == text);
        CHECK(strstr(text, "\nusage: prog") != NULL);
    }
}

TEST(sim_main_says_how_it_went)
{
    static char text[4096];
    char *help[] = {(char *)"prog", (char *)"--help", NULL};
    CHECK_EQ(run_program(help, nothing, text, sizeof text), 0);
    CHECK(strstr(text, "usage: prog") == text);
    char *right[] = {(char *)"prog", (char *)"--seeds", (char *)"3", NULL};
    CHECK_EQ(run_program(right, nothing, text, sizeof text), 0);
    CHECK_STR(text, "weft: 3 seeds, none failed\n");
    char *one[] = {(char *)"prog", (char *)"--replay", (char *)"3", NULL};
    CHECK_EQ(run_program(one, nothing, text, sizeof text), 0);
    CHECK(strstr(text, "weft: seed 3: ok, ") != NULL);
    char *step[] = {(char *)"prog",   (char *)"--replay", (char *)"3",
                    (char *)"--step", (char *)"1",        NULL};
    CHECK_EQ(run_program(step, nothing, text, sizeof text), 0);
    CHECK(strstr(text, "weft: seed 3, step 1, ") != NULL);
    CHECK(strstr(text, "weft: seed 3: ok, ") != NULL);
    CHECK_EQ(run_program(step, leave_open, text, sizeof text), 1);
}

TEST(sim_main_says_what_is_wrong_with_a_test)
{
    static char text[32768];
    char *sweep[] = {(char *)"prog", NULL};
    program_plan.step_max = 0; /* as many as is thought enough */
    CHECK_EQ(run_program(sweep, leave_open, text, sizeof text), 1);
    CHECK(strstr(text, "weft: seed 1: 2 descriptors are left open") != NULL);
    program_plan.faults[0] = (weft_sim_fault){.kind = WEFT_SIM_CUT, .a = "nowhere"};
    CHECK_EQ(run_program(sweep, nothing, text, sizeof text), 1);
    CHECK(strstr(text, "weft: the plan of the test makes no sense: ") != NULL);
}

static int do_all_and_fail(void *arg)
{
    WEFT_TRY(weft_run_blocking(take_a_while, arg));
    WEFT_TRY(weft_sleep(2 * WEFT_SEC));
    int fd = weft_platform_get()->open("/file", O_WRONLY | O_CREAT, 0600);
    if (fd < 0)
        return fd;
    int rc = (int)weft_write(fd, "x", 1);
    (void)weft_close(fd);
    return rc < 0 ? rc : -EPROTO;
}

TEST(test_Z06_the_last_steps_are_told_in_words)
{
    static char text[32768];
    char *one[] = {(char *)"prog",   (char *)"--replay",           (char *)"3",
                   (char *)"--plan", (char *)"fill disk after 1s", NULL};
    CHECK_EQ(run_program(one, do_all_and_fail, text, sizeof text), 1);
    note("%s", text);
    CHECK(strstr(text, "blocking  body: 0") != NULL);
    CHECK(strstr(text, "time      passes") != NULL);
    CHECK(strstr(text, "fault     1 begins") != NULL);
    CHECK(strstr(text, "No space left on device") != NULL);
}
