/* SPDX-License-Identifier: MIT */

/* Posts: order, limits, ends, and that no wake-up is ever lost. */

#include "core/loop/posts.h"

#include "core/loop/loop_priv.h"
#include "core/loop/registry.h"
#include "harness/harness.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A back end that can only sleep and be woken: a post that fails to wake it hangs the test. */
static pthread_mutex_t bell_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t bell = PTHREAD_COND_INITIALIZER;
static uint64_t bell_count;
static uint64_t bell_heard;

static void bell_wake(weft_loop *loop)
{
    (void)loop;
    pthread_mutex_lock(&bell_lock);
    bell_count++;
    pthread_cond_signal(&bell);
    pthread_mutex_unlock(&bell_lock);
}

static void bell_wait(void)
{
    pthread_mutex_lock(&bell_lock);
    while (bell_count == bell_heard)
        pthread_cond_wait(&bell, &bell_lock);
    bell_heard = bell_count;
    pthread_mutex_unlock(&bell_lock);
}

static const struct wf_backend bell_backend = {.name = "bell", .wake = bell_wake};

static void loop_make(weft_loop *loop, uint32_t count_max)
{
    memset(loop, 0, sizeof *loop);
    loop->backend = &bell_backend;
    CHECK_OK(wf_posts_init(loop, count_max));
}

static char log_text[64];

static void log_append(void *arg)
{
    strncat(log_text, arg, sizeof log_text - strlen(log_text) - 1);
}

TEST(test_X03_posts_of_one_thread_arrive_in_order)
{
    weft_loop loop;
    loop_make(&loop, 0);
    CHECK_OK(weft_post(&loop, log_append, "a"));
    CHECK_OK(weft_post(&loop, log_append, "b"));
    CHECK_OK(weft_post(&loop, log_append, "c"));
    CHECK_EQ(wf_posts_run(&loop), 3);
    CHECK_STR(log_text, "abc");
    CHECK_EQ(wf_posts_run(&loop), 0);
    wf_posts_fini(&loop);
}

struct echo {
    weft_loop *loop;
    int ran;
};

static void echo_once(void *arg)
{
    struct echo *echo = arg;
    if (echo->ran++ == 0)
        CHECK_OK(weft_post(echo->loop, echo_once, echo));
}

TEST(posts_made_while_posts_run_wait_for_the_next_turn)
{
    weft_loop loop;
    loop_make(&loop, 1); /* the node is free again before fn runs */
    struct echo echo = {.loop = &loop};
    CHECK_OK(weft_post(&loop, echo_once, &echo));
    CHECK_EQ(wf_posts_run(&loop), 1);
    CHECK_EQ(echo.ran, 1);
    CHECK_EQ(wf_posts_run(&loop), 1);
    CHECK_EQ(echo.ran, 2);
    wf_posts_fini(&loop);
}

TEST(posts_past_the_limit_are_refused_and_room_comes_back)
{
    weft_loop loop;
    loop_make(&loop, 3);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++)
            CHECK_OK(weft_post(&loop, log_append, "x"));
        CHECK_EQ(weft_post(&loop, log_append, "y"), -EAGAIN);
        CHECK_EQ(wf_posts_run(&loop), 3);
    }
    CHECK_STR(log_text, "xxxxxxxxx");
    wf_posts_fini(&loop);
}

TEST(test_X03_post_to_an_ended_loop_is_refused)
{
    weft_loop loop;
    loop_make(&loop, 0);
    uint32_t number = wf_loop_number(&loop);
    CHECK(wf_loop_ref(number) == &loop);
    wf_loop_unref(number);

    wf_posts_fini(&loop);
    memset(&loop, 0xff, sizeof loop); /* nobody may look into it now */
    CHECK_EQ(weft_post(&loop, log_append, "x"), -ESRCH);
    CHECK(wf_loop_ref(number) == NULL);

    weft_loop next;
    loop_make(&next, 0); /* the same slot, another number */
    CHECK(wf_loop_number(&next) != number);
    CHECK(wf_loop_ref(number) == NULL);
    wf_posts_fini(&next);
}

TEST(posts_accepted_before_the_end_still_run)
{
    weft_loop loop;
    loop_make(&loop, 0);
    CHECK_OK(weft_post(&loop, log_append, "last"));
    wf_posts_fini(&loop);
    CHECK_STR(log_text, "last");
    wf_posts_fini(&loop);
}

TEST(test_X04_only_a_sleeper_is_woken)
{
    weft_loop loop;
    loop_make(&loop, 0);
    CHECK_OK(weft_post(&loop, log_append, "a"));
    CHECK_EQ(bell_count, 0);
    CHECK(!wf_posts_sleep(&loop)); /* something is there: do not wait */
    CHECK_EQ(wf_posts_run(&loop), 1);

    CHECK(wf_posts_sleep(&loop));
    CHECK(wf_posts_sleep(&loop));
    CHECK(!wf_posts_pending(&loop));
    CHECK_OK(weft_post(&loop, log_append, "b"));
    CHECK_OK(weft_post(&loop, log_append, "c"));
    CHECK_EQ(bell_count, 1); /* the first found it asleep, the second found the first */
    wf_posts_awake(&loop);
    CHECK_EQ(wf_posts_run(&loop), 2);
    CHECK_STR(log_text, "abc");

    CHECK(wf_posts_sleep(&loop));
    wf_posts_awake(&loop);
    CHECK_OK(weft_post(&loop, log_append, "d"));
    CHECK_EQ(bell_count, 1);
    wf_posts_fini(&loop);
}

struct counted_msg {
    weft_msg msg;
    int ran;
};

static void counted_run(weft_msg *msg)
{
    wf_container(msg, struct counted_msg, msg)->ran++;
}

TEST(posts_with_own_memory_never_fail)
{
    weft_loop loop;
    loop_make(&loop, 1);
    struct counted_msg msgs[3] = {
        {.msg.fn = counted_run}, {.msg.fn = counted_run}, {.msg.fn = counted_run}};
    CHECK_OK(weft_post(&loop, log_append, "a"));
    CHECK(wf_posts_sleep(&loop) == false);
    CHECK_EQ(wf_posts_run(&loop), 1);
    CHECK(wf_posts_sleep(&loop));
    for (int i = 0; i < 3; i++)
        weft_post_msg(&loop, &msgs[i].msg);
    CHECK_EQ(bell_count, 1);
    CHECK_EQ(wf_posts_run(&loop), 3);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(msgs[i].ran, 1);
    wf_posts_fini(&loop);
}

TEST(registry_is_bounded_and_its_slots_come_back)
{
    weft_loop *loops = calloc(WF_REGISTRY_SLOTS + 1, sizeof *loops);
    uint32_t numbers[2];
    for (uint32_t i = 0; i < WF_REGISTRY_SLOTS; i++)
        CHECK_OK(wf_registry_add(&loops[i], &numbers[i == WF_REGISTRY_SLOTS - 1]));
    uint32_t extra;
    CHECK_EQ(wf_registry_add(&loops[WF_REGISTRY_SLOTS], &extra), -EMFILE);

    CHECK(wf_loop_ref(numbers[1]) == &loops[WF_REGISTRY_SLOTS - 1]);
    wf_loop_unref(numbers[1]);
    wf_registry_remove(numbers[1]);
    CHECK_OK(wf_registry_add(&loops[WF_REGISTRY_SLOTS], &extra));
    CHECK(extra != numbers[1]);
    CHECK(wf_loop_ref(extra) == &loops[WF_REGISTRY_SLOTS]);
    wf_loop_unref(extra);
    free(loops);
}

static void nothing(void *arg)
{
    (void)arg;
}

TEST(test_L07_class_49_the_child_of_a_fork_cannot_post_to_the_parents_loop)
{
    weft_loop loop;
    loop_make(&loop, 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        weft_loop own;
        loop_make(&own, 0);
        bool is_right = weft_post(&loop, nothing, NULL) == -EPERM &&
                        weft_post(&own, nothing, NULL) == 0 && wf_posts_run(&own) == 1;
        _exit(is_right ? 0 : 1);
    }
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_OK(weft_post(&loop, nothing, NULL));
    wf_posts_fini(&loop);
}

/* ---- stress ---- */

#define STRESS_THREADS 4

struct stress_thread {
    weft_loop *loop;
    pthread_t id;
    uint64_t posts; /* to make */
    uint64_t arrived, out_of_order;
    uint64_t last;
};

struct stress_item {
    weft_msg msg;
    struct stress_thread *thread;
    uint64_t number;
};

static void stress_arrive(struct stress_thread *thread, uint64_t number)
{
    thread->arrived++;
    if (number <= thread->last)
        thread->out_of_order++;
    thread->last = number;
}

static void stress_post_run(void *arg)
{
    struct stress_thread *thread = arg;
    stress_arrive(thread, thread->last + 1);
}

static void stress_msg_run(weft_msg *msg)
{
    struct stress_item *item = wf_container(msg, struct stress_item, msg);
    stress_arrive(item->thread, item->number);
    free(item);
}

/* Two of three with memory of their own, whose numbers show the order. */
static void *stress_main(void *arg)
{
    struct stress_thread *thread = arg;
    for (uint64_t i = 1; i <= thread->posts; i++) {
        if (i % 3 != 0) {
            struct stress_item *item = malloc(sizeof *item);
            *item = (struct stress_item){.msg.fn = stress_msg_run, .thread = thread, .number = i};
            weft_post_msg(thread->loop, &item->msg);
            continue;
        }
        while (weft_post(thread->loop, stress_post_run, thread) == -EAGAIN)
            sched_yield();
    }
    return NULL;
}

/* 10^6 posts; WEFT_TEST_POSTS=100000000 for the figure of rule X04. */
TEST(test_X04_class_50_no_post_of_four_threads_is_lost)
{
    const char *wanted = getenv("WEFT_TEST_POSTS");
    uint64_t total = wanted != NULL ? strtoull(wanted, NULL, 10) : 1000000;
    weft_loop loop;
    loop_make(&loop, 64);

    struct stress_thread threads[STRESS_THREADS] = {0};
    for (int i = 0; i < STRESS_THREADS; i++) {
        threads[i].loop = &loop;
        threads[i].posts = total / STRESS_THREADS;
        CHECK_EQ(pthread_create(&threads[i].id, NULL, stress_main, &threads[i]), 0);
    }
    for (uint64_t ran = 0; ran < total / STRESS_THREADS * STRESS_THREADS;) {
        ran += (uint64_t)wf_posts_run(&loop);
        if (wf_posts_pending(&loop) || ran == total / STRESS_THREADS * STRESS_THREADS)
            continue;
        if (wf_posts_sleep(&loop))
            bell_wait();
        wf_posts_awake(&loop);
    }
    for (int i = 0; i < STRESS_THREADS; i++) {
        pthread_join(threads[i].id, NULL);
        CHECK_EQ(threads[i].arrived, threads[i].posts);
        CHECK_EQ(threads[i].out_of_order, 0);
    }
    CHECK_EQ(wf_posts_run(&loop), 0);
    wf_posts_fini(&loop);
}

struct hunter {
    _Atomic(weft_loop *) prey;
    _Atomic bool must_stop;
    _Atomic uint64_t hits, misses;
};

static void *hunter_main(void *arg)
{
    struct hunter *hunter = arg;
    while (!hunter->must_stop) {
        int rc = weft_post(hunter->prey, nothing, NULL);
        if (rc == 0)
            hunter->hits++;
        else if (rc == -ESRCH)
            hunter->misses++;
    }
    return NULL;
}

/* Under the address sanitizer a touch of a freed loop is seen. */
TEST(test_X03_class_50_posts_race_with_the_end_of_the_loop)
{
    struct hunter hunter = {.hits = 0};
    pthread_t id;
    CHECK_EQ(pthread_create(&id, NULL, hunter_main, &hunter), 0);
    for (int i = 0; i < 2000 || hunter.hits == 0 || hunter.misses == 0; i++) {
        weft_loop *loop = malloc(sizeof *loop);
        loop_make(loop, 16);
        hunter.prey = loop;
        CHECK(wf_posts_sleep(loop) || wf_posts_pending(loop));
        wf_posts_run(loop);
        wf_posts_fini(loop);
        free(loop);
    }
    hunter.must_stop = true;
    pthread_join(id, NULL);
}

/* ---- the last messages ---- */

struct last_word {
    weft_defer defer;
    int begun, ended; /* the operation that it began */
};

static void last_ended(weft_op *op, const weft_completion *completion, void *arg)
{
    (void)op;
    ((struct last_word *)arg)->ended = completion->result;
}

static void last_begins(void *arg)
{
    struct last_word *last = arg;
    weft_op *op;
    last->begun = weft_op_start(weft_loop_self(), &(weft_op_args){.kind = WEFT_OP_NOP, .fd = -1},
                                last_ended, last, &op);
}

static void last_posts(weft_defer *defer)
{
    CHECK_OK(weft_post(weft_loop_self(), last_begins, defer));
}

static void last_defers(void *arg)
{
    struct last_word *last = arg;
    last->defer.fn = last_posts;
    weft_defer_start(weft_loop_self(), &last->defer);
}

static int body_begins_last(void *arg)
{
    return weft_post(weft_loop_self(), last_begins, arg);
}

static int body_defers_last(void *arg)
{
    return weft_post(weft_loop_self(), last_defers, arg);
}

/* Whoever sends it cannot know that the main task has just returned. */
RUN_TEST(test_L06_what_a_message_begins_behind_the_last_task_is_seen_out)
{
    struct last_word last = {.begun = 1, .ended = 1};
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, body_begins_last, &last));
    CHECK_EQ(last.begun, 0);
    CHECK_EQ(last.ended, 0);
}

RUN_TEST(test_L06_a_message_behind_the_last_turn_runs_and_can_begin_nothing)
{
    struct last_word last = {.begun = 1, .ended = 1};
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, body_defers_last, &last));
    CHECK_EQ(last.begun, -EBADF);
    CHECK_EQ(last.ended, 1);
}

RUN_TEST(test_X03_a_message_left_when_the_loop_is_freed_runs_and_can_begin_nothing)
{
    struct last_word last = {.begun = 1};
    weft_loop_options options = {.backend = test_config().backend, .seed = test_seed()};
    weft_loop *loop;
    CHECK_OK(weft_loop_new(&loop, &options));
    CHECK_OK(weft_post(loop, last_begins, &last));
    weft_loop_free(loop);
    CHECK_EQ(last.begun, -EBADF);
}
