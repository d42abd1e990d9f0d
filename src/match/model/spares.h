/* SPDX-License-Identifier: MIT */

/*
 * Spares: memory that one thread at a time works with, kept for the next.  What is kept begins with
 * a wf_spare.  Any thread may take and give.
 */
#ifndef WF_SPARES_H
#define WF_SPARES_H

#include <pthread.h>

typedef struct wf_spare {
    struct wf_spare *next;
} wf_spare;

typedef struct wf_spares {
    pthread_mutex_t lock;
    wf_spare *top; /* under lock */
} wf_spares;

void wf_spares_init(wf_spares *spares);

/* NULL: none is there, make one. */
void *wf_spares_take(wf_spares *spares);
void wf_spares_give(wf_spares *spares, wf_spare *spare);

/* Frees all that were given back.  Nobody may hold any. */
void wf_spares_fini(wf_spares *spares, void (*free_one)(wf_spare *spare));

#endif
