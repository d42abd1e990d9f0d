/* SPDX-License-Identifier: MIT */

/*
 * Lesson: gather waits for several tasks at once.  Three models are asked together, and all three
 * have answered when the slowest has.  If one failed, gather would cancel the others and return its
 * error.
 */

#include <weft.h>

#include <stdio.h>

struct call {
    const char *model;
    weft_time delay; /* what network and model take */
    double score;    /* the answer */
};

static double seconds_since(weft_time start)
{
    return (double)(weft_now() - start) / (double)WEFT_SEC;
}

static int ask(void *arg)
{
    struct call *call = arg;
    printf("asking %s\n", call->model);
    WEFT_TRY(weft_sleep(call->delay));
    call->score = (double)call->delay / (double)(2 * WEFT_SEC);
    printf("%s has answered\n", call->model);
    return 0;
}

static int ask_all(void *arg)
{
    (void)arg;
    struct call calls[] = {
        {"sentiment", 1200 * WEFT_MS, 0},
        {"toxicity", 600 * WEFT_MS, 0},
        {"language", 1700 * WEFT_MS, 0},
    };
    weft_time start = weft_now();

    WEFT_TRY(weft_gather(weft_spawn(ask, &calls[0]), weft_spawn(ask, &calls[1]),
                         weft_spawn(ask, &calls[2])));

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        printf("%s: %.2f\n", calls[i].model, calls[i].score);
    printf("after %.1f s, the time of the slowest\n", seconds_since(start));
    return 0;
}

int main(void)
{
    return weft_main(ask_all, NULL);
}
