/* SPDX-License-Identifier: MIT */

#include "match/transformer/pile.h"

#include "base/alloc.h"

#include <errno.h>

void wf_pile_fini(wf_pile *pile)
{
    wf_free(pile->ids);
    wf_free(pile->types);
    wf_free(pile->starts);
    *pile = (wf_pile){0};
}

void wf_pile_reset(wf_pile *pile)
{
    pile->token_count = 0;
    pile->text_count = 0;
}

static int widen_tokens(wf_pile *pile)
{
    size_t larger = pile->token_capacity < 256 ? 512 : pile->token_capacity * 2;
    uint32_t *ids = wf_grow(pile->ids, larger, sizeof(*ids));
    if (ids == NULL)
        return -ENOMEM;
    pile->ids = ids;
    uint8_t *types = wf_grow(pile->types, larger, sizeof(*types));
    if (types == NULL)
        return -ENOMEM;
    pile->types = types;
    pile->token_capacity = larger;
    return 0;
}

int wf_pile_put(wf_pile *pile, uint32_t id, uint8_t type)
{
    int rc = pile->token_count < pile->token_capacity ? 0 : widen_tokens(pile);
    if (rc < 0)
        return rc;
    pile->ids[pile->token_count] = id;
    pile->types[pile->token_count++] = type;
    return 0;
}

int wf_pile_end_text(wf_pile *pile)
{
    if (pile->text_count + 1 >= pile->text_capacity) {
        size_t larger = pile->text_capacity < 32 ? 64 : pile->text_capacity * 2;
        uint32_t *starts = wf_grow(pile->starts, larger, sizeof(*starts));
        if (starts == NULL)
            return -ENOMEM;
        pile->starts = starts;
        pile->text_capacity = larger;
    }
    pile->starts[0] = 0;
    pile->starts[++pile->text_count] = (uint32_t)pile->token_count;
    return 0;
}
