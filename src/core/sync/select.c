/* SPDX-License-Identifier: MIT */

#include <weft/select.h>

#include "base/alloc.h"
#include "base/list.h"
#include "core/look/debug.h"
#include "core/loop/loop_priv.h"
#include "core/loop/posts.h"
#include "core/loops/far.h"
#include "core/sync/chan_priv.h"
#include "core/sync/sync_priv.h"

#include <assert.h>

/*
 * A select that has to wait puts one waiter into the queue of each of its cases and parks on none
 * of them, but on `parked`.  Whoever wakes a case's waiter has by that done the case: at that
 * instant the other waiters leave their queues, so that exactly one case happens.  The same when
 * the task is cancelled: no case can happen after that.
 *
 * A descriptor's operation lives in the kernel, and a waiter for a task of another loop there; both
 * outlast that instant: the call returns when the last one has completed.
 */
struct select_far {
    struct wf_far_watch watch;
    weft_case *winner; /* that it would be */
    struct select_far *next;
};

struct wf_select {
    weft_waiter parked;
    weft_case *cases;
    size_t count;
    weft_case *winner;
    weft_timer timer;       /* of the earliest deadline */
    weft_case *first_due;   /* that deadline, or NULL */
    weft_waiter *ops_ended; /* parked until op_count is 0 */
    size_t op_count;        /* operations in flight, and watches of other loops */
    struct select_far *fars;
    weft_defer looked_once; /* all descriptors have been looked at */
};

/* ---- the end of the wait ---- */

static void select_withdraw(struct wf_select *select)
{
    weft_timer_stop(wf_loop_current, &select->timer);
    for (size_t i = 0; i < select->count; i++) {
        weft_case *each = &select->cases[i];
        wf_waitq_remove(&each->priv_wait.priv_waiter);
        if (each->priv_op != NULL)
            weft_op_cancel(wf_loop_current, each->priv_op);
    }
    for (struct select_far *far = select->fars; far != NULL; far = far->next)
        wf_far_unwatch(&far->watch);
}

static void case_report(const weft_case *winner, int rc)
{
    if (winner->out_rc != NULL)
        *winner->out_rc = rc;
}

/* `winner` has happened.  Later ones, of operations that were on their way, are too late. */
static void select_decide(struct wf_select *select, weft_case *winner, int rc)
{
    if (select->winner != NULL || select->parked.is_woken)
        return;
    select->winner = winner;
    case_report(winner, rc);
    select_withdraw(select);
    wf_wake(&select->parked, 0);
}

static void select_cancelled(weft_waiter *parked)
{
    select_withdraw(parked->object);
    wf_wake(parked, -ECANCELED);
}

/* If this case has happened its failure `rc` is the caller's, with its text; NULL: it has none, and
 * no earlier one explains it (rule E05). */
static void case_tell_note(const weft_case *self, int rc, struct wf_note *note)
{
    if (self->priv_select->winner == self)
        wf_note_receive(self->priv_wait.priv_waiter.task, rc, note);
}

static void case_woken(weft_waiter *waiter)
{
    weft_case *self = wf_container(waiter, weft_case, priv_wait.priv_waiter);
    select_decide(self->priv_select, self, waiter->rc);
    if (self->kind == WEFT_CASE_KIND_DONE)
        case_tell_note(self, waiter->rc, ((const wf_task *)waiter->object)->note);
}

static void select_on_timer(weft_timer *timer)
{
    struct wf_select *select = wf_container(timer, struct wf_select, timer);
    select_decide(select, select->first_due, 0);
}

static weft_task case_task(const weft_case *self)
{
    return (weft_task){(uint64_t)self->value};
}

static void select_holders(const weft_waiter *waiter,
                           void (*tell)(const weft_task *holder, void *arg), void *arg)
{
    const struct wf_select *select = waiter->object;
    for (size_t i = 0; i < select->count; i++) {
        weft_task holder = case_task(&select->cases[i]);
        if (select->cases[i].kind == WEFT_CASE_KIND_DONE)
            tell(&holder, arg);
    }
}

static const weft_wait_class select_wait_class = {
    .what = "select",
    .cancel = select_cancelled,
    .holders = select_holders,
};
static const weft_wait_class select_ops_class = {.what = "select, its operations"};
static const weft_wait_class case_wait_class = {.what = "select", .woken = case_woken};

/* ---- descriptors ---- */

static void select_op_ended(struct wf_select *select)
{
    if (--select->op_count == 0 && select->ops_ended != NULL)
        wf_wake(select->ops_ended, 0);
}

/* ---- tasks of other loops ---- */

static void far_over(struct wf_far_watch *watch)
{
    const struct select_far *far = wf_container(watch, struct select_far, watch);
    struct wf_select *select = far->winner->priv_select;
    if (!wf_far_is_withdrawn(watch)) {
        select_decide(select, far->winner, watch->rc);
        case_tell_note(far->winner, watch->rc, watch->note);
    }
    select_op_ended(select);
}

/* 0, -ESRCH, -EPERM, -ENOMEM. */
static int case_watch_far(weft_case *self, weft_task task)
{
    struct wf_select *select = self->priv_select;
    struct select_far *far = wf_alloc(sizeof *far);
    if (far == NULL)
        return -ENOMEM;
    far->winner = self;
    far->watch.task = task;
    far->watch.over = far_over;
    int rc = wf_far_watch(&far->watch);
    if (rc < 0) {
        wf_free(far);
        return rc;
    }
    far->next = select->fars;
    select->fars = far;
    select->op_count++;
    return 0;
}

static void select_free_fars(struct wf_select *select)
{
    for (struct select_far *far; (far = select->fars) != NULL;) {
        select->fars = far->next;
        wf_note_drop(&far->watch.note);
        wf_free(far);
    }
}

/* No case happens. */
static void select_refuse(struct wf_select *select, int rc)
{
    select_withdraw(select);
    wf_wake(&select->parked, rc);
}

static void case_watch(weft_case *self, struct wf_select *select)
{
    weft_task task = case_task(self);
    weft_waiter *waiter = &self->priv_wait.priv_waiter;
    int rc = task.id == weft_self().id ? -EDEADLK : wf_task_watch(task, waiter);
    if (rc == -EPERM && wf_is_far(task))
        rc = case_watch_far(self, task);
    if (rc == -ENOMEM)
        select_refuse(select, rc);
    else if (rc < 0)
        select_decide(select, self, rc);
}

static void case_on_ready(weft_op *op, const weft_completion *completion, void *arg)
{
    (void)op;
    weft_case *self = arg;
    assert(completion->is_final);
    self->priv_op = NULL;
    select_decide(self->priv_select, self, completion->result);
    case_tell_note(self, completion->result, NULL);
    select_op_ended(self->priv_select);
}

static void case_start_op(weft_case *self, int kind, weft_op_fn *fn)
{
    const weft_op_args args = {
        .kind = kind,
        .fd = kind == WEFT_OP_POLL ? (int)self->value : -1,
        .flags = (uint32_t)self->events,
    };
    int rc = weft_op_start(wf_loop_current, &args, fn, self, &self->priv_op);
    if (rc == 0) {
        self->priv_select->op_count++;
        return;
    }
    select_decide(self->priv_select, self, rc);
    case_tell_note(self, rc, NULL);
}

static void select_on_looked(weft_defer *defer)
{
    struct wf_select *select = wf_container(defer, struct wf_select, looked_once);
    for (size_t i = 0; i < select->count; i++)
        if (select->cases[i].kind == WEFT_CASE_KIND_NONE)
            select_decide(select, &select->cases[i], 0);
    select_op_ended(select);
}

/* Started behind the others, it completes in the turn in which they do if they are ready; the end
 * of that turn is late enough for all. */
static void case_on_nop(weft_op *op, const weft_completion *completion, void *arg)
{
    (void)op;
    (void)completion;
    weft_case *self = arg;
    self->priv_op = NULL;
    self->priv_select->looked_once.fn = select_on_looked;
    weft_defer_start(wf_loop_current, &self->priv_select->looked_once);
}

static bool select_has_descriptors(const struct wf_select *select)
{
    for (size_t i = 0; i < select->count; i++)
        if (select->cases[i].kind == WEFT_CASE_KIND_READY)
            return true;
    return false;
}

/* ---- what is possible at once ---- */

static bool case_event_is_foreign(const weft_case *self)
{
    const weft_event *event = self->object;
    return wf_waitq_is_foreign(&event->priv_waiters);
}

/* True if the case can happen now, or must fail now.  *out_since as in chan_priv.h. */
static bool case_is_possible(const weft_case *self, uint64_t *out_since)
{
    *out_since = WF_CHAN_NOBODY;
    switch (self->kind) {
    case WEFT_CASE_KIND_SEND:
        return wf_chan_can_send(self->object, out_since);
    case WEFT_CASE_KIND_RECV:
        return wf_chan_can_recv(self->object, out_since);
    case WEFT_CASE_KIND_DONE:
        return wf_task_has_ended(case_task(self));
    case WEFT_CASE_KIND_EVENT:
        return weft_event_is_set(self->object) || case_event_is_foreign(self);
    case WEFT_CASE_KIND_DEADLINE:
        if (self->value > weft_now())
            return false;
        wf_debug_past_deadline(self->value);
        return true;
    default:
        return false;
    }
}

static int case_collect(weft_case *self)
{
    int rc = 0;
    int is_done = weft_done(case_task(self), &rc);
    return is_done < 0 ? is_done : rc;
}

static void case_do(weft_case *self)
{
    int rc = 0;
    switch (self->kind) {
    case WEFT_CASE_KIND_SEND:
        rc = weft_try_send(self->object, self->item);
        break;
    case WEFT_CASE_KIND_RECV:
        rc = weft_try_recv(self->object, self->item);
        break;
    case WEFT_CASE_KIND_DONE:
        rc = case_collect(self);
        break;
    case WEFT_CASE_KIND_EVENT:
        rc = case_event_is_foreign(self) ? -EPERM : 0;
        break;
    default:
        break;
    }
    case_report(self, rc);
}

/*
 * The case to do now, or NULL.  Of those for which another task waits, the one that waits longest;
 * of the others the first from the site's turn on.  If both kinds are possible the first kind goes
 * first, but not twice in a row: an event must be seen even if some sender always waits.
 */
static weft_case *select_pick(struct wf_select *select, weft_select_site *site)
{
    weft_case *longest = NULL, *next = NULL;
    uint64_t longest_since = WF_CHAN_NOBODY;
    size_t start = site->priv_turn % select->count;

    for (size_t i = 0; i < select->count; i++) {
        size_t index = start + i < select->count ? start + i : start + i - select->count;
        weft_case *each = &select->cases[index];
        uint64_t since;
        if (!case_is_possible(each, &since))
            continue;
        if (since < longest_since) {
            longest = each;
            longest_since = since;
        } else if (since == WF_CHAN_NOBODY && next == NULL) {
            next = each;
        }
    }

    bool was_passed_over = site->priv_was_passed_over;
    site->priv_was_passed_over = longest != NULL && next != NULL && !was_passed_over;
    if (longest != NULL && (next == NULL || !was_passed_over))
        return longest;
    if (next != NULL)
        site->priv_turn = (size_t)(next - select->cases) + 1;
    return next;
}

/* ---- waiting ---- */

static void case_wait(weft_case *self, struct wf_select *select)
{
    weft_waiter *waiter = &self->priv_wait.priv_waiter;
    switch (self->kind) {
    case WEFT_CASE_KIND_SEND:
        wf_chan_push_sender(self->object, &self->priv_wait);
        break;
    case WEFT_CASE_KIND_RECV:
        wf_chan_push_receiver(self->object, &self->priv_wait);
        break;
    case WEFT_CASE_KIND_DONE:
        case_watch(self, select);
        break;
    case WEFT_CASE_KIND_EVENT:
        wf_waitq_push(&((weft_event *)self->object)->priv_waiters, waiter);
        break;
    case WEFT_CASE_KIND_READY:
        case_start_op(self, WEFT_OP_POLL, case_on_ready);
        break;
    case WEFT_CASE_KIND_DEADLINE:
        if (select->first_due == NULL || self->value < select->first_due->value)
            select->first_due = self;
        break;
    default:
        break;
    }
}

static void select_begin(struct wf_select *select)
{
    weft_case *none = NULL;
    for (size_t i = 0; i < select->count && !select->parked.is_woken; i++) {
        weft_case *each = &select->cases[i];
        if (each->kind == WEFT_CASE_KIND_NONE)
            none = each;
        case_wait(each, select);
    }
    if (!select->parked.is_woken && none != NULL)
        case_start_op(none, WEFT_OP_NOP, case_on_nop);
    if (!select->parked.is_woken && select->first_due != NULL)
        weft_timer_start(wf_loop_current, &select->timer, select->first_due->value);
}

static void select_see_ops_out(struct wf_select *select, weft_waiter *ended)
{
    select->ops_ended = ended;
    weft_park_shielded(ended);
}

static int select_wait(struct wf_select *select)
{
    wf_task *task = wf_current();
    select->parked = (weft_waiter)WEFT_WAITER(&select_wait_class, select);
    weft_timer_init(&select->timer, select_on_timer);
    for (size_t i = 0; i < select->count; i++) {
        weft_case *each = &select->cases[i];
        each->priv_wait = (weft_chan_waiter){
            .priv_waiter = WEFT_WAITER(&case_wait_class, each->object),
            .priv_item = each->item,
        };
        each->priv_wait.priv_waiter.task = task;
        each->priv_select = select;
        each->priv_op = NULL;
    }

    select_begin(select);
    int rc = wf_sync_park(&select->parked);
    if (select->op_count > 0) {
        weft_waiter ended = WEFT_WAITER(&select_ops_class, select);
        select_see_ops_out(select, &ended);
    }
    if (select->fars != NULL)
        select_free_fars(select);
    return rc < 0 ? rc : (int)(select->winner - select->cases);
}

int weft_select_at(weft_case cases[], size_t count, weft_select_site *site)
{
    if (count == 0 || count > INT32_MAX)
        return -EINVAL;
    int rc = wf_sync_enter();
    if (rc < 0)
        return rc;

    weft_select_site no_site = {0};
    if (site == NULL)
        site = &no_site;
    uint32_t run = wf_loop_number(wf_loop_current);
    if (site->priv_run != run) /* a run does not depend on those before it */
        *site = (weft_select_site){.priv_run = run};

    struct wf_select select = {.cases = cases, .count = count};
    weft_case *now = select_pick(&select, site);
    if (now != NULL) {
        case_do(now);
        return (int)(now - cases);
    }
    for (size_t i = 0; i < count; i++)
        if (cases[i].kind == WEFT_CASE_KIND_NONE && !select_has_descriptors(&select))
            return (int)i;
    return select_wait(&select);
}
