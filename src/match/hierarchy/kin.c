/* SPDX-License-Identifier: MIT */

#include "match/hierarchy/kin.h"

#include "base/alloc.h"
#include "match/score/probability.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Levels rest on so many entities, however few hits are wanted.  For more the scorer "probability"
 * compares twice as many texts. */
#define FOUND_MIN 12u

/* ---- memory ---- */

wf_kin_desk *wf_kin_desk_new(void)
{
    return wf_alloc(sizeof(wf_kin_desk));
}

void wf_kin_desk_free(wf_kin_desk *desk)
{
    if (desk == NULL)
        return;
    wf_roster_fini(&desk->roster);
    wf_roster_fini(&desk->above);
    wf_walk_fini(&desk->walk);
    wf_free(desk->semantic);
    wf_free(desk->ties);
    wf_free(desk->asked);
    wf_free(desk->hits);
    wf_free(desk->way);
    wf_free(desk->sums);
    wf_free(desk->owns);
    wf_free(desk);
}

size_t wf_kin_desk_bytes(const wf_kin_desk *desk)
{
    if (desk == NULL)
        return 0;
    return desk->walk.step_capacity * 32 + desk->sum_capacity * 36 +
           desk->asked_words * sizeof(*desk->asked) + desk->tie_capacity * sizeof(*desk->ties) +
           desk->hit_capacity * sizeof(*desk->hits) + desk->semantic_capacity * 24;
}

/* The number of an entity, which is added if it is new. */
static int enter(wf_kin_desk *desk, uint32_t entity, size_t *out)
{
    *out = wf_roster_find(&desk->roster, entity);
    if (*out != WF_NOT_THERE)
        return 0;
    int rc = wf_roster_add(&desk->roster, entity);
    if (rc == 0 && desk->roster.capacity > desk->semantic_capacity) {
        float *semantic = wf_grow(desk->semantic, desk->roster.capacity, sizeof(*semantic));
        if (semantic == NULL)
            return -ENOMEM;
        desk->semantic = semantic;
        desk->semantic_capacity = desk->roster.capacity;
    }
    if (rc < 0)
        return rc;
    *out = desk->roster.count - 1;
    desk->semantic[*out] = NAN;
    return 0;
}

static int add_tie(wf_kin_desk *desk, const wf_tie *tie)
{
    if (desk->tie_count == desk->tie_capacity) {
        size_t capacity = desk->tie_capacity != 0 ? desk->tie_capacity * 2 : 64;
        wf_tie *ties = wf_grow(desk->ties, capacity, sizeof(*ties));
        if (ties == NULL)
            return -ENOMEM;
        desk->ties = ties;
        desk->tie_capacity = capacity;
    }
    desk->ties[desk->tie_count++] = *tie;
    return 0;
}

/* ---- who is related ---- */

static int take_found(const wf_kin_plan *plan, wf_kin_desk *desk, const wf_rank *rank)
{
    int rc = 0;
    for (size_t i = 0; i < rank->count && i < 2 * plan->top_k && rc == 0; i++) {
        size_t at;
        uint32_t entity = rank->found[i].entity;
        if (!(rank->found[i].score > 0) || rank->found[i].score < plan->threshold)
            continue;
        rc = enter(desk, entity, &at);
        if (rc < 0)
            return rc;
        desk->semantic[at] = rank->found[i].score;
        rc = add_tie(desk, &(wf_tie){.kin = (uint32_t)at, .via = entity, .weight = 1});
    }
    return rc;
}

static enum weft_m_relation relation_of(enum wf_way way, uint32_t depth)
{
    if (way == WF_UP)
        return depth == 1 ? WEFT_M_PARENT : WEFT_M_ANCESTOR;
    return depth == 1 ? WEFT_M_CHILD : WEFT_M_DESCENDANT;
}

/* `left`: how many more there may be. */
static int take_around(const wf_kin_plan *plan, wf_kin_desk *desk, uint32_t via, enum wf_way way,
                       size_t *left, const wf_ask *ask)
{
    const wf_reach reach = {.depth_max = plan->depth_max, .count_max = *left};
    int rc = wf_walk_run(&desk->walk, plan->hierarchy, via, way, &reach, ask->job);
    desk->was_cut |= desk->walk.was_cut;
    for (size_t i = 1; i < desk->walk.roster.count && rc == 0; i++) {
        size_t at;
        uint32_t entity = desk->walk.roster.entities[i];
        const wf_step *step = &desk->walk.steps[i];
        if (!wf_is_in(ask->allowed, entity))
            continue;
        rc = enter(desk, entity, &at);
        if (rc == 0)
            rc = add_tie(desk, &(wf_tie){.kin = (uint32_t)at,
                                         .via = via,
                                         .depth = step->depth,
                                         .weight = step->weight,
                                         .relation = relation_of(way, step->depth)});
        *left -= 1;
    }
    return rc;
}

static int take_relatives(const wf_kin_plan *plan, wf_kin_desk *desk, const wf_ask *ask)
{
    size_t left = plan->relative_max;
    size_t found = desk->roster.count < plan->top_k ? desk->roster.count : plan->top_k;
    int rc = 0;
    for (size_t i = 0; i < found && rc == 0; i++) {
        uint32_t via = desk->roster.entities[i];
        if (plan->goes_up)
            rc = take_around(plan, desk, via, WF_UP, &left, ask);
        if (rc == 0 && plan->goes_down)
            rc = take_around(plan, desk, via, WF_DOWN, &left, ask);
    }
    return rc;
}

/* ---- what the matcher gives them ---- */

/* Of those that were found below the threshold. */
static void take_known(wf_kin_desk *desk, const wf_rank *rank)
{
    for (size_t i = 0; i < rank->count; i++) {
        size_t at = wf_roster_find(&desk->roster, rank->found[i].entity);
        if (at != WF_NOT_THERE)
            desk->semantic[at] = rank->found[i].score;
    }
}

/* Marks those whose score is not known, and returns how many there are, or negative. */
static int64_t mark_asked(wf_kin_desk *desk, size_t entity_count)
{
    size_t words = entity_count / 64 + 1;
    int64_t count = 0;
    if (desk->asked_words < words) {
        wf_free(desk->asked);
        desk->asked_words = 0;
        desk->asked = wf_array(words, sizeof(*desk->asked));
        if (desk->asked == NULL)
            return -ENOMEM;
        desk->asked_words = words;
    }
    for (size_t i = 0; i < desk->roster.count; i++) {
        uint32_t entity = desk->roster.entities[i];
        if (!isnan(desk->semantic[i]))
            continue;
        desk->asked[entity / 64] |= UINT64_C(1) << entity % 64;
        count++;
    }
    return count;
}

static void unmark_asked(wf_kin_desk *desk)
{
    for (size_t i = 0; i < desk->roster.count; i++)
        desk->asked[desk->roster.entities[i] / 64] = 0;
}

/* Asks for those the matcher has not found.  They cannot have more than the last of those it has,
 * `bar`: without rivals some scorers would give them more. */
static int ask_for_rest(const wf_kin_plan *plan, wf_kin_desk *desk, wf_seeker *seeker,
                        const wf_ask *ask, float bar)
{
    wf_ask rest = *ask;
    rest.allowed = desk->asked;
    rest.threshold = 0;
    int rc = wf_seeker_read(seeker, plan->options, ask->raw);
    if (rc == 0)
        rc = plan->scorer->cls->find(plan->scorer, seeker, &rest);
    for (size_t i = 0; i < seeker->rank.count && rc == 0; i++) {
        const wf_found *found = &seeker->rank.found[i];
        size_t at = wf_roster_find(&desk->roster, found->entity);
        if (at != WF_NOT_THERE)
            desk->semantic[at] = found->score < bar ? found->score : bar;
    }
    return rc;
}

static int complete(const wf_kin_plan *plan, wf_kin_desk *desk, wf_seeker *seeker,
                    const wf_ask *ask, float bar)
{
    wf_ask rest = *ask;
    int64_t count = bar > 0 ? mark_asked(desk, plan->hierarchy->info.entity_count) : 0;
    int rc = count < 0 ? (int)count : 0;
    rest.top_k = (size_t)count;
    if (count > 0) {
        rc = ask_for_rest(plan, desk, seeker, &rest, bar);
        unmark_asked(desk);
    }
    for (size_t i = 0; i < desk->roster.count; i++)
        desk->semantic[i] = isnan(desk->semantic[i]) ? 0 : desk->semantic[i];
    return rc;
}

/* ---- scores ---- */

void wf_kin_score(const wf_kin_plan *plan, const wf_tie *tie, float semantic,
                  weft_m_hierarchy_hit *out)
{
    static const double boosts[WEFT_M_RELATION_COUNT] = {
        [WEFT_M_SELF] = 0.5,     [WEFT_M_PARENT] = 0.4,     [WEFT_M_CHILD] = 0.4,
        [WEFT_M_ANCESTOR] = 0.3, [WEFT_M_DESCENDANT] = 0.3,
    };
    static const double penalties[] = {1, 0.9, 0.75, 0.6, 0.5, 0.4};
    const size_t deepest = sizeof(penalties) / sizeof(*penalties) - 1;
    out->relation = tie->relation;
    out->depth = tie->depth;
    out->via = tie->via;
    out->semantic_score = semantic;
    double boost = boosts[tie->relation] * (double)tie->weight;
    double penalty = penalties[tie->depth < deepest ? tie->depth : deepest];
    double score = ((double)semantic * plan->alpha + boost * plan->beta) * penalty;
    out->boost = (float)boost;
    out->penalty = (float)penalty;
    out->score = (float)fmin(score, 1);
}

static int score_all(const wf_kin_plan *plan, wf_kin_desk *desk)
{
    size_t count = desk->roster.count;
    if (count > desk->hit_capacity) {
        weft_m_hierarchy_hit *hits = wf_grow(desk->hits, count, sizeof(*hits));
        if (hits == NULL)
            return -ENOMEM;
        desk->hits = hits;
        desk->hit_capacity = count;
    }
    for (size_t i = 0; i < count; i++)
        desk->hits[i] = (weft_m_hierarchy_hit){.entity = desk->roster.entities[i], .score = -1};
    for (size_t i = 0; i < desk->tie_count; i++) {
        const wf_tie *tie = &desk->ties[i];
        weft_m_hierarchy_hit *best = &desk->hits[tie->kin], hit = *best;
        wf_kin_score(plan, tie, desk->semantic[tie->kin], &hit);
        if (hit.score > best->score)
            *best = hit;
    }
    return 0;
}

static int by_score(const void *left, const void *right)
{
    const weft_m_hierarchy_hit *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->entity < b->entity ? -1 : a->entity > b->entity;
}

/* ---- the answer ---- */

static int find_way(const wf_kin_plan *plan, wf_kin_desk *desk, const wf_ask *ask,
                    size_t *out_count)
{
    size_t height = plan->hierarchy->info.height;
    *out_count = 0;
    if (!plan->has_levels)
        return 0;
    if (desk->way_capacity < height) {
        uint32_t *way = wf_grow(desk->way, height, sizeof(*way));
        if (way == NULL)
            return -ENOMEM;
        desk->way = way;
        desk->way_capacity = height;
    }
    return wf_kin_descend(plan, desk, ask, desk->way, height, out_count);
}

static void fill_levels(const wf_kin_plan *plan, const wf_kin_desk *desk,
                        weft_m_hierarchy_result *it, weft_m_level *levels)
{
    for (size_t i = 0; i < it->level_count; i++) {
        uint32_t at = desk->way[i], entity = desk->above.entities[at];
        const weft_m_entity *from = &plan->hierarchy->catalogue->entities[entity];
        levels[i] = (weft_m_level){.id = from->id,
                                   .name = from->name,
                                   .id_is_integer = from->id_is_integer,
                                   .entity = entity,
                                   .probability = (float)desk->sums[at],
                                   .own = (float)desk->owns[at]};
        if (levels[i].probability >= plan->threshold)
            it->certain = &levels[i];
    }
}

static int fill(const wf_kin_plan *plan, wf_kin_desk *desk, const wf_ask *ask,
                weft_m_hierarchy_result **out)
{
    size_t hit_count = desk->roster.count < plan->top_k ? desk->roster.count : plan->top_k;
    size_t level_count;
    int rc = find_way(plan, desk, ask, &level_count);
    if (rc < 0)
        return rc;
    weft_m_hierarchy_result *it =
        wf_alloc(sizeof(*it) + hit_count * sizeof(*it->hits) + level_count * sizeof(*it->levels));
    if (it == NULL)
        return -ENOMEM;
    weft_m_hierarchy_hit *hits = (weft_m_hierarchy_hit *)(void *)(it + 1);
    weft_m_level *levels = (weft_m_level *)(void *)(hits + hit_count);
    for (size_t i = 0; i < hit_count; i++) {
        const weft_m_entity *from = &plan->hierarchy->catalogue->entities[desk->hits[i].entity];
        hits[i] = desk->hits[i];
        hits[i].id = from->id;
        hits[i].name = from->name;
        hits[i].id_is_integer = from->id_is_integer;
    }
    *it = (weft_m_hierarchy_result){.hits = hits,
                                    .hit_count = hit_count,
                                    .levels = levels,
                                    .level_count = level_count,
                                    .was_cut = desk->was_cut};
    fill_levels(plan, desk, it, levels);
    *out = it;
    return 0;
}

/* What those have at most that are not in the rank. */
static float bar_of(const wf_rank *rank)
{
    float least = rank->count != 0 ? 1 : 0;
    for (size_t i = 0; i < rank->count; i++)
        least = rank->found[i].score < least ? rank->found[i].score : least;
    return least;
}

wf_ask wf_kin_ask(const wf_kin_plan *plan, const wf_ask *ask)
{
    wf_ask whole = *ask;
    whole.top_k = 2 * plan->top_k > FOUND_MIN ? 2 * plan->top_k : FOUND_MIN;
    whole.threshold = 0;
    return whole;
}

int wf_kin_answer(const wf_kin_plan *plan, wf_seeker *seeker, wf_seeker *other, const wf_ask *ask,
                  weft_m_hierarchy_result **out)
{
    if (seeker->kin == NULL)
        seeker->kin = wf_kin_desk_new();
    wf_kin_desk *desk = seeker->kin;
    const wf_rank *rank = &seeker->rank;
    float bar = bar_of(rank);
    if (desk == NULL)
        return -ENOMEM;
    wf_roster_reset(&desk->roster);
    desk->tie_count = 0;
    desk->was_cut = false;
    int rc = plan->has_levels ? wf_kin_sum(plan, desk, rank, ask) : 0;
    if (rc == 0)
        rc = take_found(plan, desk, rank);
    if (rc == 0)
        rc = take_relatives(plan, desk, ask);
    if (rc == 0)
        take_known(desk, rank);
    if (rc == 0)
        rc = complete(plan, desk, other, ask, bar);
    if (rc == 0)
        rc = score_all(plan, desk);
    if (rc < 0)
        return rc;
    if (desk->roster.count != 0)
        qsort(desk->hits, desk->roster.count, sizeof(*desk->hits), by_score);
    return fill(plan, desk, ask, out);
}
