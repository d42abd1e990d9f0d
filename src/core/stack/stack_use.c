/* SPDX-License-Identifier: MIT */

#include "core/stack/stack_use.h"

#include "base/alloc.h"
#include "core/task/sched_priv.h"

#include <string.h>

int wf_stack_uses_new(struct wf_stack_uses **out)
{
    *out = wf_alloc(sizeof **out);
    return *out != NULL ? 0 : -ENOMEM;
}

static weft_stack_use *use_of(struct wf_stack_uses *uses, const char *site)
{
    for (size_t i = 0; i < uses->count; i++) {
        if (strcmp(uses->sites[i].site, site) == 0)
            return &uses->sites[i];
    }
    if (uses->count == WF_STACK_USES_MAX)
        return NULL;
    weft_stack_use *use = &uses->sites[uses->count++];
    *use = (weft_stack_use){.site = site};
    return use;
}

void wf_stack_use_add(struct wf_stack_uses *uses, const char *site, const wf_stack *stack,
                      bool has_ended)
{
    weft_stack_use *use = use_of(uses, site);
    if (use == NULL)
        return;
    size_t bytes = wf_stack_high_water(stack);
    if (bytes > use->bytes_max)
        use->bytes_max = bytes;
    if (wf_stack_bytes(stack) > use->stack_bytes)
        use->stack_bytes = wf_stack_bytes(stack);
    use->ended_count += has_ended;
}

/* What tasks that have not ended used so far. */
static void uses_add_live(const struct wf_sched *sched)
{
    for (uint32_t slot = 0; slot < sched->records.tasks.fresh; slot++) {
        const wf_task *task = wf_slab_at(&sched->records.tasks, slot, sizeof *task);
        bool has_body = task->state != WF_TASK_FREE && (task->flags & WF_TASK_HAS_BODY) != 0;
        if (has_body)
            wf_stack_use_add(sched->stacks.uses, wf_task_site(task), &task->body->stack,
                             /* has_ended= */ false);
    }
}

static void uses_sort(struct wf_stack_uses *uses)
{
    for (size_t i = 1; i < uses->count; i++) {
        weft_stack_use use = uses->sites[i];
        size_t at = i;
        for (; at > 0 && uses->sites[at - 1].bytes_max < use.bytes_max; at--)
            uses->sites[at] = uses->sites[at - 1];
        uses->sites[at] = use;
    }
}

size_t wf_stack_uses_get(const struct wf_sched *sched, weft_stack_use out[], size_t count)
{
    struct wf_stack_uses *uses = sched->stacks.uses;
    if (uses == NULL)
        return 0;
    uses_add_live(sched);
    uses_sort(uses);
    for (size_t i = 0; i < count && i < uses->count; i++)
        out[i] = uses->sites[i];
    return uses->count;
}

size_t weft_stack_uses(weft_stack_use out[], size_t count)
{
    const struct wf_sched *sched = wf_sched_self();
    return sched != NULL ? wf_stack_uses_get(sched, out, count) : 0;
}
