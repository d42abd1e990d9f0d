/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"

#include <weft/net.h>

#include <stdlib.h>

TEST(addr_forms_that_are_read_are_written_the_same)
{
    static const struct {
        const char *text, *written;
        int family, port;
    } cases[] = {
        {"127.0.0.1:8080", "127.0.0.1:8080", AF_INET, 8080},
        {"0.0.0.0:0", "0.0.0.0:0", AF_INET, 0},
        {"255.255.255.255:65535", "255.255.255.255:65535", AF_INET, 65535},
        {"localhost:80", "127.0.0.1:80", AF_INET, 80},
        {"[::1]:80", "[::1]:80", AF_INET6, 80},
        {"[2001:DB8:0:0:0:0:0:1]:443", "[2001:db8::1]:443", AF_INET6, 443},
        {"[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]:1", AF_INET6, 1},
        {"unix:/run/weft.sock", "unix:/run/weft.sock", AF_UNIX, 0},
        {"unix:relative:with:colons", "unix:relative:with:colons", AF_UNIX, 0},
        {"unix:@name", "unix:@name", AF_UNIX, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        note("%s", cases[i].text);
        weft_addr addr;
        char text[WEFT_ADDR_TEXT_BYTES];
        CHECK_OK(weft_addr_parse(&addr, cases[i].text));
        CHECK_EQ(addr.storage.ss_family, cases[i].family);
        CHECK_EQ(weft_addr_get_port(&addr), cases[i].port);
        CHECK_EQ(weft_addr_format(&addr, text, sizeof text), (int)strlen(cases[i].written));
        CHECK_STR(text, cases[i].written);
    }
}

TEST(addr_refuses_everything_else_and_leaves_the_result_alone)
{
    static const char *const texts[] = {
        "",
        ":",
        ":80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:99999",
        "127.0.0.1:123456",
        "127.0.0.1:080",
        "127.0.0.1:00",
        "127.0.0.1:+1",
        "127.0.0.1:-1",
        "127.0.0.1: 1",
        "127.0.0.1:1 ",
        " 127.0.0.1:1",
        "127.0.0.1:1x",
        "127.0.0.01:1",
        "127.0.0:1",
        "1.2.3.4.5:1",
        "256.0.0.1:1",
        "0x7f.0.0.1:1",
        "2130706433:1",
        "localhost",
        "LOCALHOST:1",
        "example.com:80",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1:80",
        "[]:80",
        "[127.0.0.1]:80",
        "[fe80::1%lo]:80",
        "[:::]:80",
        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80",
        "unix:",
        "unix:@",
        "UNIX:/x",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        note("\"%s\"", texts[i]);
        weft_addr addr = {.bytes = 77};
        CHECK_EQ(weft_addr_parse(&addr, texts[i]), -WEFT_ESYNTAX);
        CHECK_EQ(addr.bytes, 77u);
    }
}

TEST(addr_that_is_none_is_refused)
{
    weft_addr addr = {.bytes = 77};
    CHECK_EQ(weft_addr_parse(&addr, NULL), -EINVAL);
    CHECK_EQ(addr.bytes, 77u);
}

TEST(addr_unix_paths_have_the_systems_length)
{
    char text[256] = "unix:";
    weft_addr addr;
    char out[WEFT_ADDR_TEXT_BYTES];
    memset(text + 5, 'p', 200);
    text[5 + 107] = '\0';
    CHECK_OK(weft_addr_parse(&addr, text));
    CHECK_EQ(weft_addr_format(&addr, out, sizeof out), 112);
    CHECK_STR(out, text);
    text[5 + 107] = 'p';
    text[5 + 108] = '\0';
    CHECK_EQ(weft_addr_parse(&addr, text), -WEFT_ESYNTAX);
}

TEST(addr_format_says_when_there_is_no_room)
{
    static const char *const texts[] = {"127.0.0.1:8080", "[::1]:80", "unix:/run/weft"};
    for (size_t i = 0; i < 3; i++) {
        weft_addr addr;
        CHECK_OK(weft_addr_parse(&addr, texts[i]));
        size_t length = strlen(texts[i]);
        for (size_t room = 0; room <= length + 1; room++) {
            char *out = malloc(room + 1);
            int rc = weft_addr_format(&addr, out, room);
            CHECK_EQ(rc, room > length ? (int)length : -ENOSPC);
            free(out);
        }
    }
    weft_addr none = {0};
    char out[8];
    CHECK_EQ(weft_addr_format(&none, out, sizeof out), -EINVAL);
    CHECK_EQ(weft_addr_get_port(&none), 0);
}
