/* SPDX-License-Identifier: MIT */

/* The opening handshake's key, SHA-1 under it, and the terms of compression. */

#include "harness/harness.h"

#include "ws/deflate_terms.h"
#include "ws/key.h"
#include "ws/sha1.h"

static const char *sha1_hex(const char *text, size_t count)
{
    static char hex[41];
    uint8_t digest[WF_SHA1_BYTES];
    wf_sha1(text, count, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return hex;
}

TEST(sha1_of_known_texts)
{
    static char many[1000000];
    memset(many, 'a', sizeof many);
    CHECK_STR(sha1_hex("", 0), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    CHECK_STR(sha1_hex("abc", 3), "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK_STR(sha1_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
              "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    CHECK_STR(sha1_hex(many, sizeof many), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    CHECK_STR(sha1_hex(many, 55), "c1c8bbdc22796e28c0e15163d20899b65621d65a");
    CHECK_STR(sha1_hex(many, 64), "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}

TEST(key_is_answered_as_in_the_rfc)
{
    char answer[WF_WS_ANSWER_BYTES], key[WF_WS_KEY_BYTES];
    wf_ws_key_answer("dGhlIHNhbXBsZSBub25jZQ==", answer);
    CHECK_BYTES(answer, sizeof answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28);
    wf_ws_key_write((const uint8_t *)"the sample nonce", key);
    CHECK_BYTES(key, sizeof key, "dGhlIHNhbXBsZSBub25jZQ==", 24);
}

TEST(key_has_one_form)
{
    static const char *const wrong[] = {
        "",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZR==",
        "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25jZQAA",
        "dGhl-HNhbXBsZSBub25jZQ==",
        "dGhl IHNhbXBsZSBub25jZQ=",
    };
    CHECK(wf_ws_key_is_valid(weft_str_of("dGhlIHNhbXBsZSBub25jZQ==")));
    CHECK(!wf_ws_key_is_valid((weft_str){NULL, 0}));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        note("row %zu", i);
        CHECK(!wf_ws_key_is_valid(weft_str_of(wrong[i])));
    }
}

/* ---- compression: the server ---- */

#define PMD "permessage-deflate"
#define BOTH "; server_no_context_takeover; client_no_context_takeover"

TEST(terms_that_a_server_answers)
{
    static const struct {
        const char *offers;
        bool keeps;
        const char *answer; /* NULL: none */
    } table[] = {
        {PMD, false, PMD BOTH},
        {PMD, true, PMD},
        {"Permessage-Deflate", true, PMD},
        {PMD "; client_max_window_bits", true, PMD},
        {PMD "; client_max_window_bits=10", true, PMD},
        {PMD "; server_max_window_bits=10", true, PMD "; server_max_window_bits=10"},
        {PMD "; server_max_window_bits=\"12\"", true, PMD "; server_max_window_bits=12"},
        {PMD "; server_max_window_bits=8", true, NULL}, /* zlib cannot */
        {PMD "; server_max_window_bits=8, " PMD, true, PMD},
        {PMD "; server_no_context_takeover", true, PMD "; server_no_context_takeover"},
        {PMD "; client_no_context_takeover", true, PMD "; client_no_context_takeover"},
        {"x-other, " PMD, true, PMD},
        {"x-other", true, NULL},
        {"", true, NULL},
        {PMD "; what", true, NULL},
        {PMD "; server_no_context_takeover=1", true, NULL},
        {PMD "; server_no_context_takeover; server_no_context_takeover", true, NULL},
        {PMD "; server_max_window_bits", true, NULL},
        {PMD "; server_max_window_bits=7", true, NULL},
        {PMD "; server_max_window_bits=16", true, NULL},
        {PMD "; server_max_window_bits=010", true, NULL},
        {PMD "; server_max_window_bits=1 0", true, NULL},
        {PMD "; client_max_window_bits=0", true, NULL},
        {PMD "; server_max_window_bits=10=10", true, NULL},
        {PMD ";", true, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct wf_ws_deflate_terms terms;
        char text[WF_WS_TERMS_BYTES];
        note("row %zu", i);
        wf_ws_deflate_choose(weft_str_of(table[i].offers), table[i].keeps, &terms);
        CHECK_EQ(terms.is_on, table[i].answer != NULL);
        if (!terms.is_on)
            continue;
        size_t count = wf_ws_deflate_answer(&terms, text);
        CHECK_BYTES(text, count, table[i].answer, strlen(table[i].answer));
    }
}

/* ---- and the client ---- */

TEST(terms_that_a_client_takes)
{
    static const struct {
        const char *answer;
        bool keeps, is_right, out_keeps, in_keeps;
        unsigned bits;
    } table[] = {
        {PMD, true, true, true, true, 15},
        {PMD BOTH, true, true, false, false, 15},
        {PMD BOTH, false, true, false, false, 15},
        {PMD "; server_no_context_takeover", false, true, false, false, 15},
        {PMD "; server_max_window_bits=9", true, true, true, true, 15},
        {PMD, false, false, false, false, 0},
        {PMD "; client_max_window_bits=10", true, true, true, true, 10},
        {PMD "; client_max_window_bits=8", true, true, true, true, 8},
        {PMD BOTH "; client_max_window_bits=\"15\"", true, true, false, false, 15},
        {PMD "; client_max_window_bits", true, false, false, false, 0},
        {PMD "; client_max_window_bits=7", true, false, false, false, 0},
        {PMD "; server_max_window_bits=99", true, false, false, false, 0},
        {PMD "; what=1", true, false, false, false, 0},
        {PMD ", " PMD, true, false, false, false, 0},
        {"x-other", true, false, false, false, 0},
        {"", true, false, false, false, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct wf_ws_deflate_terms terms = {.is_on = false};
        note("row %zu", i);
        CHECK_EQ(wf_ws_deflate_agree(weft_str_of(table[i].answer), table[i].keeps, &terms),
                 table[i].is_right);
        CHECK_EQ(terms.is_on, table[i].is_right);
        CHECK_EQ(terms.out_keeps, table[i].out_keeps);
        CHECK_EQ(terms.in_keeps, table[i].in_keeps);
        CHECK_EQ(terms.out_bits, table[i].bits);
    }
}

TEST(terms_that_a_client_offers)
{
    char text[WF_WS_TERMS_BYTES];
    size_t count = wf_ws_deflate_offer(true, text);
    CHECK_BYTES(text, count, PMD "; client_max_window_bits", strlen(PMD) + 24);
    count = wf_ws_deflate_offer(false, text);
    CHECK_BYTES(text, count, PMD BOTH "; client_max_window_bits", strlen(PMD) + strlen(BOTH) + 24);
}
