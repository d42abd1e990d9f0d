/* SPDX-License-Identifier: MIT */

/* Watching files: which events come, and that waiting for one can be cancelled. */

#include "core/scratch.h"
#include "harness/harness.h"

#include <weft.h>

static bool refused_in_simulation(void)
{
    weft_watch *watch;
    if (!scratch_is_simulated())
        return false;
    CHECK_EQ(weft_watch_open(&watch), -EPERM);
    CHECK(strstr(weft_error_text(), "nothing to watch") != NULL);
    return true;
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
    if (refused_in_simulation())
        return;
    scratch_make();
    CHECK_OK(weft_watch_open(&watch));
    CHECK_EQ(weft_watch_add(watch, scratch("none"), WEFT_WATCH_CAME), -ENOENT);
    CHECK_EQ(weft_watch_add(watch, scratch_dir, 0), -EINVAL);
    int id =
        weft_watch_add(watch, scratch_dir, WEFT_WATCH_CAME | WEFT_WATCH_WENT | WEFT_WATCH_WRITTEN);
    CHECK_GE(id, 1);
    CHECK_EQ(mkdir(scratch("d"), 0700), 0);
    weft_watch_event event;
    CHECK_EQ(weft_watch_next(watch, &event), 1);
    CHECK_EQ(event.events, WEFT_WATCH_CAME);
    CHECK(event.is_directory);
    FILE *file = fopen(scratch("a"), "w");
    fputs("x", file);
    fclose(file);
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
    if (refused_in_simulation())
        return;
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

static int next_body(void *arg)
{
    weft_watch_event event;
    int rc = weft_watch_next(arg, &event);
    return rc == 1 ? event.events == WEFT_WATCH_CAME : rc;
}

TASK_TEST(test_C03_waiting_for_an_event_is_cancelled_and_loses_none)
{
    weft_watch *watch;
    if (refused_in_simulation())
        return;
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
    if (scratch_is_simulated())
        return 0;
    WEFT_TRY(weft_watch_open(&watch));
    int rc = watch_one(watch);
    weft_watch_close(watch);
    return rc;
}
