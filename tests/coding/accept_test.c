/* SPDX-License-Identifier: MIT */

/* Accept-Encoding: which coding a client gets. */

#include "coding/accept.h"

#include "harness/harness.h"

#define ALL                                                                                        \
    (1u << WF_CODING_ZSTD | 1u << WF_CODING_BR | 1u << WF_CODING_GZIP | 1u << WF_CODING_DEFLATE)

struct row {
    const char *first, *second; /* fields; NULL: not there */
    enum wf_coding chosen;
    bool refuses_identity;
};

static void check_rows(const struct row *rows, size_t count, unsigned offered)
{
    for (size_t i = 0; i < count; i++) {
        struct wf_accept_coding accept;
        note("row %zu: \"%s\"", i, rows[i].first);
        wf_accept_coding_init(&accept);
        wf_accept_coding_add(&accept, weft_str_of(rows[i].first));
        wf_accept_coding_add(&accept, weft_str_of(rows[i].second));
        CHECK_EQ((int)wf_accept_coding_choose(&accept, offered), (int)rows[i].chosen);
        CHECK_EQ(wf_accept_coding_refuses_identity(&accept), rows[i].refuses_identity);
    }
}

static void skip_without_codings(void)
{
    if ((wf_coding_offer() & ALL) != ALL)
        SKIP("a content coding is not built in");
}

TEST(accept_encoding_chooses_by_weight_and_then_by_preference)
{
    static const struct row rows[] = {
        {NULL, NULL, WF_CODING_IDENTITY, false},
        {"", NULL, WF_CODING_IDENTITY, false},
        {" , ,", NULL, WF_CODING_IDENTITY, false},
        {"gzip", NULL, WF_CODING_GZIP, false},
        {"GZip", NULL, WF_CODING_GZIP, false},
        {"x-gzip", NULL, WF_CODING_GZIP, false},
        {"deflate", NULL, WF_CODING_DEFLATE, false},
        {"gzip, deflate, br, zstd", NULL, WF_CODING_ZSTD, false},
        {"gzip, deflate, br", NULL, WF_CODING_BR, false},
        {"gzip", "br", WF_CODING_BR, false},
        {"gzip;q=1.0, br;q=0.9", NULL, WF_CODING_GZIP, false},
        {"gzip ; q=0.5 ,br;\tq=0.501", NULL, WF_CODING_BR, false},
        {"gzip;Q=0.3", NULL, WF_CODING_GZIP, false},
        {"gzip;q=0", NULL, WF_CODING_IDENTITY, false},
        {"gzip;q=0.000, br;q=0.001", NULL, WF_CODING_BR, false},
        {"identity", NULL, WF_CODING_IDENTITY, false},
        {"identity, gzip", NULL, WF_CODING_GZIP, false},
        {"identity;q=1, gzip;q=0.5", NULL, WF_CODING_IDENTITY, false},
        {"identity;q=0.5, gzip;q=0.5", NULL, WF_CODING_GZIP, false},
        {"*", NULL, WF_CODING_ZSTD, false},
        {"*;q=0.1, gzip", NULL, WF_CODING_GZIP, false},
        {"zstd;q=0, *", NULL, WF_CODING_BR, false},
        {"compress, bzip2", NULL, WF_CODING_IDENTITY, false},
        {"identity;q=0", NULL, WF_CODING_NONE, true},
        {"identity;q=0, compress", NULL, WF_CODING_NONE, true},
        {"identity;q=0, gzip;q=0.1", NULL, WF_CODING_GZIP, true},
        {"*;q=0", NULL, WF_CODING_NONE, true},
        {"*;q=0, identity;q=0.1", NULL, WF_CODING_IDENTITY, false},
        {"*;q=0, br", NULL, WF_CODING_BR, true},
    };
    skip_without_codings();
    check_rows(rows, sizeof rows / sizeof rows[0], ALL);
}

TEST(accept_encoding_passes_over_what_is_not_well_formed)
{
    static const struct row rows[] = {
        {"gzip;q=", NULL, WF_CODING_IDENTITY, false},
        {"gzip;q=1.001", NULL, WF_CODING_IDENTITY, false},
        {"gzip;q=2", NULL, WF_CODING_IDENTITY, false},
        {"gzip;q=0.1234", NULL, WF_CODING_IDENTITY, false},
        {"gzip;q=.5", NULL, WF_CODING_IDENTITY, false},
        {"gzip;q=-1", NULL, WF_CODING_IDENTITY, false},
        {"gzip;q=0.x", NULL, WF_CODING_IDENTITY, false},
        {"gzip;level=1", NULL, WF_CODING_IDENTITY, false},
        {"gzip;q=1;q=0", NULL, WF_CODING_IDENTITY, false},
        {"identity;q=no, br;q=x, gzip", NULL, WF_CODING_GZIP, false},
        {"gz ip, ;q=0, br", NULL, WF_CODING_BR, false},
    };
    skip_without_codings();
    check_rows(rows, sizeof rows / sizeof rows[0], ALL);
}

TEST(accept_encoding_gives_only_what_is_offered)
{
    static const struct row rows[] = {
        {"br, zstd, gzip;q=0.1", NULL, WF_CODING_GZIP, false},
        {"br, zstd", NULL, WF_CODING_IDENTITY, false},
        {"*", NULL, WF_CODING_GZIP, false},
        {"br, identity;q=0", NULL, WF_CODING_NONE, true},
    };
    skip_without_codings();
    check_rows(rows, sizeof rows / sizeof rows[0], 1u << WF_CODING_GZIP);
}

TEST(content_encoding_is_none_one_or_too_many)
{
    static const struct {
        const char *first, *second;
        enum wf_coding coding;
    } rows[] = {
        {"", NULL, WF_CODING_IDENTITY},
        {"identity", "Identity", WF_CODING_IDENTITY},
        {"gzip", NULL, WF_CODING_GZIP},
        {"X-GZIP", NULL, WF_CODING_GZIP},
        {" identity , br ,", NULL, WF_CODING_BR},
        {"zstd", "identity", WF_CODING_ZSTD},
        {"gzip, gzip", NULL, WF_CODING_NONE},
        {"gzip", "br", WF_CODING_NONE},
        {"compress", NULL, WF_CODING_NONE},
        {"gzipp", NULL, WF_CODING_NONE},
        {"gzi", NULL, WF_CODING_NONE},
    };
    skip_without_codings();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("row %zu", i);
        enum wf_coding coding = wf_coding_add_field(WF_CODING_IDENTITY, weft_str_of(rows[i].first));
        coding = wf_coding_add_field(coding, weft_str_of(rows[i].second));
        CHECK_EQ((int)coding, (int)rows[i].coding);
    }
}
