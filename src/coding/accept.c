/* SPDX-License-Identifier: MIT */

#include "coding/accept.h"

#include "base/str.h"

#define WEIGHT_MAX 1000
#define UNNAMED (-1)

void wf_accept_coding_init(struct wf_accept_coding *accept)
{
    for (int i = 0; i < WF_CODING_COUNT; i++)
        accept->weights[i] = UNNAMED;
    accept->any = UNNAMED;
}

/* ---- parsing ---- */

/* "q=0.25" in thousandths (RFC 9110 12.4.2), or UNNAMED if it is not of that form. */
static int weight_parse(weft_str text)
{
    int weight = 0, scale = WEIGHT_MAX;
    if (text.len < 3 || text.len > 7 || (text.ptr[0] | 0x20) != 'q' || text.ptr[1] != '=')
        return UNNAMED;
    for (size_t i = 2; i < text.len; i++) {
        char c = text.ptr[i];
        if (i == 3 ? c != '.' : c < '0' || c > '9')
            return UNNAMED;
        if (i == 3)
            continue;
        weight += (c - '0') * scale;
        scale /= 10;
    }
    return weight <= WEIGHT_MAX ? weight : UNNAMED;
}

/* "gzip", "gzip;q=0.5". */
static void add_item(struct wf_accept_coding *accept, weft_str item)
{
    weft_str rest = item, name = {NULL, 0};
    (void)wf_str_next_item(&rest, ';', &name);
    int weight = rest.ptr == NULL ? WEIGHT_MAX : weight_parse(wf_str_trim(rest));
    if (name.len == 0 || weight == UNNAMED)
        return;
    enum wf_coding coding = wf_coding_named(name);
    if (name.len == 1 && name.ptr[0] == '*')
        accept->any = (int16_t)weight;
    else if (coding != WF_CODING_NONE)
        accept->weights[coding] = (int16_t)weight;
}

void wf_accept_coding_add(struct wf_accept_coding *accept, weft_str field)
{
    weft_str item;
    while (wf_str_next_item(&field, ',', &item))
        add_item(accept, item);
}

/* ---- choosing ---- */

/* What "*" says is said of each that is not named. */
static int weight_of(const struct wf_accept_coding *accept, enum wf_coding coding)
{
    int weight = accept->weights[coding];
    return weight != UNNAMED ? weight : accept->any;
}

bool wf_accept_coding_refuses_identity(const struct wf_accept_coding *accept)
{
    return weight_of(accept, WF_CODING_IDENTITY) == 0;
}

enum wf_coding wf_accept_coding_choose(const struct wf_accept_coding *accept, unsigned offered)
{
    enum wf_coding best = WF_CODING_NONE;
    int best_weight = 0;
    for (int i = WF_CODING_IDENTITY + 1; i < WF_CODING_COUNT; i++) {
        int weight = weight_of(accept, (enum wf_coding)i);
        if ((offered & 1u << i) == 0 || weight <= best_weight)
            continue;
        best = (enum wf_coding)i;
        best_weight = weight;
    }
    int identity = weight_of(accept, WF_CODING_IDENTITY);
    if (identity == 0 || (best != WF_CODING_NONE && identity <= best_weight))
        return best;
    return WF_CODING_IDENTITY;
}

unsigned wf_coding_offer(void)
{
    unsigned offered = 0;
    for (int i = WF_CODING_IDENTITY + 1; i < WF_CODING_COUNT; i++)
        offered |= (unsigned)wf_coding_is_there((enum wf_coding)i) << i;
    return offered;
}
