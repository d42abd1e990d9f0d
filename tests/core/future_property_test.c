/* SPDX-License-Identifier: MIT */

/* Future: the first set wins; whoever waits, before or after, gets what it said. */

#include "property.h"

#include <weft/future.h>

enum { ANSWERS_MAX = 3 };

struct answer {
    weft_future future;
    bool is_set; /* the model */
    int rc;
    void *value;
    struct waitlist waiters;
};

static struct {
    int count;
    struct answer answers[ANSWERS_MAX];
} post;

static void post_begin(int count)
{
    memset(&post, 0, sizeof post);
    post.count = count;
}

static int answer_set(struct answer *answer, struct actor *self)
{
    int rc = -actor_random(self, 3); /* 0, -EPERM, -ENOENT */
    CHECK_EQ(weft_future_set(&answer->future, rc, self), answer->is_set ? -EALREADY : 0);
    if (answer->is_set)
        return 0;
    answer->is_set = true;
    answer->rc = rc;
    answer->value = self;
    waitlist_grant_all(&answer->waiters, rc);
    return 0;
}

static int answer_await(struct answer *answer, struct actor *self)
{
    void *untouched = answer, *value = untouched;
    int rc;
    bool has_it;
    if (answer->is_set) {
        rc = weft_future_wait(&answer->future, &value);
        has_it = actor_did(self, rc, answer->rc);
    } else {
        waitlist_enter(&answer->waiters, self);
        rc = weft_future_wait(&answer->future, &value);
        has_it = waitlist_leave(&answer->waiters, self, rc);
    }
    CHECK(value == (has_it ? answer->value : untouched));
    return rc == -ECANCELED ? rc : 0;
}

static int post_step(struct actor *self)
{
    struct answer *answer = &post.answers[actor_random(self, post.count)];
    CHECK_EQ(weft_future_is_set(&answer->future), answer->is_set);
    return actor_random(self, 6) == 0 ? answer_set(answer, self) : answer_await(answer, self);
}

static void post_at_rest(void)
{
    for (int i = 0; i < post.count; i++)
        if (post.answers[i].is_set)
            CHECK(waitlist_first(&post.answers[i].waiters) == NULL);
}

static void post_end(void)
{
    for (int i = 0; i < post.count; i++) {
        CHECK_EQ(weft_future_is_set(&post.answers[i].future), post.answers[i].is_set);
        CHECK(weft_waitq_first(&post.answers[i].future.priv_waiters) == NULL);
    }
}

#define POST_PROPERTY(name_, count_)                                                               \
    PROPERTY(name_, .begin = post_begin, .step = post_step, .at_rest = post_at_rest,               \
             .end = post_end, .shape = (count_))

POST_PROPERTY(test_P09_the_first_set_wins_and_all_get_it, 1)
POST_PROPERTY(test_P09_three_futures_are_set_by_whoever_comes_first, ANSWERS_MAX)
