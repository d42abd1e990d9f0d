/* SPDX-License-Identifier: MIT */

#include "core/loops/guest.h"

#include "base/alloc.h"
#include "core/loop/posts.h"
#include "core/loops/errand.h"
#include "core/stack/stack_use.h"

#include <string.h>

/*
 * Made at home, at once and whole: the body's record, its locals and its stack, which is the one
 * that the place's record has reserved.  Until the errand is over everything in it is the host's,
 * but for what errand.h says of the errand, and `place`.
 */
struct guest {
    wf_task task;
    struct wf_errand errand;
    weft_loop *host;
    wf_task *place;
    wf_stack stack; /* of the home loop's pool */
    wf_stack used;  /* what of it was left for the body */
    uint8_t reason; /* why it is recalled; written before that is sent */
    const char *why;
};

static struct guest *guest_of_place(const wf_task *place)
{
    return place->arg;
}

static struct guest *guest_of_errand(struct wf_errand *errand)
{
    return wf_container(errand, struct guest, errand);
}

static struct guest *guest_of_task(const wf_task *task)
{
    return wf_container((wf_task *)(uintptr_t)task, struct guest, task);
}

/* ---- at home again ---- */

/* The body of the place: what the guest came to is what it comes to. */
static int guest_return(void *arg)
{
    struct guest *guest = arg;
    wf_task *self = wf_current();
    int rc = guest->task.result;
    wf_note_drop(&self->note);
    self->note = guest->task.note;
    if ((guest->task.flags & WF_TASK_WAS_CANCELLED) != 0)
        self->flags |= WF_TASK_WAS_CANCELLED; /* also if it cancelled itself there */
    if ((guest->task.flags & WF_TASK_NAMED) != 0) {
        self->own_name = guest->task.own_name;
        self->flags |= WF_TASK_NAMED;
    }
    wf_free(guest);
    return rc;
}

static void guest_back(struct wf_errand *errand)
{
    struct guest *guest = guest_of_errand(errand);
    struct wf_sched *sched = wf_sched_current;
    wf_task *place = guest->place;
    if (sched->stacks.uses != NULL) /* the place's end counts it as ended */
        wf_stack_use_add(sched->stacks.uses, wf_task_site(&guest->task), &guest->used,
                         /* has_ended= */ false);
    wf_stacks_give(sched->stacks.pool, &guest->stack); /* first: it is the place's only one */
    place->flags &= (uint8_t)~WF_TASK_ABROAD;
    wf_sched_ready(sched, place);
}

/* ---- on the host ---- */

static void guest_arrive(struct wf_errand *errand)
{
    struct guest *guest = guest_of_errand(errand);
    struct wf_sched *sched = wf_sched_current;
    wf_node_init(&guest->task.root, NULL, &guest->task, 0);
    guest->task.scope = &guest->task.root;
    guest->task.loop = (uint16_t)sched->records.loop_number;
    wf_sched_embody_on(sched, &guest->task, &guest->stack);
    guest->task.body->stack.is_special = true; /* not of this loop's pool */
    guest->used = guest->task.body->stack;
    wf_node_renew(&guest->task.root, &sched->top);
    sched->stats.tasks_made++;
    wf_sched_ready(sched, &guest->task);
}

static void guest_recalled(struct wf_errand *errand)
{
    struct guest *guest = guest_of_errand(errand);
    wf_node_cancel(&guest->task.root, guest->reason, guest->why);
}

void wf_guest_leave(wf_task *task)
{
    wf_errand_answer(&guest_of_task(task)->errand);
}

static const struct wf_errand_class guest_class = {
    .arrive = guest_arrive,
    .recall = guest_recalled,
    .back = guest_back,
};

/* ---- at home, before ---- */

/* It sees what its spawner has set (rule V01); the table is written to there. */
static int guest_take_locals(struct guest *guest, wf_task *place)
{
    const struct wf_locals *locals = place->inherited;
    if (locals == NULL)
        return 0;
    size_t bytes = sizeof *locals + locals->count * sizeof locals->values[0];
    struct wf_locals *own = wf_alloc(bytes);
    if (own == NULL)
        return -ENOMEM;
    memcpy(own, locals, bytes);
    own->ref_count = 1;
    guest->task.inherited = own;
    wf_locals_drop(&place->inherited);
    return 0;
}

int wf_guest_make(struct wf_sched *sched, wf_task *place, const struct wf_spawn *spawn,
                  weft_loop *host)
{
    struct guest *guest = wf_alloc(sizeof *guest);
    if (guest == NULL)
        return -ENOMEM;
    if (guest_take_locals(guest, place) < 0) {
        wf_free(guest);
        return -ENOMEM;
    }
    wf_sched_take_stack(sched, &guest->stack);
    guest->place = place;
    guest->host = host;
    guest->task.id = place->id;
    guest->task.fn = spawn->fn;
    guest->task.arg = spawn->arg;
    guest->task.site = spawn->site;
    guest->task.state = WF_TASK_LIVE;
    guest->task.flags = WF_TASK_ABROAD | WF_TASK_RELEASED;
    place->fn = guest_return;
    place->arg = guest;
    place->flags |= WF_TASK_ABROAD;
    return 0;
}

void wf_guest_send(wf_task *place)
{
    struct guest *guest = guest_of_place(place);
    wf_errand_send(&guest->errand, &guest_class, guest->host);
    if ((place->root.flags & WF_NODE_EFFECTIVE) != 0) /* its owner is */
        wf_guest_recall(place);
}

void wf_guest_recall(wf_task *place)
{
    struct guest *guest = guest_of_place(place);
    if (guest->errand.is_recalled)
        return;
    const struct wf_node *node = &place->root;
    while (node->up != NULL && (node->flags & WF_NODE_CANCELLED) == 0)
        node = node->up;
    guest->reason = node->reason;
    guest->why = node->why;
    wf_errand_recall(&guest->errand);
}
