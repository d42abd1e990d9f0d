/* SPDX-License-Identifier: MIT */

/* A signal in the middle of a command. */
#include "child.h"

#define COUNTRIES test_source("examples/data/countries.csv")

/* Endless input, ended by a signal: whole lines, and the exit code that says so. */
static void check_interrupt(const char *command, int signo, int code)
{
    struct child child;
    wf_buf out = {0}, err = {0};
    char texts[600];
    memset(texts, 0, sizeof(texts));
    for (int i = 0; i < 50; i++)
        memcpy(texts + i * 11, "Deutchland\n", 11);
    child_start(&child, (const char *const[]){"match", command, "-e", COUNTRIES, "-f", "-", NULL});
    signal(SIGPIPE, SIG_IGN);
    while (wf_buf_bytes(&out) < 20000) {
        weft_str input = {texts, 550};
        int in = dup(child.in);
        CHECK(child_turn(&child, &input, &out, &err));
        if (child.in < 0)
            child.in = in;
        else
            close(in);
    }
    kill(child.pid, signo);
    weft_str nothing = {"", 0};
    int in = child.in;
    child.in = -1;
    while (child_turn(&child, &nothing, &out, &err))
        ;
    child.in = in;
    CHECK_EQ(child_wait(&child), code);
    size_t bytes = wf_buf_bytes(&out);
    CHECK_EQ(wf_buf_ptr(&out)[bytes - 1], '\n');
    CHECK_EQ(wf_buf_ptr(&out)[0], '{');
    wf_buf_fini(&out);
    wf_buf_fini(&err);
}

TEST(match_commands_end_with_130_and_whole_lines_when_interrupted)
{
    check_interrupt("query", SIGINT, 130);
    check_interrupt("novelty", SIGINT, 130);
    check_interrupt("hierarchy", SIGINT, 130);
    check_interrupt("explain", SIGINT, 130);
}

TEST(match_query_ends_with_143_when_terminated)
{
    check_interrupt("query", SIGTERM, 143);
}

TEST(match_query_ends_with_130_while_it_waits_for_input)
{
    struct child child;
    wf_buf out = {0}, err = {0};
    weft_str nothing = {"", 0};
    child_start(&child, (const char *const[]){"match", "query", "-e", COUNTRIES, "-f", "-", NULL});
    CHECK_EQ(write(child.in, "Burma\n", 6), 6);
    int in = child.in;
    child.in = -1; /* keep it open */
    while (wf_buf_bytes(&out) == 0)
        CHECK(child_turn(&child, &nothing, &out, &err));
    kill(child.pid, SIGINT);
    while (child_turn(&child, &nothing, &out, &err))
        ;
    child.in = in;
    CHECK_EQ(child_wait(&child), 130);
    CHECK_EQ(wf_buf_bytes(&err), 0u);
    wf_buf_fini(&out);
    wf_buf_fini(&err);
}
