/* SPDX-License-Identifier: MIT */

/*
 * What both ends agree on about compression: the offer and the answer in Sec-WebSocket-Extensions
 * (RFC 7692 5 and 7.1).  Pure.
 */
#ifndef WF_WS_DEFLATE_TERMS_H
#define WF_WS_DEFLATE_TERMS_H

#include <weft/base.h>

/* From our end: `out` is what we compress, `in` what we are sent. */
struct wf_ws_deflate_terms {
    bool is_on;
    bool out_keeps, in_keeps; /* the window goes on from message to message */
    uint8_t out_bits;         /* size of our window, 8 to 15 */
    bool says_bits;           /* the answer names it */
};

#define WF_WS_TERMS_BYTES 160

/* Server: the first offer in the field's value that can be met; `keeps` allows windows that stay.
 * Offers with a parameter that is unknown, repeated or out of range are passed over. */
void wf_ws_deflate_choose(weft_str offers, bool keeps, struct wf_ws_deflate_terms *out);

/* The server's answer to it, as text; returns its bytes. */
size_t wf_ws_deflate_answer(const struct wf_ws_deflate_terms *terms, char out[WF_WS_TERMS_BYTES]);

/* Client: what is offered. */
size_t wf_ws_deflate_offer(bool keeps, char out[WF_WS_TERMS_BYTES]);

/* Client: reads the server's answer to it.  False: it is none, and the connection must end. */
bool wf_ws_deflate_agree(weft_str answer, bool keeps, struct wf_ws_deflate_terms *out);

#endif
