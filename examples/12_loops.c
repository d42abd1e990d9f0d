/* SPDX-License-Identifier: MIT */

/*
 * Work for several processors: a run of two loops, and a task on each for every part of a sum.
 *
 * The parts come back as from any child: gathered here, in their owner's order, and cancelled if
 * one fails.  Each part is its task's alone while it runs, so nothing needs a lock.
 */
#include <stdio.h>
#include <weft.h>

#define PARTS 4
#define PART 250000

struct part {
    long first, count;
    long primes;
    int loop;
};

static bool is_prime(long number)
{
    for (long i = 2; i * i <= number; i++)
        if (number % i == 0)
            return false;
    return number >= 2;
}

static int count_primes(void *arg)
{
    struct part *part = arg;
    part->loop = weft_loop_index();
    for (long i = 0; i < part->count; i++) {
        part->primes += is_prime(part->first + i);
        if (i % 1000 == 0)
            WEFT_TRY(weft_yield()); /* others on this loop, and a cancel, need not wait long */
    }
    return 0;
}

static int fail(void *arg)
{
    (void)arg;
    return weft_fail(-EDOM, "loop %d has no answer", weft_loop_index());
}

static int sum(void *arg)
{
    struct part parts[PARTS] = {{0}};
    weft_task tasks[PARTS];
    long primes = 0;
    (void)arg;
    for (int i = 0; i < PARTS; i++) {
        parts[i] = (struct part){.first = (long)i * PART, .count = PART};
        weft_loop *loop = weft_loop_at((unsigned)i % weft_loop_count());
        tasks[i] = weft_spawn_on(loop, count_primes, &parts[i]);
    }
    WEFT_TRY(weft_gather_n(tasks, PARTS));
    for (int i = 0; i < PARTS; i++) {
        printf("loop %d: %ld primes from %ld\n", parts[i].loop, parts[i].primes, parts[i].first);
        primes += parts[i].primes;
    }
    printf("together: %ld\n", primes);

    int rc = weft_await(weft_spawn_on(weft_loop_at(1), fail, NULL));
    printf("%s: %s\n", weft_strerror(rc), weft_error_text());
    return 0;
}

int main(void)
{
    weft_config config = {.loops = 2};
    return weft_run_with(&config, sum, NULL) < 0;
}
