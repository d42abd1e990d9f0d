/* SPDX-License-Identifier: MIT */

/* Admission: slots, the queue, shedding, the reserve for health, and limits on connections. */

#include "site.h"

#include <weft/sim.h>
#include <weft/sys/platform.h>
#include <weft/sys/stream.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define H "Host: a\r\n"
#define END "\r\n"
#define WAIT "GET /wait HTTP/1.1\r\n" H END

static const weft_http_options small = {
    .limits = {.in_hand_max = 2, .queue_max = 3, .reserve = 1},
};

static weft_http_stats stats_of(const struct site *site)
{
    weft_http_stats stats;
    weft_http_server_get_stats(site->server, &stats);
    return stats;
}

/* `count` clients that wait, one after the other. */
static void fill(struct site *site, weft_stream *clients[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t before = stats_of(site).requests;
        clients[i] = client_open(site);
        client_send(clients[i], WAIT);
        while (stats_of(site).requests == before)
            CHECK_OK(weft_sleep(100 * WEFT_US));
    }
}

/* Those who are refused together do not come back together. */
static void check_retry_after(struct site *site)
{
    unsigned seen = 0;
    for (int i = 0; i < 20; i++) {
        struct answer answer;
        CHECK_EQ(ask(site, "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n", &answer), 503);
        int seconds = atoi(answer_field(&answer, "Retry-After"));
        CHECK_GE(seconds, 1);
        CHECK_LE(seconds, 10);
        seen |= 1u << seconds;
        answer_fini(&answer);
    }
    CHECK_GE(__builtin_popcount(seen), 3);
}

TASK_TEST(class_51_requests_past_slots_and_queue_get_503)
{
    struct site site;
    struct answer answer;
    weft_stream *clients[6];
    CHECK_OK(site_open(&site, &small));
    fill(&site, clients, 6);
    CHECK_OK(client_read(clients[5], &answer));
    CHECK_EQ(answer.status, 503);
    CHECK_GE(atoi(answer_field(&answer, "Retry-After")), 1);
    CHECK_LE(atoi(answer_field(&answer, "Retry-After")), 10);
    CHECK(strstr(answer.body, "\"code\":\"overloaded\"") != NULL);
    answer_fini(&answer);
    CHECK_EQ(stats_of(&site).requests_in_hand, 2);
    CHECK_EQ(stats_of(&site).requests_queued, 3);
    CHECK_EQ(stats_of(&site).requests_shed, 1);
    CHECK_EQ(site_seen.started, 2);
    check_retry_after(&site);

    site_gate_open();
    for (int i = 0; i < 5; i++) {
        CHECK_OK(client_read(clients[i], &answer));
        CHECK_EQ(answer.status, 200);
        answer_fini(&answer);
    }
    CHECK_EQ(site_seen.started, 5);
    for (int i = 0; i < 6; i++)
        weft_stream_close(clients[i]);
    CHECK_OK(site_close(&site));
}

TASK_TEST(a_request_waits_half_a_second_in_the_queue)
{
    struct site site;
    struct answer answer;
    weft_stream *clients[3];
    CHECK_OK(site_open(&site, &small));
    fill(&site, clients, 3);
    weft_time from = weft_now();
    CHECK_OK(client_read(clients[2], &answer));
    CHECK_EQ(answer.status, 503);
    CHECK_EQ((weft_now() - from + 5 * WEFT_MS) / (10 * WEFT_MS), 50);
    answer_fini(&answer);
    for (int i = 0; i < 3; i++)
        weft_stream_abort(clients[i]);
    CHECK_OK(site_close(&site));
}

TASK_TEST(health_is_answered_when_all_else_is_full)
{
    struct site site;
    struct answer answer;
    weft_stream *clients[5];
    CHECK_OK(site_open(&site, &small));
    fill(&site, clients, 5);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ask(&site, "GET /health HTTP/1.1\r\n" H END, &answer), 200);
        CHECK_STR(answer.body, "healthy\n");
        answer_fini(&answer);
    }
    for (int i = 0; i < 5; i++)
        weft_stream_abort(clients[i]);
    CHECK_OK(site_close(&site));
}

/* A burst in one turn is no overload when the handlers are done with it in that turn. */
TASK_TEST(a_burst_of_quick_requests_is_served_whole)
{
    enum { CLIENTS = 40 };
    struct site site;
    weft_stream *clients[CLIENTS];
    CHECK_OK(site_open(&site, &small));
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = client_open(&site);
    CHECK_OK(weft_sleep(10 * WEFT_MS));
    for (int i = 0; i < CLIENTS; i++)
        CHECK_OK(weft_stream_write(clients[i], "GET /ok HTTP/1.1\r\n" H END, 29));
    for (int i = 0; i < CLIENTS; i++) {
        struct answer answer;
        CHECK_OK(client_read(clients[i], &answer));
        CHECK_EQ(answer.status, 200);
        answer_fini(&answer);
        weft_stream_close(clients[i]);
    }
    CHECK_EQ(stats_of(&site).requests_shed, 0);
    CHECK_OK(site_close(&site));
}

/* Few tasks begin what has come in one turn, but none waits for the handler of another. */
TASK_TEST(handlers_of_one_turn_do_not_wait_for_one_another)
{
    enum { CLIENTS = 40 };
    struct site site;
    weft_stream *clients[CLIENTS];
    CHECK_OK(site_open(&site, NULL));
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = client_open(&site);
    CHECK_OK(weft_sleep(10 * WEFT_MS));
    for (int i = 0; i < CLIENTS; i++)
        CHECK_OK(weft_stream_put(clients[i], WAIT, sizeof WAIT - 1));
    while (site_seen.started != CLIENTS)
        CHECK_OK(weft_sleep(100 * WEFT_US));
    CHECK_EQ(stats_of(&site).requests_in_hand, CLIENTS);
    site_gate_open();
    for (int i = 0; i < CLIENTS; i++) {
        struct answer answer;
        CHECK_OK(client_read(clients[i], &answer));
        CHECK_EQ(answer.status, 200);
        answer_fini(&answer);
        weft_stream_close(clients[i]);
    }
    CHECK_EQ(stats_of(&site).requests_in_hand, 0);
    CHECK_OK(site_close(&site));
}

/* Slow bodies hold neither tasks nor slots. */
TASK_TEST(class_12_slow_bodies_do_not_keep_others_out)
{
    enum { SLOW = 20 };
    struct site site;
    weft_stream *slow[SLOW];
    CHECK_OK(site_open(&site, &small));
    for (int i = 0; i < SLOW; i++) {
        slow[i] = client_open(&site);
        client_send(slow[i], "POST /echo HTTP/1.1\r\n" H "Content-Length: 10\r\n" END "x");
    }
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(stats_of(&site).requests_in_hand, 0);
    CHECK_EQ(ask(&site, "GET /ok HTTP/1.1\r\n" H END, NULL), 200);
    for (int i = 0; i < SLOW; i++)
        weft_stream_abort(slow[i]);
    CHECK_OK(site_close(&site));
}

/* ---- handlers that read by themselves ---- */

#define STREAM(path_, bytes_) "POST " path_ " HTTP/1.1\r\n" H "Content-Length: " bytes_ "\r\n" END

/* Sends it, and waits until its handler has begun. */
static weft_stream *begin(struct site *site, const char *text)
{
    unsigned before = site_seen.started;
    weft_stream *client = client_open(site);
    client_send(client, text);
    while (site_seen.started == before)
        CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_OK(weft_sleep(WEFT_MS));
    return client;
}

static void finish(weft_stream *client, int status)
{
    struct answer answer;
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, status);
    answer_fini(&answer);
    weft_stream_close(client);
}

TASK_TEST(class_12_slow_bodies_that_handlers_read_do_not_keep_others_out)
{
    enum { SLOW = 20 };
    struct site site;
    weft_stream *slow[SLOW];
    CHECK_OK(site_open(&site, &small));
    for (int i = 0; i < SLOW; i++)
        slow[i] = begin(&site, i % 2 == 0 ? STREAM("/drain", "2") : STREAM("/drain", "2") "x");
    CHECK_EQ(stats_of(&site).requests_in_hand, SLOW);
    CHECK_EQ(ask(&site, "GET /ok HTTP/1.1\r\n" H END, NULL), 200);
    for (int i = 0; i < SLOW; i++) {
        client_send(slow[i], i % 2 == 0 ? "xy" : "y");
        finish(slow[i], 200);
    }
    CHECK_EQ(stats_of(&site).requests_shed, 0);
    CHECK_EQ(stats_of(&site).requests_in_hand, 0);
    CHECK_OK(site_close(&site));
}

/* A connection with a request on it, made without giving the server a turn. */
static int knock(const struct site *site, const char *text)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_GE(fd, 0);
    CHECK_EQ(connect(fd, (const struct sockaddr *)&site->addr.storage, site->addr.bytes), 0);
    CHECK_EQ(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    return fd;
}

/* What waits for its body behind layers has lent its slot, also where more have come in one turn
 * than begin in one. */
TASK_TEST(class_12_a_burst_of_slow_bodies_behind_layers_is_no_overload)
{
    enum { SLOW = 600 };
    static int slow[SLOW];
    struct site site;
    if (test_is_simulated())
        return; /* where no turn has so many */
    CHECK_OK(site_open(&site, &small));
    for (int i = 0; i < SLOW; i++)
        slow[i] = knock(&site, STREAM("/layered", "2"));
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(stats_of(&site).requests_shed, 0);
    CHECK_EQ(stats_of(&site).requests_in_hand, SLOW);
    CHECK_EQ(ask(&site, "GET /ok HTTP/1.1\r\n" H END, NULL), 200);
    for (int i = 0; i < SLOW; i++)
        close(slow[i]);
    CHECK_OK(site_close(&site));
}

/* A handler whose body has come goes on with a slot, and before who has no handler yet. */
TASK_TEST(a_handler_that_was_waiting_for_its_client_is_next)
{
    struct site site;
    const weft_http_options one = {.limits = {.in_hand_max = 1}};
    CHECK_OK(site_open(&site, &one));
    weft_stream *reader = begin(&site, STREAM("/drain", "1"));
    weft_stream *holder = begin(&site, WAIT);
    weft_stream *queued = client_open(&site);
    client_send(queued, WAIT);
    CHECK_OK(weft_sleep(WEFT_MS));
    client_send(reader, "x");
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(stats_of(&site).requests_queued, 1);
    CHECK_EQ(site_seen.ended, 0);
    weft_stream_abort(holder);
    finish(reader, 200); /* the queued one would keep the slot until the gate opens */
    site_gate_open();
    finish(queued, 200);
    CHECK_EQ(site_seen.started, 3);
    CHECK_OK(site_close(&site));
}

/* Cancelled while it waits for a slot, it ends without one. */
TASK_TEST(a_client_may_go_away_while_its_handler_waits_for_a_slot)
{
    struct site site;
    const weft_http_options one = {.limits = {.in_hand_max = 1}};
    CHECK_OK(site_open(&site, &one));
    weft_stream *reader = begin(&site, STREAM("/drain", "9"));
    weft_stream *holder = begin(&site, WAIT);
    client_send(reader, "x");
    CHECK_OK(weft_sleep(WEFT_MS));
    weft_stream_abort(reader);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(site_seen.ended, 1);
    CHECK_EQ(site_seen.last_rc, -ECANCELED);
    CHECK_EQ(stats_of(&site).requests_in_hand, 1);
    site_gate_open();
    finish(holder, 200);
    CHECK_EQ(ask(&site, "GET /ok HTTP/1.1\r\n" H END, NULL), 200);
    CHECK_OK(site_close(&site));
}

TASK_TEST(of_too_many_slow_bodies_the_slowest_is_given_up)
{
    struct site site;
    const weft_http_options few = {.limits = {.in_hand_max = 1, .waiting_max = 2}};
    CHECK_OK(site_open(&site, &few));
    weft_stream *first = begin(&site, STREAM("/drain", "2"));
    weft_stream *second = begin(&site, STREAM("/drain", "2"));
    client_send(first, "x");
    CHECK_OK(weft_sleep(WEFT_MS)); /* it is the second now that has waited longer */
    weft_stream *third = begin(&site, STREAM("/drain", "2"));
    finish(second, 408);
    CHECK_EQ(stats_of(&site).timeouts, 1);
    client_send(first, "y");
    finish(first, 200);
    client_send(third, "xy");
    finish(third, 200);
    CHECK_OK(site_close(&site));
}

/* ---- handlers whose answers are not read ---- */

#define LARGE "GET /large?kib=16384 HTTP/1.1\r\n" H END

TASK_TEST(class_13_clients_that_do_not_read_do_not_keep_others_out)
{
    enum { SLOW = 4 };
    struct site site;
    weft_stream *slow[SLOW];
    CHECK_OK(site_open(&site, &small));
    for (int i = 0; i < SLOW; i++)
        slow[i] = begin(&site, LARGE);
    CHECK_EQ(stats_of(&site).requests_in_hand, SLOW);
    CHECK_EQ(ask(&site, "GET /ok HTTP/1.1\r\n" H END, NULL), 200);
    CHECK_EQ(site_seen.ended, 0);
    for (int i = 0; i < SLOW; i++)
        weft_stream_abort(slow[i]);
    while (site_seen.ended != SLOW)
        CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(stats_of(&site).requests_in_hand, 0);
    CHECK_OK(site_close(&site));
}

/* A client that reads again is served to the end, though its handler had lent the only slot. */
TASK_TEST(an_answer_that_was_not_read_goes_on_with_a_slot)
{
    struct site site;
    struct answer answer;
    const weft_http_options one = {.limits = {.in_hand_max = 1}};
    CHECK_OK(site_open(&site, &one));
    weft_stream *slow = begin(&site, LARGE), *holder = begin(&site, WAIT);
    CHECK_OK(client_read(slow, &answer)); /* its handler has yet to get the slot back */
    CHECK_EQ(answer.status, 200);
    CHECK_EQ(answer.body_bytes, 16384u * 1024);
    answer_fini(&answer);
    CHECK_EQ(site_seen.ended, 0);
    site_gate_open();
    finish(holder, 200);
    while (site_seen.ended != 2)
        CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(site_seen.last_rc, 0);
    CHECK_EQ(stats_of(&site).requests_in_hand, 0);
    weft_stream_close(slow);
    CHECK_OK(site_close(&site));
}

/* How answers begin is kept in few places: while one waits for its client, the answer to another,
 * of another status, begins in its place. */
TASK_TEST(an_answer_that_waits_for_room_begins_as_its_own)
{
    enum { REQUESTS = 40 }; /* whose answers are more than a stream takes */
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *slow = client_open(&site);
    for (int i = 0; i < REQUESTS; i++)
        client_send(slow, "GET /large?kib=16 HTTP/1.1\r\n" H END);
    while (site_seen.started == site_seen.ended && site_seen.ended < REQUESTS)
        CHECK_OK(weft_sleep(WEFT_MS)); /* until one waits; a kernel may take them all */
    CHECK_EQ(ask(&site, "OPTIONS /ok HTTP/1.1\r\n" H END, NULL), 204);
    for (int i = 0; i < REQUESTS; i++) {
        CHECK_OK(client_read(slow, &answer));
        CHECK_EQ(answer.status, 200);
        CHECK_EQ(answer.body_bytes, 16u * 1024);
        answer_fini(&answer);
    }
    weft_stream_close(slow);
    CHECK_OK(site_close(&site));
}

TASK_TEST(of_too_many_that_do_not_read_the_slowest_is_cut_off)
{
    struct site site;
    const weft_http_options few = {.limits = {.in_hand_max = 1, .waiting_max = 2}};
    CHECK_OK(site_open(&site, &few));
    weft_stream *first = begin(&site, LARGE), *second = begin(&site, LARGE);
    CHECK_EQ(site_seen.ended, 0);
    weft_stream *third = begin(&site, LARGE);
    while (site_seen.ended == 0)
        CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_STR(site_seen.why, "too many clients do not read");
    CHECK_EQ(stats_of(&site).timeouts, 1);
    CHECK_EQ(stats_of(&site).requests_in_hand, 2);
    weft_stream_abort(first);
    weft_stream_abort(second);
    weft_stream_abort(third);
    CHECK_OK(site_close(&site));
}

/* ---- other limits ---- */

TASK_TEST(class_47_bodies_together_have_a_limit)
{
    struct site site;
    struct answer answer;
    weft_http_options options = {.limits.bodies_bytes_max = 100};
    CHECK_OK(site_open(&site, &options));
    weft_stream *first = client_open(&site);
    client_send(first, "POST /echo HTTP/1.1\r\n" H "Content-Length: 80\r\n" END
                       "0123456789012345678901234567890123456789");
    CHECK_OK(weft_sleep(10 * WEFT_MS));
    CHECK_EQ(stats_of(&site).bodies_bytes, 40);
    CHECK_EQ(ask(&site,
                 "POST /echo HTTP/1.1\r\n" H "Content-Length: 70\r\n" END
                 "0123456789012345678901234567890123456789012345678901234567890123456789",
                 &answer),
             503);
    CHECK(strstr(answer.body, "bodies_bytes_max is 100, seen 1") != NULL);
    CHECK_GE(atoi(answer_field(&answer, "Retry-After")), 1);
    answer_fini(&answer);
    client_send(first, "0123456789012345678901234567890123456789");
    CHECK_OK(client_read(first, &answer));
    CHECK_EQ(answer.status, 200);
    answer_fini(&answer);
    weft_stream_close(first);
    CHECK_EQ(stats_of(&site).bodies_bytes, 0);
    CHECK_OK(site_close(&site));
}

TASK_TEST(class_46_connections_past_the_limit_wait_in_the_kernel)
{
    struct site site;
    struct answer answer;
    weft_stream *clients[4];
    weft_http_options options = {.limits.connection_count_max = 2};
    CHECK_OK(site_open(&site, &options));
    for (int i = 0; i < 4; i++) {
        clients[i] = client_open(&site);
        client_send(clients[i], "GET /ok HTTP/1.1\r\n" H END);
        CHECK_OK(weft_sleep(10 * WEFT_MS));
    }
    uint64_t open = stats_of(&site).connections_open;
    CHECK_GE(open, 2);
    CHECK_LE(open, 3); /* one may have been on its way */
    for (int i = 0; i < 4; i++) {
        CHECK_OK(client_read(clients[i], &answer));
        CHECK_EQ(answer.status, 200);
        answer_fini(&answer);
        weft_stream_close(clients[i]);
    }
    CHECK_OK(site_close(&site));
}

/* The others are for what handlers open, and for who asks for health. */
TASK_TEST(class_46_connections_may_have_nine_tenths_of_the_descriptors)
{
    struct site site;
    const char *name, *unit;
    uint64_t value, connections = 0, descriptors = (uint64_t)weft_platform_get()->fd_limit();
    CHECK_OK(site_open(&site, NULL));
    for (size_t i = 0; (name = weft_http_limit_at(site.server, i, &value, &unit)) != NULL; i++)
        connections = strcmp(name, "connection_count_max") == 0 ? value : connections;
    CHECK_GE(descriptors, 100u);
    CHECK_EQ(connections, descriptors - descriptors / 10);
    CHECK_OK(site_close(&site));
}

/* One more than an address may have is told so, and there is room again when one goes. */
enum { PUBLIC_MAX = 256 };

/* Connects so often, then once more: the status of what that one is told, 0 for nothing. */
static int crowd_from(struct site *site, const char *host)
{
    static weft_stream *crowd[PUBLIC_MAX];
    struct answer answer = {0};
    (void)!weft_sim_host(host); /* in simulation only; else all come from this machine */
    for (int i = 0; i < PUBLIC_MAX; i++)
        crowd[i] = client_open(site);
    int status = ask(site, "GET /ok HTTP/1.1\r\n" H END, &answer);
    if (status == 503)
        CHECK(strstr(answer.body, "\"limit\":256,\"seen\":257") != NULL);
    answer_fini(&answer);
    for (int i = 0; i < PUBLIC_MAX; i++)
        weft_stream_abort(crowd[i]);
    return status;
}

static int crowd_of_neighbours(void *site)
{
    return crowd_from(site, "10.1.2.3");
}

static int crowd_of_strangers(void *site)
{
    return crowd_from(site, "93.184.216.34");
}

/* Nothing else being said. */
TASK_TEST(class_46_an_address_of_the_internet_may_have_256_connections)
{
    struct site site;
    bool is_simulated = strcmp(test_backend(), "sim") == 0;
    CHECK_OK(site_open(&site, NULL));
    CHECK_EQ(weft_await(weft_spawn(crowd_of_neighbours, &site)), 200);
    CHECK_EQ(weft_await(weft_spawn(crowd_of_strangers, &site)), is_simulated ? 503 : 200);
    CHECK_OK(site_close(&site));
}

TASK_TEST(class_46_an_address_may_have_so_many_connections)
{
    const weft_http_options options = {.limits.address_connections_max = 2};
    struct site site;
    struct answer answer;
    weft_http_stats stats;
    CHECK_OK(site_open(&site, &options));
    for (int round = 0; round < 3; round++) {
        weft_stream *first = client_open(&site), *second = client_open(&site);
        client_send(first, "GET /ok HTTP/1.1\r\n" H END);
        CHECK_OK(client_read(first, &answer));
        answer_fini(&answer);
        client_send(second, "GET /ok HTTP/1.1\r\n" H END);
        CHECK_OK(client_read(second, &answer));
        answer_fini(&answer);
        weft_stream *third = client_open(&site);
        CHECK_OK(client_read(third, &answer));
        CHECK_EQ(answer.status, 503);
        CHECK(answer_field(&answer, "Retry-After") != NULL);
        CHECK(strstr(answer.body, "\"limit\":2,\"seen\":3") != NULL);
        answer_fini(&answer);
        CHECK(client_is_closed(third));
        weft_stream_close(third);
        weft_stream_close(first);
        weft_stream_close(second);
        CHECK_OK(weft_sleep(3 * WEFT_SEC));
    }
    weft_http_server_get_stats(site.server, &stats);
    CHECK_EQ(stats.connections_refused, 3u);
    CHECK_EQ(stats.requests, 6u);
    CHECK_OK(site_close(&site));
}

/* Clients that pipeline without reading stop being read. */
TASK_TEST(class_13_pipelining_without_reading_is_bounded)
{
    struct site site;
    enum { REQUESTS = 9000 };
    static const char one[] = "GET /large?kib=8 HTTP/1.1\r\n" H END;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    size_t bytes = (sizeof one - 1) * REQUESTS;
    char *text = malloc(bytes);
    for (size_t i = 0; i < REQUESTS; i++)
        memcpy(text + i * (sizeof one - 1), one, sizeof one - 1);
    size_t before = live_bytes();
    CHECK_OK(weft_stream_write(client, text, 200000)); /* less than our own buffer holds */
    CHECK_OK(weft_sleep(5 * WEFT_SEC));
    CHECK_LT(stats_of(&site).requests, 5000);
    CHECK_LT(live_bytes() - before, 8 * 1024 * 1024);
    free(text);
    weft_stream_abort(client);
    CHECK_OK(site_close(&site));
}
