/* SPDX-License-Identifier: MIT */

/* A matcher that was never closed. */

#include "net/left_open.h"

#include <weft/match.h>

static weft_matcher *matcher;

static int body_opens(void *arg)
{
    const weft_m_entity entity = {.id = WEFT_STR("1"), .name = WEFT_STR("one")};
    (void)arg;
    return weft_m_open(&matcher, &entity, 1, NULL, NULL);
}

static int body_closes(void *arg)
{
    WEFT_TRY(body_opens(arg));
    weft_m_close(matcher);
    return 0;
}

TEST(a_matcher_left_open_is_named)
{
    static const char *const texts[] = {
        "debug: matcher was never closed: weft_m_close() it; opened: body_opens+0x", NULL};
    check_left(body_opens, texts);
}

TEST(matchers_that_were_closed_are_not_told)
{
    check_nothing_left(body_closes);
}
