/* SPDX-License-Identifier: MIT */

/* Folding: what a scorer compares. */
#include "make.h"

#include "base/utf8.h"
#include "match/text/fold.h"

static const char *folded(const char *text)
{
    static char out[512];
    wf_folded it = {0};
    size_t len = 0;
    CHECK_OK(wf_fold(&it, str_of(text)));
    for (size_t i = 0; i < it.count; i++)
        len += wf_utf8_write(it.points[i], out + len);
    out[len] = '\0';
    wf_folded_fini(&it);
    return out;
}

TEST(folding_gives_plain_words)
{
    static const char *const table[][2] = {
        {"  Hello,   WORLD! ", "hello world"},
        {"Côte d’Ivoire", "cote divoire"},
        {"O'Brien's 'quoted'", "obriens quoted"},
        {"Straße Łódź Ærø Þór", "strasse lodz aero thor"},
        {"İstanbul ısı", "istanbul isi"},
        {"AT&T", "at and t"},
        {"Marks & Spencer&Sons", "marks and spencer and sons"},
        {"&", "&"},
        {"S.p.A.", "spa"},
        {"J.P. Morgan", "jp morgan"},
        {"U.S. Steel v1.2", "us steel v1 2"},
        {"e. coli", "e coli"},
        {"rent-a-car", "rent a car"},
        {"Россия", "rossiya"},
        {"Київ", "kiiv"},
        {"Србија", "srbija"},
        {"Ελλάδα", "ellada"},
        {"Βρούτσης", "vroutsis"},
        {"ﬁne ①", "fine 1"},
        {"日本", "日本"},
        {"हिन्दी", "हिनदी"},
        {"!!!", "!!!"},
        {" ★  ★ ", "★ ★"},
        {"", ""},
        {" \t\n", ""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        note("%s", table[i][0]);
        const char *wanted = table[i][1];
        char again[512];
        CHECK_STR(folded(table[i][0]), wanted);
        snprintf(again, sizeof(again), "%s", wanted);
        CHECK_STR(folded(again), wanted);
    }
}

/* Marks by themselves are a text too. */
TEST(folding_leaves_something_of_every_text)
{
    CHECK_STR(folded("\xCC\x81"), "\xCC\x81");
    CHECK_STR(folded("\xCC\x81 \xCC\x81"), "\xCC\x81 \xCC\x81");
    CHECK_GT(strlen(folded("한")), 0);
}

TEST(folding_makes_room_for_many_ands)
{
    char text[200], wanted[1200] = "x";
    memset(text, '&', sizeof(text));
    text[0] = 'x';
    text[80] = '\0';
    for (int i = 1; i < 80; i++)
        strcat(wanted, " and");
    CHECK_STR(folded(text), wanted);
}
