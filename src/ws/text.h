/* SPDX-License-Identifier: MIT */

/*
 * UTF-8 in pieces: text that comes cut anywhere, told wrong at the first byte that no continuation
 * could make right (Unicode 15.0, table 3-7).
 */
#ifndef WF_WS_TEXT_H
#define WF_WS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: between two characters. */
struct wf_ws_text {
    uint8_t need;      /* bytes the character still lacks */
    uint8_t low, high; /* between which the next one must lie */
};

/* Takes the next bytes.  False: they are not UTF-8, and never will be. */
bool wf_ws_text_feed(struct wf_ws_text *text, const char *bytes, size_t count);

/* True if no character is cut off here. */
static inline bool wf_ws_text_is_whole(const struct wf_ws_text *text)
{
    return text->need == 0;
}

#endif
