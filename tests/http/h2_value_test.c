/* SPDX-License-Identifier: MIT */

/* HTTP/2: which bytes the values of fields may have. */

#include "h2_peer.h"

#define END NGHTTP2_FLAG_END_STREAM

static const char pseudo[] = ":method: GET\n:scheme: http\n:authority: a\n:path: /ok\n";

/* The usual fields, and one named "x" of these bytes. */
static void ask_with_value(struct h2_peer *peer, int32_t id, const char *bytes, size_t count,
                           struct h2_answer *out)
{
    uint8_t block[512];
    size_t at = h2_block(block, pseudo);
    memcpy(block + at, "\0\1x", 3);
    block[at + 3] = (uint8_t)count;
    memcpy(block + at + 4, bytes, count);
    CHECK_OK(h2_peer_frame(peer, NGHTTP2_HEADERS, END | NGHTTP2_FLAG_END_HEADERS, id, block,
                           at + 4 + count));
    h2_peer_answer(peer, id, out);
}

TASK_TEST(class_07_h2_values_have_no_control_characters_and_no_space_at_their_edges)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    int32_t id = 1;
    h2_site_open(&site, &peer, NULL);
    for (int c = 0; c < 256; c++) {
        bool is_blank = c == ' ' || c == '\t', is_text = c == '\t' || (c >= 0x20 && c != 0x7f);
        for (size_t at = 0; at < 3; at++, id += 2) {
            char value[] = "abc";
            value[at] = (char)c;
            note("byte %d at %zu", c, at);
            ask_with_value(&peer, id, value, 3, &answer);
            CHECK_EQ(answer.is_reset, !is_text || (is_blank && at != 1));
            CHECK_EQ(answer.status, answer.is_reset ? 0 : 200);
            if (answer.is_reset)
                CHECK_EQ(answer.code, (uint32_t)NGHTTP2_PROTOCOL_ERROR);
        }
    }
    h2_site_close(&site, &peer);
}
