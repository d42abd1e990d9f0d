/* SPDX-License-Identifier: MIT */

#include "match/index/hunt.h"

#include "base/alloc.h"

#include <math.h>

/* Rows that a query has room for, beside twice those it wants. */
#define ROOM 128u

/* Halvings that find a bar: to a thousandth of what rounding leaves open. */
#define HALVINGS 16

/* ---- life ---- */

int wf_hunts_init(wf_hunts *it, const wf_look *looks, size_t count)
{
    it->count = count;
    for (size_t i = 0; i < count; i++) {
        size_t room = ROOM + 2 * looks[i].rank->top_k;
        it->room = room > it->room ? room : it->room;
    }
    it->hunts = wf_array(count, sizeof(*it->hunts));
    it->near = wf_array(count, it->room * sizeof(*it->near));
    it->least = wf_array(it->room / 4 + 1, sizeof(*it->least));
    if (it->hunts == NULL || it->near == NULL || it->least == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        float scale = looks[i].glance->scale;
        it->hunts[i] = (wf_hunt){.look = looks[i],
                                 .bar = wf_rank_bar(looks[i].rank),
                                 .inverse = scale > 0 ? 1 / scale : 0,
                                 .near = it->near + i * it->room};
    }
    return 0;
}

void wf_hunts_fini(wf_hunts *it)
{
    wf_free(it->hunts);
    wf_free(it->near);
    wf_free(it->least);
}

/* ---- what is near ---- */

static float greater(float a, float b)
{
    return a > b ? a : b;
}

static uint32_t entity_of(const wf_hunts *it, uint32_t row)
{
    return it->row_entity != NULL ? it->row_entity[row] : row;
}

/* The lower ends of the entities of a hunt, and behind them what reaches nothing, up to a four.
 * Returns how many fours. */
static size_t take_least(wf_hunts *it, const wf_hunt *hunt)
{
    float *least = (float *)it->least;
    size_t count = 0;
    for (size_t i = 0; i < hunt->count; i++) {
        const wf_near *near = &hunt->near[i];
        if (i == 0 || entity_of(it, near->row) != entity_of(it, near[-1].row))
            least[count++] = near->least;
        else
            least[count - 1] = greater(least[count - 1], near->least);
    }
    while (count % 4 != 0)
        least[count++] = -INFINITY;
    return count / 4;
}

/* What as many entities as are wanted are sure to reach, nearly the most of that; or the bar as it
 * was.  By halving, for sorting would guess wrong at each second number. */
static float sure_bar(wf_hunts *it, const wf_hunt *hunt)
{
    size_t fours = take_least(it, hunt), wanted = hunt->look.rank->top_k;
    float low = hunt->bar, high = 1 + 2 * WF_HUNT_SLACK;
    for (int i = 0; i < HALVINGS; i++) {
        float middle = (low + high) / 2;
        if (wf_count_from(it->least, fours, middle) >= wanted)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* A cosine in full is both ends. */
static void compute(const wf_hunts *it, const wf_hunt *hunt, wf_near *near)
{
    if (near->least != near->most)
        near->least = near->most = wf_vectors_cosine(it->vectors, hunt->look.glance, near->row);
}

/* Asks memory for a row that will be computed. */
static void fetch(const wf_hunts *it, const wf_near *near)
{
    size_t width = it->vectors->float_width;
    const float *row = it->vectors->rows + near->row * width;
    for (size_t i = 0; i < width && near->least != near->most; i += 16)
        __builtin_prefetch(row + i);
}

/* Computes the surest rows, for a bar without what rounding leaves open. */
static void raise_bar(wf_hunts *it, wf_hunt *hunt)
{
    float bar = sure_bar(it, hunt);
    for (size_t i = 0; i < hunt->count; i++) {
        if (hunt->near[i].least >= bar)
            fetch(it, &hunt->near[i]);
    }
    for (size_t i = 0; i < hunt->count; i++) {
        if (hunt->near[i].least >= bar)
            compute(it, hunt, &hunt->near[i]);
    }
    hunt->bar = sure_bar(it, hunt);
}

static void drop_far(wf_hunt *hunt)
{
    size_t kept = 0;
    for (size_t i = 0; i < hunt->count; i++) {
        if (hunt->near[i].most >= hunt->bar)
            hunt->near[kept++] = hunt->near[i];
    }
    hunt->count = kept;
}

/* The best of near[from, to), which are one entity's, in full; its row is that of the first. */
static wf_found best_of(const wf_hunts *it, const wf_hunt *hunt, size_t from, size_t to)
{
    wf_near *near = hunt->near;
    wf_found best = {.entity = entity_of(it, near[from].row), .score = -INFINITY};
    for (size_t i = from; i < to; i++) {
        if (near[i].most < hunt->bar || near[i].most <= best.score)
            continue;
        compute(it, hunt, &near[i]);
        if (near[i].least > best.score) {
            best.score = near[i].least;
            best.row = near[i].row;
        }
    }
    return best;
}

/* Offers the first entities that are near, but for the one under way, if there `is_more`; of that
 * the best row stays. */
static void settle(wf_hunts *it, wf_hunt *hunt, bool is_more)
{
    wf_rank *rank = hunt->look.rank;
    size_t count = hunt->count;
    hunt->count = 0;
    for (size_t i = 0; i < count; i++)
        fetch(it, &hunt->near[i]);
    for (size_t i = 0, end; i < count; i = end) {
        uint32_t entity = entity_of(it, hunt->near[i].row);
        for (end = i + 1; end < count && entity_of(it, hunt->near[end].row) == entity;)
            end++;
        wf_found best = best_of(it, hunt, i, end);
        if (is_more && end == count && best.score >= hunt->bar)
            hunt->near[hunt->count++] = (wf_near){best.row, best.score, best.score};
        else if (best.score >= wf_rank_bar(rank))
            wf_rank_offer(rank, best);
        hunt->bar = fmaxf(hunt->bar, wf_rank_bar(rank));
    }
}

/* Makes room.  Many rows as near as one another have to be computed for that. */
static void thin(wf_hunts *it, wf_hunt *hunt)
{
    raise_bar(it, hunt);
    drop_far(hunt);
    if (hunt->count > it->room - it->room / 4)
        settle(it, hunt, /* is_more= */ true);
}

void wf_hunt_keep(wf_hunts *it, wf_hunt *hunt, wf_near near)
{
    const uint64_t *allowed = hunt->look.allowed;
    uint32_t entity = entity_of(it, near.row);
    if (allowed != NULL && (allowed[entity / 64] >> entity % 64 & 1) == 0)
        return;
    if (hunt->count == it->room)
        thin(it, hunt);
    hunt->near[hunt->count++] = near;
}

void wf_hunts_end(wf_hunts *it)
{
    for (size_t i = 0; i < it->count; i++) {
        raise_bar(it, &it->hunts[i]);
        drop_far(&it->hunts[i]);
        settle(it, &it->hunts[i], /* is_more= */ false);
    }
}
