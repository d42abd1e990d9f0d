/* SPDX-License-Identifier: MIT */

/* Datagrams on every back end. */

#include "harness/harness.h"

#include <weft.h>
#include <weft/net.h>
#include <weft/udp.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static weft_udp *udp_on(const char *text)
{
    weft_addr addr;
    weft_udp *udp;
    CHECK_OK(weft_addr_parse(&addr, text));
    CHECK_OK(weft_udp_open(&udp, &addr));
    return udp;
}

static weft_udp *udp_to(weft_udp *peer)
{
    weft_udp *udp;
    CHECK_OK(weft_udp_connect(&udp, weft_udp_get_addr(peer)));
    return udp;
}

static void check_echo(const char *where)
{
    weft_udp *server = udp_on(where), *client = udp_on(where);
    weft_addr from;
    char buf[16];
    CHECK_EQ(weft_udp_send(client, "ping", 4, weft_udp_get_addr(server)), 4);
    CHECK_EQ(weft_udp_recv(server, buf, sizeof buf, &from), 4);
    CHECK_BYTES(buf, 4, "ping", 4);
    CHECK_EQ(weft_addr_get_port(&from), weft_addr_get_port(weft_udp_get_addr(client)));
    CHECK_EQ(weft_udp_send(server, "pong!", 5, &from), 5);
    CHECK_EQ(weft_udp_recv(client, buf, sizeof buf, NULL), 5);
    CHECK_BYTES(buf, 5, "pong!", 5);
    weft_udp_close(server);
    weft_udp_close(client);
}

TASK_TEST(udp_echoes_over_ipv4)
{
    check_echo("127.0.0.1:0");
}

TASK_TEST(udp_echoes_over_ipv6)
{
    if (strcmp(test_backend(), "sim") != 0 && access("/proc/net/if_inet6", R_OK) != 0)
        SKIP("no IPv6");
    check_echo("[::1]:0");
}

TASK_TEST(udp_over_a_unix_path_removes_its_file)
{
    char path[64], text[80];
    snprintf(path, sizeof path, "/tmp/weft-udp-%d-%s", (int)getpid(), test_backend());
    snprintf(text, sizeof text, "unix:%s", path);
    weft_udp *server = udp_on(text), *client = udp_to(server);
    char buf[8];
    weft_addr from;
    CHECK_EQ(weft_udp_send(client, "a", 1, NULL), 1);
    CHECK_EQ(weft_udp_send(client, "bc", 2, NULL), 2);
    CHECK_EQ(weft_udp_recv(server, buf, sizeof buf, &from), 1);
    CHECK_EQ(from.bytes, 0u); /* the client has no name */
    CHECK_EQ(weft_udp_recv(server, buf, sizeof buf, NULL), 2);
    weft_udp_close(client);
    weft_udp_close(server);
    CHECK_EQ(access(path, F_OK), -1);
    weft_udp *again = udp_on(text);
    weft_udp_close(again);
}

TASK_TEST(udp_datagrams_keep_their_bounds)
{
    weft_udp *server = udp_on("127.0.0.1:0"), *client = udp_to(server);
    char buf[4];
    CHECK_EQ(weft_udp_send(client, "", 0, NULL), 0);
    CHECK_EQ(weft_udp_recv(server, buf, sizeof buf, NULL), 0);
    CHECK_EQ(weft_udp_send(client, "abcdefgh", 8, NULL), 8);
    CHECK_EQ(weft_udp_recv(server, buf, sizeof buf, NULL), 4); /* the rest is gone */
    CHECK_EQ(weft_udp_send(client, "ij", 2, NULL), 2);
    CHECK_EQ(weft_udp_recv(server, buf, sizeof buf, NULL), 2);
    CHECK_BYTES(buf, 2, "ij", 2);
    static char large[70000];
    CHECK_EQ(weft_udp_send(client, large, sizeof large, NULL), -EMSGSIZE);
    weft_udp_close(client);
    weft_udp_close(server);
}

TASK_TEST(udp_without_a_peer_needs_an_address)
{
    weft_udp *udp = udp_on("127.0.0.1:0");
    CHECK_EQ(weft_udp_send(udp, "x", 1, NULL), -EDESTADDRREQ);
    weft_udp *taken;
    CHECK_EQ(weft_udp_open(&taken, weft_udp_get_addr(udp)), -EADDRINUSE);
    weft_udp_close(udp);
}

TASK_TEST(udp_connected_hears_its_peer_only_and_learns_that_it_is_gone)
{
    weft_udp *server = udp_on("127.0.0.1:0"), *client = udp_to(server);
    weft_udp *stranger = udp_on("127.0.0.1:0");
    char buf[8];
    CHECK_EQ(weft_udp_send(client, "hi", 2, NULL), 2);
    weft_addr from;
    CHECK_EQ(weft_udp_recv(server, buf, sizeof buf, &from), 2);
    CHECK_EQ(weft_udp_send(stranger, "spam", 4, &from), 4);
    CHECK_EQ(weft_udp_send(server, "ok", 2, &from), 2);
    CHECK_EQ(weft_udp_recv(client, buf, sizeof buf, NULL), 2);
    CHECK_BYTES(buf, 2, "ok", 2);
    weft_udp_close(server);
    CHECK_EQ(weft_udp_send(client, "hi", 2, NULL), 2);
    (void)weft_fail(-ECONNREFUSED, "of an earlier failure");
    CHECK_EQ(weft_udp_recv(client, buf, sizeof buf, NULL), -ECONNREFUSED);
    CHECK_STR(weft_error_text(), "");
    weft_udp_close(client);
    weft_udp_close(stranger);
}

TASK_TEST(udp_batches_move_many_at_once)
{
    enum { COUNT = 100 };
    weft_udp *server = udp_on("127.0.0.1:0"), *client = udp_to(server);
    weft_datagram out[COUNT], in[COUNT];
    uint32_t numbers[COUNT], got[COUNT];
    bool seen[COUNT] = {false};
    memset(out, 0, sizeof out);
    for (uint32_t i = 0; i < COUNT; i++) {
        numbers[i] = i;
        out[i].buf = &numbers[i];
        out[i].bytes = sizeof numbers[i];
    }
    CHECK_EQ(weft_udp_send_many(client, out, COUNT), COUNT);
    for (int left = COUNT; left > 0;) {
        for (int i = 0; i < COUNT; i++)
            in[i] = (weft_datagram){.buf = &got[i], .bytes = sizeof got[i]};
        int count = weft_udp_recv_many(server, in, COUNT);
        CHECK_GT(count, 0);
        CHECK_LE(count, WEFT_UDP_BATCH_MAX);
        for (int i = 0; i < count; i++) {
            CHECK_EQ(in[i].bytes, sizeof got[i]);
            CHECK(!in[i].is_cut);
            CHECK_LT(got[i], (uint32_t)COUNT);
            CHECK(!seen[got[i]]);
            seen[got[i]] = true;
        }
        left -= count;
    }
    CHECK_EQ(weft_udp_send_many(client, out, 0), 0);
    weft_udp_close(client);
    weft_udp_close(server);
}

/* ---- several tasks, cancel, close ---- */

static int recv_one(void *arg)
{
    char buf[8];
    return (int)weft_udp_recv(arg, buf, sizeof buf, NULL);
}

TASK_TEST(test_I04_several_tasks_receive_on_one_socket)
{
    weft_udp *server = udp_on("127.0.0.1:0"), *client = udp_to(server);
    weft_task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = weft_spawn(recv_one, server);
    CHECK_OK(weft_sleep(WEFT_MS));
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_udp_send(client, "xyz", 3, NULL), 3);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_await(tasks[i]), 3);
    weft_udp_close(client);
    weft_udp_close(server);
}

TASK_TEST(test_C04_a_cancelled_receive_takes_no_datagram)
{
    weft_udp *server = udp_on("127.0.0.1:0"), *client = udp_to(server);
    weft_task task = weft_spawn(recv_one, server);
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(weft_cancel(task, "enough"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(weft_udp_send(client, "x", 1, NULL), 1);
    CHECK_EQ(recv_one(server), 1);
    weft_udp_close(client);
    weft_udp_close(server);
}

TASK_TEST(test_I05_close_of_a_udp_socket_wakes_its_tasks)
{
    weft_udp *udp = udp_on("127.0.0.1:0");
    weft_task tasks[2] = {weft_spawn(recv_one, udp), weft_spawn(recv_one, udp)};
    CHECK_OK(weft_sleep(WEFT_MS));
    weft_udp_close(udp);
    CHECK_EQ(weft_await(tasks[0]), -EBADF);
    CHECK_EQ(weft_await(tasks[1]), -EBADF);
}

TEST(test_L04_udp_outside_a_loop_is_refused)
{
    weft_addr addr;
    weft_udp *udp;
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    CHECK_EQ(weft_udp_open(&udp, &addr), -EPERM);
}

/* Asks until it is answered: a datagram may be lost, and each call may fail. */
static int ask_server(void *arg)
{
    weft_udp *client;
    char buf[4];
    int rc = weft_udp_connect(&client, arg);
    if (rc < 0)
        return rc;
    rc = (int)weft_udp_send(client, "ask", 3, NULL);
    if (rc >= 0) {
        weft_scope scope;
        rc = weft_scope_open(&scope, weft_after(WEFT_SEC), 0);
        if (rc == 0)
            rc = weft_scope_close(&scope, (int)weft_udp_recv(client, buf, sizeof buf, NULL));
    }
    weft_udp_close(client);
    return rc;
}

SCENARIO(udp_client_and_server_end_whatever_fails)
{
    weft_addr addr, from;
    weft_udp *server = NULL;
    char buf[4];
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    int rc = weft_udp_open(&server, &addr);
    if (rc < 0)
        return rc;
    weft_addr where = *weft_udp_get_addr(server);
    weft_task task = weft_spawn_copy(ask_server, where);
    weft_scope scope;
    rc = weft_scope_open(&scope, weft_after(2 * WEFT_SEC), 0);
    if (rc == 0) {
        rc = (int)weft_udp_recv(server, buf, sizeof buf, &from);
        if (rc >= 0)
            rc = (int)weft_udp_send(server, "yes", 3, &from);
        rc = weft_scope_close(&scope, rc);
    }
    int asked = weft_await(task);
    weft_udp_close(server);
    return rc < 0 ? rc : asked;
}

static int receive_abroad(void *arg)
{
    char byte;
    CHECK_EQ(weft_udp_recv(arg, &byte, 1, NULL), -EPERM);
    CHECK_STR(weft_error_text(), "datagram socket: it belongs to another loop");
    return 0;
}

LOOPS_TEST(test_L05_datagram_sockets_serve_the_tasks_of_their_loop, 2)
{
    weft_udp *udp = udp_on("127.0.0.1:0");
    CHECK_OK(weft_await(weft_spawn_on(weft_loop_at(1), receive_abroad, udp)));
    weft_udp_close(udp);
}
