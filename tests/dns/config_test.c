/* SPDX-License-Identifier: MIT */

/* Names, and what the system's files say: resolv.conf, nsswitch.conf, hosts; and the cache. */

#include "harness/harness.h"

#include <weft/dns.h>

#include "dns/cache.h"
#include "dns/config.h"
#include "dns/hosts.h"

/* ---- names ---- */

TEST(name_is_lower_case_without_its_last_dot)
{
    struct wf_dns_name name;
    CHECK_OK(wf_dns_name_read(&name, "WWW.Example.com"));
    CHECK_STR(name.text, "www.example.com");
    CHECK_EQ(name.dots, 2u);
    CHECK(!name.is_absolute);
    CHECK_OK(wf_dns_name_read(&name, "db_1."));
    CHECK_STR(name.text, "db_1");
    CHECK(name.is_absolute);
}

TEST(name_that_is_none_is_refused)
{
    char label[65];
    static const char *const bad[] = {"",        ".",         "a..b",  ".a",      "a b",   "a/b",
                                      "a\tb",    "b\xc3\xbc", "a@b",   "1.2.3.4", "1.2.3", "0x7f.1",
                                      "a.0x10x", "127.1",     "[::1]", "a:80",    "a%",    "a.0"};
    struct wf_dns_name name;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        note("%s", bad[i]);
        bool is_good = strcmp(bad[i], "a.0x10x") == 0;
        CHECK_EQ(wf_dns_name_read(&name, bad[i]), is_good ? 0 : -WEFT_ESYNTAX);
    }
    memset(label, 'a', 64);
    label[64] = '\0';
    CHECK_EQ(wf_dns_name_read(&name, label), -WEFT_ESYNTAX);
    CHECK_OK(wf_dns_name_read(&name, label + 1));
}

TEST(name_of_253_bytes_is_the_longest)
{
    struct wf_dns_name name;
    char text[256];
    memset(text, 'a', sizeof text);
    for (size_t i = 49; i < 250; i += 50)
        text[i] = '.';
    text[253] = '\0';
    CHECK_OK(wf_dns_name_read(&name, text));
    text[253] = 'a';
    text[254] = '\0';
    CHECK_EQ(wf_dns_name_read(&name, text), -WEFT_ESYNTAX);
}

TEST(name_localhost_is_this_machine)
{
    CHECK(wf_dns_name_is_local("localhost"));
    CHECK(wf_dns_name_is_local("a.localhost"));
    CHECK(!wf_dns_name_is_local("notlocalhost"));
    CHECK(!wf_dns_name_is_local("localhost.test"));
}

/* ---- resolv.conf, nsswitch.conf ---- */

static const struct wf_dns_config *config_of(const char *text)
{
    static struct wf_dns_config config;
    config = (struct wf_dns_config){.dots_min = 1};
    wf_dns_config_read(&config, weft_str_of(text));
    return &config;
}

TEST(config_reads_resolv_conf)
{
    char text[WEFT_ADDR_TEXT_BYTES];
    const struct wf_dns_config *config = config_of("# a comment\n"
                                                   "nameserver 192.0.2.1 ; and another\n"
                                                   "\tnameserver\t2001:db8::1\r\n"
                                                   "nameserver nonsense\n"
                                                   "nameserver\n"
                                                   "domain replaced.test\n"
                                                   "search One.test two.test bad..name\n"
                                                   "options ndots:3 attempts:99 timeout:x rotate");
    CHECK_EQ(config->server_count, 2u);
    CHECK_OK(weft_addr_format(&config->servers[0], text, sizeof text));
    CHECK_STR(text, "192.0.2.1:53");
    CHECK_OK(weft_addr_format(&config->servers[1], text, sizeof text));
    CHECK_STR(text, "[2001:db8::1]:53");
    CHECK_EQ(config->search_count, 2u);
    CHECK_STR(config->search[0], "one.test");
    CHECK_EQ(config->dots_min, 3u);
    CHECK_EQ(config->round_count, 5u);
    CHECK_EQ(config->attempt_s, 0u);
}

TEST(config_takes_no_more_than_its_limits)
{
    const struct wf_dns_config *config =
        config_of("search a b c d e f g h\n"
                  "nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\n"
                  "nameserver 1.1.1.4\nnameserver 1.1.1.5\nnameserver 1.1.1.6\n"
                  "nameserver 1.1.1.7\nnameserver 1.1.1.8\nnameserver 1.1.1.9\n");
    CHECK_EQ(config->server_count, 8u);
    CHECK_EQ(config->search_count, 6u);
}

TEST(config_sees_sources_that_only_the_system_can_ask)
{
    static const struct {
        const char *text;
        bool has_other;
    } rows[] = {
        {"hosts: files dns\n", false},
        {"passwd: nis\nhosts: files myhostname dns # mdns\n", false},
        {"hosts: files mdns4_minimal [NOTFOUND=return] dns\n", true},
        {"hosts:\tfiles resolve [!UNAVAIL=return] dns\n", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wf_dns_config config = {0};
        wf_dns_config_read_switch(&config, weft_str_of(rows[i].text));
        CHECK_EQ(config.has_other_source, rows[i].has_other);
    }
}

/* ---- hosts ---- */

TEST(hosts_file_gives_addresses_in_its_order)
{
    struct wf_dns_hosts hosts;
    static const char text[] = "127.0.0.1 localhost\n"
                               "192.0.2.7\tweb www.Example.com. # the web\n"
                               "# 192.0.2.8 web\n"
                               "2001:db8::7 web\n"
                               "192.0.2.6 web#\n"
                               "nonsense web\n"
                               "192.0.2.9 bad..name last";
    CHECK_OK(wf_dns_hosts_read(&hosts, weft_str_of(text)));
    struct wf_dns_ips ips = {.count = 0};
    CHECK(wf_dns_hosts_find(&hosts, "web", AF_INET, &ips));
    CHECK_EQ(ips.count, 2u);
    CHECK_EQ(ips.items[0].bytes[3], 7);
    CHECK_EQ(ips.items[1].bytes[3], 6);
    ips.count = 0;
    CHECK(wf_dns_hosts_find(&hosts, "last", AF_INET6, &ips)); /* it is there, for IPv4 */
    CHECK_EQ(ips.count, 0u);
    CHECK(wf_dns_hosts_find(&hosts, "www.example.com", AF_INET, &ips));
    CHECK(!wf_dns_hosts_find(&hosts, "example.com", AF_INET, &ips));
    wf_dns_hosts_fini(&hosts);
    CHECK_EQ(live_blocks(), 0u);
}

/* ---- the cache ---- */

static void put(struct wf_dns_cache *cache, const char *name, int last)
{
    struct wf_dns_ips ips = {.count = 1};
    ips.items[0] = (struct wf_dns_ip){.family = AF_INET, .bytes = {192, 0, 2, (uint8_t)last}};
    wf_dns_cache_put(cache, name, AF_INET, &ips, 10, 20);
}

TEST(cache_gives_up_what_was_used_longest_ago)
{
    struct wf_dns_cache cache;
    CHECK_OK(wf_dns_cache_init(&cache, 3));
    put(&cache, "a", 1);
    put(&cache, "b", 2);
    put(&cache, "c", 3);
    CHECK(wf_dns_cache_find(&cache, "a", AF_INET) != NULL);
    CHECK(wf_dns_cache_find(&cache, "a", AF_INET6) == NULL);
    put(&cache, "d", 4);
    CHECK_EQ(cache.count, 3u);
    CHECK(wf_dns_cache_find(&cache, "b", AF_INET) == NULL);
    CHECK(wf_dns_cache_find(&cache, "a", AF_INET) != NULL);
    put(&cache, "a", 9);
    CHECK_EQ(cache.count, 3u);
    CHECK_EQ(wf_dns_cache_find(&cache, "a", AF_INET)->ips[0].bytes[3], 9);
    wf_dns_cache_fini(&cache);
    CHECK_EQ(live_blocks(), 0u);
}

TEST(cache_of_a_thousand_names_finds_each)
{
    struct wf_dns_cache cache;
    CHECK_OK(wf_dns_cache_init(&cache, 1000));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 1500; i++) {
            char name[16];
            snprintf(name, sizeof name, "n%d", i);
            put(&cache, name, i % 250);
        }
    for (int i = 0; i < 1500; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        const struct wf_dns_entry *entry = wf_dns_cache_find(&cache, name, AF_INET);
        CHECK_EQ(entry != NULL, i >= 500);
        if (entry != NULL)
            CHECK_EQ(entry->ips[0].bytes[3], i % 250);
    }
    wf_dns_cache_fini(&cache);
}
