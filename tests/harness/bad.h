/* SPDX-License-Identifier: MIT */

/* For tests of the harness: runs a test of this very program that must fail, and looks at how. */
#ifndef WF_TESTS_BAD_H
#define WF_TESTS_BAD_H

#include "harness/harness.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the program says and returns when it runs only the test `name`, given $WEFT_HARNESS_BAD. */
static inline int run_bad(const char *name, char *out, size_t out_bytes)
{
    int fds[2];
    CHECK_OK(pipe(fds));
    pid_t pid = fork();
    CHECK_OK(pid);
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        setenv("WEFT_HARNESS_BAD", "1", 1);
        setenv("WEFT_TEST_TIMEOUT_FACTOR", "1", 1);
        unsetenv("WEFT_TEST_SWEEP_MAX");
        execl("/proc/self/exe", "test", "--only", name, (char *)NULL);
        _exit(3);
    }
    close(fds[1]);
    size_t used = 0;
    for (ssize_t got; (got = read(fds[0], out + used, out_bytes - 1 - used)) > 0;)
        used += (size_t)got;
    out[used] = '\0';
    close(fds[0]);
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline bool is_bad_run(void)
{
    return getenv("WEFT_HARNESS_BAD") != NULL;
}

static inline void expect_failure(const char *name, const char *text)
{
    char out[8192];
    CHECK_EQ(run_bad(name, out, sizeof out), 1);
    note("output: %.200s", out);
    CHECK(strstr(out, "\nnot ok ") != NULL);
    CHECK(strstr(out, text) != NULL);
}

#endif
