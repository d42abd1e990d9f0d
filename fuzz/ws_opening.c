/* SPDX-License-Identifier: MIT */

/*
 * The opening handshake of WebSockets: whatever a client offers about compression, what our server
 * answers is a valid answer for a client that has offered all of it, and both then mean the same;
 * whatever a server answers, we agree to nothing we cannot do.  A key is valid in one form only.
 *
 * The first byte says whether windows may stay.
 */

#include "ws/deflate_terms.h"
#include "ws/key.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_terms(const struct wf_ws_deflate_terms *terms, bool keeps)
{
    assert(terms->is_on);
    assert(terms->out_bits >= 8);
    assert(terms->out_bits <= 15);
    if (!keeps)
        assert(!terms->out_keeps);
}

static void check_offers(weft_str offers, bool keeps)
{
    struct wf_ws_deflate_terms ours = {.is_on = false}, theirs = {.is_on = false};
    char text[WF_WS_TERMS_BYTES];
    wf_ws_deflate_choose(offers, keeps, &ours);
    if (!ours.is_on)
        return;
    check_terms(&ours, keeps);
    assert(ours.out_bits >= 9); /* zlib has no window of 256 bytes; a client of ours does without */
    size_t bytes = wf_ws_deflate_answer(&ours, text);
    assert(bytes <= sizeof text);
    bool is_answer = wf_ws_deflate_agree((weft_str){text, bytes}, /* keeps= */ true, &theirs);
    assert(is_answer);
    assert(theirs.is_on);
    assert(!theirs.in_keeps || ours.out_keeps == theirs.in_keeps);
    assert(!theirs.out_keeps || ours.in_keeps == theirs.out_keeps);
}

static void check_answer(weft_str answer, bool keeps)
{
    struct wf_ws_deflate_terms terms = {.is_on = false};
    if (wf_ws_deflate_agree(answer, keeps, &terms) && terms.is_on)
        check_terms(&terms, keeps);
}

/* Of all keys that read as the same sixteen bytes one is valid: the one that is written for them.
 */
static void check_key(weft_str key)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t bytes[18] = {0};
    char again[WF_WS_KEY_BYTES], answer[WF_WS_ANSWER_BYTES];
    if (!wf_ws_key_is_valid(key))
        return;
    assert(key.len == WF_WS_KEY_BYTES);
    for (size_t i = 0; i < 22; i++) {
        const char *digit = strchr(digits, key.ptr[i]);
        assert(digit != NULL);
        unsigned value = (unsigned)(digit - digits) << (10 - i * 6 % 8);
        bytes[i * 6 / 8] |= (uint8_t)(value >> 8);
        bytes[i * 6 / 8 + 1] |= (uint8_t)value;
    }
    wf_ws_key_write(bytes, again);
    assert(memcmp(again, key.ptr, sizeof again) == 0);
    wf_ws_key_answer(again, answer);
    assert(memchr(answer, 0, sizeof answer) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool keeps = (data[0] & 1) != 0;
    char *text = malloc(size - 1); /* to the byte: no read beyond it goes unseen */
    assert(text != NULL);
    memcpy(text, data + 1, size - 1);
    weft_str field = {text, size - 1};
    check_offers(field, keeps);
    check_answer(field, keeps);
    check_key(field);
    free(text);
    return 0;
}
