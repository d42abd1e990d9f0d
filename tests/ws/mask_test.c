/* SPDX-License-Identifier: MIT */

/* The masks of what a client sends. */

#include "ends.h"
#include "ws/ws_priv.h"

#define MASKS 300u /* more than are drawn at a time */

static uint32_t masks[MASKS];

static int take_masks(weft_ws *ws, void *arg)
{
    weft_ws_message message;
    (void)arg;
    for (unsigned i = 0; i < MASKS; i++) {
        int rc = weft_ws_receive(ws, &message);
        if (rc <= 0)
            return rc;
        memcpy(&masks[i], ws->parser.frame.key, sizeof masks[i]);
    }
    return 0;
}

/* How often a number stands twice among them. */
static unsigned count_doubles(const uint32_t *numbers, unsigned count)
{
    unsigned doubles = 0;
    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 0; k < i; k++)
            doubles += numbers[i] == numbers[k];
    return doubles;
}

/* RFC 6455 5.3: no frame's mask tells that of another.  Two alike may come by chance, two pairs do
 * not in a thousand years of tests. */
TASK_TEST(class_22_each_frame_of_a_client_has_a_mask_of_its_own)
{
    struct ends ends;
    weft_ws *ws;
    uint32_t steps[MASKS - 1];
    CHECK_OK(ends_open(&ends, NULL, take_masks));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    for (unsigned i = 0; i < MASKS; i++)
        CHECK_OK(weft_ws_send_text(ws, "x"));
    ends_wait(&ends, 1);
    for (unsigned i = 0; i + 1 < MASKS; i++)
        steps[i] = masks[i + 1] - masks[i];
    CHECK_LE(count_doubles(masks, MASKS), 1u);
    CHECK_LE(count_doubles(steps, MASKS - 1), 1u);
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);
    CHECK_OK(ends_close(&ends));
}
