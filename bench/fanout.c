/* SPDX-License-Identifier: MIT */

/*
 * What does it cost to ask one server for COUNT pages at once?  The server answers each after a
 * while (a peer's, or `fanout --serve`), so that all requests are under way together: the wall time
 * above that while, and the processor's time, are the client's.
 *
 *     fanout [--h2 | --tls] PORT [COUNT=2000] [ROUNDS=9]   first round cold: new connections
 *     fanout --serve                                       says its port; answers after 100 ms
 *
 * HTTP/2, over as few connections as the server's limit allows: --h2 in clear text, --tls over TLS,
 * whoever the server is: nghttpd -d DIR PORT KEY CERT, with 13 bytes in DIR/delay.
 */

#include "bench.h"
#include "http_serve.h"

#include <weft.h>
#include <weft/client.h>
#include <weft/http.h>
#include <weft/tls.h>

struct fanout {
    weft_client *client;
    char url[64];
    int count, rounds, version;
    weft_tls *tls;
};

static int fetch(void *arg)
{
    const struct fanout *self = *(const struct fanout **)arg;
    weft_client_response page;
    WEFT_TRY(weft_client_get(self->client, self->url, &page));
    bool is_right = page.status == 200 && page.body.len == 13 && page.version == self->version;
    weft_client_response_free(&page);
    return is_right ? 0 : weft_fail(-EPROTO, "status %d", page.status);
}

static int ask(void *arg)
{
    struct fanout *self = arg;
    double *wall = calloc((size_t)self->rounds, sizeof *wall);
    double *cpu = calloc((size_t)self->rounds, sizeof *cpu);
    const struct fanout **items = calloc((size_t)self->count, sizeof *items);
    uint32_t count = (uint32_t)self->count;
    weft_client_options options = {.limits.per_origin_max = count,
                                   .limits.total_count_max = count,
                                   .assumes_h2 = self->version == 20};
    const weft_tls_options stranger = {.peer = WEFT_TLS_PEER_ANYBODY};
    int rc = strncmp(self->url, "https", 5) == 0 ? weft_tls_client_new(&self->tls, &stranger) : 0;
    options.tls = self->tls;
    if (rc == 0)
        rc = weft_client_new(&self->client, &options);
    for (int i = 0; i < self->count; i++)
        items[i] = self;
    for (int round = -1; round < self->rounds && rc == 0; round++) {
        double wall_since = bench_wall(), cpu_since = bench_cpu();
        rc = weft_map(fetch, items, count);
        if (round < 0) {
            printf("{\"name\":\"fanout %d, cold\",\"unit\":\"ms\",\"value\":%.4g,\"cpu\":%.4g}\n",
                   self->count, (bench_wall() - wall_since) / 1e6, (bench_cpu() - cpu_since) / 1e6);
            continue;
        }
        wall[round] = (bench_wall() - wall_since) / 1e6;
        cpu[round] = (bench_cpu() - cpu_since) / 1e6;
    }
    char name[64];
    snprintf(name, sizeof name, "fanout %d", self->count);
    if (rc == 0)
        bench_print(name, "ms", wall, cpu, (size_t)self->rounds);
    weft_client_free(self->client);
    weft_tls_free(self->tls);
    free(wall);
    free(cpu);
    free(items);
    return rc;
}

/* ---- a server that takes its time ---- */

static int answer_late(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    WEFT_TRY(weft_sleep(100 * WEFT_MS));
    return weft_http_respond_text(res, 200, "Hello, World!");
}

static int serve(void *arg)
{
    weft_http_server *server = NULL;
    const weft_http_options options = {.limits = {.in_hand_max = 100000, .queue_max = 100000}};
    const weft_http_route route = {.method = "GET", .path = "/delay", .handler = answer_late};
    (void)arg;
    WEFT_TRY(weft_http_server_new(&server, &options));
    int rc = weft_http_server_add(server, &route);
    if (rc == 0)
        rc = http_serve(server);
    weft_http_server_free(server);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--serve") == 0)
        return weft_main(serve, NULL);
    bool is_tls = argc > 1 && strcmp(argv[1], "--tls") == 0;
    bool is_h2 = is_tls || (argc > 1 && strcmp(argv[1], "--h2") == 0);
    argc -= is_h2;
    argv += is_h2;
    if (argc < 2) {
        fprintf(stderr, "usage: fanout [--h2 | --tls] PORT [COUNT] [ROUNDS] | fanout --serve\n");
        return 2;
    }
    struct fanout self = {.count = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 2000,
                          .rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : BENCH_RUNS,
                          .version = is_h2 ? 20 : 11};
    snprintf(self.url, sizeof self.url, "http%s://127.0.0.1:%s/delay", is_tls ? "s" : "", argv[1]);
    return weft_main(ask, &self);
}
