/* SPDX-License-Identifier: MIT */

/* What libraries bring besides descriptors: locks, names, threads of their own; and where calls are
 * left alone. */

#include "harness/harness.h"

#include "base/checkers.h"

#include <weft.h>
#include <weft/interpose.h>

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- locks ---- */

struct shared {
    pthread_mutex_t mutex;
    int inside, entered;
};

static int enter(void *arg)
{
    struct shared *shared = arg;
    CHECK_EQ(pthread_mutex_lock(&shared->mutex), 0);
    CHECK_EQ(shared->inside++, 0);
    CHECK_EQ(usleep(1000), 0);
    shared->entered++;
    CHECK_EQ(--shared->inside, 0);
    CHECK_EQ(pthread_mutex_unlock(&shared->mutex), 0);
    return 0;
}

static void check_tasks_take_turns(struct shared *shared)
{
    weft_task tasks[10];
    for (int i = 0; i < 10; i++)
        tasks[i] = weft_spawn(enter, shared);
    CHECK_OK(weft_gather_n(tasks, 10));
    CHECK_EQ(shared->entered, 10);
    CHECK_EQ(pthread_mutex_destroy(&shared->mutex), 0);
}

TASK_TEST(tasks_that_wait_with_a_pthread_mutex_take_turns)
{
    struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    weft_interpose_stats stats;
    check_tasks_take_turns(&shared);
    weft_interpose_stats_get(&stats);
    CHECK_EQ(stats.waits_with_lock, 10);
    CHECK_EQ(stats.lock_waits, 9);
}

TASK_TEST(a_recursive_mutex_keeps_other_tasks_out)
{
    struct shared shared = {.entered = 0};
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    CHECK_EQ(pthread_mutex_init(&shared.mutex, &recursive), 0);
    pthread_mutexattr_destroy(&recursive);
    CHECK_EQ(pthread_mutex_lock(&shared.mutex), 0);
    weft_task other = weft_spawn(enter, &shared);
    CHECK_EQ(pthread_mutex_trylock(&shared.mutex), 0); /* ours, again */
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(pthread_mutex_unlock(&shared.mutex), 0);
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(shared.entered, 0); /* once is left */
    CHECK_EQ(pthread_mutex_unlock(&shared.mutex), 0);
    CHECK_OK(weft_await(other));
    CHECK_EQ(shared.entered, 1);
    CHECK_EQ(pthread_mutex_destroy(&shared.mutex), 0);
}

static int try_it(void *arg)
{
    struct shared *shared = arg;
    return -pthread_mutex_trylock(&shared->mutex);
}

TASK_TEST(trylock_of_what_another_task_holds_is_busy)
{
    struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    CHECK_EQ(pthread_mutex_lock(&shared.mutex), 0);
    CHECK_EQ(weft_await(weft_spawn(try_it, &shared)), -EBUSY);
    CHECK_EQ(pthread_mutex_unlock(&shared.mutex), 0);
}

/* As the child's handler of pthread_atfork() does. */
TASK_TEST(the_child_of_a_fork_unlocks_what_its_task_held_while_others_waited)
{
    struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    CHECK_EQ(pthread_mutex_lock(&shared.mutex), 0);
    weft_task other = weft_spawn(enter, &shared);
    CHECK_OK(weft_yield());
    pid_t child = fork();
    CHECK_OK(child);
    if (child == 0)
        _exit(pthread_mutex_unlock(&shared.mutex));
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(pthread_mutex_unlock(&shared.mutex), 0);
    CHECK_OK(weft_await(other));
    CHECK_EQ(pthread_mutex_destroy(&shared.mutex), 0);
}

static char logged[1024];

static void log_line(const char *line, void *arg)
{
    (void)arg;
    strncat(logged, line, sizeof logged - strlen(logged) - 2);
    strcat(logged, "\n");
}

static int wait_with_lock(void *arg)
{
    struct shared *shared = arg;
    weft_set_name("librarian");
    for (volatile int i = 0; i < 3; i++) { /* not unrolled: one place */
        pthread_mutex_lock(&shared->mutex);
        CHECK_EQ(usleep(10), 0);
        pthread_mutex_unlock(&shared->mutex);
    }
    return 0;
}

TEST(a_wait_with_a_lock_is_reported_once_a_place)
{
    struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    weft_config config = {.log = log_line, .backend = "epoll"};
    CHECK_OK(weft_run_with(&config, wait_with_lock, &shared));
    note("%s", logged);
    const char *line = strstr(logged, "task librarian waits in usleep() while it holds a pthread "
                                      "mutex, locked at ");
    CHECK(line != NULL);
    CHECK(WF_HAS_TSAN || strstr(line, "interpose-library_test") != NULL); /* TSan's is its own */
    CHECK(strchr(line, '\n')[1] == '\0');
}

/* ---- names ---- */

TASK_TEST(a_name_is_looked_up_on_a_thread)
{
    struct addrinfo *found = NULL, hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    weft_interpose_stats stats;
    if (strcmp(test_backend(), "sim") == 0)
        return;
    CHECK_EQ(getaddrinfo("localhost", "80", &hints, &found), 0);
    CHECK_EQ(((struct sockaddr_in *)found->ai_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    weft_interpose_stats_get(&stats);
    CHECK_EQ(stats.waits, 1);
    freeaddrinfo(found);
    CHECK_EQ(getaddrinfo("127.0.0.1", "80", &hints, &found), 0); /* no lookup */
    weft_interpose_stats_get(&stats);
    CHECK_EQ(stats.waits, 1);
    char host[256];
    CHECK_EQ(
        getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST),
        0);
    CHECK_STR(host, "127.0.0.1");
    freeaddrinfo(found);

    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    weft_scope_cancel(&scope, NULL);
    CHECK_EQ(getaddrinfo("localhost", NULL, &hints, &found), EAI_SYSTEM);
    CHECK_EQ(errno, ECANCELED);
    CHECK_EQ(weft_scope_close(&scope, -ECANCELED), 0);
}

/* ---- where calls are left alone ---- */

static weft_time real_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEFT_SEC + now.tv_nsec;
}

static int sleep_really(void *arg)
{
    (void)arg;
    weft_time begin = real_time();
    CHECK_EQ(usleep(2000), 0);
    CHECK_GE(real_time() - begin, 2 * WEFT_MS);
    return 0;
}

static void *sleep_on_thread(void *arg)
{
    return sleep_really(arg) == 0 ? arg : NULL;
}

static int sleep_in_many_ways(void *arg)
{
    pthread_t thread;
    void *result = NULL;
    CHECK_OK(weft_run_blocking(sleep_really, NULL));
    CHECK_EQ(pthread_create(&thread, NULL, sleep_on_thread, arg), 0);
    CHECK_EQ(pthread_join(thread, &result), 0);
    CHECK(result == arg);
    weft_time begin = weft_now();
    CHECK_OK(weft_interpose(false));
    CHECK_OK(sleep_really(NULL));
    CHECK_OK(weft_await(weft_spawn(sleep_really, NULL))); /* goes along */
    CHECK_OK(weft_interpose(true));
    CHECK_EQ(usleep(1000000), 0);
    CHECK_EQ(weft_now() - begin, WEFT_SEC); /* virtual */
    return 0;
}

TEST(threads_and_who_switched_it_off_block_as_ever)
{
    weft_interpose_stats stats;
    weft_config config = {.backend = "epoll", .flags = WEFT_RUN_VIRTUAL_CLOCK};
    CHECK_EQ(weft_interpose(false), -EPERM);
    CHECK_OK(sleep_really(NULL));
    CHECK_OK(weft_run_with(&config, sleep_in_many_ways, &config));
    CHECK_OK(sleep_really(NULL));
    weft_interpose_stats_get(&stats);
    CHECK_EQ(stats.waits, 1);
}

static int fork_and_read(void *arg)
{
    int ends[2];
    char byte = 0;
    (void)arg;
    CHECK_OK(pipe(ends));
    pid_t child = fork();
    if (child == 0) { /* no loop here: these are the system's */
        usleep(1000);
        _exit(write(ends[1], "x", 1) == 1 && close(ends[1]) == 0 ? 0 : 1);
    }
    CHECK_EQ(read(ends[0], &byte, 1), 1);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_OK(close(ends[0]));
    CHECK_OK(close(ends[1]));
    return 0;
}

TEST(the_child_of_a_fork_is_left_alone)
{
    use_real_time();
    for (int i = 0; i < 2; i++) {
        weft_config config = {.backend = i == 0 ? "epoll" : "io_uring"};
        if (backend_is_there(config.backend))
            CHECK_OK(weft_run_with(&config, fork_and_read, NULL));
    }
}
