/* SPDX-License-Identifier: MIT */

#include "h1/host.h"
#include "harness/harness.h"

static bool is_valid(const char *text)
{
    return wf_http_host_is_valid(text, strlen(text));
}

TEST(class_08_names_and_addresses_are_told_apart)
{
    static const char *const good[] = {"a",          "a.b",  "a.b.", "A-9_x",
                                       "1.2.3.4",    "1a.2", "[::]", "[::ffff:1.2.3.4]:9",
                                       "0.10.255.0", "a-.b", "a:0",  "a:00080"};
    static const char *const bad[] = {"",          ".",          "a..b",     "1.2.3",  "1.2.3.4.",
                                      "01.2.3.4",  "a:",         "a:-1",     "a:+1",   "a:8080x",
                                      "a:100000",  "[::]:",      "[::]a:1",  "[",      "]",
                                      "[:]",       "[::%eth0]",  "a%41",     "a:1:2",  "a\t",
                                      "1.2.3.256", "1.2.3.1000", "1.2.3.00", "1.2.3.", "1.2.3.4.5",
                                      "1..2.3",    "256.1.1.1",  ".1.2.3"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        note("good %s", good[i]);
        CHECK(is_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        note("bad %s", bad[i]);
        CHECK(!is_valid(bad[i]));
    }
}

TEST(names_and_labels_have_a_greatest_length)
{
    char label[64 + 1], name[300];
    memset(label, 'a', sizeof label);
    CHECK(wf_http_host_is_valid(label, 63));
    CHECK(!wf_http_host_is_valid(label, 64));
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 50 == 49 ? '.' : 'a';
    CHECK(wf_http_host_is_valid(name, 253));
    CHECK(!wf_http_host_is_valid(name, 254));
}
