/* SPDX-License-Identifier: MIT */

#include "cmd/serve/hangup.h"

#include "cmd/say.h"

#include <weft/error.h>
#include <weft/file.h>
#include <weft/io.h>
#include <weft/loops.h>
#include <weft/signal.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int hangup_open_log(const char *path)
{
    return weft_open(path, O_WRONLY | O_CREAT | O_APPEND, 0640);
}

/* On all loops, one after the other; the first failure is said, and the rest tried. */
static int reload_all(struct hangup *hangup, int log_fd)
{
    struct loop_plan *plan = hangup->plan;
    int failure = 0;
    for (size_t i = 0; i < plan->service->server_count; i++) {
        struct reload reload = {&plan->servers[i], log_fd};
        int rc = weft_await(weft_spawn_on(weft_loop_at((unsigned)i), loop_server_reload, &reload));
        if (rc == -ECANCELED)
            return rc;
        if (rc < 0 && failure == 0)
            say("%s; the old certificate stays", weft_explain(rc));
        failure = rc < 0 ? rc : failure;
    }
    if (failure == 0 && plan->secure->cert != NULL)
        say("the certificate was read again");
    return 0;
}

/* The old file is closed when no loop writes to it any more. */
static int reload(struct hangup *hangup)
{
    struct loop_plan *plan = hangup->plan;
    bool has_file = plan->log_fd > STDERR_FILENO;
    int log_fd = has_file ? hangup_open_log(hangup->access_log) : -1;
    if (log_fd == -ECANCELED)
        return log_fd;
    if (has_file && log_fd < 0)
        say("cannot open %.256s: %s; the old access log stays", hangup->access_log,
            weft_strerror(log_fd));
    hangup->next_log_fd = log_fd;
    int rc = reload_all(hangup, log_fd);
    if (rc < 0 || log_fd < 0)
        return rc;
    weft_close(plan->log_fd);
    plan->log_fd = log_fd;
    hangup->next_log_fd = -1;
    say("the access log was opened again");
    return 0;
}

/* The signal's default would end us, so it is not left alone even if it came ignored (nohup). */
int hangup_body(void *arg)
{
    struct hangup *hangup = arg;
    for (;;) {
        int rc = weft_signal_wait(SIGHUP);
        if (rc >= 0)
            rc = weft_event_wait(&hangup->is_open);
        if (rc == 0)
            rc = reload(hangup);
        if (rc < 0)
            return rc;
    }
}
