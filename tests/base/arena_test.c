/* SPDX-License-Identifier: MIT */

#include "base/arena.h"

#include "harness/harness.h"

#include <stdalign.h>
#include <stddef.h>

/* Blocks of every size, large ones between small ones: zeroed, aligned, and none in another. */
TEST(arena_blocks_are_zeroed_aligned_and_their_own)
{
    enum { COUNT = 2000 };
    static unsigned char *blocks[COUNT];
    wf_arena arena = {0};
    for (size_t i = 0; i < COUNT; i++) {
        size_t bytes = i % 7 == 0 ? 3000 + i : i % 60;
        blocks[i] = wf_arena_alloc(&arena, bytes);
        CHECK(blocks[i] != NULL);
        CHECK_EQ((uintptr_t)blocks[i] % alignof(max_align_t), (uintptr_t)0);
        for (size_t at = 0; at < bytes; at++)
            CHECK_EQ(blocks[i][at], 0);
        memset(blocks[i], (int)(i % 251) + 1, bytes);
    }
    for (size_t i = 0; i < COUNT; i++) {
        size_t bytes = i % 7 == 0 ? 3000 + i : i % 60;
        for (size_t at = 0; at < bytes; at++)
            CHECK_EQ(blocks[i][at], (int)(i % 251) + 1);
    }
    wf_arena_fini(&arena);
    CHECK_EQ(arena.bytes, (size_t)0);
    wf_arena_fini(&arena); /* empty is fine */
}

TEST(arena_copies_end_in_a_nul)
{
    wf_arena arena = {0};
    weft_str out = {NULL, 1}, none = {NULL, 0};
    CHECK(wf_arena_copy(&arena, (weft_str){"abcd", 3}, &out));
    CHECK_STR(out.ptr, "abc");
    CHECK_EQ(out.len, (size_t)3);
    CHECK(wf_arena_copy(&arena, none, &out));
    CHECK(out.ptr == NULL);
    wf_arena_fini(&arena);
}

TEST(arena_refuses_sizes_that_do_not_fit)
{
    wf_arena arena = {0};
    CHECK(wf_arena_alloc(&arena, SIZE_MAX) == NULL);
    CHECK(wf_arena_alloc(&arena, SIZE_MAX - 20) == NULL);
    CHECK(wf_arena_array(&arena, SIZE_MAX / 4, 8) == NULL);
    CHECK_EQ(arena.bytes, (size_t)0);
}

/* After a block that could not be had the arena is as it was. */
TEST(arena_without_memory_stays_usable)
{
    static const size_t sizes[] = {10, 100000};
    wf_arena arena = {0};
    for (size_t i = 0; i < 2; i++) {
        weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = 1};
        weft_str out;
        weft_fault_arm(&plan);
        CHECK(wf_arena_alloc(&arena, sizes[i]) == NULL);
        weft_fault_arm(NULL);
        CHECK_EQ(arena.bytes, (size_t)0);
        plan = (weft_fault_plan){.classes = WEFT_FAULT_ALLOC, .nth = 1};
        weft_fault_arm(&plan);
        CHECK(!wf_arena_copy(&arena, (weft_str){"abc", 3}, &out));
        weft_fault_arm(NULL);
    }
    CHECK(wf_arena_alloc(&arena, 100000) != NULL); /* alone in an empty one */
    CHECK(wf_arena_alloc(&arena, 10) != NULL);
    wf_arena_fini(&arena);
}
