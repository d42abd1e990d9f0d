/* SPDX-License-Identifier: MIT */

#include "match/index/nearby.h"

#include "base/alloc.h"

#include <assert.h>
#include <errno.h>

bool wf_is_nearer(wf_nearby a, wf_nearby b)
{
    return a.score > b.score || (a.score == b.score && a.node < b.node);
}

/* Belongs above: the best on top of `ahead`, the worst on top of `found`. */
static bool is_above(wf_nearby a, wf_nearby b, bool best_on_top)
{
    return best_on_top ? wf_is_nearer(a, b) : wf_is_nearer(b, a);
}

int wf_neighbours_reserve(wf_neighbours *nears, size_t count)
{
    if (count <= nears->capacity)
        return 0;
    size_t capacity = count + count / 2 + 16;
    wf_nearby *items = wf_grow(nears->items, capacity, sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    nears->items = items;
    nears->capacity = capacity;
    return 0;
}

int wf_neighbours_push(wf_neighbours *heap, wf_nearby item, bool best_on_top)
{
    int rc = wf_neighbours_reserve(heap, heap->count + 1);
    if (rc < 0)
        return rc;
    size_t at = heap->count++;
    for (; at > 0 && is_above(item, heap->items[(at - 1) / 2], best_on_top); at = (at - 1) / 2)
        heap->items[at] = heap->items[(at - 1) / 2];
    heap->items[at] = item;
    return 0;
}

wf_nearby wf_neighbours_pop(wf_neighbours *heap, bool best_on_top)
{
    assert(heap->count > 0);
    wf_nearby top = heap->items[0], item = heap->items[--heap->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count &&
            is_above(heap->items[child + 1], heap->items[child], best_on_top))
            child++;
        if (!is_above(heap->items[child], item, best_on_top))
            break;
        heap->items[at] = heap->items[child];
        at = child;
    }
    heap->items[at] = item;
    return top;
}

/* A heap with the worst on top becomes a list, the best first. */
void wf_neighbours_sort(wf_neighbours *heap)
{
    size_t count = heap->count;
    while (heap->count > 0) {
        wf_nearby worst = wf_neighbours_pop(heap, /* best_on_top= */ false);
        heap->items[heap->count] = worst;
    }
    heap->count = count;
}
