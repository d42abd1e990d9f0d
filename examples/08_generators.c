/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a generator hands out values one after the other and may wait between them; whoever asks
 * for them reads like a loop.  Three tasks each draw features from one, all at the same time: the
 * sum of the first, the largest of the second, and its smallest, largest and mean.
 */

#include <weft.h>

#include <stdio.h>

struct features {
    int values[3];
};

static const struct features first = {{10, 20, 40}}, second = {{50, 500, 5000}};

/* Stands for rows that come from a database. */
static int each_feature(weft_gen *self, void *arg)
{
    const struct features *features = arg;
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(weft_sleep(100 * WEFT_MS));                  /* other tasks run here */
        WEFT_TRY(weft_gen_yield(self, &features->values[i])); /* the consumer runs here */
    }
    return 0;
}

struct summary {
    const struct features *of;
    int sum, min, max;
    double mean;
};

static int summarise(void *arg)
{
    struct summary *out = arg;
    int rc, value, count = 0;
    weft_foreach(rc, value, weft_gen_open(each_feature, (void *)out->of))
    {
        out->sum += value;
        out->min = value < out->min ? value : out->min;
        out->max = value > out->max ? value : out->max;
        count++;
    }
    WEFT_TRY(rc); /* what the generator failed with, or a cancel */
    out->mean = (double)out->sum / count;
    return 0;
}

static int summarise_all(void *arg)
{
    (void)arg;
    weft_time start = weft_now();
    struct summary summaries[] = {{.of = &first}, {.of = &second}, {.of = &second}};
    WEFT_TRY(weft_map(summarise, summaries, 3));
    printf("%d %d [%d, %d, %.1f]\n", summaries[0].sum, summaries[1].max, summaries[2].min,
           summaries[2].max, summaries[2].mean);
    /* 0.3 s, not 0.9: the three waited at the same time. */
    return weft_now() - start < 600 * WEFT_MS ? 0 : -ETIMEDOUT;
}

int main(void)
{
    return weft_run(summarise_all, NULL) < 0;
}
