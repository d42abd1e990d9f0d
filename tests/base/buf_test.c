/* SPDX-License-Identifier: MIT */

#include "base/buf.h"

#include "harness/harness.h"

/* Written at the end and consumed from the front, it is a queue of bytes. */
TEST(buf_is_a_queue_of_bytes)
{
    wf_buf buf = {0};
    unsigned char written = 0, read = 0;
    for (int round = 0; round < 500; round++) {
        for (int i = 0; i < round % 41; i++)
            CHECK_OK(wf_buf_putc(&buf, (char)written++));
        for (int i = 0; i < round % 37 && wf_buf_bytes(&buf) != 0; i++) {
            CHECK_EQ((unsigned char)wf_buf_ptr(&buf)[0], read++);
            wf_buf_consume(&buf, 1);
        }
    }
    CHECK_EQ(wf_buf_bytes(&buf) & 255, (unsigned char)(written - read));
    wf_buf_fini(&buf);
    CHECK_STR(wf_buf_ptr(&buf), "");
}

TEST(buf_keeps_its_first_error)
{
    wf_buf buf = {.bytes_max = 5};
    CHECK_OK(wf_buf_puts(&buf, "abc"));
    CHECK_EQ(wf_buf_puts(&buf, "def"), -WEFT_ELIMIT);
    CHECK_EQ(wf_buf_putc(&buf, 'd'), -WEFT_ELIMIT); /* though it would fit */
    CHECK_EQ(wf_buf_printf(&buf, "%d", 1), -WEFT_ELIMIT);
    CHECK_BYTES(wf_buf_ptr(&buf), wf_buf_bytes(&buf), "abc", 3);
    wf_buf_reset(&buf);
    CHECK_OK(wf_buf_puts(&buf, "defgh"));
    wf_buf_drop(&buf, 2);
    CHECK_BYTES(wf_buf_ptr(&buf), wf_buf_bytes(&buf), "def", 3);
    wf_buf_drop(&buf, 3);
    CHECK_EQ(wf_buf_bytes(&buf), (size_t)0);
    wf_buf_fini(&buf);
}

TEST(buf_refuses_sizes_that_do_not_fit)
{
    wf_buf buf = {0};
    char *room;
    CHECK_OK(wf_buf_puts(&buf, "abc"));
    CHECK_EQ(wf_buf_reserve(&buf, SIZE_MAX, &room), -ENOMEM); /* with what is there */
    wf_buf_reset(&buf);
    CHECK_EQ(wf_buf_reserve(&buf, SIZE_MAX, &room), -ENOMEM); /* no power of two */
    wf_buf_fini(&buf);
}

TEST(buf_without_memory_keeps_what_it_has)
{
    wf_buf buf = {0};
    static char block[100000];
    CHECK_OK(wf_buf_puts(&buf, "abc"));
    weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = 1};
    weft_fault_arm(&plan);
    CHECK_EQ(wf_buf_append(&buf, block, sizeof block), -ENOMEM);
    weft_fault_arm(NULL);
    CHECK_BYTES(wf_buf_ptr(&buf), wf_buf_bytes(&buf), "abc", 3);
    CHECK_EQ(wf_buf_putc(&buf, 'd'), -ENOMEM);
    wf_buf_fini(&buf);
}
