/* SPDX-License-Identifier: MIT */

/* Sleeping. */

#include "interpose/next.h"
#include "interpose/waits.h"

#include <weft/task.h>

/* What is left of a sleep until then. */
static weft_time left_until(weft_time end)
{
    weft_time left = end - weft_now();
    return left > 0 ? left : 0;
}

static int sleep_for(const char *call, weft_time duration, struct timespec *out_left)
{
    weft_time end = weft_after(duration);
    int rc = wf_wait_pause(duration, call);
    if (rc < 0 && out_left != NULL) {
        weft_time left = left_until(end);
        *out_left = (struct timespec){.tv_sec = left / WEFT_SEC, .tv_nsec = left % WEFT_SEC};
    }
    return rc;
}

WEFT_API int nanosleep(const struct timespec *time, struct timespec *out_left)
{
    if (!wf_inside() || !wf_time_is_valid(time))
        return wf_next()->nanosleep(time, out_left);
    return sleep_for("nanosleep", wf_time_of(time), out_left);
}

WEFT_API int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                             struct timespec *out_left)
{
    bool is_known = clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
    if (!is_known || !wf_time_is_valid(time) || !wf_inside())
        return wf_next()->clock_nanosleep(clock, flags, time, out_left);
    int before = errno;
    weft_time duration = wf_time_of(time);
    bool is_absolute = (flags & TIMER_ABSTIME) != 0;
    if (is_absolute) {
        struct timespec now;
        clock_gettime(clock, &now);
        duration -= wf_time_of(&now);
    }
    int rc = sleep_for("clock_nanosleep", duration, is_absolute ? NULL : out_left);
    if (rc < 0)
        rc = errno;
    errno = before; /* this one returns its error */
    return rc;
}

WEFT_API int usleep(useconds_t time)
{
    if (!wf_inside())
        return wf_next()->usleep(time);
    return sleep_for("usleep", (weft_time)time * WEFT_US, NULL);
}

/* Returns what is left, in whole seconds. */
WEFT_API unsigned sleep(unsigned seconds)
{
    if (!wf_inside())
        return wf_next()->sleep(seconds);
    struct timespec left = {0};
    if (sleep_for("sleep", seconds * WEFT_SEC, &left) == 0)
        return 0;
    return (unsigned)(left.tv_sec + (left.tv_nsec >= WEFT_SEC / 2));
}
