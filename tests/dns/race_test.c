/* SPDX-License-Identifier: MIT */

/* Connections to hosts by name: who is tried when, who wins, and that the others leave nothing. */

#include "harness/harness.h"

#include <weft.h>
#include <weft/dns.h>

#include "dns/query.h"

#include <netinet/in.h>
#include <stdlib.h>

static weft_listener *listen_at(const char *host, uint16_t port, int backlog)
{
    char text[WEFT_ADDR_TEXT_BYTES];
    weft_addr addr;
    weft_listener *listener;
    weft_listen_options options = {.backlog = backlog};
    snprintf(text, sizeof text, "%s:%d", host, port);
    CHECK_OK(weft_addr_parse(&addr, text));
    return weft_listener_open(&listener, &addr, &options) == 0 ? listener : NULL;
}

static int port_of(const weft_listener *listener)
{
    return weft_addr_get_port(weft_listener_get_addr(listener));
}

/* Takes connections and holds them to their end. */
static int serve_one(void *arg)
{
    char byte;
    while (weft_stream_read(arg, &byte, 1) > 0)
        ;
    return weft_stream_close(arg);
}

static int serve(void *arg)
{
    for (;;) {
        weft_stream *stream;
        WEFT_TRY(weft_listener_accept(arg, &stream));
        weft_release(weft_spawn(serve_one, stream));
    }
}

static weft_resolver *open_hosts(const char *hosts)
{
    weft_resolver_options options = {.hosts = hosts, .servers = "", .search = ""};
    weft_resolver *resolver;
    CHECK_OK(weft_resolver_open(&resolver, &options));
    return resolver;
}

static const char *peer_of(const weft_stream *stream)
{
    static char text[WEFT_ADDR_TEXT_BYTES];
    weft_addr addr;
    CHECK_OK(weft_stream_get_peer(stream, &addr));
    CHECK_GT(weft_addr_format(&addr, text, sizeof text), 0);
    *strrchr(text, ':') = '\0';
    return text;
}

static bool is_simulated(void)
{
    return strcmp(test_backend(), "sim") == 0;
}

TASK_TEST(connect_host_by_name_and_by_address)
{
    weft_stream *none;
    CHECK_EQ(weft_connect_host(&none, NULL, 80, NULL), -EINVAL);
    weft_listener *listener = listen_at("127.0.0.1", 0, 0);
    weft_resolver *resolver = open_hosts("127.0.0.1 web");
    weft_task server = weft_spawn(serve, listener);
    weft_connect_options options = {.resolver = resolver};
    static const char *const hosts[] = {"web", "127.0.0.1", "localhost"};
    for (int i = 0; i < 3; i++) {
        weft_stream *stream;
        CHECK_OK(weft_connect_host(&stream, hosts[i], (uint16_t)port_of(listener), &options));
        CHECK_STR(peer_of(stream), "127.0.0.1");
        CHECK_OK(weft_stream_close(stream));
    }
    weft_cancel(server, "done");
    (void)weft_await(server);
    weft_listener_close(listener);
    weft_resolver_close(resolver);
}

TASK_TEST(connect_host_goes_on_at_once_when_an_address_refuses)
{
    weft_listener *listener = listen_at("127.0.0.1", 0, 0);
    weft_resolver *resolver = open_hosts("::1 web\n127.0.0.3 web\n127.0.0.1 web");
    weft_task server = weft_spawn(serve, listener);
    weft_connect_options options = {.resolver = resolver};
    weft_time begun = weft_now();
    weft_stream *stream;
    CHECK_OK(weft_connect_host(&stream, "web", (uint16_t)port_of(listener), &options));
    CHECK_STR(peer_of(stream), "127.0.0.1");
    CHECK_LT(weft_now() - begun, 100 * WEFT_MS);
    CHECK_OK(weft_stream_close(stream));
    weft_cancel(server, "done");
    (void)weft_await(server);
    weft_listener_close(listener);
    weft_resolver_close(resolver);
}

TASK_TEST(connect_host_says_what_went_wrong_at_each_address)
{
    weft_listener *listener = listen_at("127.0.0.1", 0, 0);
    uint16_t port = (uint16_t)port_of(listener);
    weft_listener_close(listener);
    CHECK_OK(weft_sleep(WEFT_MS));
    weft_resolver *resolver = open_hosts("127.0.0.1 web\n127.0.0.3 web");
    weft_connect_options options = {.resolver = resolver};
    weft_stream *stream;
    char wanted[WEFT_ERROR_TEXT_BYTES];
    CHECK_EQ(weft_connect_host(&stream, "web", port, &options), -ECONNREFUSED);
    snprintf(wanted, sizeof wanted,
             "connect web: 127.0.0.1:%d: Connection refused; 127.0.0.3:%d: Connection refused",
             port, port);
    CHECK_STR(weft_error_text(), wanted);
    CHECK_EQ(weft_connect_host(&stream, "127.0.0.1", port, &options), -ECONNREFUSED);
    snprintf(wanted, sizeof wanted, "connect 127.0.0.1:%d: Connection refused", port);
    CHECK_STR(weft_error_text(), wanted);
    if (wf_dns_query_has_servers) {
        CHECK_EQ(weft_connect_host(&stream, "nowhere", port, &options), -WEFT_EDNS);
        CHECK_STR(weft_error_text(), "dns: no name server is known to ask for nowhere");
    }
    CHECK_EQ(weft_connect_host(&stream, "no where", port, &options), -WEFT_ESYNTAX);
    options.family = AF_INET6;
    CHECK_EQ(weft_connect_host(&stream, "web", port, &options), -WEFT_ENONAME);
    weft_resolver_close(resolver);
}

/* ---- addresses that do not answer: a listener whose queue is full (simulated) ---- */

static int connect_and_hold(void *arg)
{
    weft_stream *stream;
    WEFT_TRY(weft_stream_connect(&stream, arg));
    int rc = weft_sleep(WEFT_FOREVER / 2);
    weft_stream_abort(stream);
    return rc;
}

static weft_listener *listen_full(const char *host, uint16_t port, weft_task *out)
{
    weft_listener *listener = listen_at(host, port, 1);
    *out = weft_spawn(connect_and_hold, (void *)(uintptr_t)weft_listener_get_addr(listener));
    CHECK_OK(weft_sleep(10 * WEFT_MS));
    return listener;
}

static void check_second_wins(weft_time head_start, weft_time least, weft_time most)
{
    weft_task holder;
    weft_listener *full = listen_full("[::1]", 0, &holder);
    weft_listener *listener = listen_at("127.0.0.1", (uint16_t)port_of(full), 0);
    weft_resolver *resolver = open_hosts("::1 web\n127.0.0.1 web");
    weft_task server = weft_spawn(serve, listener);
    weft_connect_options options = {.resolver = resolver, .head_start = head_start};
    weft_time begun = weft_now();
    weft_stream *stream;
    CHECK_OK(weft_connect_host(&stream, "web", (uint16_t)port_of(full), &options));
    CHECK_STR(peer_of(stream), "127.0.0.1");
    CHECK_GE(weft_now() - begun, least);
    CHECK_LT(weft_now() - begun, most);
    CHECK_OK(weft_stream_close(stream));
    weft_cancel(server, "done");
    (void)weft_await(server);
    weft_cancel(holder, "done");
    (void)weft_await(holder);
    weft_listener_close(listener);
    weft_listener_close(full);
    weft_resolver_close(resolver);
}

TASK_TEST(connect_host_gives_each_address_its_head_start)
{
    if (!is_simulated())
        return;
    check_second_wins(0, 250 * WEFT_MS, 255 * WEFT_MS);
    check_second_wins(20 * WEFT_MS, 20 * WEFT_MS, 25 * WEFT_MS);
}

struct job {
    weft_connect_options options;
    uint16_t port;
};

static int connect_and_close(void *arg)
{
    const struct job *job = arg;
    weft_stream *stream;
    int rc = weft_connect_host(&stream, "web", job->port, &job->options);
    return rc < 0 ? rc : weft_stream_close(stream);
}

TASK_TEST(connect_host_that_runs_out_of_time_leaves_nothing)
{
    if (!is_simulated())
        return;
    weft_task holder;
    weft_listener *full = listen_full("127.0.0.1", 0, &holder);
    weft_resolver *resolver = open_hosts("127.0.0.1 web");
    struct job job = {{.resolver = resolver}, (uint16_t)port_of(full)};
    CHECK_EQ(weft_wait_for(connect_and_close, &job, 3 * WEFT_SEC), -ETIMEDOUT);
    weft_cancel(holder, "done");
    (void)weft_await(holder);
    weft_listener_close(full);
    weft_resolver_close(resolver);
}

/* ---- everybody answers at once ---- */

static const char *const everybody[] = {"[::1]", "127.0.0.1", "127.0.0.2"};

static int race_once(void)
{
    weft_listener *listeners[3] = {NULL};
    weft_task servers[3];
    uint16_t port = 0;
    int count = 0;
    for (int i = 0; i < 3; i++) {
        listeners[count] = listen_at(everybody[i], port, 0);
        if (listeners[count] == NULL)
            continue;
        port = (uint16_t)port_of(listeners[count]);
        servers[count] = weft_spawn(serve, listeners[count]);
        count++;
    }
    weft_resolver_options names = {
        .hosts = "::1 web\n127.0.0.1 web\n127.0.0.2 web", .servers = "", .search = ""};
    weft_resolver *resolver = NULL;
    int rc = count == 0 ? -EADDRINUSE : weft_resolver_open(&resolver, &names);
    struct job job = {{.resolver = resolver, .head_start = 1}, port};
    if (rc == 0)
        rc = connect_and_close(&job);
    for (int i = 0; i < count; i++) {
        weft_cancel(servers[i], "done");
        (void)weft_await(servers[i]);
        weft_listener_close(listeners[i]);
    }
    weft_resolver_close(resolver);
    return rc;
}

SCENARIO(connect_host_while_three_addresses_race)
{
    return race_once();
}

static int race_body(void *arg)
{
    (void)arg;
    return race_once();
}

TEST(connect_host_races_under_a_thousand_seeds)
{
    for (uint64_t seed = 0; seed < 1000; seed++) {
        weft_sim_options options = {.seed = test_seed() + seed,
                                    .delay_max = seed % 2 != 0 ? 500 * WEFT_US : 1};
        note("seed %d", (int)seed);
        CHECK_OK(weft_sim_run_with(&options, race_body, NULL));
        weft_sim_stats stats;
        weft_sim_stats_get(&stats);
        CHECK_EQ(stats.descriptor_count, 0u);
    }
}
