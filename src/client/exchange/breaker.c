/* SPDX-License-Identifier: MIT */

#include "client/exchange/breaker.h"

#define WINDOW_HALF (5 * WEFT_SEC)
#define OPEN_TIME (5 * WEFT_SEC)
#define REQUESTS_MIN 20

/* Moves the window to `now`. */
static void breaker_turn(struct breaker *breaker, weft_time now)
{
    weft_time age = now - breaker->half_since;
    if (age < WINDOW_HALF)
        return;
    breaker->done[1] = age < 2 * WINDOW_HALF ? breaker->done[0] : 0;
    breaker->failed[1] = age < 2 * WINDOW_HALF ? breaker->failed[0] : 0;
    breaker->done[0] = 0;
    breaker->failed[0] = 0;
    breaker->half_since = now;
}

bool wf_breaker_begin(struct breaker *breaker, weft_time now, bool *out_is_probe)
{
    *out_is_probe = false;
    if (breaker->open_until == 0)
        return true;
    if (now < breaker->open_until || breaker->is_probing)
        return false;
    breaker->is_probing = true;
    *out_is_probe = true;
    return true;
}

static void breaker_open(struct breaker *breaker, weft_time now)
{
    *breaker = (struct breaker){.open_until = now + OPEN_TIME, .half_since = now};
}

void wf_breaker_done(struct breaker *breaker, weft_time now, bool is_probe, bool has_failed)
{
    if (is_probe) {
        *breaker = (struct breaker){.half_since = now};
        if (has_failed)
            breaker_open(breaker, now);
        return;
    }
    if (breaker->open_until != 0) /* begun before it opened */
        return;
    breaker_turn(breaker, now);
    breaker->done[0]++;
    breaker->failed[0] += has_failed;
    uint64_t done = (uint64_t)breaker->done[0] + breaker->done[1];
    uint64_t failed = (uint64_t)breaker->failed[0] + breaker->failed[1];
    if (done >= REQUESTS_MIN && failed * 2 >= done)
        breaker_open(breaker, now);
}

void wf_breaker_forget(struct breaker *breaker, bool is_probe)
{
    if (is_probe)
        breaker->is_probing = false;
}

bool wf_breaker_is_quiet(const struct breaker *breaker, weft_time now)
{
    if (breaker->open_until != 0)
        return false;
    bool is_old = now - breaker->half_since >= 2 * WINDOW_HALF;
    return is_old || breaker->failed[0] + breaker->failed[1] == 0;
}
