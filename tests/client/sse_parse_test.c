/* SPDX-License-Identifier: MIT */

#include "client/sse/sse_parse.h"

#include "harness/harness.h"

#include <stdlib.h>

/* All events of a text as "event|id|data;" in one string, fed in two pieces, each a copy. */
static void collect(const char *text, size_t len, size_t cut, char *out, size_t room)
{
    struct wf_sse_parser parser;
    size_t at = 0, used = 0;
    wf_sse_init(&parser);
    out[0] = 0;
    while (at < len) {
        size_t end = at < cut ? cut : len;
        char *copy = malloc(end - at + 1);
        memcpy(copy, text + at, end - at);
        weft_sse_event event;
        int rc = wf_sse_feed(&parser, copy, end - at, &used, &event);
        free(copy); /* an event does not live in the input */
        CHECK_OK(rc);
        at += used;
        if (rc == 1)
            snprintf(out + strlen(out), room - strlen(out), "%.*s|%.*s|%.*s;", (int)event.event.len,
                     event.event.ptr, (int)event.id.len, event.id.ptr, (int)event.data.len,
                     event.data.ptr);
    }
    wf_sse_fini(&parser);
}

TEST(streams_are_read_as_the_standard_has_it)
{
    static const struct {
        const char *text, *events;
    } rows[] = {
        {"data: a\n\n", "message||a;"},
        {"data:a\r\rdata: b\r\n\r\n", "message||a;message||b;"},
        {"data: a\ndata\ndata:  b\n\n", "message||a\n\n b;"},
        {"event: x\ndata: 1\nid: 7\n\ndata: 2\n\n", "x|7|1;message|7|2;"},
        {"id: 7\n\nid\ndata: a\n\n", "message||a;"},
        {": comment\n\ndata: a\n:\n\n", "message||a;"},
        {"event: lost\n\ndata: a\n\n", "message||a;"},
        {"data\n\n", "message||;"},
        {"data: not ended\n", ""},
        {"\xef\xbb\xbf"
         "data: a\n\n",
         "message||a;"},
        {"\xef\xbb"
         "data: a\n\ndata: b\n\n",
         "message||b;"},
        {"unknown: x\nDATA: y\ndata : z\n\n", ""},
        {"\n\n\n\r\n", ""},
        {"data: a\n\n\n\ndata: b\n\n", "message||a;message||b;"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].text);
        for (size_t cut = 0; cut <= len; cut++) {
            char events[200];
            note("row %zu cut at %zu", i, cut);
            collect(rows[i].text, len, cut, events, sizeof events);
            CHECK_STR(events, rows[i].events);
        }
    }
}

TEST(an_id_with_a_nul_is_ignored)
{
    static const char text[] = "id: 1\nid: a\0b\ndata: x\n\n";
    char events[100];
    collect(text, sizeof text - 1, 0, events, sizeof events);
    CHECK_STR(events, "message|1|x;");
}

TEST(retry_is_digits)
{
    static const struct {
        const char *text;
        bool has_retry;
        weft_time retry;
    } rows[] = {
        {"retry: 1500\n", true, 1500 * WEFT_MS},
        {"retry: 0\n", true, 0},
        {"retry: 1x\n", false, 0},
        {"retry: -1\n", false, 0},
        {"retry:\n", false, 0},
        {"retry: 9999999999\n", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wf_sse_parser parser;
        weft_sse_event event;
        size_t used;
        wf_sse_init(&parser);
        CHECK_EQ(wf_sse_feed(&parser, rows[i].text, strlen(rows[i].text), &used, &event), 0);
        CHECK_EQ(parser.has_retry, rows[i].has_retry);
        CHECK_EQ(parser.retry, rows[i].retry);
        wf_sse_fini(&parser);
    }
}

TEST(the_last_id_outlives_a_connection_and_half_an_event_does_not)
{
    struct wf_sse_parser parser;
    weft_sse_event event;
    size_t used;
    wf_sse_init(&parser);
    static const char first[] = "id: 5\ndata: a\n\nid: 6\ndata: half";
    CHECK_EQ(wf_sse_feed(&parser, first, sizeof first - 1, &used, &event), 1);
    CHECK_EQ(wf_sse_feed(&parser, first + used, sizeof first - 1 - used, &used, &event), 0);
    wf_sse_restart(&parser);
    static const char second[] = "data: b\n\n";
    CHECK_EQ(wf_sse_feed(&parser, second, sizeof second - 1, &used, &event), 1);
    CHECK_BYTES(event.id.ptr, event.id.len, "5", 1);
    CHECK_BYTES(event.data.ptr, event.data.len, "b", 1);
    wf_sse_fini(&parser);
}

TEST(an_event_has_a_limit)
{
    struct wf_sse_parser parser;
    weft_sse_event event;
    size_t used, room = WF_SSE_LINE_BYTES_MAX;
    char *text = malloc(room);
    memset(text, 'a', room);
    wf_sse_init(&parser);
    CHECK_EQ(wf_sse_feed(&parser, text, room, &used, &event), 0);
    CHECK_EQ(used, room);
    CHECK_EQ(wf_sse_feed(&parser, text, 1, &used, &event), -WEFT_ELIMIT);
    CHECK_EQ(used, 1);
    wf_sse_fini(&parser);
    free(text);
}
