/* SPDX-License-Identifier: MIT */

/*
 * Gate: a lock for tasks of any loop and for plain threads alike.  It is held by one exclusively or
 * by many shared; who comes waits behind those who wait already.  A waiting task parks and its loop
 * goes on; a waiting thread sleeps.
 */
#ifndef WF_MATCH_GATE_H
#define WF_MATCH_GATE_H

#include "base/list.h"

#include <pthread.h>
#include <weft/base.h>

enum wf_gate_mode { WF_GATE_SHARED, WF_GATE_EXCLUSIVE };

/* Invariants, under `lock`: is_exclusive implies shared_count == 0; the first waiter could not
 * enter now. */
typedef struct wf_gate {
    pthread_mutex_t lock;
    wf_list waiters;
    size_t shared_count;
    bool is_exclusive;
} wf_gate;

void wf_gate_init(wf_gate *gate);
void wf_gate_fini(wf_gate *gate); /* nobody is inside and nobody waits */

/* 0, or -ECANCELED if the calling task was cancelled while it waited; then it is not inside. */
WEFT_WAITS WEFT_MUST_USE int wf_gate_enter(wf_gate *gate, enum wf_gate_mode mode);

/* The same, deaf to cancel: it does come in. */
WEFT_WAITS void wf_gate_enter_shielded(wf_gate *gate, enum wf_gate_mode mode);

/* Never waits.  Any thread, not only the one that entered. */
void wf_gate_leave(wf_gate *gate, enum wf_gate_mode mode);

#endif
