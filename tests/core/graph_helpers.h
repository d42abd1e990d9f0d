/* SPDX-License-Identifier: MIT */

/* The graph of waits as tests read it, and tasks that wait. */
#ifndef WF_TESTS_CORE_GRAPH_HELPERS_H
#define WF_TESTS_CORE_GRAPH_HELPERS_H

#include "core/look/survey.h"
#include "core/look/topic.h"
#include "core/task/sched_priv.h"
#include "harness/harness.h"

#include <weft.h>

#include <stdlib.h>
#include <unistd.h>

static inline const char *tell(const struct wf_topic *topic)
{
    static char text[256 << 10];
    wf_buf out = {0};
    wf_topic_tell(topic, wf_sched_self(), "", &out);
    CHECK_OK(out.rc);
    CHECK_LT(wf_buf_bytes(&out), sizeof text);
    memcpy(text, wf_buf_ptr(&out), wf_buf_bytes(&out));
    text[wf_buf_bytes(&out)] = '\0';
    wf_buf_fini(&out);
    note("%.4000s", text);
    return text;
}

/* A line of the graph with all of these in this order. */
static inline bool has_line(const char *text, const char *a, const char *b, const char *c)
{
    for (const char *line = text; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');
        const char *first = strstr(line, a);
        const char *second = first != NULL ? strstr(first, b) : NULL;
        const char *third = second != NULL ? strstr(second, c) : NULL;
        if (third != NULL && end != NULL && third < end)
            return true;
        line = end != NULL ? end + 1 : NULL;
    }
    return false;
}

static inline void unsaid(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

static inline ssize_t write_a_piece(int fd, const void *buf, size_t bytes)
{
    return weft_platform_host.write(fd, buf, bytes < 100 ? bytes : 100);
}

/* What a run that ends in a deadlock says on standard error, which takes a piece at a time. */
static inline const char *told_by(uint32_t loops, weft_fn *fn)
{
    static char text[16 << 10];
    static weft_platform in_pieces;
    int fds[2];
    if (loops > 1 && !test_is_simulated())
        use_real_time();
    CHECK_OK(pipe(fds));
    int before = dup(STDERR_FILENO);
    CHECK_OK(dup2(fds[1], STDERR_FILENO));
    in_pieces = *test_platform();
    in_pieces.write = write_a_piece;
    weft_config config = test_config();
    config.platform = &in_pieces;
    config.log = unsaid;
    config.loops = loops;
    int rc = weft_run_with(&config, fn, NULL);
    CHECK_OK(dup2(before, STDERR_FILENO));
    CHECK_OK(close(before));
    CHECK_OK(close(fds[1]));
    size_t len = 0;
    for (ssize_t got; (got = read(fds[0], text + len, sizeof text - 1 - len)) > 0;)
        len += (size_t)got;
    text[len] = '\0';
    CHECK_OK(close(fds[0]));
    note("%s", text);
    CHECK_EQ(rc, -EDEADLK);
    return text;
}

/* Whatever allocation fails, the wait ends. */
static inline int waits_without_memory(void *arg)
{
    (void)arg;
    for (uint64_t k = 1;; k++) {
        weft_event never = {0};
        weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = k};
        weft_fault_arm(&plan);
        int rc = weft_event_wait(&never);
        weft_fault_arm(NULL);
        CHECK_EQ(rc, -EDEADLK);
        if (plan.point == NULL)
            return rc;
    }
}

static weft_event go;

static inline int awaits(void *arg)
{
    return weft_await(*(weft_task *)arg);
}

static inline int waits_for_go(void *arg)
{
    (void)arg;
    return weft_event_wait(&go);
}

static inline int gathers(void *arg)
{
    const weft_task *tasks = arg;
    return weft_gather(tasks[0], tasks[1]);
}

#endif
