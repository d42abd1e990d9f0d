/* SPDX-License-Identifier: MIT */

/* The key of the opening handshake, and what a server answers to it (RFC 6455 4.2.2).  Pure. */
#ifndef WF_WS_KEY_H
#define WF_WS_KEY_H

#include <weft/base.h>

#define WF_WS_KEY_BYTES 24    /* sixteen bytes in base64 */
#define WF_WS_ANSWER_BYTES 28 /* twenty */

/* The key as text, without NUL. */
void wf_ws_key_write(const uint8_t random[16], char out[WF_WS_KEY_BYTES]);

/* True if it is sixteen bytes in base64, in the one form they have. */
bool wf_ws_key_is_valid(weft_str key);

/* The answer to a key of WF_WS_KEY_BYTES, without NUL. */
void wf_ws_key_answer(const char key[WF_WS_KEY_BYTES], char out[WF_WS_ANSWER_BYTES]);

#endif
