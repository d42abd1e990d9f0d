/* SPDX-License-Identifier: MIT */

/* Texts that are said alike. */
#include "make.h"

#include "match/text/sound.h"

static size_t sounds_of(const char *text, uint8_t out[WF_SOUND_MAX])
{
    uint32_t points[128];
    size_t count = strlen(text);
    for (size_t i = 0; i < count; i++)
        points[i] = (unsigned char)text[i];
    return wf_sound((wf_points){points, count}, out);
}

static bool sound_alike(const char *a, const char *b)
{
    uint8_t left[WF_SOUND_MAX], right[WF_SOUND_MAX];
    size_t count = sounds_of(a, left);
    note("%s %s", a, b);
    return count == sounds_of(b, right) && memcmp(left, right, count) == 0;
}

TEST(what_is_said_alike_has_the_same_sounds)
{
    static const char *const alike[][2] = {
        {"dostoevsky", "dostojewsky"}, {"philip", "filip"},           {"schiller", "siler"},
        {"shymkent", "simkent"},       {"cinema", "sinema"},          {"bangkok", "bangcock"},
        {"alexander", "aleksander"},   {"acommodate", "accommodate"}, {"kyoto", "kioto"},
        {"rockxing", "rocksing"},      {"belgrade", "blgrd"},
    };
    for (size_t i = 0; i < sizeof(alike) / sizeof(*alike); i++)
        CHECK(sound_alike(alike[i][0], alike[i][1]));
}

TEST(what_is_said_otherwise_has_other_sounds)
{
    CHECK(!sound_alike("peru", "beru"));
    CHECK(!sound_alike("hall", "all")); /* h at the beginning is heard */
    CHECK(!sound_alike("11", "1"));     /* digits are no letters twice */
    CHECK(!sound_alike("737", "747"));
    CHECK(!sound_alike("nina", "nia"));
    CHECK(!sound_alike("banana", "bana")); /* a vowel parts two letters */
    CHECK(!sound_alike("iran", "ran"));    /* a vowel at the beginning is heard */
}

TEST(sounds_are_numbers_below_their_kinds_and_never_more_than_fit)
{
    uint32_t points[200];
    uint8_t out[WF_SOUND_MAX];
    dice d = {5};
    CHECK_EQ(wf_sound((wf_points){points, 0}, out), 0);
    for (size_t round = 0; round < 2000; round++) {
        size_t count = 1 + roll(&d, 199);
        for (size_t i = 0; i < count; i++)
            points[i] = (uint32_t)(roll(&d, 2) == 0 ? 'a' + roll(&d, 26) : roll(&d, 0x110000));
        size_t heard = wf_sound((wf_points){points, count}, out);
        CHECK(heard >= 1 && heard <= WF_SOUND_MAX);
        for (size_t i = 0; i < heard; i++)
            CHECK(out[i] != 0 && out[i] < WF_SOUND_KINDS);
    }
}
