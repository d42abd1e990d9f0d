/* SPDX-License-Identifier: MIT */

#include "h2/flood.h"

#include "harness/harness.h"

#define PREFACE_BYTES 4

static const struct wf_h2_flood_limits limits = {
    .resets = {.burst = 2, .rate = 1},
    .odd = {.burst = 3, .rate = 1},
    .continuation_count_max = 2,
};

static size_t put_frame(char *out, uint8_t bytes, uint8_t type, uint8_t flags)
{
    const char head[WF_H2_FRAME_HEAD_BYTES] = {0, 0, (char)bytes, (char)type, (char)flags,
                                               0, 0, 0,           1};
    memcpy(out, head, sizeof head);
    memset(out + sizeof head, 6, bytes); /* looks like PING, if it is taken for a head */
    return sizeof head + bytes;
}

/* The bytes in front of what is too much, given all at once and cut at any place. */
static void check_count(const char *text, size_t bytes, size_t fine)
{
    for (size_t cut = 0; cut <= bytes; cut++) {
        struct wf_h2_flood flood;
        wf_h2_flood_init(&flood, &limits, PREFACE_BYTES);
        size_t first = wf_h2_flood_count(&flood, WEFT_SEC, (weft_str){text, cut});
        if (first < cut) {
            CHECK_EQ(first, fine);
            continue;
        }
        size_t rest = wf_h2_flood_count(&flood, WEFT_SEC, (weft_str){text + cut, bytes - cut});
        bool is_in_head = cut > fine && fine != bytes; /* of the frame that is too much */
        CHECK_EQ(cut + rest, is_in_head ? cut : fine);
    }
}

/* `fair` frames pass, one more does not. */
static void check_frames(uint8_t bytes, uint8_t type, uint8_t flags, size_t fair)
{
    char text[1024];
    size_t at = PREFACE_BYTES, fine = 0;
    memset(text, 6, PREFACE_BYTES);
    at += put_frame(text + at, 20, 1, 0); /* HEADERS */
    for (size_t i = 0; i < fair + 1; i++) {
        fine = at;
        at += put_frame(text + at, bytes, type, flags);
    }
    check_count(text, fine, fine);
    check_count(text, at, fine);
}

TEST(class_19_frames_that_cost_nothing_are_counted_however_they_are_cut)
{
    check_frames(8, 6, 0, 3);    /* PING */
    check_frames(0, 4, 0, 3);    /* SETTINGS */
    check_frames(5, 2, 0, 3);    /* PRIORITY */
    check_frames(1, 0xbb, 0, 3); /* what nobody knows */
    check_frames(0, 0, 0, 3);    /* DATA */
    check_frames(15, 0, 0, 3);
    check_frames(4, 3, 0, 2); /* RST_STREAM */
    check_frames(0, 9, 0, 2); /* CONTINUATION */
}

TEST(frames_that_are_worth_their_head_are_not_counted)
{
    char text[1024];
    size_t at = PREFACE_BYTES;
    memset(text, 6, PREFACE_BYTES);
    for (int i = 0; i < 8; i++) {
        at += put_frame(text + at, 16, 0, 0); /* DATA */
        at += put_frame(text + at, 0, 0, 1);  /* the last of a stream */
        at += put_frame(text + at, 4, 8, 0);  /* WINDOW_UPDATE */
        at += put_frame(text + at, 1, 1, 0);  /* HEADERS, and what belongs to it */
        at += put_frame(text + at, 0, 9, 0);
        at += put_frame(text + at, 0, 9, 4);
    }
    check_count(text, at, at);
}

static bool takes_data(struct wf_h2_flood *flood, uint16_t bytes)
{
    const char head[WF_H2_FRAME_HEAD_BYTES] = {0, (char)(bytes >> 8), (char)bytes};
    static const char data[1024];
    return wf_h2_flood_count(flood, WEFT_SEC, (weft_str){head, sizeof head}) == sizeof head &&
           wf_h2_flood_count(flood, WEFT_SEC, (weft_str){data, bytes}) == bytes;
}

/* An upload whose pieces do not end where its windows do sends crumbs for as long as it lasts. */
TEST(what_a_window_leaves_of_a_large_piece_is_no_flood)
{
    struct wf_h2_flood flood;
    wf_h2_flood_init(&flood, &limits, 0);
    for (int i = 0; i < 1000; i++)
        CHECK(takes_data(&flood, 1024) && takes_data(&flood, 1));
    for (uint32_t i = 0; i < limits.odd.burst; i++)
        CHECK(takes_data(&flood, 1));
    CHECK(!takes_data(&flood, 1));
}

TEST(class_19_large_pieces_pay_for_a_hundred_crumbs_at_most)
{
    struct wf_h2_flood flood;
    wf_h2_flood_init(&flood, &limits, 0);
    for (int i = 0; i < 1000; i++)
        CHECK(takes_data(&flood, 1024));
    for (int i = 0; i < 100; i++)
        CHECK(takes_data(&flood, 1023) && takes_data(&flood, 15));
    for (uint32_t i = 0; i < limits.odd.burst; i++)
        CHECK(takes_data(&flood, 0));
    CHECK(!takes_data(&flood, 0));
}

TEST(class_19_a_budget_fills_at_its_rate)
{
    struct wf_h2_flood flood;
    wf_h2_flood_init(&flood, &limits, 0);
    for (int second = 1; second < 20; second++)
        CHECK(wf_h2_flood_reset(&flood, second * WEFT_SEC));
    CHECK(wf_h2_flood_reset(&flood, 19 * WEFT_SEC));
    CHECK(!wf_h2_flood_reset(&flood, 19 * WEFT_SEC));
}

/* A block is open from its first head to its last byte, wherever it is cut. */
TEST(class_11_a_header_block_is_open_until_its_last_byte)
{
    char text[256];
    size_t begin = PREFACE_BYTES + put_frame(text + PREFACE_BYTES, 16, 0, 4); /* DATA */
    size_t end = begin + put_frame(text + begin, 20, 1, 0);                   /* HEADERS */
    end += put_frame(text + end, 0, 9, 0);                                    /* CONTINUATION */
    end += put_frame(text + end, 3, 9, 4);                                    /* ... END_HEADERS */
    size_t bytes = end + put_frame(text + end, 16, 0, 0);
    memset(text, 6, PREFACE_BYTES);
    for (size_t cut = 0; cut <= bytes; cut++) {
        struct wf_h2_flood flood;
        wf_h2_flood_init(&flood, &limits, PREFACE_BYTES);
        (void)wf_h2_flood_count(&flood, WEFT_SEC, (weft_str){text, cut});
        bool is_open = cut >= begin + WF_H2_FRAME_HEAD_BYTES && cut < end;
        CHECK_EQ(wf_h2_flood_block_deadline(&flood, 2 * WEFT_SEC),
                 is_open ? 3 * WEFT_SEC : WEFT_FOREVER);
        CHECK_EQ(wf_h2_flood_block_deadline(&flood, WEFT_FOREVER), WEFT_FOREVER);
    }
}
