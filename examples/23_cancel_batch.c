/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a batch that is not wanted any more.  Cancelling the task that waits for it ends the work
 * on all threads within milliseconds; the await returns when nothing of it runs, and the matcher is
 * as good as before.
 */

#include <weft.h>
#include <weft/match.h>

#include <stdio.h>

enum { CITIES = 5, QUERIES = 10000 };

static const char *const names[CITIES] = {"Berlin", "Lisbon", "Porto", "Kinshasa", "Reykjavik"};

struct batch {
    weft_matcher *matcher;
    weft_str queries[QUERIES];
    weft_event begun;
    size_t done;
};

static int on_progress(size_t done, size_t total, void *arg)
{
    struct batch *batch = arg;
    (void)total;
    batch->done = done;
    weft_event_set(&batch->begun);
    return weft_yield(); /* the others have their turn; here the cancel is seen too */
}

static int run_batch(void *arg)
{
    struct batch *batch = arg;
    weft_m_results *results;
    WEFT_TRY(weft_m_batch(batch->matcher, batch->queries, QUERIES, NULL, 10, &results, NULL,
                          on_progress, batch));
    weft_m_results_free(results);
    return 0;
}

static int change_mind(struct batch *batch)
{
    weft_text answer;
    weft_task task = weft_spawn(run_batch, batch);
    WEFT_TRY(weft_event_wait(&batch->begun));
    weft_cancel(task, "the user has changed their mind");
    int rc = weft_await(task);
    printf("%s, %s the end\n", rc == -ECANCELED ? "cancelled" : "?",
           batch->done < QUERIES ? "before" : "at");
    WEFT_TRY(weft_m_match_json(batch->matcher, weft_str_of("LISBON"), NULL, &answer, NULL));
    printf("asked again: %s\n", answer.ptr);
    weft_text_free(&answer);
    return 0;
}

static int match(void *arg)
{
    struct batch *batch = arg;
    weft_m_entity entities[CITIES] = {0};
    for (int i = 0; i < CITIES; i++)
        entities[i].id = entities[i].name = weft_str_of(names[i]);
    for (int i = 0; i < QUERIES; i++)
        batch->queries[i] = weft_str_of(names[i % CITIES]);
    WEFT_TRY(weft_m_open(&batch->matcher, entities, CITIES, NULL, NULL));
    int rc = change_mind(batch);
    weft_m_close(batch->matcher);
    return rc;
}

int main(void)
{
    static struct batch batch;
    return weft_main(match, &batch);
}
