/* SPDX-License-Identifier: MIT */

#include "match/text/normalise.h"

#include "base/utf8.h"
#include "harness/harness.h"
#include "match/text/chars.h"

#include <stdlib.h>

static weft_str str(const char *text)
{
    return (weft_str){text, strlen(text)};
}

static void check(const char *text, const weft_norm_options *options, const char *wanted)
{
    weft_text out;
    note("%s", text);
    CHECK_OK(weft_norm_text(str(text), options, &out, NULL));
    CHECK_STR(out.ptr, wanted);
    CHECK_EQ(out.len, strlen(wanted));
    weft_text_free(&out);
}

TEST(normalise_gives_the_vectors_of_the_specification)
{
    check("", NULL, "");
    check("  Hello   World ", NULL, "hello world");
    check("\xEF\xAC\x81ne \xE2\x91\xA0", NULL, "fine 1"); /* fi ligature, circled 1 */
    check("\xC2\xA0x\xE3\x80\x80y\xC2\xA0", NULL, "x y"); /* NBSP, U+3000 */
    check("a\xE2\x80\x8B z", NULL, "a\xE2\x80\x8B z");    /* U+200B stays */
    check("Stra\xC3\x9F"
          "e",
          NULL,
          "stra\xC3\x9F"
          "e");
    check("\xCE\x9F\xCE\x94\xCE\x9F\xCE\xA3", NULL,
          "\xCE\xBF\xCE\xB4\xCE\xBF\xCF\x82"); /* final sigma */
    check("\xCE\xA3\xCE\x91", NULL, "\xCF\x83\xCE\xB1");
    check("\xC4\xB0", NULL, "i\xCC\x87");
    check("\xC4\xB0", &(weft_norm_options){.form = WEFT_NORM_NFKC}, "i\xCC\x87");
}

TEST(normalise_options_do_what_they_say)
{
    const weft_norm_options accents = {.remove_accents = true};
    const weft_norm_options punctuation = {.remove_punctuation = true};
    const weft_norm_options both = {.remove_accents = true, .remove_punctuation = true};
    const weft_norm_options cased = {.keep_case = true};
    const weft_norm_options composed = {.form = WEFT_NORM_NFKC};
    check("\xC3\x89lan", &accents, "elan");
    check("\xC3\xA9lan vital", &punctuation, "e\xCC\x81lan vital"); /* a mark is part of its word */
    check("A.B_c-d'e  f!", &punctuation, "a b_c d e f");
    check("\xC3\xA9.lan", &both, "e lan");
    check("ABC \xC3\x89", &cased, "ABC E\xCC\x81");
    check("E\xCC\x81 \xEA\xB0\x80", &composed, "\xC3\xA9 \xEA\xB0\x80"); /* and Hangul */
}

/* Two of class 230 and one of 220 in turn: the latter go first, the others keep their order. */
TEST(class_30_normalise_orders_marks_in_linear_time)
{
    enum { MARKS = 300000 };
    static const char tails[] = {'\x81', '\x80', '\xA3'}; /* U+0301, U+0300, U+0323 */
    char *text = malloc(1 + 2 * MARKS);
    size_t len = 0;
    text[len++] = 'a';
    for (size_t i = 0; i < MARKS; i++) {
        text[len++] = '\xCC';
        text[len++] = tails[i % 3];
    }
    weft_text out;
    CHECK_OK(weft_norm_text((weft_str){text, len}, NULL, &out, NULL));
    CHECK_EQ(out.len, len);
    for (size_t i = 0; i < MARKS; i++) {
        size_t after = i - MARKS / 3;
        CHECK_EQ(out.ptr[2 + 2 * i], i < MARKS / 3 ? '\xA3' : tails[after % 2]);
    }
    weft_text_free(&out);
    free(text);
}

TEST(normalise_says_where_text_is_not_utf8)
{
    weft_text out = {0};
    size_t offset = 0;
    CHECK_EQ(weft_norm_text((weft_str){"ab\xFF", 3}, NULL, &out, &offset), -WEFT_ESYNTAX);
    CHECK_EQ(offset, 2);
    CHECK(out.ptr == NULL);
}

TEST(class_30_marks_are_cut_after_the_thirtieth_and_only_there)
{
    char text[256] = "x";
    wf_buf out = {0};
    for (int i = 0; i < 30; i++)
        strcat(text, "\xCC\x81");
    CHECK_EQ(wf_norm_cut_marks(str(text), 30, &out), 0);
    CHECK_EQ(wf_buf_bytes(&out), 0);

    size_t kept = strlen(text);
    strcat(text, "\xCC\x81\xCC\x81y\xCC\x81");
    CHECK_EQ(wf_norm_cut_marks(str(text), 30, &out), 1);
    CHECK_EQ(wf_buf_bytes(&out), kept + 3);
    CHECK_BYTES(wf_buf_ptr(&out), kept, text, kept);
    CHECK_BYTES(wf_buf_ptr(&out) + kept, 3, "y\xCC\x81", 3);
    wf_buf_fini(&out);
}

WORK_SCENARIO(normalise_survives_a_lack_of_memory)
{
    weft_text out = {0};
    int rc = weft_norm_text(str("\xC3\x89t\xC3\xA9 \xCE\xA3\xC4\xB0"), NULL, &out, NULL);
    weft_text_free(&out);
    return rc;
}

/* ---- Unicode's own test file ---- */

static size_t parse_points(const char *field, char *out)
{
    size_t len = 0;
    char *end;
    for (unsigned long c = strtoul(field, &end, 16); end != field; c = strtoul(field, &end, 16)) {
        len += wf_utf8_write((uint32_t)c, out + len);
        field = end;
    }
    return len;
}

static void check_form(const char *text, size_t len, int form, const char *wanted,
                       size_t wanted_len)
{
    weft_norm_options options = {.form = (enum weft_norm_form)form, .keep_case = true};
    wf_norm norm = {0};
    wf_buf out = {0};
    /* What stands around it composes with nothing. */
    char padded[512] = "_", expected[512] = "_";
    memcpy(padded + 1, text, len);
    memcpy(expected + 1, wanted, wanted_len);
    padded[len + 1] = expected[wanted_len + 1] = '_';
    CHECK_OK(wf_norm_append(&norm, &options, (weft_str){padded, len + 2}, &out));
    CHECK_BYTES(wf_buf_ptr(&out), wf_buf_bytes(&out), expected, wanted_len + 2);
    wf_norm_fini(&norm);
    wf_buf_fini(&out);
}

/* Lines whose white space the normaliser would join or turn into U+0020 say nothing of the forms.
 */
static bool has_space(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        if (wf_utf8_is_space(wf_utf8_next(text, &at)))
            return true;
    }
    return false;
}

static bool check_line(const char *line)
{
    char source[256], nfkc[256], nfkd[256];
    const char *fields[5] = {line};
    for (int i = 1; i < 5; i++) {
        fields[i] = strchr(fields[i - 1], ';');
        if (fields[i] == NULL)
            return false;
        fields[i]++;
    }
    size_t len = parse_points(fields[0], source);
    size_t nfkc_len = parse_points(fields[3], nfkc), nfkd_len = parse_points(fields[4], nfkd);
    if (has_space(source, len) || has_space(nfkd, nfkd_len))
        return false;
    note("%s", line);
    check_form(source, len, WEFT_NORM_NFKD, nfkd, nfkd_len);
    check_form(source, len, WEFT_NORM_NFKC, nfkc, nfkc_len);
    return true;
}

TEST(normalise_agrees_with_the_test_file_of_unicode)
{
    FILE *file = popen("bzcat /usr/share/unicode/NormalizationTest.txt.bz2 2>/dev/null", "r");
    CHECK(file != NULL);
    char line[1024];
    size_t count = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] != '#' && line[0] != '@')
            count += check_line(line);
    }
    pclose(file);
    if (count == 0)
        SKIP("no NormalizationTest.txt (package unicode-data)");
    CHECK_GT(count, 18000);
}

/* ---- Python's tables ---- */

static FILE *oracle(const char *what)
{
    char command[512];
    snprintf(command, sizeof(command), "python3 %s %s 2>/dev/null",
             test_source("tests/match/normalise_oracle.py"), what);
    FILE *file = popen(command, "r");
    CHECK(file != NULL);
    return file;
}

TEST(characters_agree_with_python)
{
    FILE *file = oracle("chars");
    unsigned c, lower, count = 0;
    int is_space, is_alnum;
    while (fscanf(file, "%x %x %d %d", &c, &lower, &is_space, &is_alnum) == 4) {
        count++;
        if (wf_utf8_is_space(c) != is_space || wf_char_is_alnum(c) != is_alnum)
            FAIL("U+%04X: white space %d, alphanumeric %d", c, is_space, is_alnum);
        if (c != 0x130 && c != 0x3A3 && wf_char_lower(c) != lower)
            FAIL("U+%04X: lower case U+%04X, not U+%04X", c, lower, (unsigned)wf_char_lower(c));
    }
    pclose(file);
    if (count == 0)
        SKIP("no python3");
    CHECK_GT(count, 140000);
}

static size_t from_hex(const char *hex, char *out)
{
    size_t len = 0;
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        out[len++] = (char)byte;
    return len;
}

TEST(random_texts_agree_with_python)
{
    FILE *file = oracle("texts 10000");
    static char text_hex[4096], wanted_hex[4096], text[2048], wanted[2048];
    unsigned bits, count = 0;
    while (fscanf(file, "%x %4095s %4095s", &bits, text_hex, wanted_hex) == 3) {
        size_t len = from_hex(text_hex + 1, text), wanted_len = from_hex(wanted_hex + 1, wanted);
        weft_norm_options options = {.form = (bits & 1) != 0 ? WEFT_NORM_NFKC : WEFT_NORM_NFKD,
                                     .keep_case = (bits & 2) != 0,
                                     .remove_accents = (bits & 4) != 0,
                                     .remove_punctuation = (bits & 8) != 0};
        weft_text out;
        note("text %u: options %x, %s", count, bits, text_hex);
        CHECK_OK(weft_norm_text((weft_str){text, len}, &options, &out, NULL));
        CHECK_BYTES(out.ptr, out.len, wanted, wanted_len);
        weft_text_free(&out);
        count++;
    }
    pclose(file);
    if (count == 0)
        SKIP("no python3");
    CHECK_EQ(count, 10000);
}
