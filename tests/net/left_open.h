/* SPDX-License-Identifier: MIT */

/* What debug mode says, at the end of a run, of what its body has left open. */
#ifndef TESTS_NET_LEFT_OPEN_H
#define TESTS_NET_LEFT_OPEN_H

#include "harness/harness.h"

#include <weft.h>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a run logged. */
struct said {
    int lines;
    weft_time first, last; /* by the clock of the run */
    char text[4096];
};

static inline void keep_line(const char *line, void *arg)
{
    struct said *said = arg;
    size_t used = strlen(said->text);
    snprintf(said->text + used, sizeof said->text - used, "%s\n", line);
    if (said->lines++ == 0)
        said->first = weft_now();
    said->last = weft_now();
}

/* In a process of its own, with which goes what it leaves. */
static inline struct said run_in_child(const char *backend, unsigned flags, weft_fn *fn)
{
    struct said said = {0};
    weft_config config = {.backend = backend, .flags = flags, .log = keep_line, .log_arg = &said};
    int ends[2], status;
    CHECK_OK(pipe(ends));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int rc = weft_run_with(&config, fn, NULL);
        _exit(rc == 0 && write(ends[1], &said, sizeof said) == sizeof said ? 0 : 1);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(read(ends[0], &said, sizeof said), sizeof said);
    CHECK_OK(close(ends[0]));
    CHECK_OK(close(ends[1]));
    note("said: %s", said.text);
    return said;
}

static inline void check_contains(const struct said *said, const char *text)
{
    note("looked for: %s", text);
    CHECK(strstr(said->text, text) != NULL);
}

static const char *const left_open_backends[] = {"io_uring", "epoll", "sim"};

/* What each back end says of it in debug mode, and that the end comes without it. */
static inline void check_left(weft_fn *fn, const char *const *texts)
{
    for (size_t i = 0; i < 3; i++) {
        if (!backend_is_there(left_open_backends[i]))
            continue;
        note("on %s", left_open_backends[i]);
        struct said said = run_in_child(left_open_backends[i], WEFT_RUN_DEBUG, fn);
        for (size_t text = 0; texts[text] != NULL; text++)
            check_contains(&said, texts[text]);
    }
}

static inline void check_nothing_left(weft_fn *fn)
{
    for (size_t i = 0; i < 3; i++) {
        if (backend_is_there(left_open_backends[i]))
            CHECK_EQ(run_in_child(left_open_backends[i], WEFT_RUN_DEBUG, fn).lines, 0);
    }
}

#endif
