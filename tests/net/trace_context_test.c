/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"

#include <weft/task.h>
#include <weft/trace_context.h>

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

TEST(a_traceparent_is_read_strictly)
{
    static const struct {
        const char *text;
        bool is_right;
    } rows[] = {
        {"00-" ID "-" SPAN "-01", true},
        {"00-" ID "-" SPAN "-00", true},
        {"00-" ID "-" SPAN "-ff", true},
        {"cc-" ID "-" SPAN "-01", true},
        {"cc-" ID "-" SPAN "-01-more", true},
        {"cc-" ID "-" SPAN "-01more", false},
        {"00-" ID "-" SPAN "-01-more", false},
        {"00-" ID "-" SPAN "-01 ", false},
        {"ff-" ID "-" SPAN "-01", false},
        {"0-" ID "-" SPAN "-01", false},
        {"00-" ID "-" SPAN "-1", false},
        {"00-" ID "-" SPAN "-0x", false},
        {"00_" ID "-" SPAN "-01", false},
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", false},
        {"00-00000000000000000000000000000000-" SPAN "-01", false},
        {"00-" ID "-0000000000000000-01", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        weft_trace trace = {.flags = 77};
        note("%s", rows[i].text);
        int rc = weft_trace_parse(weft_str_of(rows[i].text), &trace);
        CHECK_EQ(rc, rows[i].is_right ? 0 : -WEFT_ESYNTAX);
        if (rc < 0) {
            CHECK_EQ(trace.flags, 77);
            continue;
        }
        CHECK_STR(trace.trace_id, ID);
        CHECK_STR(trace.parent_id, SPAN);
        CHECK_STR(trace.span_id, "");
    }
    CHECK_EQ(weft_trace_parse((weft_str){NULL, 0}, &(weft_trace){0}), -WEFT_ESYNTAX);
}

TEST(a_trace_goes_on_with_a_span_of_its_own)
{
    weft_trace trace, again, other;
    char text[WEFT_TRACE_BYTES];
    CHECK_OK(weft_trace_start(&trace, (weft_str)WEFT_STR("00-" ID "-" SPAN "-03")));
    CHECK_STR(trace.trace_id, ID);
    CHECK_STR(trace.parent_id, SPAN);
    CHECK_EQ(trace.flags, 1); /* of flags we do not know nothing is said */
    weft_trace_format(&trace, text);
    CHECK_OK(weft_trace_parse(weft_str_of(text), &again));
    CHECK_STR(again.trace_id, ID);
    CHECK_STR(again.parent_id, trace.span_id);

    CHECK_OK(weft_trace_start(&other, (weft_str)WEFT_STR("junk")));
    weft_trace_format(&other, text);
    CHECK_OK(weft_trace_parse(weft_str_of(text), &again));
    CHECK_STR(other.parent_id, "");
    CHECK_NE(strcmp(other.trace_id, ID), 0);
}

static int child(void *arg)
{
    return weft_trace_get() == arg;
}

TASK_TEST(a_trace_goes_with_the_task_and_what_it_spawns)
{
    weft_trace trace;
    CHECK_OK(weft_trace_start(&trace, (weft_str){NULL, 0}));
    CHECK(weft_trace_get() == NULL);
    CHECK_OK(weft_trace_set(&trace));
    CHECK_EQ(weft_await(weft_spawn(child, &trace)), 1);
    CHECK_OK(weft_trace_set(NULL));
}
