/* SPDX-License-Identifier: MIT */

/* Where there is no nghttp2: nothing here but the first is called. */

#include "client/client_priv.h"

bool wf_mux_is_there(void)
{
    return false;
}

int wf_mux_open(weft_client *client, struct conn *conn)
{
    (void)client;
    (void)conn;
    return -ENOMEM;
}

bool wf_mux_join(struct wf_mux *mux, struct weft_exchange *exchange)
{
    (void)mux;
    (void)exchange;
    return false;
}

void wf_mux_free(struct wf_mux *mux)
{
    (void)mux;
}

const struct carrier wf_mux_carrier = {0};
