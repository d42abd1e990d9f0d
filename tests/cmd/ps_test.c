/* SPDX-License-Identifier: MIT */

/* weft ps, asked of a real service. */
#include "child.h"

#define COUNTRIES test_source("examples/data/countries.csv")

/* A service that has begun to serve, and its PID. */
static void service_start(struct child *service, char pid[16])
{
    wf_buf out = {0};
    child_start(service,
                (const char *const[]){"serve", "-e", COUNTRIES, "--listen", "127.0.0.1:0", NULL});
    while (memchr(wf_buf_ptr(&out), '\n', wf_buf_bytes(&out)) == NULL)
        CHECK(child_read(&service->out, &out));
    snprintf(pid, 16, "%d", (int)service->pid);
    wf_buf_fini(&out);
}

static void service_end(struct child *service)
{
    weft_str nothing = {"", 0};
    wf_buf out = {0}, err = {0};
    CHECK_OK(kill(service->pid, SIGTERM));
    while (child_turn(service, &nothing, &out, &err))
        continue;
    CHECK_EQ(child_wait(service), 0);
    wf_buf_fini(&out);
    wf_buf_fini(&err);
}

TEST(ps_shows_the_tasks_of_a_service)
{
    struct child service;
    char pid[16];
    service_start(&service, pid);
    struct run run;
    RUN(&run, "ps", pid);
    note("%s%s", run.out, run.err);
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.out, "loop on ") == run.out);
    CHECK(strstr(run.out, "\n  task main #") != NULL);
    CHECK(strstr(run.out, "task server_watch") != NULL);
    run_fini(&run);
    RUN(&run, "ps", "--verbose", pid);
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.out, "\n  task main #") != NULL);
    CHECK(strstr(run.out, "\n    at server_watch+0x") != NULL);
    run_fini(&run);
    RUN(&run, "ps", "--json", pid);
    note("%s", run.out);
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.out, "{\"loop\":0,\"depth\":0,\"kind\":\"loop\",") == run.out);
    CHECK(strstr(run.out, ",\"waits_s\":") != NULL);
    run_fini(&run);
    service_end(&service);
}

TEST(stack_shows_where_the_tasks_of_a_service_are)
{
    struct child service;
    struct run run;
    char pid[16];
    service_start(&service, pid);
    RUN(&run, "stack", pid);
    note("%s%s", run.out, run.err);
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.out, "loop on ") == run.out);
    CHECK(strstr(run.out, "\n    at cmd_serve+0x") != NULL);
    CHECK(strstr(run.out, "\n    at server_watch+0x") != NULL);
    run_fini(&run);
    RUN(&run, "stack", pid, "main");
    CHECK(strstr(run.out, "server_watch") == NULL);
    CHECK(strstr(run.out, "  task main #0.1 [") != NULL);
    run_fini(&run);
    service_end(&service);
}

TEST(stack_of_a_task_that_is_not_there_fails_and_says_so)
{
    static const char *const absent[] = {"99.9", "0.77", "#999", "nobody"};
    struct child service;
    struct run run;
    char pid[16], said[64];
    service_start(&service, pid);
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        RUN(&run, "stack", pid, absent[i]);
        CHECK_EQ(run.code, 1);
        CHECK_STR(run.out, "");
        snprintf(said, sizeof said, "weft: process %s has no task %s\n", pid, absent[i]);
        CHECK_STR(run.err, said);
        run_fini(&run);
    }
    service_end(&service);
}

TEST(ps_shows_the_wait_graph_of_a_service)
{
    struct child service;
    struct run run;
    char pid[16];
    service_start(&service, pid);
    RUN(&run, "ps", "--graph", pid);
    note("%s%s", run.out, run.err);
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.out, " tasks wait for others\n") != NULL);
    run_fini(&run);
    RUN(&run, "ps", "--dot", pid);
    CHECK_EQ(run.code, 0);
    CHECK(strncmp(run.out, "digraph weft {\n", 15) == 0);
    CHECK(strstr(run.out, "\n}\n") != NULL);
    run_fini(&run);
    service_end(&service);
}

TEST(top_shows_what_a_service_does)
{
    struct child service;
    struct run run;
    char pid[16];
    service_start(&service, pid);
    RUN(&run, "top", "--once", "--interval", "0.2", pid);
    note("%s%s", run.out, run.err);
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.out, "weft top: process ") == run.out);
    CHECK(strstr(run.out, "\ntasks   ") != NULL);
    CHECK(strstr(run.out, "\nstates  ") != NULL);
    CHECK(strchr(run.out, '\033') == NULL);
    run_fini(&run);
    RUN(&run, "top", "--once", "--json", "--interval", "0.2", pid);
    note("%s%s", run.out, run.err);
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.out, "{\"pid\":") == run.out);
    CHECK(strstr(run.out, ",\"loops\":1,") != NULL);
    CHECK(strstr(run.out, ",\"silent\":null}\n") != NULL);
    run_fini(&run);
    service_end(&service);
}

TEST(ps_says_what_is_wrong_with_a_pid)
{
    static const struct {
        const char *pid, *text;
        int code;
    } rows[] = {
        {"x", "\"x\" is no PID", 2},         {"0", "\"0\" is no PID", 2},
        {"-1", "unknown option", 2},         {"99999999999999999999", "is no PID", 2},
        {"12x", "\"12x\" is no PID", 2},     {"", "\"\" is no PID", 2},
        {"2147483646", "no process 214", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct run run;
        RUN(&run, "ps", rows[i].pid);
        note("%s: %s", rows[i].pid, run.err);
        CHECK_EQ(run.code, rows[i].code);
        CHECK(strstr(run.err, rows[i].text) != NULL);
        run_fini(&run);
    }
    struct run run;
    RUN(&run, "ps");
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    RUN(&run, "ps", "1", "2");
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    RUN(&run, "top");
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    RUN(&run, "top", "--interval", "0", "1");
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    RUN(&run, "stack");
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    RUN(&run, "stack", "1", "2", "3");
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    RUN(&run, "stack", "1", "a name that is much too long to be that of a task");
    CHECK_EQ(run.code, 2);
    run_fini(&run);
}
