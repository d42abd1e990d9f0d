/* SPDX-License-Identifier: MIT */

#include "match/model/spares.h"

#include <stddef.h>

void wf_spares_init(wf_spares *spares)
{
    pthread_mutex_init(&spares->lock, NULL);
    spares->top = NULL;
}

void *wf_spares_take(wf_spares *spares)
{
    pthread_mutex_lock(&spares->lock);
    wf_spare *spare = spares->top;
    if (spare != NULL)
        spares->top = spare->next;
    pthread_mutex_unlock(&spares->lock);
    return spare;
}

void wf_spares_give(wf_spares *spares, wf_spare *spare)
{
    pthread_mutex_lock(&spares->lock);
    spare->next = spares->top;
    spares->top = spare;
    pthread_mutex_unlock(&spares->lock);
}

void wf_spares_fini(wf_spares *spares, void (*free_one)(wf_spare *spare))
{
    while (spares->top != NULL) {
        wf_spare *next = spares->top->next;
        free_one(spares->top);
        spares->top = next;
    }
    pthread_mutex_destroy(&spares->lock);
}
