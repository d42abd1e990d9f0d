/* SPDX-License-Identifier: MIT */

/* What `weft top` makes of two looks. */
#include "cmd/look/top.h"

#include "harness/harness.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define LONG_SITE                                                                                  \
    "of_a_name_that_says_all_it_has_to at "                                                        \
    "deep/down/in/the/tree/of/somebody/who/likes/folders.c:31"

/* A second of a loop in which `site` was seen to run, so many times of ten. */
static const char *shown(wf_buf *out, const char *site, double count, int width, int height)
{
    static struct top_look before, now;
    before = (struct top_look){.loops = 1, .backend = "epoll"};
    now = before;
    now.at = WEFT_SEC;
    now.samples = 10;
    now.sites[0].count = 10 - count;
    snprintf(now.sites[0].text, sizeof now.sites[0].text, "(idle)");
    now.sites[1].count = count;
    snprintf(now.sites[1].text, sizeof now.sites[1].text, "%s", site);
    now.site_count = 2;
    top_show(&before, &now, 7, width, height, out);
    wf_buf_putc(out, '\0');
    return wf_buf_ptr(out);
}

TEST(top_cuts_lines_at_the_width_of_the_screen_alone)
{
    wf_buf screen = {0}, file = {0};
    const char *text = shown(&screen, LONG_SITE, 5, 80, 24);
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1)
        CHECK_LE(end - text, 80);
    CHECK_EQ(*text, '\0');
    text = shown(&file, LONG_SITE, 5, INT_MAX, INT_MAX);
    CHECK(strstr(text, "\n  50.0  " LONG_SITE "\n") != NULL);
    CHECK(strstr(text, "(none") == NULL);
    wf_buf_fini(&screen);
    wf_buf_fini(&file);
}

TEST(top_says_that_nothing_ran)
{
    wf_buf out = {0};
    const char *text = shown(&out, "bank.c:31", 0, 80, 24);
    CHECK(strstr(text, "\n TIME%  SPAWNED\n     -  (none was seen to run)\n") != NULL);
    CHECK(strstr(text, "bank.c") == NULL);
    wf_buf_fini(&out);
}

/* Between two looks of which the first found no loop that answers. */
TEST(top_tells_nothing_of_loops_that_do_not_answer)
{
    static struct top_look silent = {.silent = "loop on epoll does not answer: task main keeps it"};
    static struct top_look awake = {.loops = 1, .backend = "epoll", .at = WEFT_SEC};
    wf_buf out = {0};
    top_show(&silent, &silent, 7, 80, 24, &out);
    wf_buf_putc(&out, '\0');
    CHECK_STR(wf_buf_ptr(&out), "weft top: process 7, no loop answers, 0.0 s\n"
                                "loop on epoll does not answer: task main keeps it\n");
    wf_buf_reset(&out);
    top_json(&silent, &silent, 7, &out);
    wf_buf_putc(&out, '\0');
    CHECK(strstr(wf_buf_ptr(&out), "\"loops\":0,\"backend\":null,") != NULL);
    CHECK(strstr(wf_buf_ptr(&out), "\"busy\":null,") != NULL);
    CHECK(strstr(wf_buf_ptr(&out), "\"passes_per_second\":null,") != NULL);
    wf_buf_reset(&out);
    awake.numbers[TOP_PASSES] = 5e6; /* of its life, not of this second */
    awake.numbers[TOP_HOGS] = 3;
    top_show(&silent, &awake, 7, 80, 24, &out);
    wf_buf_putc(&out, '\0');
    CHECK(strstr(wf_buf_ptr(&out), "1 loop on epoll, 1.0 s\n") != NULL);
    CHECK(strstr(wf_buf_ptr(&out), " -/s passes, ") != NULL);
    CHECK(strstr(wf_buf_ptr(&out), "hogs: 3 so far, - new\n") != NULL);
    wf_buf_fini(&out);
}
