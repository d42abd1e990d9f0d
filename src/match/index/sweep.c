/* SPDX-License-Identifier: MIT */

#include "match/index/sweep.h"

#include "base/alloc.h"
#include "match/index/scan.h"

#include <math.h>
#include <string.h>

/* Rows of a block: their products with a group of queries are in the first cache when they are
 * looked at; kernels take them by four or six. */
#define BLOCK_ROWS ((size_t)96)

/* Queries whose products are made together, and from how many on that is worth it. */
#define GROUP (WF_SCAN_PANELS_MAX * WF_SCAN_PANEL)
#define GROUP_MIN 4u

/* Multiplications between two looks at the job: 20 ms without any wide instructions. */
#define POLL_PRODUCTS ((size_t)1 << 24)

/* Rows that a query has room for, beside twice those it wants. */
#define ROOM 128u

/* A bound is computed in floats, whose own errors it must cover. */
#define SLACK 2e-6f

/* Halvings that find a bar: to a thousandth of what rounding leaves open. */
#define HALVINGS 16

typedef float four __attribute__((vector_size(16)));
typedef int32_t four_ints __attribute__((vector_size(16)));

/* A row that could be among the best, and between what its cosine lies. */
struct near {
    uint32_t row;
    float least, most;
};

/* One query under way. */
struct hunt {
    wf_look look;
    float bar;         /* what can still matter reaches it */
    float inverse;     /* of the query's scale; 0: the query is zero */
    struct near *near; /* ascending by row */
    size_t count;
};

struct sweep {
    const wf_vectors *vectors;
    const uint32_t *row_entity;
    struct hunt *hunts;
    size_t count;
    size_t room; /* of a hunt */
    struct near *near;
    four *least; /* `room` numbers: of the entities of one hunt */

    void *memory;
    int8_t *panels;
    float levels[GROUP];
    int32_t products[BLOCK_ROWS * GROUP];
    uint64_t marks[BLOCK_ROWS];
};

/* ---- what is near ---- */

static float greater(float a, float b)
{
    return a > b ? a : b;
}

static uint32_t entity_of(const struct sweep *it, uint32_t row)
{
    return it->row_entity != NULL ? it->row_entity[row] : row;
}

/* How many of the numbers, some fours, reach `bar`. */
static size_t count_from(const four *numbers, size_t fours, float bar)
{
    four_ints counts = {0};
    for (size_t i = 0; i < fours; i++)
        counts -= numbers[i] >= bar;
    int32_t count = counts[0] + counts[1] + counts[2] + counts[3];
    return (size_t)count;
}

/* The lower ends of the entities of a hunt, and behind them what reaches nothing, up to a four.
 * Returns how many fours. */
static size_t take_least(struct sweep *it, const struct hunt *hunt)
{
    float *least = (float *)it->least;
    size_t count = 0;
    for (size_t i = 0; i < hunt->count; i++) {
        const struct near *near = &hunt->near[i];
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
static float sure_bar(struct sweep *it, const struct hunt *hunt)
{
    size_t fours = take_least(it, hunt), wanted = hunt->look.rank->top_k;
    float low = hunt->bar, high = 1 + 2 * SLACK;
    for (int i = 0; i < HALVINGS; i++) {
        float middle = (low + high) / 2;
        if (count_from(it->least, fours, middle) >= wanted)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* A cosine in full is both ends. */
static void compute(const struct sweep *it, const struct hunt *hunt, struct near *near)
{
    if (near->least != near->most)
        near->least = near->most = wf_vectors_cosine(it->vectors, hunt->look.glance, near->row);
}

/* Asks memory for a row that will be computed. */
static void fetch(const struct sweep *it, const struct near *near)
{
    size_t width = it->vectors->float_width;
    const float *row = it->vectors->rows + near->row * width;
    for (size_t i = 0; i < width && near->least != near->most; i += 16)
        __builtin_prefetch(row + i);
}

/* Computes the surest rows, for a bar without what rounding leaves open. */
static void raise_bar(struct sweep *it, struct hunt *hunt)
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

static void drop_far(struct hunt *hunt)
{
    size_t kept = 0;
    for (size_t i = 0; i < hunt->count; i++) {
        if (hunt->near[i].most >= hunt->bar)
            hunt->near[kept++] = hunt->near[i];
    }
    hunt->count = kept;
}

/* The best of near[from, to), which are one entity's, in full; its row is that of the first. */
static wf_found best_of(const struct sweep *it, const struct hunt *hunt, size_t from, size_t to)
{
    struct near *near = hunt->near;
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
static void settle(struct sweep *it, struct hunt *hunt, bool is_more)
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
            hunt->near[hunt->count++] = (struct near){best.row, best.score, best.score};
        else if (best.score >= wf_rank_bar(rank))
            wf_rank_offer(rank, best);
        hunt->bar = fmaxf(hunt->bar, wf_rank_bar(rank));
    }
}

/* Makes room.  Many rows as near as one another have to be computed for that. */
static void thin(struct sweep *it, struct hunt *hunt)
{
    raise_bar(it, hunt);
    drop_far(hunt);
    if (hunt->count > it->room - it->room / 4)
        settle(it, hunt, /* is_more= */ true);
}

static void consider(struct sweep *it, struct hunt *hunt, size_t row, int32_t product)
{
    const wf_glance *glance = hunt->look.glance;
    float about = (float)product * (it->vectors->scales[row] * glance->scale);
    float residual = it->vectors->residuals[row];
    float spread = residual + (1 + residual) * glance->residual + SLACK;
    if (about + spread < hunt->bar)
        return;
    const uint64_t *allowed = hunt->look.allowed;
    uint32_t entity = entity_of(it, (uint32_t)row);
    if (allowed != NULL && (allowed[entity / 64] >> entity % 64 & 1) == 0)
        return;
    if (hunt->count == it->room)
        thin(it, hunt);
    hunt->near[hunt->count++] = (struct near){(uint32_t)row, about - spread, about + spread};
}

/* ---- rows ---- */

/* What product * scale of a row must reach, if its residual is at most that. */
static float level_of(const struct hunt *hunt, float residual)
{
    const wf_glance *glance = hunt->look.glance;
    float wanted = hunt->bar - residual - (1 + residual) * glance->residual - 2 * SLACK;
    if (hunt->inverse > 0)
        return wanted * hunt->inverse;
    return wanted > 0 ? INFINITY : -INFINITY;
}

/* Four at a time, for each waits for the one before. */
static float greatest_of(const float *numbers, size_t count)
{
    float a = 0, b = 0, c = 0, d = 0;
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        a = greater(a, numbers[i]);
        b = greater(b, numbers[i + 1]);
        c = greater(c, numbers[i + 2]);
        d = greater(d, numbers[i + 3]);
    }
    for (; i < count; i++)
        a = greater(a, numbers[i]);
    return greater(greater(a, b), greater(c, d));
}

static size_t panel_start(const struct sweep *it, size_t query)
{
    return query / WF_SCAN_PANEL * WF_SCAN_PANEL_BYTES(it->vectors->byte_width);
}

/* A block of rows and a group of queries. */
static void pass(struct sweep *it, size_t row, size_t row_count, size_t first, float residual)
{
    const wf_vectors *vectors = it->vectors;
    size_t left = it->count - first, count = left < GROUP ? left : GROUP;
    size_t after = vectors->count - row - row_count;
    size_t block_bytes = (after < BLOCK_ROWS ? after : BLOCK_ROWS) * vectors->byte_width;
    const int8_t *next = vectors->bytes + (row + row_count) * vectors->byte_width;
    const wf_scan_tile tile = {.rows = vectors->bytes + row * vectors->byte_width,
                               .sums = vectors->sums + row,
                               .scales = vectors->scales + row,
                               .row_count = row_count,
                               .width = vectors->byte_width,
                               .panels = it->panels + panel_start(it, first),
                               .query_count = count,
                               .levels = it->levels,
                               .products = it->products,
                               .marks = it->marks,
                               .ahead = next + block_bytes * first / it->count,
                               .ahead_bytes = block_bytes * count / it->count};
    size_t places = wf_scan_places(&tile);
    for (size_t q = 0; q < places; q++)
        it->levels[q] = q < count ? level_of(&it->hunts[first + q], residual) : INFINITY;
    wf_scan()->tile(&tile);
    for (size_t r = 0; r < row_count; r++) {
        for (uint64_t marks = it->marks[r]; marks != 0; marks &= marks - 1) {
            size_t q = (size_t)__builtin_ctzll(marks);
            consider(it, &it->hunts[first + q], row + r, it->products[r * places + q]);
        }
    }
}

static void pass_alone(struct sweep *it, size_t row, size_t row_count, struct hunt *hunt)
{
    const wf_vectors *vectors = it->vectors;
    wf_scan()->bytes(vectors->bytes + row * vectors->byte_width, vectors->sums + row, row_count,
                     hunt->look.glance->bytes, vectors->byte_width, it->products);
    for (size_t r = 0; r < row_count; r++)
        consider(it, hunt, row + r, it->products[r]);
}

static void pass_block(struct sweep *it, size_t row, size_t row_count)
{
    if (it->count < GROUP_MIN) {
        for (size_t q = 0; q < it->count; q++)
            pass_alone(it, row, row_count, &it->hunts[q]);
        return;
    }
    float residual = greatest_of(it->vectors->residuals + row, row_count);
    for (size_t q = 0; q < it->count; q += GROUP)
        pass(it, row, row_count, q, residual);
}

static int pass_all(struct sweep *it, const wf_job *job)
{
    size_t total = it->vectors->count, products = POLL_PRODUCTS;
    size_t block = it->count < GROUP_MIN ? BLOCK_ROWS * GROUP : BLOCK_ROWS;
    for (size_t row = 0; row < total; row += block) {
        size_t count = total - row < block ? total - row : block;
        int rc = products >= POLL_PRODUCTS ? wf_job_poll(job) : 0;
        if (rc < 0)
            return rc;
        products = products >= POLL_PRODUCTS ? 0 : products;
        products += count * it->count * it->vectors->byte_width;
        pass_block(it, row, count);
    }
    return 0;
}

/* ---- a sweep ---- */

/* Registers are filled from where lines of the cache begin. */
#define LINE ((uintptr_t)64)

static int reserve(struct sweep *it, const wf_look *looks)
{
    size_t width = it->vectors->byte_width,
           panels = (it->count + WF_SCAN_PANEL - 1) / WF_SCAN_PANEL;
    for (size_t i = 0; i < it->count; i++) {
        size_t room = ROOM + 2 * looks[i].rank->top_k;
        it->room = room > it->room ? room : it->room;
    }
    it->hunts = wf_array(it->count, sizeof(*it->hunts));
    it->near = wf_array(it->count, it->room * sizeof(*it->near));
    it->least = wf_array(it->room / 4 + 1, sizeof(*it->least));
    it->memory = wf_array(panels + 1, WF_SCAN_PANEL_BYTES(width));
    if (it->hunts == NULL || it->near == NULL || it->least == NULL || it->memory == NULL)
        return -ENOMEM;
    it->panels = (int8_t *)(((uintptr_t)it->memory + LINE - 1) & ~(LINE - 1));
    return 0;
}

static void begin(struct sweep *it, const wf_look *looks)
{
    for (size_t i = 0; i < it->count; i++) {
        float scale = looks[i].glance->scale;
        it->hunts[i] = (struct hunt){.look = looks[i],
                                     .bar = wf_rank_bar(looks[i].rank),
                                     .inverse = scale > 0 ? 1 / scale : 0,
                                     .near = it->near + i * it->room};
        if (it->count >= GROUP_MIN)
            wf_scan()->pack(looks[i].glance->bytes, it->vectors->byte_width, i % WF_SCAN_PANEL,
                            it->panels + panel_start(it, i));
    }
}

static void end(struct sweep *it)
{
    for (size_t i = 0; i < it->count; i++) {
        raise_bar(it, &it->hunts[i]);
        drop_far(&it->hunts[i]);
        settle(it, &it->hunts[i], /* is_more= */ false);
    }
}

int wf_sweep(const wf_vectors *vectors, const wf_look *looks, size_t count,
             const uint32_t *row_entity, const wf_job *job)
{
    if (vectors->count == 0 || count == 0)
        return 0;
    struct sweep *it = wf_alloc(sizeof(*it));
    if (it == NULL)
        return -ENOMEM;
    it->vectors = vectors;
    it->row_entity = row_entity;
    it->count = count;
    int rc = reserve(it, looks);
    if (rc == 0) {
        begin(it, looks);
        rc = pass_all(it, job);
    }
    if (rc == 0)
        end(it);
    wf_free(it->hunts);
    wf_free(it->near);
    wf_free(it->least);
    wf_free(it->memory);
    wf_free(it);
    return rc;
}
