/* SPDX-License-Identifier: MIT */

/* How likely each entity is together with all below it. */
#include "base/alloc.h"
#include "match/hierarchy/kin.h"
#include "match/score/probability.h"

static int add_above(wf_kin_desk *desk, uint32_t entity, size_t *out)
{
    *out = wf_roster_find(&desk->above, entity);
    if (*out != WF_NOT_THERE)
        return 0;
    int rc = wf_roster_add(&desk->above, entity);
    if (rc < 0)
        return rc;
    *out = desk->above.count - 1;
    if (desk->above.capacity > desk->sum_capacity) {
        double *sums = wf_grow(desk->sums, desk->above.capacity, sizeof(*sums));
        if (sums == NULL)
            return -ENOMEM;
        desk->sums = sums;
        double *owns = wf_grow(desk->owns, desk->above.capacity, sizeof(*owns));
        if (owns == NULL)
            return -ENOMEM;
        desk->owns = owns;
        desk->sum_capacity = desk->above.capacity;
    }
    desk->sums[*out] = desk->owns[*out] = 0;
    return 0;
}

/* Gives an entity its share, and all above it. */
static int give(const wf_kin_plan *plan, wf_kin_desk *desk, uint32_t entity, double share,
                const wf_ask *ask)
{
    int rc = wf_walk_run(&desk->walk, plan->hierarchy, entity, WF_UP, &WF_REACH_ALL, ask->job);
    for (size_t i = 0; i < desk->walk.roster.count && rc == 0; i++) {
        size_t at;
        uint32_t above = desk->walk.roster.entities[i];
        if (!wf_is_in(ask->allowed, above))
            continue;
        rc = add_above(desk, above, &at);
        if (rc == 0)
            desk->sums[at] += share;
        if (rc == 0 && i == 0)
            desk->owns[at] += share;
    }
    return rc;
}

/* Entities of one score share it: it is the probability that it is one of them. */
static int give_group(const wf_kin_plan *plan, wf_kin_desk *desk, const wf_rank *rank, size_t first,
                      size_t end, double scale, const wf_ask *ask)
{
    size_t beyond = end == rank->count ? rank->tied_count : 0;
    double share = (double)rank->found[first].score * scale / (double)(end - first + beyond);
    int rc = 0;
    for (size_t i = first; i < end && rc == 0; i++)
        rc = give(plan, desk, rank->found[i].entity, share, ask);
    for (size_t i = 0; i < beyond && rc == 0; i++)
        rc = give(plan, desk, rank->tied[i], share, ask);
    return rc;
}

static size_t group_end(const wf_rank *rank, size_t first)
{
    size_t end = first + 1;
    while (end < rank->count && rank->found[end].score == rank->found[first].score)
        end++;
    return end;
}

/* A score of 1 is certainty and leaves nothing for others; so that is all of it. */
static size_t count_that_count(const wf_rank *rank)
{
    if (rank->count == 0)
        return 0;
    return rank->found[0].score >= 1 ? group_end(rank, 0) : rank->count;
}

/* What makes the groups' scores at most 1 together: those of some scorers are no distribution. */
static double scale_of(const wf_rank *rank, size_t count)
{
    double sum = 0;
    for (size_t first = 0; first < count; first = group_end(rank, first))
        sum += (double)rank->found[first].score;
    return sum > 1 ? 1 / sum : 1;
}

int wf_kin_sum(const wf_kin_plan *plan, wf_kin_desk *desk, const wf_rank *rank, const wf_ask *ask)
{
    size_t count = count_that_count(rank);
    double scale = scale_of(rank, count);
    int rc = 0;
    wf_roster_reset(&desk->above);
    for (size_t first = 0, end = 0; first < count && rc == 0; first = end) {
        end = group_end(rank, first);
        if (rank->found[first].score > 0)
            rc = give_group(plan, desk, rank, first, end, scale, ask);
    }
    return rc;
}

/* ---- the way down ---- */

#define EDGES_A_POLL 4096u

/* What the way down is looked for in. */
struct descent {
    const wf_kin_plan *plan;
    const wf_kin_desk *desk;
    const wf_ask *ask;
    size_t edges; /* looked at so far */
    int rc;       /* what the job was halted with */
};

/* Is `parent` above this one?  With NULL: has it no parent that may be looked at? */
static bool is_below(struct descent *it, uint32_t entity, const uint32_t *parent)
{
    const wf_side *up = &it->plan->hierarchy->up;
    for (uint32_t k = up->start[entity]; k < up->start[entity + 1] && it->rc == 0; k++) {
        it->rc = it->edges++ % EDGES_A_POLL == 0 ? wf_job_poll(it->ask->job) : 0;
        if (parent == NULL ? wf_is_in(it->ask->allowed, up->to[k]) : up->to[k] == *parent)
            return parent != NULL;
    }
    return parent == NULL;
}

/* The most likely child of an entity, or top; equal ones in the order of the catalogue.
 * WF_NOT_THERE: there is none. */
static size_t best_below(struct descent *it, const uint32_t *parent)
{
    const wf_kin_desk *desk = it->desk;
    size_t best = WF_NOT_THERE;
    for (size_t i = 0; i < desk->above.count; i++) {
        uint32_t entity = desk->above.entities[i];
        if (best != WF_NOT_THERE &&
            (desk->sums[i] < desk->sums[best] ||
             (desk->sums[i] == desk->sums[best] && entity > desk->above.entities[best])))
            continue;
        if (is_below(it, entity, parent))
            best = i;
    }
    return best;
}

int wf_kin_descend(const wf_kin_plan *plan, const wf_kin_desk *desk, const wf_ask *ask,
                   uint32_t *out, size_t most, size_t *out_count)
{
    struct descent it = {.plan = plan, .desk = desk, .ask = ask};
    size_t count = 0, at = best_below(&it, NULL);
    while (at != WF_NOT_THERE && count < most && it.rc == 0) {
        out[count++] = (uint32_t)at;
        size_t next = best_below(&it, &desk->above.entities[at]);
        if (next != WF_NOT_THERE && desk->owns[at] >= desk->sums[next])
            break;
        at = next;
    }
    *out_count = count;
    return it.rc;
}
