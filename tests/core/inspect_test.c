/* SPDX-License-Identifier: MIT */

/* Rule O02: the task tree, told to another process; here a thread plays that process. */

#include "base/sys.h"
#include "core/look/ask_priv.h"

#include "harness/harness.h"

#include <weft.h>
#include <weft/sys/park.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct asker {
    pthread_t thread;
    int listener;
    weft_future done;
    _Atomic bool is_done;
    char text[8192];
};

/* Listens where the answer is expected. */
static int asker_listen(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int len = snprintf(addr.sun_path + 1, sizeof addr.sun_path - 1, WF_ASK_NAME, (int)getpid());
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_OK(fd);
    CHECK_OK(bind(fd, (const struct sockaddr *)&addr, bytes));
    CHECK_OK(listen(fd, 8));
    return fd;
}

static void *asker_main(void *arg)
{
    struct asker *asker = arg;
    union sigval question = {.sival_int = (int)getpid()};
    CHECK_OK(sigqueue(getpid(), SIGURG, question));
    int fd = accept(asker->listener, NULL, NULL);
    CHECK_OK(fd);
    size_t len = 0;
    for (ssize_t got; (got = read(fd, asker->text + len, sizeof asker->text - 1 - len)) > 0;)
        len += (size_t)got;
    asker->text[len] = '\0';
    CHECK_OK(close(fd));
    atomic_store(&asker->is_done, true);
    weft_future_set(&asker->done, 0, NULL);
    return NULL;
}

static void asker_start(struct asker *asker)
{
    *asker = (struct asker){.listener = asker_listen()};
    CHECK_EQ(pthread_create(&asker->thread, NULL, asker_main, asker), 0);
}

static void asker_end(struct asker *asker)
{
    CHECK_EQ(pthread_join(asker->thread, NULL), 0);
    CHECK_OK(close(asker->listener));
    note("%s", asker->text);
}

static bool told(const struct asker *asker, const char *text)
{
    return strstr(asker->text, text) != NULL;
}

static int sleep_long(void *arg)
{
    (void)arg;
    return weft_sleep(3600 * WEFT_SEC);
}

static int answer_while_waiting(void *arg)
{
    struct asker *asker = arg;
    weft_task sleeper = weft_spawn(sleep_long, NULL);
    for (int i = 0; i < 2; i++) { /* again is no different */
        asker_start(asker);
        CHECK_OK(weft_future_wait(&asker->done, NULL));
        asker_end(asker);
        CHECK(told(asker, ": 2 tasks\n"));
        CHECK(told(asker, "task main "));
        CHECK(told(asker, "task sleep_long "));
        CHECK(told(asker, "spawned: sleep_long at "));
    }
    weft_cancel(sleeper, "over");
    CHECK_EQ(weft_gather(sleeper), -ECANCELED);
    return 0;
}

KERNEL_TEST(test_O02_a_loop_tells_its_tree_to_who_asks)
{
    use_real_time();
    struct asker asker;
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, answer_while_waiting, &asker));
}

static int answer_while_kept(void *arg)
{
    struct asker *asker = arg;
    asker_start(asker);
    while (!atomic_load(&asker->is_done))
        continue;
    asker_end(asker);
    CHECK(told(asker, " does not answer: task main keeps it, running; spawned: "));
    return 0; /* with the loop's message still to come */
}

KERNEL_TEST(test_O02_a_kept_loop_is_described_from_outside)
{
    use_real_time();
    struct asker asker;
    weft_config config = test_config();
    config.hog = WEFT_FOREVER;
    CHECK_OK(weft_run_with(&config, answer_while_kept, &asker));
}

/* Two loops, each with an answer of its own. */
static int wait_for_both(void *arg)
{
    _Atomic int *waiting = arg;
    atomic_fetch_add(waiting, 1);
    while (atomic_load(waiting) < 2)
        CHECK_OK(weft_sleep(WEFT_MS));
    while (atomic_load(waiting) < 4)
        CHECK_OK(weft_sleep(WEFT_MS));
    return 0;
}

static void *second_loop(void *arg)
{
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, wait_for_both, arg));
    return NULL;
}

static void *ask_both(void *arg)
{
    int listener = asker_listen();
    union sigval question = {.sival_int = (int)getpid()};
    while (atomic_load((_Atomic int *)arg) < 2)
        sched_yield();
    CHECK_OK(sigqueue(getpid(), SIGURG, question));
    for (int i = 0; i < 2; i++) {
        int fd = accept(listener, NULL, NULL);
        CHECK_OK(fd);
        CHECK_OK(close(fd));
        atomic_fetch_add((_Atomic int *)arg, 1);
    }
    CHECK_OK(close(listener));
    return NULL;
}

KERNEL_TEST(test_O02_every_loop_of_a_process_answers)
{
    use_real_time();
    _Atomic int waiting = 0;
    pthread_t loop, asker;
    CHECK_EQ(pthread_create(&loop, NULL, second_loop, &waiting), 0);
    CHECK_EQ(pthread_create(&asker, NULL, ask_both, &waiting), 0);
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, wait_for_both, &waiting));
    CHECK_EQ(pthread_join(loop, NULL), 0);
    CHECK_EQ(pthread_join(asker, NULL), 0);
}

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

KERNEL_TEST(question_that_nobody_can_answer_does_no_harm)
{
    use_real_time();
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, do_nothing, NULL)); /* the handler stays */
    union sigval question = {.sival_int = (int)getpid()};
    CHECK_OK(sigqueue(getpid(), SIGURG, question));
    question.sival_int = -5;
    CHECK_OK(sigqueue(getpid(), SIGURG, question));
    CHECK_OK(raise(SIGURG));
}

/* ---- the signal was somebody's before ---- */

static volatile sig_atomic_t heard;

static void hear(int number)
{
    heard += number;
}

static void hear_info(int number, siginfo_t *info, void *context)
{
    CHECK(info != NULL && context != NULL);
    heard += number;
}

static void check_passed_on(const struct sigaction *theirs)
{
    use_real_time();
    weft_config config = test_config();
    CHECK_EQ(sigaction(SIGURG, theirs, NULL), 0);
    CHECK_OK(weft_run_with(&config, do_nothing, NULL)); /* takes it, once and for ever */
    CHECK_OK(raise(SIGURG));
    CHECK_OK(raise(SIGURG));
    CHECK_EQ(heard, 2 * SIGURG);
}

KERNEL_TEST(signal_that_asks_nothing_goes_to_who_had_it_before)
{
    check_passed_on(&(struct sigaction){.sa_handler = hear});
}

KERNEL_TEST(signal_that_asks_nothing_goes_with_its_info_to_who_had_it_before)
{
    check_passed_on(&(struct sigaction){.sa_sigaction = hear_info, .sa_flags = SA_SIGINFO});
}

KERNEL_TEST(signal_that_asks_nothing_may_have_been_ignored_before)
{
    use_real_time();
    weft_config config = test_config();
    CHECK_EQ(sigaction(SIGURG, &(struct sigaction){.sa_handler = SIG_IGN}, NULL), 0);
    CHECK_OK(weft_run_with(&config, do_nothing, NULL));
    CHECK_OK(raise(SIGURG));
    CHECK_EQ(heard, 0);
}

/* ---- names ---- */

struct work {
    weft_namer namer;
    const char *at;
    int asked;
    weft_time until;
};

static bool put_work(const weft_namer *namer, char *out, size_t out_bytes)
{
    struct work *work = (struct work *)(uintptr_t)namer;
    work->asked++;
    if (work->at != NULL)
        snprintf(out, out_bytes, "%s", work->at);
    return work->at != NULL;
}

static int body_named_by_work(void *arg)
{
    struct work work = {.namer.put = put_work};
    char name[WEFT_ERROR_NAME_BYTES];
    (void)arg;
    weft_set_namer(&work.namer);
    CHECK_OK(weft_yield());
    CHECK_EQ(work.asked, 0); /* nobody looks */
    weft_get_name(name, sizeof name);
    CHECK_STR(name, "body_named_by_work"); /* nothing to say */
    work.at = "the first piece";
    weft_get_name(name, sizeof name);
    CHECK_STR(name, "the first piece");
    weft_set_name("own");
    weft_get_name(name, sizeof name);
    CHECK_STR(name, "own");
    CHECK(weft_task_renew());
    weft_get_name(name, sizeof name);
    CHECK_STR(name, "the first piece");
    weft_set_namer(NULL);
    weft_get_name(name, sizeof name);
    CHECK_STR(name, "body_named_by_work");
    weft_set_namer(&work.namer); /* and ends with it */
    return -EIO;
}

static int body_unnamed(void *arg)
{
    char name[WEFT_ERROR_NAME_BYTES];
    (void)arg;
    weft_get_name(name, sizeof name);
    CHECK_STR(name, "body_unnamed");
    return 0;
}

static weft_time deadline_of_work(const weft_namer *namer)
{
    return ((const struct work *)namer)->until;
}

static int body_is_under(void *deadline)
{
    return weft_deadline() == *(const weft_time *)deadline;
}

static void check_dump_has(const char *text, bool is_there)
{
    char dump[4096];
    test_dump(dump, sizeof dump);
    CHECK_EQ(strstr(dump, text) != NULL, is_there);
}

TASK_TEST(test_O02_a_namer_says_until_when_its_work_may_last)
{
    struct work work = {.namer = {.put = put_work, .deadline = deadline_of_work},
                        .at = "work",
                        .until = WEFT_FOREVER};
    weft_set_namer(&work.namer);
    check_dump_has("task work #", true);
    check_dump_has("deadline in", false);
    work.until = weft_now() + 7 * WEFT_SEC;
    check_dump_has(" deadline in 7.000 s spawned: ", true);
    CHECK_EQ(weft_await(weft_spawn(body_is_under, &work.until)), 1); /* it is its children's, too */
    weft_set_namer(NULL);
    check_dump_has("deadline in", false);
    CHECK_EQ(weft_deadline(), WEFT_FOREVER);
}

TASK_TEST(test_O02_a_namer_says_what_a_task_is_at_when_asked)
{
    CHECK_EQ(weft_await(weft_spawn(body_named_by_work, NULL)), -EIO);
    CHECK_OK(weft_await(weft_spawn(body_unnamed, NULL))); /* perhaps on the same stack */
}
