/* SPDX-License-Identifier: MIT */

/* Waiting as a task inside a replaced call. */
#ifndef WF_WAITS_H
#define WF_WAITS_H

#include <weft/base.h>

#include <poll.h>
#include <sys/time.h>

/* True if calls of the calling code wait as a task: inside one, which has not switched it off. */
bool wf_inside(void);

/* True on a thread whose loop knows the process's descriptors. */
bool wf_loop_knows_descriptors(void);

/* A time as libc gives it; more than a weft_time holds is WEFT_FOREVER. */
weft_time wf_time_of(const struct timespec *time);
weft_time wf_time_of_timeval(const struct timeval *time);
bool wf_time_is_valid(const struct timespec *time);

/* Waits until the descriptor has one of `events`, or until the deadline on the loop's clock: 1, or
 * 0 at the deadline; -1 and errno.  `call` is what the library called. */
int wf_wait_ready(int fd, short events, weft_time deadline, const char *call);

/* The same for several, of which those below 0 do not count. */
int wf_wait_any(const struct pollfd *entries, size_t count, weft_time deadline, const char *call);

/* Waits for `duration`: 0, or -1 and errno. */
int wf_wait_pause(weft_time duration, const char *call);

/* Has made a call that did not have to wait.  A task that finds everything ready for ever lets
 * others run now and then; errno stays. */
void wf_went_on(void);

/* Counts, and reports a mutex that is held meanwhile, before a wait that is not one of the above.
 */
void wf_wait_begins(const char *call);

struct wf_interpose_counts {
    uint64_t waits, waits_with_lock, lock_waits;
};
extern struct wf_interpose_counts wf_interpose_counts;

static inline void wf_count(uint64_t *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

#endif
