/* SPDX-License-Identifier: MIT */

#include <weft/error.h>
#include <weft/sys/opened.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "client/client_priv.h"
#include "client/conn/farewell.h"
#include "h1/write.h"

#include <assert.h>
#include <string.h>

#define HEAD_BYTES_CEILING (64 * 1024) /* what a stream shows without taking it */
#define ROOM_UNKNOWN INT32_MAX         /* the first connection will tell */
#define ORIGINS_KEPT_MAX 1024          /* nobody uses; they remember failures */
#define GOODBYE_TIME (1 * WEFT_SEC)

/* ---- settings ---- */

static void fill_times(weft_client_limits *limits)
{
    const struct {
        weft_time *value, fallback;
    } times[] = {
        {&limits->connect_max, 5 * WEFT_SEC},     {&limits->first_byte_max, 30 * WEFT_SEC},
        {&limits->between_max, 30 * WEFT_SEC},    {&limits->total_max, 300 * WEFT_SEC},
        {&limits->slot_max, 5 * WEFT_SEC},        {&limits->idle_max, 30 * WEFT_SEC},
        {&limits->h2_silence_max, 10 * WEFT_SEC}, {&limits->continue_max, 1 * WEFT_SEC},
        {&limits->tls_max, 10 * WEFT_SEC},        {&limits->retry_after_max, 10 * WEFT_SEC},
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (*times[i].value == 0)
            *times[i].value = times[i].fallback;
    }
}

static void fill_counts(weft_client_limits *limits)
{
    const struct {
        uint32_t *value, fallback;
    } counts[] = {
        {&limits->per_origin_max, 32},
        {&limits->total_count_max, 256},
        {&limits->redirect_count_max, 10},
        {&limits->retry_count_max, 2},
        {&limits->retry_percent, 10},
        {&limits->retry_burst, 10},
        {&limits->interim_count_max, 16},
        {&limits->head_bytes_max, HEAD_BYTES_CEILING},
        {&limits->field_count_max, 100},
        {&limits->decoded_ratio_max, 200},
        {&limits->h2_stream_count_max, 100},
        {&limits->h2_stream_window, 64 * 1024},
        {&limits->h2_window, 1024 * 1024},
        {&limits->h2_table_bytes_max, 4096},
        {&limits->h2_continuation_count_max, 8},
        {&limits->h2_reset_burst, 1000},
        {&limits->h2_reset_rate, 33},
        {&limits->h2_odd_burst, 1000},
        {&limits->h2_odd_rate, 100},
        {&limits->h2_control_count_max, 1000},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (*counts[i].value == 0)
            *counts[i].value = counts[i].fallback;
    }
    if (limits->body_bytes_max == 0)
        limits->body_bytes_max = 64 << 20;
}

static int limits_check(const weft_client_limits *limits)
{
    if (limits->head_bytes_max > HEAD_BYTES_CEILING)
        return weft_fail(-EINVAL, "head_bytes_max is %u; at most %d", limits->head_bytes_max,
                         HEAD_BYTES_CEILING);
    if (limits->h2_stream_window > INT32_MAX || limits->h2_window > INT32_MAX)
        return weft_fail(-EINVAL, "h2_stream_window and h2_window are at most 2^31 - 1");
    if (limits->h2_reset_rate > WEFT_SEC || limits->h2_odd_rate > WEFT_SEC)
        return weft_fail(-EINVAL, "h2_reset_rate and h2_odd_rate are at most 10^9");
    const weft_time times[] = {limits->connect_max,    limits->first_byte_max, limits->between_max,
                               limits->total_max,      limits->slot_max,       limits->idle_max,
                               limits->h2_silence_max, limits->continue_max,   limits->tls_max,
                               limits->retry_after_max};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (times[i] < 0)
            return weft_fail(-EINVAL, "a time of the client's limits is negative");
    }
    return 0;
}

/* ---- origins ---- */

static struct origin *origin_find(weft_client *client, weft_str name)
{
    wf_list_each (at, &client->origins) {
        struct origin *origin = wf_container(at, struct origin, in_client);
        if (origin->name_len == name.len && memcmp(origin->name, name.ptr, name.len) == 0)
            return origin;
    }
    return NULL;
}

static struct origin *origin_new(weft_client *client, weft_str name)
{
    struct origin *origin = wf_alloc(sizeof *origin);
    char *copy = wf_strdup(name.ptr, name.len);
    if (origin == NULL || copy == NULL) {
        wf_free(origin);
        wf_free(copy);
        return NULL;
    }
    uint32_t slots = client->options.limits.per_origin_max;
    *origin = (struct origin){
        .name = copy, .name_len = name.len, .slots = WEFT_SEM(slots, slots), .room = ROOM_UNKNOWN};
    wf_list_init(&origin->idle);
    wf_list_init(&origin->shared);
    wf_list_prepend(&client->origins, &origin->in_client);
    client->origin_count++;
    return origin;
}

static void origin_free(weft_client *client, struct origin *origin)
{
    client->origin_count--;
    wf_list_remove(&origin->in_client);
    wf_free(origin->name);
    wf_free(origin);
}

/* Frees origins that nobody uses and of which there is nothing to remember; when there are many,
 * also the memory of their failures goes. */
static void origins_sweep(weft_client *client)
{
    weft_time now = weft_loop_turn_time(client->loop);
    wf_list_each_safe (at, &client->origins) {
        struct origin *origin = wf_container(at, struct origin, in_client);
        if (origin->users == 0 &&
            (client->origin_count > ORIGINS_KEPT_MAX || wf_breaker_is_quiet(&origin->breaker, now)))
            origin_free(client, origin);
    }
}

struct origin *wf_origin_take(weft_client *client, const struct wf_url *url)
{
    struct origin *origin = origin_find(client, url->origin);
    if (origin == NULL) {
        origins_sweep(client);
        origin = origin_new(client, url->origin);
        if (origin != NULL)
            origin->is_proxied = wf_proxy_serves(&client->proxy, url->host);
    }
    if (origin != NULL)
        origin->users++;
    return origin;
}

void wf_origin_release(weft_client *client, struct origin *origin)
{
    origin->users--;
    if (origin->users == 0 &&
        wf_breaker_is_quiet(&origin->breaker, weft_loop_turn_time(client->loop)))
        origin_free(client, origin);
}

/* ---- life ---- */

static void reap(weft_timer *timer)
{
    weft_client *client = wf_container(timer, weft_client, reap);
    wf_conn_reap(client, weft_loop_now(client->loop));
}

static const weft_open_kind client_kind = {"HTTP client", "weft_client_close()", NULL};

int weft_client_new(weft_client **out, const weft_client_options *options)
{
    weft_client_options own = options != NULL ? *options : (weft_client_options){0};
    fill_times(&own.limits);
    fill_counts(&own.limits);
    WEFT_TRY(limits_check(&own.limits));
    if (own.user_agent != NULL && wf_h1_value_check(weft_str_of(own.user_agent)) < 0)
        return weft_fail(-EINVAL, "user_agent has a control character");
    const weft_client_field told = {weft_str_of(own.timeout_field), WEFT_STR("1")};
    if (own.timeout_field != NULL)
        WEFT_TRY(wf_request_field_check(&told));
    if (weft_loop_self() == NULL)
        return -EPERM;
    struct wf_proxy proxy;
    WEFT_TRY(wf_proxy_init(&proxy, own.proxy, own.proxy_auth, own.no_proxy));
    weft_client *client = wf_alloc(sizeof *client);
    if (client == NULL) {
        wf_proxy_fini(&proxy);
        return -ENOMEM;
    }
    const weft_client_limits *limits = &own.limits;
    *client = (weft_client){
        .loop = weft_loop_self(),
        .options = own,
        .head_limits = {.head_bytes_max = limits->head_bytes_max,
                        .line_bytes_max = limits->head_bytes_max,
                        .field_bytes_max = limits->head_bytes_max,
                        .field_count_max = limits->field_count_max},
        .body_limits = {.body_bytes_max = INT64_MAX,
                        .chunk_line_bytes_max = 4096,
                        .extension_bytes_max = 16 * 1024,
                        .trailer_bytes_max = 8 * 1024,
                        .trailer_count_max = 32},
        .tls = own.tls,
        .proxy = proxy,
        .retry_cents = (uint64_t)limits->retry_burst * WF_RETRY_CENTS,
        .slots = WEFT_SEM(limits->total_count_max, limits->total_count_max),
    };
    wf_list_init(&client->origins);
    wf_list_init(&client->idle);
    wf_list_init(&client->farewells);
    weft_timer_init(&client->reap, reap);
    weft_opened(client, &client_kind);
    *out = client;
    return 0;
}

void weft_client_close(weft_client *client)
{
    if (client == NULL)
        return;
    wf_conn_reap(client, WEFT_FOREVER);
    WEFT_SHIELD(goodbye, GOODBYE_TIME);
    (void)!wf_farewell_wait(client); /* whatever is left is cut */
    weft_client_free(client);
}

void weft_client_free(weft_client *client)
{
    if (client == NULL)
        return;
    assert(client->exchange_count == 0); /* close them first */
    weft_closed(client, &client_kind);
    wf_conn_reap(client, WEFT_FOREVER);
    wf_farewell_cut(client);
    wf_list_each_safe (at, &client->origins)
        origin_free(client, wf_container(at, struct origin, in_client));
    wf_secure_fini(client);
    wf_proxy_fini(&client->proxy);
    wf_free(client);
}
