/* SPDX-License-Identifier: MIT */

#include "ws/key.h"

#include "base/base64.h"
#include "ws/sha1.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void wf_ws_key_write(const uint8_t random[16], char out[WF_WS_KEY_BYTES])
{
    wf_base64_write(random, 16, out);
}

bool wf_ws_key_is_valid(weft_str key)
{
    if (key.len != WF_WS_KEY_BYTES || memcmp(key.ptr + 22, "==", 2) != 0)
        return false;
    for (size_t i = 0; i < 22; i++) {
        if (key.ptr[i] == 0 || strchr(digits, key.ptr[i]) == NULL)
            return false;
    }
    /* Of the last digit only two bits count; the others must be 0. */
    return (strchr(digits, key.ptr[21]) - digits) % 16 == 0;
}

void wf_ws_key_answer(const char key[WF_WS_KEY_BYTES], char out[WF_WS_ANSWER_BYTES])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[WF_WS_KEY_BYTES + sizeof guid - 1];
    uint8_t digest[WF_SHA1_BYTES];
    memcpy(text, key, WF_WS_KEY_BYTES);
    memcpy(text + WF_WS_KEY_BYTES, guid, sizeof guid - 1);
    wf_sha1(text, sizeof text, digest);
    wf_base64_write(digest, sizeof digest, out);
}
