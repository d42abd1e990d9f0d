/* SPDX-License-Identifier: MIT */

/* examples/data/countries.csv holds what it says it holds. */
#include "harness/harness.h"

#include <weft/catalog.h>

#include <ctype.h>
#include <strings.h>

/* The codes ISO 3166-1 has assigned. */
static const char alpha2[] =
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR "
    "BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ "
    "EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW "
    "GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY "
    "KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV "
    "MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY "
    "QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG "
    "TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM "
    "ZW";

static const weft_m_entity *load(weft_catalog **out, size_t *count)
{
    weft_catalog_error error;
    CHECK_OK(weft_catalog_new(out));
    int rc = weft_catalog_read_file(*out, test_source("examples/data/countries.csv"), NULL, &error);
    note("%s: %s", error.field, error.text);
    CHECK_OK(rc);
    return weft_catalog_entities(*out, count);
}

static bool is(weft_str text, const char *other)
{
    return text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
}

static bool is_same(weft_str a, weft_str b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static bool is_alpha3(weft_str text)
{
    return text.len == 3 && isupper(text.ptr[0]) && isupper(text.ptr[1]) && isupper(text.ptr[2]);
}

TEST(countries_are_the_249_of_iso_3166_in_order)
{
    weft_catalog *catalog;
    size_t count;
    const weft_m_entity *entities = load(&catalog, &count);
    CHECK_EQ(count, 249u);
    CHECK_EQ(sizeof(alpha2), 249u * 3);
    for (size_t i = 0; i < count; i++)
        CHECK_BYTES(entities[i].id.ptr, entities[i].id.len, alpha2 + i * 3, 2);
    weft_catalog_free(catalog);
}

TEST(countries_have_an_alpha3_code_and_no_name_twice)
{
    weft_catalog *catalog;
    size_t count;
    const weft_m_entity *entities = load(&catalog, &count);
    for (size_t i = 0; i < count; i++) {
        const weft_m_entity *e = &entities[i];
        size_t codes = 0;
        for (size_t k = 0; k < e->alias_count; k++) {
            note("%.*s", (int)e->aliases[k].len, e->aliases[k].ptr);
            codes += is_alpha3(e->aliases[k]);
            CHECK(!is_same(e->aliases[k], e->name));
            for (size_t j = 0; j < k; j++)
                CHECK(!is_same(e->aliases[k], e->aliases[j]));
        }
        note("%.*s", (int)e->name.len, e->name.ptr);
        CHECK_GE(codes, 1u);
    }
    weft_catalog_free(catalog);
}

/* Names and alpha-3 codes stand for one country each. */
TEST(countries_share_no_name)
{
    weft_catalog *catalog;
    size_t count;
    const weft_m_entity *entities = load(&catalog, &count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            note("%s and %s", entities[i].id.ptr, entities[k].id.ptr);
            CHECK(i == k || !is_same(entities[i].name, entities[k].name));
            for (size_t a = 0; i != k && a < entities[k].alias_count; a++)
                CHECK(!is_same(entities[i].name, entities[k].aliases[a]));
        }
    }
    weft_catalog_free(catalog);
}

static const char *const known[][2] = {
    {"DE", "Deutschland"},    {"US", "USA"},       {"GB", "UK"},
    {"MM", "Burma"},          {"CD", "Zaire"},     {"JP", "日本"},
    {"CZ", "Czech Republic"}, {"SZ", "Swaziland"}, {"LK", "Ceylon"},
    {"TH", "Siam"},           {"IR", "Persia"},    {"CI", "Côte d'Ivoire"},
    {"GR", "Ελλάδα"},         {"NL", "Holland"},   {"TR", "Türkiye"},
    {"KR", "Korea, South"},
};

TEST(countries_have_the_names_people_use)
{
    weft_catalog *catalog;
    size_t count;
    const weft_m_entity *entities = load(&catalog, &count);
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        bool is_there = false;
        for (size_t k = 0; k < count; k++) {
            for (size_t a = 0; is(entities[k].id, known[i][0]) && a < entities[k].alias_count; a++)
                is_there |= is(entities[k].aliases[a], known[i][1]);
        }
        note("%s %s", known[i][0], known[i][1]);
        CHECK(is_there);
    }
    weft_catalog_free(catalog);
}
