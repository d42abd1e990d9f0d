/* SPDX-License-Identifier: MIT */

#include "match/embed/places.h"

#include <string.h>

uint8_t wf_places_number_slow(const wf_places *places, uint32_t c)
{
    for (size_t i = 0; i < places->other_count; i++) {
        if (places->others[i] == c)
            return places->numbers[i];
    }
    return 0;
}

/* The number of a character of the text itself. */
static uint8_t number_of(wf_places *places, uint32_t c)
{
    uint8_t number = wf_places_number(places, c);
    if (number != 0)
        return number;
    number = (uint8_t)places->number_count++;
    if (c < 128) {
        places->ascii[c] = number;
    } else {
        places->others[places->other_count] = c;
        places->numbers[places->other_count++] = number;
    }
    return number;
}

void wf_places_take(wf_places *places, wf_points text)
{
    places->has_text = text.count <= WF_PLACES_MAX;
    if (!places->has_text)
        return;
    memset(places, 0, offsetof(wf_places, others));
    places->other_count = 0;
    places->number_count = WF_PLACES_SPACE + 1;
    places->ascii[' '] = WF_PLACES_SPACE;
    places->padded[WF_PLACES_SPACE] = 1 | UINT64_C(2) << text.count;
    for (size_t i = 0, solid = 0; i < text.count; i++) {
        uint8_t number = number_of(places, text.at[i]);
        places->padded[number] |= UINT64_C(2) << i;
        places->inner[number] |= UINT64_C(1) << i;
        if (number != WF_PLACES_SPACE)
            places->solid[number] |= UINT64_C(1) << solid++;
    }
}
