/* SPDX-License-Identifier: MIT */

#include "http/server/openings.h"

void wf_openings_forget(struct wf_openings *openings)
{
    for (size_t i = 0; i < WF_OPENING_COUNT; i++)
        openings->of[i].status = 0;
}

const struct wf_h1_opening *wf_opening_make(struct wf_h1_opening *opening, int status,
                                            const char *date, weft_str type)
{
    if (wf_h1_value_check(type) < 0)
        return NULL;
    wf_h1_opening_make(opening, status, date, type);
    return opening;
}
