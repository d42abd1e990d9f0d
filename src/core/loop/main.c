/* SPDX-License-Identifier: MIT */

/* A run as the whole of a program: its outcome as an exit status, its failure as a line. */

#include <weft/run.h>

#include "base/sys.h"

#include <weft/scope.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct program {
    weft_fn *fn;
    void *arg;
    int signal_number; /* that ended it; 0: none */
};

static int signal_that_ended(int rc)
{
    if (rc != -ECANCELED || weft_check() == 0 || weft_why_kind() != WEFT_REASON_SHUTDOWN)
        return 0;
    return strcmp(weft_why(), "SIGTERM") == 0 ? SIGTERM : SIGINT;
}

static int program_body(void *arg)
{
    struct program *self = arg;
    int rc = self->fn(self->arg);
    self->signal_number = signal_that_ended(rc);
    return rc;
}

static void say_failure(int rc)
{
    char line[WEFT_ERROR_TEXT_BYTES + 64];
    int len =
        snprintf(line, sizeof line, "%.50s: %s\n", program_invocation_short_name, weft_explain(rc));
    (void)wf_sys_write(STDERR_FILENO, line, (size_t)len);
}

int weft_main_with(const weft_config *config, weft_fn *fn, void *arg)
{
    struct program program = {.fn = fn, .arg = arg};
    int rc = weft_run_with(config, program_body, &program);
    if (rc >= 0)
        return 0;
    if (program.signal_number != 0)
        return 128 + program.signal_number;
    say_failure(rc);
    return 1;
}

int weft_main(weft_fn *fn, void *arg)
{
    return weft_main_with(NULL, fn, arg);
}
