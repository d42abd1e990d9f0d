/* SPDX-License-Identifier: MIT */

/* Memory: arrays that grow, and sizes that do not fit. */
#include "base/alloc.h"

#include "harness/harness.h"

TEST(array_grows_by_doubling)
{
    int *items = NULL;
    size_t capacity = 0, moves = 0;
    for (size_t count = 0; count < 1000; count++) {
        size_t before = capacity;
        int *more = wf_more(items, count, &capacity, sizeof(*items));
        CHECK(more != NULL);
        CHECK_GT(capacity, count);
        moves += capacity != before;
        items = more;
        items[count] = (int)count;
    }
    CHECK_EQ(capacity, 1024u);
    CHECK_EQ(moves, 7u);
    for (size_t i = 0; i < 1000; i++)
        CHECK_EQ(items[i], (int)i);
    wf_free(items);
}

TEST(array_that_cannot_grow_stands)
{
    size_t capacity = 0;
    int *items = wf_more(NULL, 0, &capacity, sizeof(*items));
    CHECK(items != NULL);
    items[15] = 15;
    weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = 1};
    weft_fault_arm(&plan);
    CHECK(wf_more(items, 16, &capacity, sizeof(*items)) == NULL);
    weft_fault_arm(NULL);
    CHECK_EQ(capacity, 16u);
    CHECK_EQ(items[15], 15);
    capacity = SIZE_MAX / 2 + 1;
    CHECK(wf_more(items, capacity, &capacity, 1) == NULL);
    capacity = SIZE_MAX / 4;
    CHECK(wf_more(items, capacity, &capacity, sizeof(*items)) == NULL);
    CHECK_EQ(capacity, SIZE_MAX / 4);
    wf_free(items);
}
