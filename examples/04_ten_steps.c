/* SPDX-License-Identifier: MIT */

/*
 * Lesson: work ends early in an orderly way, by a deadline or by hand.  A wait inside returns
 * -ECANCELED; the work hands that up, after it has put away what it held.
 */

#include <weft.h>

#include <stdio.h>

/* Cleanup that must wait itself stands in a shield, with a deadline of its own. */
static void save(int steps)
{
    WEFT_SHIELD(cleanup, WEFT_SEC);
    if (weft_sleep(100 * WEFT_MS) == 0)
        printf("  saved %d of 10 steps\n", steps);
}

static int process(void *arg)
{
    int *steps = arg;
    for (*steps = 0; *steps < 10; ++*steps) {
        int rc = weft_sleep(300 * WEFT_MS);
        if (rc < 0) {
            printf("  stopped in step %d: %s\n", *steps + 1, weft_why());
            save(*steps);
            return rc;
        }
    }
    puts("  all ten steps done");
    return 0;
}

static int three_times(void *arg)
{
    (void)arg;
    int steps;

    puts("with time enough");
    WEFT_TRY(weft_wait_for(process, &steps, 10 * WEFT_SEC));

    puts("with one second");
    int rc = weft_wait_for(process, &steps, WEFT_SEC);
    printf("  result: %s after %d steps\n", rc == -ETIMEDOUT ? "timed out" : "?", steps);

    puts("cancelled by hand");
    weft_task task = weft_spawn(process, &steps);
    WEFT_TRY(weft_sleep(2 * WEFT_SEC));
    weft_cancel(task, "the user has changed their mind");
    rc = weft_await(task); /* returns when the task has cleaned up, not before */
    printf("  result: %s after %d steps\n", rc == -ECANCELED ? "cancelled" : "?", steps);
    return 0;
}

int main(void)
{
    return weft_main(three_times, NULL);
}
