/* SPDX-License-Identifier: MIT */

/* Resolvers: without servers, and with a server of the test's own. */

#include "harness/harness.h"

#include "server.h"

#include <weft.h>
#include <weft/dns.h>

#include "dns/query.h"
#include "dns/resolver_priv.h"

#include <netinet/in.h>
#include <stdlib.h>

/* ---- helpers ---- */

static weft_resolver *open_with(weft_resolver_options options)
{
    weft_resolver *resolver;
    if (options.hosts == NULL)
        options.hosts = "";
    if (options.search == NULL)
        options.search = "";
    if (options.servers == NULL)
        options.servers = "";
    CHECK_OK(weft_resolver_open(&resolver, &options));
    return resolver;
}

/* All addresses as one text, without their ports. */
static const char *resolve(weft_resolver *resolver, const char *host, int family)
{
    static char text[2048];
    weft_addr addrs[8];
    text[0] = '\0';
    int count = weft_resolve(resolver, host, 80, family, addrs, 8);
    if (count < 0)
        snprintf(text, sizeof text, "%s", weft_strerror(count));
    for (int i = 0; i < count; i++) {
        size_t used = strlen(text);
        CHECK_EQ(weft_addr_get_port(&addrs[i]), 80);
        CHECK_GT(weft_addr_format(&addrs[i], text + used, sizeof text - used), 0);
        *strstr(text + used, ":80") = '\0';
        if (text[strlen(text) - 1] != ']')
            text[strlen(text)] = '\0';
        strcat(text, i + 1 < count ? " " : "");
    }
    return text;
}

static weft_resolver_stats stats_of(const weft_resolver *resolver)
{
    weft_resolver_stats stats;
    weft_resolver_stats_get(resolver, &stats);
    return stats;
}

/* ---- without servers ---- */

TASK_TEST(resolver_limits_are_those_of_the_header)
{
    weft_resolver *resolver;
    CHECK_OK(weft_resolver_open(&resolver, NULL));
    const weft_resolver_options *options = &resolver->options;
    CHECK_EQ(options->attempt_max, 5 * WEFT_SEC);
    CHECK_EQ(options->round_count, 2);
    CHECK_EQ(options->query_max, 256);
    CHECK_EQ(options->cache_max, 1024);
    CHECK_EQ(options->ttl_min, WEFT_SEC);
    CHECK_EQ(options->ttl_max, 300 * WEFT_SEC);
    CHECK_EQ(options->stale_max, 3600 * WEFT_SEC);
    weft_resolver_close(resolver);
}

TASK_TEST(resolver_needs_no_server_for_literals_hosts_and_localhost)
{
    weft_resolver *resolver = open_with((weft_resolver_options){
        .hosts = "192.0.2.1 web\n192.0.2.2 web\n2001:db8::1 web\n2001:db8::2 Six\n"});
    CHECK_STR(resolve(resolver, "192.0.2.9", AF_UNSPEC), "192.0.2.9");
    CHECK_STR(resolve(resolver, "2001:db8::9", AF_UNSPEC), "[2001:db8::9]");
    CHECK_STR(resolve(resolver, "WEB.", AF_UNSPEC), "[2001:db8::1] 192.0.2.1 192.0.2.2");
    CHECK_STR(resolve(resolver, "web", AF_INET), "192.0.2.1 192.0.2.2");
    CHECK_STR(resolve(resolver, "six", AF_UNSPEC), "[2001:db8::2]");
    CHECK_STR(resolve(resolver, "six", AF_INET), "no such host");
    CHECK_STR(resolve(resolver, "localhost", AF_UNSPEC), "[::1] 127.0.0.1");
    CHECK_STR(resolve(resolver, "a.localhost.", AF_INET), "127.0.0.1");
    CHECK_STR(resolve(resolver, "192.0.2.9", AF_INET6), "no such host");
    CHECK_STR(resolve(resolver, "1.2.3", AF_UNSPEC), "malformed input");
    CHECK_EQ(stats_of(resolver).queries, 0u);
    weft_addr addr;
    CHECK_EQ(weft_resolve(resolver, NULL, 80, AF_UNSPEC, &addr, 1), -EINVAL);
    weft_resolver_close(resolver);
}

TASK_TEST(resolver_without_servers_says_so)
{
    if (!wf_dns_query_has_servers)
        return;
    weft_resolver *resolver = open_with((weft_resolver_options){0});
    CHECK_STR(resolve(resolver, "a.test", AF_UNSPEC), "no answer from the name servers");
    CHECK_STR(weft_error_text(), "dns: no name server is known to ask for a.test");
    weft_resolver_close(resolver);
}

TASK_TEST(resolver_refuses_servers_that_are_none)
{
    weft_resolver *resolver;
    static const char nine[] = "1.1.1.1:1 1.1.1.1:1 1.1.1.1:1 1.1.1.1:1 1.1.1.1:1 "
                               "1.1.1.1:1 1.1.1.1:1 1.1.1.1:1 1.1.1.1:1";
    static const char *const bad[] = {"192.0.2.1", "unix:/tmp/x", "192.0.2.1:53 dns.test:53", nine};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        weft_resolver_options options = {.servers = bad[i]};
        CHECK_EQ(weft_resolver_open(&resolver, &options), -WEFT_ESYNTAX);
    }
}

static int child_resolves(void *arg)
{
    (void)arg;
    CHECK_STR(resolve(NULL, "web", AF_INET), "192.0.2.1");
    return 0;
}

TASK_TEST(resolver_that_a_task_uses_is_its_childrens_too)
{
    weft_resolver *resolver = open_with((weft_resolver_options){.hosts = "192.0.2.1 web"});
    CHECK_OK(weft_resolver_use(resolver));
    CHECK_OK(weft_await(weft_spawn(child_resolves, NULL)));
    CHECK_OK(weft_resolver_use(NULL));
    weft_resolver_close(resolver);
}

/* In simulation the run's own resolver knows what is on the simulated disk, and reads it again when
 * it has changed; elsewhere it is made and goes with the run. */
TASK_TEST(resolver_of_the_run_reads_the_hosts_file)
{
    if (strcmp(test_backend(), "sim") != 0) {
        CHECK_STR(resolve(NULL, "192.0.2.9", AF_UNSPEC), "192.0.2.9");
        return;
    }
    CHECK_OK(weft_mkdir("/etc", 0755));
    CHECK_OK(weft_file_save("/etc/hosts", "192.0.2.1 web\n", 14, 0644));
    CHECK_STR(resolve(NULL, "web", AF_UNSPEC), "192.0.2.1");
    CHECK_OK(weft_file_save("/etc/hosts", "192.0.2.12 web\n", 15, 0644));
    CHECK_STR(resolve(NULL, "web", AF_UNSPEC), "192.0.2.1");
    CHECK_OK(weft_sleep(5 * WEFT_SEC));
    CHECK_STR(resolve(NULL, "web", AF_UNSPEC), "192.0.2.12");
    CHECK_STR(resolve(NULL, "other", AF_UNSPEC), "no answer from the name servers");
}

SCENARIO(resolver_by_the_hosts_file_alone)
{
    weft_resolver *resolver;
    weft_resolver_options options = {
        .hosts = "192.0.2.1 web\n::1 web", .servers = "", .search = ""};
    weft_addr addrs[4];
    WEFT_TRY(weft_resolver_open(&resolver, &options));
    int rc = weft_resolve(resolver, "web", 80, AF_UNSPEC, addrs, 4);
    if (rc >= 0)
        CHECK_EQ(rc, 2);
    weft_resolver_close(resolver);
    return rc;
}

/* ---- with a server ---- */

/* By the first label of the name: how the server behaves. */
static bool behave(struct server *server, const struct question *question, struct message *out)
{
    const char *name = question->name;
    bool is_v6 = question->type == WF_DNS_TYPE_AAAA;
    uint32_t ttl = (uint32_t)server->ttl;
    message_begin(out, question->id, 0, name, question->type);
    if (strncmp(name, "silent", 6) == 0)
        return false;
    if (strncmp(name, "slow", 4) == 0 && weft_sleep(2 * WEFT_SEC) < 0)
        return false;
    if (strncmp(name, "none", 4) == 0) {
        out->bytes[3] |= 3;
        message_authority(out, 900, 20);
    } else if (strncmp(name, "broken", 6) == 0) {
        out->bytes[3] |= 2;
    } else if (strncmp(name, "four", 4) == 0 && is_v6) {
        message_authority(out, 900, 20);
    } else if (strncmp(name, "forged", 6) == 0) {
        message_begin(out, question->id, 0, "bank.test", question->type);
        message_address(out, "bank.test", question->type, ttl, 66);
    } else if (strncmp(name, "big", 3) == 0 && !question->is_by_tcp) {
        message_truncate(out);
    } else if (strncmp(name, "big", 3) == 0) {
        for (int i = 0; i < 60; i++)
            message_address(out, name, question->type, ttl, i);
    } else if (strncmp(name, "cut", 3) == 0) {
        message_truncate(out); /* by TCP too */
    } else {
        message_address(out, name, question->type, ttl, server->asked);
    }
    return true;
}

/* A resolver that asks the server; false where there is none. */
static bool begin_with(struct server *server, weft_resolver **out, weft_resolver_options options)
{
    if (!server_start(server, behave))
        return false;
    options.servers = server->address;
    *out = open_with(options);
    return true;
}

static bool begin(struct server *server, weft_resolver **out)
{
    return begin_with(server, out, (weft_resolver_options){0});
}

static void end(struct server *server, weft_resolver *resolver)
{
    weft_resolver_close(resolver);
    server_stop(server);
}

TASK_TEST(resolver_asks_once_and_remembers_until_the_time_has_passed)
{
    struct server server;
    weft_resolver *resolver;
    if (!begin(&server, &resolver))
        return;
    CHECK_STR(resolve(resolver, "web.test", AF_INET), "192.0.2.1");
    CHECK_STR(resolve(resolver, "WEB.test.", AF_INET), "192.0.2.1");
    CHECK_EQ(server.asked, 1);
    CHECK_OK(weft_sleep(61 * WEFT_SEC));
    CHECK_STR(resolve(resolver, "web.test", AF_INET), "192.0.2.2");
    CHECK_EQ(stats_of(resolver).hits, 1u);
    CHECK_EQ(stats_of(resolver).queries, 2u);
    end(&server, resolver);
}

TASK_TEST(resolver_keeps_answers_between_its_limits)
{
    struct server server;
    weft_resolver *resolver;
    if (!begin_with(&server, &resolver,
                    (weft_resolver_options){.ttl_min = 2 * WEFT_SEC, .ttl_max = 5 * WEFT_SEC}))
        return;
    server.ttl = 0;
    CHECK_STR(resolve(resolver, "a.test", AF_INET), "192.0.2.1");
    CHECK_OK(weft_sleep(1900 * WEFT_MS));
    CHECK_STR(resolve(resolver, "a.test", AF_INET), "192.0.2.1");
    server.ttl = 3600;
    CHECK_OK(weft_sleep(200 * WEFT_MS));
    CHECK_STR(resolve(resolver, "a.test", AF_INET), "192.0.2.2");
    CHECK_OK(weft_sleep(5100 * WEFT_MS));
    CHECK_STR(resolve(resolver, "a.test", AF_INET), "192.0.2.3");
    end(&server, resolver);
}

TASK_TEST(resolver_remembers_that_there_is_none)
{
    struct server server;
    weft_resolver *resolver;
    if (!begin(&server, &resolver))
        return;
    for (int i = 0; i < 3; i++)
        CHECK_STR(resolve(resolver, "none.test", AF_INET), "no such host");
    CHECK_EQ(server.asked, 1);
    CHECK_OK(weft_sleep(21 * WEFT_SEC));
    CHECK_STR(resolve(resolver, "none.test", AF_INET), "no such host");
    CHECK_EQ(server.asked, 2);
    CHECK_STR(resolve(resolver, "four.test", AF_INET6), "no such host");
    CHECK_STR(resolve(resolver, "four.test", AF_UNSPEC), "192.0.2.4");
    end(&server, resolver);
}

TASK_TEST(resolver_takes_long_answers_by_tcp)
{
    struct server server;
    weft_resolver *resolver;
    if (!begin(&server, &resolver))
        return;
    weft_addr addrs[64];
    CHECK_EQ(weft_resolve(resolver, "big.test", 80, AF_INET, addrs, 64), 60);
    CHECK_EQ(server.asked, 1);
    CHECK_EQ(server.asked_by_tcp, 1);
    CHECK_STR(resolve(resolver, "cut.test", AF_INET), "no answer from the name servers");
    CHECK(strstr(weft_error_text(), "cut short") != NULL);
    end(&server, resolver);
}

TASK_TEST(class_39_resolver_is_not_taken_in_by_a_wrong_id_or_another_question)
{
    struct server server;
    weft_resolver *resolver;
    if (!begin(&server, &resolver))
        return;
    server.sends_wrong_id = true;
    CHECK_STR(resolve(resolver, "web.test", AF_INET), "192.0.2.1");
    CHECK_EQ(server.asked, 1);
    CHECK_STR(resolve(resolver, "forged.test", AF_INET), "no answer from the name servers");
    end(&server, resolver);
}

TASK_TEST(resolver_gives_up_on_servers_that_do_not_answer)
{
    struct server server;
    weft_resolver *resolver;
    if (!begin(&server, &resolver))
        return;
    weft_time begun = weft_now();
    CHECK_STR(resolve(resolver, "silent.test", AF_INET), "no answer from the name servers");
    CHECK_EQ(weft_now() - begun, 10 * WEFT_SEC);
    CHECK(strstr(weft_error_text(), "silent.test") != NULL);
    CHECK(strstr(weft_error_text(), server.address) != NULL);
    CHECK(strstr(weft_error_text(), "timed out") != NULL);
    CHECK_EQ(server.asked, 2);
    CHECK_STR(resolve(resolver, "broken.test", AF_INET), "no answer from the name servers");
    CHECK(strstr(weft_error_text(), "SERVFAIL") != NULL);
    end(&server, resolver);
}

TASK_TEST(resolver_goes_on_to_the_next_server)
{
    struct server server;
    char servers[2 * WEFT_ADDR_TEXT_BYTES];
    if (!server_start(&server, behave))
        return;
    snprintf(servers, sizeof servers, "127.0.0.1:1 %s",
             server.address); /* nobody is at the first */
    weft_resolver *resolver = open_with((weft_resolver_options){.servers = servers});
    CHECK_STR(resolve(resolver, "web.test", AF_INET), "192.0.2.1");
    end(&server, resolver);
}

TASK_TEST(resolver_serves_what_is_too_old_while_no_server_answers)
{
    struct server server;
    weft_resolver *resolver;
    if (!begin(&server, &resolver))
        return;
    CHECK_STR(resolve(resolver, "web.test", AF_INET), "192.0.2.1");
    server.answer = NULL;
    server_stop(&server);
    CHECK_OK(weft_sleep(61 * WEFT_SEC));
    CHECK_STR(resolve(resolver, "web.test", AF_INET), "192.0.2.1");
    CHECK_EQ(stats_of(resolver).stale, 1u);
    uint64_t queries = stats_of(resolver).queries;
    CHECK_STR(resolve(resolver, "web.test", AF_INET), "192.0.2.1"); /* not asked again so soon */
    CHECK_EQ(stats_of(resolver).queries, queries);
    CHECK_OK(weft_sleep(3600 * WEFT_SEC));
    CHECK_STR(resolve(resolver, "web.test", AF_INET), "no answer from the name servers");
    weft_resolver_close(resolver);
}

/* The old answer is given after 1.8 s; the new one comes all the same and is kept. */
TASK_TEST(resolver_does_not_wait_long_when_it_has_an_old_answer)
{
    struct server server;
    weft_resolver *resolver;
    if (!begin(&server, &resolver))
        return;
    CHECK_STR(resolve(resolver, "slow.test", AF_INET), "192.0.2.1");
    CHECK_OK(weft_sleep(61 * WEFT_SEC));
    weft_time begun = weft_now();
    CHECK_STR(resolve(resolver, "slow.test", AF_INET), "192.0.2.1");
    CHECK_EQ(weft_now() - begun, 1800 * WEFT_MS);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_STR(resolve(resolver, "slow.test", AF_INET), "192.0.2.2");
    CHECK_EQ(server.asked, 2);
    end(&server, resolver);
}

struct ask {
    weft_resolver *resolver;
    const char *host;
};

static int ask_one(void *arg)
{
    const struct ask *ask = arg;
    weft_addr addr;
    return weft_resolve(ask->resolver, ask->host, 80, AF_INET, &addr, 1);
}

TASK_TEST(resolver_asks_once_for_many_who_ask_the_same)
{
    struct server server;
    weft_resolver *resolver;
    weft_task tasks[10];
    if (!begin(&server, &resolver))
        return;
    struct ask ask = {resolver, "slow.test"};
    for (int i = 0; i < 10; i++)
        tasks[i] = weft_spawn(ask_one, &ask);
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_cancel(tasks[0], "this one only");
    for (int i = 0; i < 10; i++)
        CHECK_EQ(weft_await(tasks[i]), i == 0 ? -ECANCELED : 1);
    CHECK_EQ(server.asked, 1);
    CHECK_EQ(stats_of(resolver).shared, 9u);
    end(&server, resolver);
}

TASK_TEST(resolver_gives_a_question_up_when_the_last_has_gone)
{
    struct server server;
    weft_resolver *resolver;
    if (!begin(&server, &resolver))
        return;
    struct ask ask = {resolver, "silent.test"};
    CHECK_EQ(weft_wait_for(ask_one, &ask, WEFT_SEC), -ETIMEDOUT);
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(stats_of(resolver).in_flight, 0u);
    end(&server, resolver);
}

TASK_TEST(resolver_that_is_closed_tells_who_waits)
{
    struct server server;
    weft_resolver *resolver;
    if (!begin(&server, &resolver))
        return;
    struct ask ask = {resolver, "silent.test"};
    weft_task task = weft_spawn(ask_one, &ask);
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_resolver_close(resolver);
    CHECK_EQ(weft_await(task), -WEFT_ECLOSED);
    server_stop(&server);
}

TASK_TEST(resolver_has_no_more_questions_in_flight_than_its_limit)
{
    struct server server;
    weft_resolver *resolver;
    weft_task tasks[3];
    struct ask asks[3];
    static const char *const hosts[] = {"slow1.test", "slow2.test", "slow3.test"};
    if (!begin_with(&server, &resolver, (weft_resolver_options){.query_max = 2}))
        return;
    for (int i = 0; i < 3; i++) {
        asks[i] = (struct ask){resolver, hosts[i]};
        tasks[i] = weft_spawn(ask_one, &asks[i]);
    }
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(server.asked, 2);
    weft_time begun = weft_now();
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_await(tasks[i]), 1);
    CHECK_GE(weft_now() - begun, 3 * WEFT_SEC); /* two rounds of 2 s, of which 1 s had passed */
    CHECK_LT(weft_now() - begun, 3200 * WEFT_MS);
    end(&server, resolver);
}

/* ---- search domains ---- */

static char asked_names[512];

static bool note_and_say_none(struct server *server, const struct question *question,
                              struct message *out)
{
    (void)server;
    size_t used = strlen(asked_names);
    snprintf(asked_names + used, sizeof asked_names - used, "%s ", question->name);
    message_begin(out, question->id, 3, question->name, question->type);
    if (strcmp(question->name, "db.two.test") == 0) {
        out->bytes[3] &= 0xf0;
        message_address(out, question->name, question->type, 60, 1);
    }
    return true;
}

TASK_TEST(resolver_tries_domains_behind_short_names)
{
    struct server server;
    if (!server_start(&server, note_and_say_none))
        return;
    weft_resolver *resolver = open_with(
        (weft_resolver_options){.servers = server.address, .search = "one.test two.test"});
    asked_names[0] = '\0';
    CHECK_STR(resolve(resolver, "db", AF_INET), "192.0.2.1");
    CHECK_STR(asked_names, "db.one.test db.two.test ");
    asked_names[0] = '\0';
    CHECK_STR(resolve(resolver, "www.db", AF_INET), "no such host");
    CHECK_STR(asked_names, "www.db www.db.one.test www.db.two.test ");
    asked_names[0] = '\0';
    CHECK_STR(resolve(resolver, "web.", AF_INET), "no such host");
    CHECK_STR(asked_names, "web ");
    end(&server, resolver);
}

/* SERVFAIL for what lies in one.test, silence for two.test; the rest as above. */
static bool fail_in_a_domain(struct server *server, const struct question *question,
                             struct message *out)
{
    bool is_answered = note_and_say_none(server, question, out);
    if (strstr(question->name, ".one.test") != NULL)
        out->bytes[3] = 0x82;
    return is_answered && strstr(question->name, "silent.two.test") == NULL;
}

/* A domain whose server cannot say hides none of the next; but then "no such host" is no answer.
 * One that is silent would be so for each name, and a name with dots is not looked for elsewhere
 * because nobody could say what it is. */
TASK_TEST(resolver_goes_on_behind_a_domain_that_fails)
{
    struct server server;
    if (!server_start(&server, fail_in_a_domain))
        return;
    weft_resolver *resolver = open_with(
        (weft_resolver_options){.servers = server.address, .search = "one.test two.test"});
    asked_names[0] = '\0';
    CHECK_STR(resolve(resolver, "db", AF_INET), "192.0.2.1");
    CHECK_STR(asked_names, "db.one.test db.one.test db.two.test "); /* two tries */
    CHECK_STR(resolve(resolver, "web", AF_INET), "no answer from the name servers");
    CHECK(strstr(weft_error_text(), "web.one.test") != NULL);
    CHECK(strstr(weft_error_text(), "SERVFAIL") != NULL);
    asked_names[0] = '\0';
    CHECK_STR(resolve(resolver, "silent", AF_INET), "no answer from the name servers");
    CHECK(strstr(asked_names, "silent.two.test silent.two.test ") != NULL);
    CHECK(strstr(asked_names, "silent ") == NULL);
    asked_names[0] = '\0';
    CHECK_STR(resolve(resolver, "a.one.test", AF_UNSPEC), "no answer from the name servers");
    CHECK(strstr(asked_names, "a.one.test.") == NULL);
    end(&server, resolver);
}

/* ---- everything going wrong ---- */

SCENARIO(resolver_asks_a_server)
{
    struct server server;
    weft_resolver *resolver = NULL;
    weft_addr addrs[64];
    if (!server_start(&server, behave))
        return 0;
    weft_resolver_options options = {.servers = server.address, .hosts = "", .search = ""};
    int rc = weft_resolver_open(&resolver, &options);
    if (rc == 0)
        rc = weft_resolve(resolver, "web.test", 80, AF_UNSPEC, addrs, 64);
    if (rc >= 0)
        rc = weft_resolve(resolver, "big.test", 80, AF_INET, addrs, 64);
    weft_resolver_close(resolver);
    server_stop(&server);
    return rc;
}

/* ---- the system ---- */

TASK_TEST(resolver_asks_the_system_on_a_thread)
{
    weft_resolver *resolver = open_with((weft_resolver_options){.asks_system = true});
    bool is_simulated = strcmp(test_backend(), "sim") == 0;
    const char *said = resolve(resolver, "ip6-nothing.invalid", AF_INET);
    CHECK(strcmp(said, "no such host") == 0 ||
          strcmp(said, "no answer from the name servers") == 0);
    CHECK_EQ(stats_of(resolver).queries, is_simulated ? 0u : 1u);
    weft_resolver_close(resolver);
}
