/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a semaphore limits how many do something at once.  Eight requests are made; the service
 * behind them bears three at a time.
 */

#include <weft.h>

#include <stdio.h>

struct service {
    weft_sem slots;
    weft_time start;
    int in_hand, in_hand_max;
};

struct request {
    struct service *service;
    int number;
    weft_time duration;
};

static int embed(void *arg)
{
    struct request *self = arg;
    struct service *service = self->service;

    WEFT_TRY(weft_sem_take(&service->slots)); /* cancelled here, we hold nothing */
    service->in_hand++;
    if (service->in_hand > service->in_hand_max)
        service->in_hand_max = service->in_hand;
    printf("%.1f s  request %d, %d in hand\n",
           (double)(weft_now() - service->start) / (double)WEFT_SEC, self->number,
           service->in_hand);
    int rc = weft_sleep(self->duration);
    service->in_hand--;
    weft_sem_give(&service->slots); /* on every way out */
    return rc;
}

static int embed_all(void *arg)
{
    (void)arg;
    struct service service = {.slots = WEFT_SEM(3, 3), .start = weft_now()};
    struct request requests[8];
    for (int i = 0; i < 8; i++)
        requests[i] = (struct request){&service, i + 1, (300 + 100 * (i % 3)) * WEFT_MS};

    WEFT_TRY(weft_map(embed, requests, 8));
    printf("%.1f s  done; never more than %d at once\n",
           (double)(weft_now() - service.start) / (double)WEFT_SEC, service.in_hand_max);
    return 0;
}

int main(void)
{
    return weft_main(embed_all, NULL);
}
