/* SPDX-License-Identifier: MIT */

/* Where there is no nghttp2. */
#include "http/h2/h2.h"
#include "http/server/conn.h"

bool wf_h2_is_there(void)
{
    return false;
}

int wf_h2_start(struct wf_conn *conn)
{
    (void)conn;
    return -ENOMEM;
}

void wf_h2_input(struct wf_conn *conn)
{
    (void)conn;
}

void wf_h2_output(struct wf_conn *conn)
{
    (void)conn;
}

void wf_h2_expired(struct wf_conn *conn)
{
    (void)conn;
}

void wf_h2_free(struct wf_h2 *h2)
{
    (void)h2;
}

void wf_h2_drain(struct wf_conn *conn)
{
    (void)conn;
}

void wf_h2_abort(struct wf_conn *conn)
{
    (void)conn;
}
