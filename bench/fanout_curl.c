/* SPDX-License-Identifier: MIT */

/*
 * fanout's question to libcurl's multi interface over HTTP/2 and TLS: COUNT pages at once, on
 * connections shared up to the server's limit.  The first round is cold.  (In clear text by prior
 * knowledge libcurl 7.88 fails all but the first request of a connection.)
 *
 *     fanout_curl PORT [COUNT=2000] [ROUNDS=9]
 */

#include "bench.h"

#include <curl/curl.h>

static size_t take(char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes;
    *(size_t *)arg += size * count;
    return size * count;
}

static CURL *handle_new(const char *url, size_t *body_bytes)
{
    CURL *handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(handle, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, body_bytes);
    return handle;
}

/* How many came whole. */
static int round_run(CURLM *multi)
{
    int running = 1, whole = 0, left;
    while (running != 0) {
        curl_multi_perform(multi, &running);
        for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;)
            whole += message->msg == CURLMSG_DONE && message->data.result == CURLE_OK;
        if (running != 0)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    return whole;
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 2000;
    int rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : BENCH_RUNS;
    double *wall = calloc((size_t)rounds, sizeof *wall), *cpu = calloc((size_t)rounds, sizeof *cpu);
    CURL **handles = calloc((size_t)count, sizeof(CURL *));
    size_t body_bytes = 0;
    char url[64], name[64];
    if (argc < 2) {
        fprintf(stderr, "usage: fanout_curl PORT [COUNT] [ROUNDS]\n");
        return 2;
    }
    snprintf(url, sizeof url, "https://127.0.0.1:%s/delay", argv[1]);
    curl_global_init(CURL_GLOBAL_ALL);
    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)count);
    for (int i = 0; i < count; i++)
        handles[i] = handle_new(url, &body_bytes);
    int rc = 0;
    for (int round = -1; round < rounds && rc == 0; round++) {
        double wall_since = bench_wall(), cpu_since = bench_cpu();
        for (int i = 0; i < count; i++)
            curl_multi_add_handle(multi, handles[i]);
        rc = round_run(multi) == count ? 0 : 1;
        for (int i = 0; i < count; i++)
            curl_multi_remove_handle(multi, handles[i]);
        if (round < 0)
            continue;
        wall[round] = (bench_wall() - wall_since) / 1e6;
        cpu[round] = (bench_cpu() - cpu_since) / 1e6;
    }
    snprintf(name, sizeof name, "fanout %d, libcurl", count);
    if (rc == 0 && body_bytes == (size_t)13 * (size_t)count * (size_t)(rounds + 1))
        bench_print(name, "ms", wall, cpu, (size_t)rounds);
    else
        fprintf(stderr, "fanout_curl: not every page came whole\n");
    for (int i = 0; i < count; i++)
        curl_easy_cleanup(handles[i]);
    curl_multi_cleanup(multi);
    free(handles);
    free(wall);
    free(cpu);
    return rc;
}
