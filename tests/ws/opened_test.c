/* SPDX-License-Identifier: MIT */

/* WebSockets that were never closed. */

#include "ends.h"
#include "net/left_open.h"

#include <weft/net.h>

static struct ends ends;
static weft_ws *ws;

static int body_connects(void *arg)
{
    (void)arg;
    WEFT_TRY(ends_open(&ends, NULL, ends_echo));
    return ends_connect(&ends, &ws, NULL);
}

static int body_leaves_it(void *arg)
{
    WEFT_TRY(body_connects(arg));
    return ends_close(&ends);
}

static int body_closes(void *arg)
{
    WEFT_TRY(body_connects(arg));
    WEFT_TRY(weft_ws_close(ws, 1000, NULL));
    return ends_close(&ends);
}

TEST(test_L06_a_websocket_left_open_is_named_and_does_not_keep_the_run)
{
    static const char *const texts[] = {
        "debug: WebSocket of a client was never closed: weft_ws_close() it; opened: ",
        NULL,
    };
    check_left(body_leaves_it, texts);
}

TEST(websockets_that_were_closed_are_not_told)
{
    check_nothing_left(body_closes);
}
