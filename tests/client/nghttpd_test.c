/* SPDX-License-Identifier: MIT */

/* The client against a real peer, nghttpd, in clear text. */

#include <weft.h>
#include <weft/client.h>
#include <weft/file.h>
#include <weft/process.h>

#include "client/client_priv.h"
#include "harness/harness.h"

#include <stdlib.h>
#include <unistd.h>

static const char *program(void)
{
    static const char *const paths[] = {"/usr/sbin/nghttpd", "/usr/bin/nghttpd"};
    for (size_t i = 0; i < 2; i++) {
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    }
    return NULL;
}

struct peer {
    weft_process *process;
    weft_client *client;
    char dir[64], file[80], url[64], page[64];
};

/* A port that was free a moment ago; the page tells whether it is our server that answers. */
static unsigned free_port(void)
{
    weft_listener *listener;
    weft_addr addr;
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&listener, &addr, NULL));
    unsigned port = (unsigned)weft_addr_get_port(weft_listener_get_addr(listener));
    weft_listener_close(listener);
    return port;
}

static int get_page(struct peer *peer)
{
    weft_client_response page;
    WEFT_TRY(weft_client_get(peer->client, peer->url, &page));
    CHECK_EQ(page.status, 200);
    CHECK_EQ(page.version, 20);
    CHECK_STR(page.body.ptr, peer->page);
    weft_str trailer = weft_client_response_trailer(&page, "x-end");
    CHECK_BYTES(trailer.ptr, trailer.len, "yes", 3);
    weft_client_response_free(&page);
    return 0;
}

/* Refused some times in a row, the client says for a while that the host is down. */
static bool is_starting(int rc)
{
    return rc == -ECONNREFUSED || rc == -EHOSTDOWN;
}

static void peer_wait(struct peer *peer)
{
    int rc = -ECONNREFUSED;
    for (int tries = 0; tries < 1000 && is_starting(rc); tries++) {
        rc = get_page(peer);
        if (is_starting(rc))
            CHECK_OK(weft_sleep(10 * WEFT_MS));
    }
    CHECK_OK(rc);
}

/* False in simulation, where there are no programs. */
static bool peer_open(struct peer *peer)
{
    char port[16];
    const weft_client_options options = {
        .assumes_h2 = true, .limits = {.retry_count_max = 1, .h2_silence_max = 60 * WEFT_SEC}};
    if (strcmp(test_backend(), "sim") == 0)
        return false;
    if (program() == NULL)
        SKIP("no nghttpd");
    unsigned number = free_port();
    snprintf(port, sizeof port, "%u", number);
    snprintf(peer->dir, sizeof peer->dir, "/tmp/weft-nghttpd-%ld", (long)getpid());
    snprintf(peer->file, sizeof peer->file, "%s/page", peer->dir);
    snprintf(peer->page, sizeof peer->page, "page of %ld at %s\n", (long)getpid(), port);
    snprintf(peer->url, sizeof peer->url, "http://127.0.0.1:%u/page", number);
    CHECK_OK(weft_mkdir(peer->dir, 0700));
    CHECK_OK(weft_file_save(peer->file, peer->page, strlen(peer->page), 0600));
    const char *const argv[] = {program(), "--no-tls", "--echo-upload",        "-a", "127.0.0.1",
                                "-d",      peer->dir,  "--trailer=x-end: yes", port, NULL};
    const weft_process_options process = {
        .argv = argv, .out = WEFT_STDIO_NULL, .err = WEFT_STDIO_NULL};
    CHECK_OK(weft_process_open(&peer->process, &process));
    CHECK_OK(weft_client_new(&peer->client, &options));
    peer_wait(peer);
    return true;
}

static void peer_close(struct peer *peer)
{
    weft_client_free(peer->client);
    (void)weft_process_signal(peer->process, 15);
    weft_process_close(peer->process);
    CHECK_OK(weft_unlink(peer->file));
    CHECK_OK(weft_rmdir(peer->dir));
}

static int get_body(void *arg)
{
    return get_page(arg);
}

TASK_TEST(nghttpd_is_asked_many_things_over_one_connection)
{
    struct peer peer;
    weft_task tasks[60];
    use_real_time();
    if (!peer_open(&peer))
        return;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 60; i++)
            tasks[i] = weft_spawn(get_body, &peer);
        CHECK_OK(weft_gather_n(tasks, 60));
    }
    CHECK_EQ(peer.client->conn_count, 1);
    peer_close(&peer);
}

TASK_TEST(nghttpd_sends_back_what_is_sent)
{
    static const size_t sizes[] = {1, 16384, 65536, 500000};
    struct peer peer;
    weft_client_response echo;
    use_real_time();
    if (!peer_open(&peer))
        return;
    char *body = malloc(500000);
    for (size_t i = 0; i < 500000; i++)
        body[i] = (char)(i * 7 % 251);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        weft_client_request request = {.url = peer.url, .body = {body, sizes[i]}};
        CHECK_OK(weft_client_fetch(peer.client, &request, &echo));
        CHECK_EQ(echo.status, 200);
        CHECK_BYTES(echo.body.ptr, echo.body.len, body, sizes[i]);
        weft_client_response_free(&echo);
    }
    free(body);
    CHECK_EQ(peer.client->conn_count, 1);
    peer_close(&peer);
}
