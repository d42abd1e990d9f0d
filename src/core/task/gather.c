/* SPDX-License-Identifier: MIT */

/*
 * Waiting for several tasks: one waiter on each, a rule that says what the end of one means, and
 * one waiter that the caller parks on.
 */

#include <weft/gather.h>

#include "base/alloc.h"
#include "core/loops/far.h"
#include "core/task/park_priv.h"

#include <string.h>

#define MULTI_INLINE 8
#define ENDED_LATER UINT64_MAX

struct multi;

struct multi_member {
    weft_waiter waiter;
    struct multi *multi;
    weft_task task;
    size_t index;
    uint64_t order; /* of its end, if that was before the call; else ENDED_LATER */
    int rc;
    bool is_done;
};

/* Beside a member on another loop. */
struct multi_far {
    struct wf_far_watch watch;
    struct multi_member *member;
    struct multi_far *next;
};

struct multi {
    weft_waiter waiter; /* the caller's */
    const struct multi_rule *rule;
    struct multi_member *members;
    struct multi_member inline_members[MULTI_INLINE];
    size_t count, left;
    bool is_cancelled; /* the caller was, while it waited */
    bool is_decided;   /* the outcome is known; what is left is seen out */
    int rc;            /* the outcome: an error, or an index */
    uint64_t order;    /* of the member that gave it */
    struct wf_note *note;
    struct map *map;
    struct multi_far *fars; /* NULL: no member is on another loop */
    size_t fars_out;        /* those that are not over */
    weft_waiter *fars_home; /* parked until none is out */
};

/* What a multi-wait makes of a member's end; called once a member. */
struct multi_rule {
    void (*member_ended)(struct multi *multi, struct multi_member *member);
    bool waits_for_all;   /* else the first end is enough */
    bool cancels_with_me; /* the caller's cancel reaches the members */
};

static void multi_cancel_members(struct multi *multi, const char *why)
{
    for (size_t i = 0; i < multi->count; i++) {
        if (!multi->members[i].is_done)
            (void)weft_cancel(multi->members[i].task, why);
    }
}

/* The caller cancels its members itself when it runs.  Done here it would recurse, since members
 * may gather others in turn. */
static void multi_cancelled(weft_waiter *waiter)
{
    wf_container(waiter, struct multi, waiter)->is_cancelled = true;
    weft_wake(waiter, -ECANCELED);
}

static void multi_holders(const weft_waiter *waiter,
                          void (*tell)(const weft_task *holder, void *arg), void *arg)
{
    const struct multi *multi = wf_container(waiter, struct multi, waiter);
    for (size_t i = 0; i < multi->count; i++) {
        if (!multi->members[i].is_done)
            tell(&multi->members[i].task, arg);
    }
}

static const weft_wait_class multi_class = {
    .what = "gather",
    .cancel = multi_cancelled,
    .holders = multi_holders,
};

static bool multi_is_over(const struct multi *multi)
{
    return multi->left == 0 || (multi->is_decided && !multi->rule->waits_for_all);
}

static void member_done(struct multi_member *member, int rc)
{
    struct multi *multi = member->multi;
    if (member->is_done)
        return;
    member->is_done = true;
    member->rc = rc;
    multi->left--;
    multi->rule->member_ended(multi, member);
    if (multi_is_over(multi))
        weft_wake(&multi->waiter, 0);
}

static void member_woken(weft_waiter *waiter)
{
    member_done(wf_container(waiter, struct multi_member, waiter), waiter->rc);
}

static const weft_wait_class member_class = {.what = "gather", .woken = member_woken};

/* ---- members on other loops ---- */

static void far_over(struct wf_far_watch *watch)
{
    struct multi_far *far = wf_container(watch, struct multi_far, watch);
    struct multi *multi = far->member->multi;
    multi->fars_out--;
    if (!wf_far_is_withdrawn(watch))
        member_done(far->member, watch->rc);
    if (multi->fars_out == 0 && multi->fars_home != NULL)
        wf_wake(multi->fars_home, 0);
}

/* 0; -ESRCH; -EPERM; -ENOMEM. */
static int multi_watch_far(struct multi_member *member)
{
    struct multi *multi = member->multi;
    struct multi_far *far = wf_alloc(sizeof *far);
    if (far == NULL)
        return -ENOMEM;
    far->member = member;
    far->watch.task = member->task;
    far->watch.over = far_over;
    int rc = wf_far_watch(&far->watch);
    if (rc < 0) {
        wf_free(far);
        return rc;
    }
    far->next = multi->fars;
    multi->fars = far;
    multi->fars_out++;
    return 0;
}

static const weft_wait_class fars_class = {.what = "gather, other loops"};

/* Recalls the errands that are still out, and waits for them: only then is their memory ours again.
 */
static void multi_call_home(struct multi *multi)
{
    weft_waiter home = WEFT_WAITER(&fars_class, NULL);
    for (struct multi_far *far = multi->fars; far != NULL; far = far->next)
        wf_far_unwatch(&far->watch);
    if (multi->fars_out == 0)
        return;
    multi->fars_home = &home;
    (void)weft_park_shielded(&home);
    multi->fars_home = NULL;
}

static void multi_free_fars(struct multi *multi)
{
    for (struct multi_far *far; (far = multi->fars) != NULL;) {
        multi->fars = far->next;
        wf_note_drop(&far->watch.note);
        wf_free(far);
    }
}

static struct wf_note *member_far_note(const struct multi_member *member)
{
    const struct multi_far *far = member->multi->fars;
    while (far != NULL && far->member != member)
        far = far->next;
    return far != NULL ? far->watch.note : NULL;
}

/* ---- watching ---- */

static int multi_init(struct multi *multi, const struct multi_rule *rule, size_t count)
{
    memset(multi, 0, sizeof *multi);
    multi->waiter = (weft_waiter)WEFT_WAITER(&multi_class, NULL);
    multi->waiter.task = wf_current();
    multi->rule = rule;
    multi->members = multi->inline_members;
    if (count > MULTI_INLINE)
        multi->members = wf_array(count, sizeof *multi->members);
    if (multi->members == NULL)
        return -ENOMEM;
    multi->count = count;
    multi->left = count;
    for (size_t i = 0; i < count; i++) {
        multi->members[i].multi = multi;
        multi->members[i].index = i;
    }
    return 0;
}

/* The order in which members ended that were done before the call; what never was a task comes
 * first. */
static uint64_t member_order(weft_task handle)
{
    const wf_task *task = wf_task_of(wf_sched_self(), handle);
    return task != NULL ? task->done_order : 0;
}

/* 0, or -ENOMEM for one on another loop. */
static int multi_watch(struct multi *multi, size_t index, weft_task task)
{
    struct multi_member *member = &multi->members[index];
    member->waiter = (weft_waiter)WEFT_WAITER(&member_class, NULL);
    member->waiter.task = multi->waiter.task;
    member->task = task;
    member->is_done = false;
    member->order = ENDED_LATER;
    int rc = task.id == weft_self().id ? -EDEADLK : wf_task_watch(task, &member->waiter);
    if (rc == 0)
        return 0;
    if (rc == 1)
        (void)weft_done(task, &rc);
    else if (rc == -EPERM && ((rc = multi_watch_far(member)) == 0 || rc == -ENOMEM))
        return rc;
    member->order = member_order(task);
    member_done(member, rc);
    return 0;
}

static void multi_leave_queues(struct multi *multi)
{
    for (size_t i = 0; i < multi->count; i++)
        weft_waitq_remove(&multi->members[i].waiter);
}

static void multi_unwatch(struct multi *multi)
{
    multi_leave_queues(multi);
    if (multi->fars != NULL)
        multi_call_home(multi);
}

static void multi_wait(struct multi *multi)
{
    bool was_cancelled = false;
    while (!multi_is_over(multi)) {
        multi->waiter.is_woken = false;
        (void)wf_park(wf_sched_current, &multi->waiter, 0);
        if (!multi->is_cancelled || was_cancelled)
            continue;
        (void)wf_task_take_deadlock(multi->waiter.task); /* multi_interrupted() sees it */
        if (!multi->rule->cancels_with_me)
            break;
        was_cancelled = true;
        multi_cancel_members(multi, "the task that gathers was cancelled");
    }
    multi_unwatch(multi);
}

/* What a caller gets whose wait was ended: it was cancelled, or nothing could ever have ended the
 * wait (rule F06). */
static int multi_interrupted(const struct multi *multi)
{
    wf_task *self = multi->waiter.task;
    return (self->scope->flags & WF_NODE_EFFECTIVE) != 0 ? wf_cancelled(self) : -EDEADLK;
}

static void multi_fini(struct multi *multi)
{
    wf_note_drop(&multi->note);
    if (multi->fars != NULL)
        multi_free_fars(multi);
    if (multi->members != multi->inline_members)
        wf_free(multi->members);
}

/* The text of a failed member, from its record, while that is surely there. */
static void multi_take_note(struct multi *multi, struct multi_member *member)
{
    const wf_task *task = wf_task_of(wf_sched_self(), member->task);
    wf_note_share(&multi->note, task != NULL ? task->note : member_far_note(member));
}

/* For a caller that was cancelled before it could wait, or has no memory to wait with: cancels the
 * members and waits for each, so that they have ended all the same before it goes on (rule M02).
 * Needs no memory. */
static void members_see_out(const weft_task tasks[], size_t count, int out_rc[])
{
    static const char why[] = "the task that gathers cannot wait";
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].id != weft_self().id)
            (void)weft_cancel(tasks[i], why);
    }
    for (size_t i = 0; i < count; i++) {
        int rc = wf_task_see_out(tasks[i], why);
        if (out_rc != NULL)
            out_rc[i] = rc;
    }
}

/* 0, or why it could not wait; `out_rc` (may be NULL) is filled in then. */
static int multi_run(struct multi *multi, const struct multi_rule *rule, const weft_task tasks[],
                     size_t count, int out_rc[])
{
    int rc = weft_sp_enter();
    if (rc == 0)
        rc = multi_init(multi, rule, count);
    if (rc == -ECANCELED || rc == -ENOMEM)
        members_see_out(tasks, count, out_rc);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = multi_watch(multi, i, tasks[i]);
    if (rc < 0) {
        multi_unwatch(multi);
        multi_fini(multi);
        members_see_out(tasks, count, out_rc);
        return rc;
    }
    if (multi->is_decided) /* by one that had ended; those behind it were not looked at yet */
        multi_cancel_members(multi, "another member had ended");
    multi_wait(multi);
    return 0;
}

/* ---- gather ---- */

/* Members that ended before the call are looked at by index; the first in time counts. */
static bool multi_is_decided_before(const struct multi *multi, const struct multi_member *member)
{
    return multi->is_decided && multi->order <= member->order;
}

static void gather_ended(struct multi *multi, struct multi_member *member)
{
    if (member->rc >= 0 || multi->is_cancelled || multi_is_decided_before(multi, member))
        return;
    multi->is_decided = true;
    multi->rc = member->rc;
    multi->order = member->order;
    multi_take_note(multi, member);
    multi_cancel_members(multi, "another member failed");
}

static const struct multi_rule gather_rule = {
    .member_ended = gather_ended,
    .waits_for_all = true,
    .cancels_with_me = true,
};

static bool multi_all_succeeded(const struct multi *multi)
{
    for (size_t i = 0; i < multi->count; i++) {
        if (multi->members[i].rc < 0)
            return false;
    }
    return true;
}

/* What the caller gets: its own cancel, unless everything had succeeded all the same. */
static int gather_outcome(struct multi *multi)
{
    if (multi->is_cancelled && !multi->is_decided && !multi_all_succeeded(multi))
        return multi_interrupted(multi);
    wf_note_receive(multi->waiter.task, multi->rc, multi->note);
    return multi->rc;
}

int weft_gather_n(const weft_task tasks[], size_t count)
{
    struct multi multi;
    int rc = multi_run(&multi, &gather_rule, tasks, count, NULL);
    if (rc != 0)
        return rc;
    rc = gather_outcome(&multi);
    multi_fini(&multi);
    return rc;
}

/* ---- settle ---- */

static void settle_ended(struct multi *multi, struct multi_member *member)
{
    if (member->rc < 0)
        multi->rc++;
}

static const struct multi_rule settle_rule = {
    .member_ended = settle_ended,
    .waits_for_all = true,
    .cancels_with_me = true,
};

int weft_settle_n(const weft_task tasks[], size_t count, int out_rc[])
{
    struct multi multi;
    int rc = multi_run(&multi, &settle_rule, tasks, count, out_rc);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        out_rc[i] = multi.members[i].rc;
    rc = multi.is_cancelled ? multi_interrupted(&multi) : multi.rc;
    multi_fini(&multi);
    return rc;
}

/* ---- race ---- */

static void race_ended(struct multi *multi, struct multi_member *member)
{
    bool is_failure = member->rc < 0;
    if (is_failure ? multi->is_decided || member->order < multi->order
                   : multi_is_decided_before(multi, member))
        return;
    multi->order = member->order;
    multi->rc = is_failure ? member->rc : (int)member->index;
    if (is_failure) {
        multi_take_note(multi, member);
        return;
    }
    multi->is_decided = true;
    multi_cancel_members(multi, "another member won");
}

static const struct multi_rule race_rule = {
    .member_ended = race_ended,
    .waits_for_all = true,
    .cancels_with_me = true,
};

int weft_race_n(const weft_task tasks[], size_t count)
{
    if (count == 0)
        return -EINVAL;
    struct multi multi;
    int rc = multi_run(&multi, &race_rule, tasks, count, NULL);
    if (rc != 0)
        return rc;
    rc = multi.rc;
    if (!multi.is_decided && multi.is_cancelled)
        rc = multi_interrupted(&multi);
    else
        wf_note_receive(multi.waiter.task, rc, multi.note);
    multi_fini(&multi);
    return rc;
}

/* ---- any ---- */

/* The other waiters leave at once: an error of a task that ends before the caller runs would count
 * as received, and nobody would have been told (rule T08). */
static void any_ended(struct multi *multi, struct multi_member *member)
{
    if (!multi->is_decided)
        multi->rc = (int)member->index;
    multi->is_decided = true;
    multi_leave_queues(multi);
}

static const struct multi_rule any_rule = {.member_ended = any_ended};

/* Among the tasks that are done already the one that ended first; -1 if none is. */
static int any_oldest(const weft_task tasks[], size_t count)
{
    int oldest = -1;
    uint64_t oldest_order = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        const wf_task *task = wf_task_of(wf_sched_self(), tasks[i]);
        uint64_t order = task != NULL ? task->done_order : 0;
        if (wf_is_far(tasks[i]))
            order = UINT64_MAX - 1; /* it ended who knows when */
        if (wf_task_has_ended(tasks[i]) && order < oldest_order) {
            oldest = (int)i;
            oldest_order = order;
        }
    }
    return oldest;
}

int weft_any_n(const weft_task tasks[], size_t count)
{
    if (count == 0)
        return -EINVAL;
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    rc = any_oldest(tasks, count);
    if (rc >= 0)
        return rc;
    struct multi multi;
    rc = multi_init(&multi, &any_rule, count);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count && rc >= 0; i++)
        rc = multi_watch(&multi, i, tasks[i]);
    if (rc < 0) {
        multi_unwatch(&multi);
        multi_fini(&multi);
        return rc;
    }
    multi_wait(&multi);
    rc = multi.is_decided ? multi.rc : multi_interrupted(&multi);
    multi_fini(&multi);
    return rc;
}

/* ---- map ---- */

/* A member of a map runs one item after the other. */
struct map {
    weft_fn *fn;
    char *items;
    size_t count, next, item_bytes;
    const char *site;
    struct wf_node *up;
};

/* Starts the next item in this member's place. */
static int map_start(struct multi *multi, struct multi_member *member)
{
    struct map *map = multi->map;
    struct wf_spawn how = {
        .fn = map->fn,
        .arg = map->items + map->next * map->item_bytes,
        .site = map->site,
        .up = map->up,
        .is_released = true,
    };
    wf_task *task;
    int rc = wf_task_new(wf_sched_current, &how, &task);
    if (rc < 0)
        return rc;
    map->next++;
    return multi_watch(multi, member->index, wf_task_handle(task));
}

static void map_ended(struct multi *multi, struct multi_member *member)
{
    gather_ended(multi, member);
    if (multi->is_decided || multi->is_cancelled || multi->map->next == multi->map->count)
        return;
    multi->left++;
    int rc = map_start(multi, member);
    if (rc < 0) {
        member->rc = rc;
        multi->left--;
        gather_ended(multi, member);
    }
}

static const struct multi_rule map_rule = {
    .member_ended = map_ended,
    .waits_for_all = true,
    .cancels_with_me = true,
};

int weft_map_at(weft_fn *fn, void *items, size_t count, size_t item_bytes, size_t limit,
                const char *site)
{
    int rc = weft_sp_enter();
    if (rc < 0 || count == 0)
        return rc;
    struct map map = {
        .fn = fn,
        .items = items,
        .count = count,
        .item_bytes = item_bytes,
        .site = site,
        .up = &wf_current()->root,
    };
    size_t width = limit == 0 || limit > count ? count : limit;
    struct multi multi;
    rc = multi_init(&multi, &map_rule, width);
    if (rc < 0)
        return rc;
    multi.map = &map;
    for (size_t i = 0; i < width && rc == 0; i++) {
        rc = map_start(&multi, &multi.members[i]);
        if (rc < 0) {
            /* The places from here on never held a task. */
            multi.is_decided = true;
            multi.rc = rc;
            for (size_t rest = i; rest < width; rest++)
                multi.members[rest].is_done = true;
            multi.left -= width - i;
            multi_cancel_members(&multi, "another member could not start");
        }
    }
    multi_wait(&multi);
    if (multi.is_cancelled && !multi.is_decided && map.next < map.count)
        rc = multi_interrupted(&multi);
    else
        rc = gather_outcome(&multi);
    multi_fini(&multi);
    return rc;
}
