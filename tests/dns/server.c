/* SPDX-License-Identifier: MIT */

#include "server.h"

#include "harness/harness.h"

#include <weft.h>

#include "dns/query.h"

/* ---- questions ---- */

static bool question_read(struct question *out, const uint8_t *bytes, size_t count)
{
    size_t at = 12, used = 0;
    if (count < 17)
        return false;
    out->id = (uint16_t)(bytes[0] << 8 | bytes[1]);
    while (at < count && bytes[at] != 0) {
        size_t label = bytes[at++];
        if (used != 0)
            out->name[used++] = '.';
        memcpy(out->name + used, bytes + at, label);
        used += label;
        at += label;
    }
    out->name[used] = '\0';
    out->type = bytes[at + 1] << 8 | bytes[at + 2];
    return true;
}

/* ---- UDP ---- */

struct packet {
    struct server *server;
    weft_addr from;
    uint8_t bytes[512];
    size_t count;
};

static int udp_answer(void *arg)
{
    struct packet *packet = arg;
    struct server *server = packet->server;
    struct question question = {0};
    struct message message = {.count = 0};
    if (!question_read(&question, packet->bytes, packet->count) ||
        !server->answer(server, &question, &message))
        return 0;
    if (server->sends_wrong_id) {
        message.bytes[0] ^= 1;
        WEFT_TRY(weft_udp_send(server->udp, message.bytes, message.count, &packet->from));
        message.bytes[0] ^= 1;
    }
    ssize_t sent = weft_udp_send(server->udp, message.bytes, message.count, &packet->from);
    return sent < 0 ? (int)sent : 0;
}

/* Each packet has a task: a slow answer keeps no other. */
static int udp_serve(void *arg)
{
    struct server *server = arg;
    for (;;) {
        struct packet packet = {.server = server};
        ssize_t count = weft_udp_recv(server->udp, packet.bytes, sizeof packet.bytes, &packet.from);
        if (count == -ECANCELED || count == -EBADF)
            return (int)count;
        if (count <= 0)
            continue;
        packet.count = (size_t)count;
        server->asked++;
        weft_release(weft_spawn_copy(udp_answer, packet));
    }
}

/* ---- TCP ---- */

static int tcp_answer(void *arg)
{
    void **parts = arg;
    struct server *server = parts[0];
    weft_stream *stream = parts[1];
    uint8_t head[2], bytes[512];
    struct question question = {.is_by_tcp = true};
    struct message message = {.count = 0};
    size_t count = 0;
    if (weft_stream_read_exact(stream, head, 2) == 2) {
        count = (size_t)(head[0] << 8 | head[1]);
        if (count > sizeof bytes || weft_stream_read_exact(stream, bytes, count) < 0)
            count = 0;
    }
    server->asked_by_tcp += count != 0;
    if (count != 0 && question_read(&question, bytes, count) &&
        server->answer(server, &question, &message)) {
        head[0] = (uint8_t)(message.count >> 8);
        head[1] = (uint8_t)message.count;
        int rc = weft_stream_write(stream, head, 1); /* in pieces */
        if (rc == 0)
            rc = weft_stream_flush(stream);
        if (rc == 0)
            rc = weft_stream_write(stream, head + 1, 1);
        if (rc == 0)
            rc = weft_stream_write(stream, message.bytes, message.count);
        (void)rc; /* the close says it again */
    }
    return weft_stream_close(stream);
}

static int tcp_serve(void *arg)
{
    struct server *server = arg;
    for (;;) {
        weft_stream *stream;
        int rc = weft_listener_accept(server->listener, &stream);
        if (rc == -ECANCELED || rc == -EBADF)
            return rc;
        if (rc < 0)
            continue;
        void *parts[] = {server, stream};
        weft_release(weft_spawn_copy(tcp_answer, parts));
    }
}

/* ---- both ---- */

static void open_both(struct server *server)
{
    weft_addr addr;
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    if (weft_udp_open(&server->udp, &addr) < 0)
        return;
    addr = *weft_udp_get_addr(server->udp);
    CHECK_GT(weft_addr_format(&addr, server->address, sizeof server->address), 0);
    if (weft_listener_open(&server->listener, &addr, NULL) == 0)
        return;
    weft_udp_close(server->udp); /* the port is somebody's for TCP */
    server->udp = NULL;
}

bool server_start(struct server *server, server_fn *answer)
{
    *server = (struct server){.answer = answer, .ttl = 60};
    if (!wf_dns_query_has_servers)
        return false;
    for (int i = 0; i < 8 && server->listener == NULL; i++)
        open_both(server);
    if (server->listener == NULL)
        return false;
    server->tasks[0] = weft_spawn(udp_serve, server);
    server->tasks[1] = weft_spawn(tcp_serve, server);
    return true;
}

void server_stop(struct server *server)
{
    WEFT_SHIELD(shield, 60 * WEFT_SEC);
    for (int i = 0; i < 2; i++) {
        weft_cancel(server->tasks[i], "the test ends");
        (void)weft_await(server->tasks[i]);
    }
    weft_udp_close(server->udp);
    weft_listener_close(server->listener);
}
