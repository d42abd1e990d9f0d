/* SPDX-License-Identifier: MIT */

/* Watching files: which events come, and that waiting for one can be cancelled. */

#include "core/scratch.h"
#include "harness/harness.h"

#include <weft.h>

#include <fcntl.h>

static void write_file(const char *name, int flags, const char *text)
{
    int fd = weft_open(scratch(name), flags | O_WRONLY, 0600);
    CHECK_OK(fd);
    CHECK_OK(weft_write_all(fd, text, strlen(text)));
    CHECK_OK(weft_close(fd));
}

static void check_next(weft_watch *watch, int id, unsigned events, const char *name)
{
    weft_watch_event event;
    CHECK_EQ(weft_watch_next(watch, &event), 1);
    CHECK_EQ(event.id, id);
    CHECK_EQ(event.events, events);
    CHECK_STR(event.name, name);
}

TASK_TEST(watch_tells_what_happens_in_a_directory)
{
    weft_watch *watch;
    scratch_make();
    CHECK_OK(weft_watch_open(&watch));
    CHECK_EQ(weft_watch_add(watch, scratch("none"), WEFT_WATCH_CAME), -ENOENT);
    CHECK(strstr(weft_error_text(), "none: No such file or directory") != NULL);
    CHECK_EQ(weft_watch_add(watch, NULL, WEFT_WATCH_CAME), -EFAULT);
    CHECK_EQ(weft_watch_add(watch, scratch_dir, 0), -EINVAL);
    int id =
        weft_watch_add(watch, scratch_dir, WEFT_WATCH_CAME | WEFT_WATCH_WENT | WEFT_WATCH_WRITTEN);
    CHECK_GE(id, 1);
    CHECK_OK(weft_mkdir(scratch("d"), 0700));
    weft_watch_event event;
    CHECK_EQ(weft_watch_next(watch, &event), 1);
    CHECK_EQ(event.events, WEFT_WATCH_CAME);
    CHECK(event.is_directory);
    write_file("a", O_CREAT, "x");
    check_next(watch, id, WEFT_WATCH_CAME, "a");
    check_next(watch, id, WEFT_WATCH_WRITTEN, "a");
    CHECK_OK(weft_rename(scratch("a"), scratch("b")));
    check_next(watch, id, WEFT_WATCH_WENT, "a");
    check_next(watch, id, WEFT_WATCH_CAME, "b");
    CHECK_OK(weft_watch_remove(watch, id));
    check_next(watch, id, WEFT_WATCH_GONE, "");
    CHECK_EQ(weft_watch_remove(watch, id), -EINVAL);
    weft_watch_close(watch);
    weft_watch_close(NULL);
    scratch_clean(0);
}

TASK_TEST(watch_of_a_file_ends_with_it)
{
    weft_watch *watch;
    scratch_make();
    CHECK_OK(weft_file_save(scratch("a"), "x", 1, 0600));
    CHECK_OK(weft_watch_open(&watch));
    int id = weft_watch_add(watch, scratch("a"), WEFT_WATCH_CHANGED);
    CHECK_GE(id, 1);
    CHECK_OK(weft_unlink(scratch("a")));
    check_next(watch, id, WEFT_WATCH_GONE, "");
    weft_watch_close(watch);
    scratch_clean(0);
}

/* The simulated disk tells what the kernel does, in its order. */
TASK_TEST(watch_of_a_file_and_of_its_directory_are_told_apart)
{
    const unsigned all = WEFT_WATCH_CHANGED | WEFT_WATCH_WRITTEN | WEFT_WATCH_CAME |
                         WEFT_WATCH_WENT | WEFT_WATCH_STATUS;
    weft_watch *watch;
    scratch_make();
    write_file("f", O_CREAT, "x");
    CHECK_OK(weft_watch_open(&watch));
    int dir = weft_watch_add(watch, scratch_dir, all);
    int file = weft_watch_add(watch, scratch("f"), all);
    CHECK_NE(dir, file);
    CHECK_EQ(weft_watch_add(watch, scratch("f"), all & ~WEFT_WATCH_WRITTEN), file);
    write_file("f", O_TRUNC, "y");
    check_next(watch, dir, WEFT_WATCH_CHANGED, "f");
    check_next(watch, file, WEFT_WATCH_CHANGED, "");
    check_next(watch, dir, WEFT_WATCH_CHANGED, "f");
    check_next(watch, file, WEFT_WATCH_CHANGED, "");
    check_next(watch, dir, WEFT_WATCH_WRITTEN, "f");

    int fd = weft_open(scratch("f"), O_RDWR, 0);
    CHECK_OK(fd);
    CHECK_OK(weft_truncate(fd, 100));
    check_next(watch, dir, WEFT_WATCH_CHANGED, "f");
    check_next(watch, file, WEFT_WATCH_CHANGED, "");
    CHECK_OK(weft_close(fd));
    check_next(watch, dir, WEFT_WATCH_WRITTEN, "f");
    fd = weft_open(scratch("f"), O_RDONLY, 0);
    CHECK_OK(fd);
    write_file("g", O_CREAT, "");
    check_next(watch, dir, WEFT_WATCH_CAME, "g");
    check_next(watch, dir, WEFT_WATCH_WRITTEN, "g");
    CHECK_OK(weft_rename(scratch("g"), scratch("f"))); /* who has f open still has it */
    check_next(watch, dir, WEFT_WATCH_WENT, "g");
    check_next(watch, dir, WEFT_WATCH_CAME, "f");
    check_next(watch, file, WEFT_WATCH_STATUS, "");
    CHECK_OK(weft_close(fd));
    check_next(watch, file, WEFT_WATCH_GONE, "");

    CHECK_OK(weft_unlink(scratch("f")));
    check_next(watch, dir, WEFT_WATCH_WENT, "f");
    weft_watch_close(watch);
    scratch_clean(0);
}

static void rename_often(int times)
{
    for (int i = 0; i < times; i++)
        CHECK_OK(weft_rename(scratch(i % 2 == 0 ? "a" : "b"), scratch(i % 2 == 0 ? "b" : "a")));
}

TASK_TEST(watch_says_that_events_were_lost)
{
    weft_watch *watch;
    weft_watch_event event = {0};
    int told = 0;
    if (!scratch_is_simulated())
        return; /* the kernel's own number takes seconds */
    scratch_make();
    write_file("a", O_CREAT, "");
    CHECK_OK(weft_watch_open(&watch));
    int id = weft_watch_add(watch, scratch_dir, WEFT_WATCH_CAME | WEFT_WATCH_WENT);
    rename_often(600);
    do {
        CHECK_EQ(weft_watch_next(watch, &event), 1);
        told++;
    } while (event.events != WEFT_WATCH_LOST);
    CHECK_EQ(event.id, 0);
    CHECK_EQ(told, 1025);
    rename_often(1); /* and it goes on */
    check_next(watch, id, WEFT_WATCH_WENT, "a");
    check_next(watch, id, WEFT_WATCH_CAME, "b");
    weft_watch_close(watch);
}

static int next_body(void *arg)
{
    weft_watch_event event;
    int rc = weft_watch_next(arg, &event);
    return rc == 1 ? event.events == WEFT_WATCH_CAME : rc;
}

TASK_TEST(test_C03_waiting_for_an_event_is_cancelled_and_loses_none)
{
    weft_watch *watch;
    scratch_make();
    CHECK_OK(weft_watch_open(&watch));
    CHECK_GE(weft_watch_add(watch, scratch_dir, WEFT_WATCH_CAME), 1);
    weft_task task = weft_spawn(next_body, watch);
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    task = weft_spawn(next_body, watch);
    CHECK_OK(weft_mkdir(scratch("d"), 0700));
    CHECK_EQ(weft_await(task), 1);
    weft_watch_close(watch);
    scratch_clean(0);
}

TEST(test_L04_watching_needs_a_task)
{
    weft_watch *watch;
    CHECK_EQ(weft_watch_open(&watch), -EPERM);
}

static int watch_one(weft_watch *watch)
{
    weft_watch_event event;
    WEFT_TRY(weft_watch_add(watch, scratch_dir, WEFT_WATCH_CAME));
    WEFT_TRY(weft_mkdir(scratch("d"), 0700));
    return weft_watch_next(watch, &event);
}

SCENARIO_WITH(watch_leaves_nothing, scratch_clean)
{
    weft_watch *watch;
    scratch_make();
    WEFT_TRY(weft_watch_open(&watch));
    int rc = watch_one(watch);
    weft_watch_close(watch);
    return rc;
}
