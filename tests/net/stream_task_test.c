/* SPDX-License-Identifier: MIT */

/* Streams and listeners as tasks use them, on every back end. */

#include "harness/harness.h"

#include "base/sys.h"

#include <weft.h>
#include <weft/net.h>
#include <weft/sys/stream.h>

#include <stdlib.h>

/* ---- a pair of tasks ---- */

static weft_addr loopback(void)
{
    weft_addr addr;
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    return addr;
}

static int echo_one(void *arg)
{
    weft_stream *stream = arg;
    char buf[4096];
    ssize_t count = 0;
    int rc = 0;
    while (rc >= 0 && (count = weft_stream_read(stream, buf, sizeof buf)) > 0)
        rc = weft_stream_write(stream, buf, (size_t)count);
    if (count < 0)
        rc = (int)count;
    int closed = weft_stream_close(stream);
    return rc < 0 ? rc : closed;
}

static int echo_serve(void *arg)
{
    weft_listener *listener = arg;
    WEFT_GROUP(group);
    for (;;) {
        weft_stream *stream;
        int rc = weft_listener_accept(listener, &stream);
        if (rc < 0)
            return rc;
        rc = weft_group_spawn(group, echo_one, stream);
        if (rc < 0) {
            weft_stream_abort(stream);
            return rc;
        }
    }
}

static void echo_once(const weft_addr *addr)
{
    weft_stream *stream;
    char buf[6] = "";
    CHECK_OK(weft_stream_connect(&stream, addr));
    CHECK_OK(weft_stream_write(stream, "hello", 5));
    CHECK_EQ(weft_stream_read_exact(stream, buf, 5), 5);
    CHECK_STR(buf, "hello");
    CHECK_OK(weft_stream_shutdown(stream));
    CHECK_EQ(weft_stream_read(stream, buf, 5), 0);
    CHECK_OK(weft_stream_close(stream));
}

TASK_TEST(stream_echo_over_tcp)
{
    weft_addr any = loopback();
    weft_listener *listener;
    CHECK_OK(weft_listener_open(&listener, &any, NULL));
    const weft_addr *addr = weft_listener_get_addr(listener);
    CHECK_GT(weft_addr_get_port(addr), 0);
    weft_task server = weft_spawn(echo_serve, listener);
    for (int i = 0; i < 3; i++)
        echo_once(addr);
    weft_cancel(server, "done");
    CHECK_EQ(weft_await(server), -ECANCELED);
    weft_listener_close(listener);
}

/* ---- both ends in one test ---- */

struct ends {
    weft_stream *a, *b;
};

/* Connected over TCP, so that resets and half-closes are the real ones. */
static int accept_into(void *arg)
{
    void **parts = arg;
    return weft_listener_accept(parts[0], parts[1]);
}

static struct ends tcp_ends(void)
{
    struct ends ends;
    weft_addr any = loopback();
    weft_listener *listener;
    CHECK_OK(weft_listener_open(&listener, &any, NULL));
    void *parts[] = {listener, &ends.b};
    weft_task accepting = weft_spawn(accept_into, parts);
    CHECK_OK(weft_stream_connect(&ends.a, weft_listener_get_addr(listener)));
    CHECK_OK(weft_await(accepting));
    weft_listener_close(listener);
    return ends;
}

static void close_ends(struct ends ends)
{
    CHECK_OK(weft_stream_close(ends.a));
    CHECK_OK(weft_stream_close(ends.b));
}

TASK_TEST(stream_half_close_lets_the_other_direction_go_on)
{
    struct ends ends = tcp_ends();
    char buf[8];
    CHECK_OK(weft_stream_write(ends.a, "ask", 3));
    CHECK_OK(weft_stream_shutdown(ends.a));
    CHECK_EQ(weft_stream_write(ends.a, "x", 1), -EPIPE);
    CHECK_EQ(weft_stream_read_exact(ends.b, buf, 3), 3);
    CHECK_EQ(weft_stream_read(ends.b, buf, 8), 0);
    CHECK_EQ(weft_stream_read(ends.b, buf, 8), 0);
    CHECK_OK(weft_stream_write(ends.b, "answer", 6));
    CHECK_EQ(weft_stream_read_exact(ends.a, buf, 6), 6);
    CHECK_BYTES(buf, 6, "answer", 6);
    close_ends(ends);
}

TASK_TEST(stream_abort_resets_the_peer)
{
    struct ends ends = tcp_ends();
    char buf[8];
    CHECK_OK(weft_stream_write(ends.a, "lost", 4));
    weft_stream_abort(ends.a);
    CHECK_EQ(weft_stream_read(ends.b, buf, 8), -ECONNRESET);
    CHECK_EQ(weft_stream_read(ends.b, buf, 8), -ECONNRESET);
    CHECK_EQ(weft_stream_write(ends.b, "x", 1), -ECONNRESET);
    CHECK_EQ(weft_stream_close(ends.b), -ECONNRESET);
}

/* ---- whose text it is ---- */

static const char earlier[] = "of an earlier stream";

static int read_byte(weft_stream *stream)
{
    char byte;
    return (int)weft_stream_read(stream, &byte, 1);
}

static int peek_byte(weft_stream *stream)
{
    weft_str view;
    return (int)weft_stream_peek(stream, 1, &view);
}

static int write_byte(weft_stream *stream)
{
    return weft_stream_write(stream, "x", 1);
}

/* It waits for room when the peer goes. */
static int write_much(weft_stream *stream)
{
    static const char block[65536];
    int rc;
    while ((rc = weft_stream_write(stream, block, sizeof block)) == 0)
        continue;
    return rc;
}

static int abort_soon(void *arg)
{
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_stream_abort(arg);
    return 0;
}

static const struct {
    const char *name;
    int (*call)(weft_stream *stream);
    bool waits; /* until the peer goes */
} failures[] = {
    {"read", read_byte, true},           {"peek", peek_byte, true},
    {"write", write_much, true},         {"read later", read_byte, false},
    {"peek later", peek_byte, false},    {"write later", write_byte, false},
    {"flush", weft_stream_flush, false}, {"shutdown", weft_stream_shutdown, false},
};

TASK_TEST(stream_failure_is_not_explained_by_that_of_an_earlier_one)
{
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        note("%s", failures[i].name);
        struct ends ends = tcp_ends();
        weft_task aborting = weft_spawn(abort_soon, ends.a);
        if (!failures[i].waits)
            CHECK_OK(weft_sleep(2 * WEFT_SEC));
        (void)weft_fail(-ECONNRESET, "%s", earlier);
        (void)weft_fail(-EPIPE, "%s", earlier);
        int rc = failures[i].call(ends.b);
        CHECK(rc == -ECONNRESET || rc == -EPIPE);
        CHECK_STR(weft_explain(rc), weft_strerror(rc));
        (void)weft_fail(rc, "%s", "GET /: it is gone");
        CHECK_EQ(weft_stream_close(ends.b), rc);
        CHECK_STR(weft_explain(rc), "GET /: it is gone"); /* on its way up */
        CHECK_OK(weft_await(aborting));
    }
}

TASK_TEST(stream_read_exact_tells_how_far_it_got)
{
    weft_stream *ends[2];
    char buf[8];
    CHECK_OK(weft_stream_pair(ends));
    CHECK_OK(weft_stream_write(ends[0], "abc", 3));
    CHECK_OK(weft_stream_close(ends[0]));
    CHECK_EQ(weft_stream_read_exact(ends[1], buf, 8), -WEFT_ETRUNCATED);
    CHECK_EQ(weft_progress(), 3u);
    CHECK_BYTES(buf, 3, "abc", 3);
    CHECK(strstr(weft_error_text(), "3 of 8") != NULL);
    CHECK_OK(weft_stream_close(ends[1]));
}

static int write_pieces(void *arg)
{
    static const char *const pieces[] = {"GET /", " HTTP\r", "\nHost: x\r\n", "\r", "\nrest"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        WEFT_TRY(weft_stream_write(arg, pieces[i], strlen(pieces[i])));
        WEFT_TRY(weft_stream_flush(arg));
        WEFT_TRY(weft_sleep(WEFT_MS));
    }
    return weft_stream_close(arg);
}

TASK_TEST(stream_peek_until_finds_a_delimiter_that_came_in_pieces)
{
    weft_stream *ends[2];
    weft_str got, crlf = {"\r\n", 2};
    CHECK_OK(weft_stream_pair(ends));
    weft_task writer = weft_spawn(write_pieces, ends[0]);
    CHECK_EQ(weft_stream_peek_until(ends[1], crlf, 100, &got), 12);
    CHECK_BYTES(got.ptr, got.len, "GET / HTTP\r\n", 12);
    weft_stream_consume(ends[1], got.len);
    CHECK_EQ(weft_stream_peek_until(ends[1], crlf, 100, &got), 9);
    weft_stream_consume(ends[1], got.len);
    CHECK_EQ(weft_stream_peek_until(ends[1], crlf, 100, &got), 2);
    weft_stream_consume(ends[1], got.len);
    CHECK_EQ(weft_stream_peek(ends[1], 4, &got), 4);
    CHECK_BYTES(got.ptr, got.len, "rest", 4);
    CHECK_EQ(weft_stream_peek_until(ends[1], crlf, 4, &got), -WEFT_ELIMIT);
    CHECK_EQ(weft_stream_peek_until(ends[1], crlf, 100, &got), -WEFT_ETRUNCATED);
    CHECK_EQ(weft_stream_peek(ends[1], 5, &got), 4); /* all there is before the end */
    weft_stream_consume(ends[1], 1000);
    CHECK_EQ(weft_stream_peek_until(ends[1], crlf, 100, &got), 0);
    CHECK_EQ(weft_stream_peek(ends[1], 1 << 20, &got), -EINVAL);
    CHECK_OK(weft_await(writer));
    CHECK_OK(weft_stream_close(ends[1]));
}

/* ---- back-pressure ---- */

enum { BULK_BYTES = 8 * 1024 * 1024 };

struct bulk {
    weft_stream *stream;
    unsigned char *bytes;
    bool is_done;
};

static int write_bulk(void *arg)
{
    struct bulk *bulk = arg;
    int rc = weft_stream_write(bulk->stream, bulk->bytes, BULK_BYTES);
    bulk->is_done = true;
    return rc;
}

/* A listening socket of the kernel's, as one who hurries has it. */
static int listen_raw(weft_addr *out)
{
    weft_addr any = loopback();
    socklen_t bytes = sizeof out->storage;
    int fd = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
    CHECK_GE(fd, 0);
    CHECK_OK(wf_sys_bind(fd, (struct sockaddr *)&any.storage, any.bytes));
    CHECK_OK(wf_sys_listen(fd, 1));
    CHECK_OK(wf_sys_getsockname(fd, (struct sockaddr *)&out->storage, &bytes));
    out->bytes = bytes;
    return fd;
}

/* A peer says why, and resets the connection, before either is noticed; then a send fails. */
TASK_TEST(stream_what_came_before_a_reset_is_read_though_a_send_failed)
{
    struct linger at_once = {.l_onoff = 1};
    weft_addr addr = {0};
    weft_stream *stream;
    char buf[8];
    int listener = listen_raw(&addr);
    CHECK_OK(weft_stream_connect(&stream, &addr));
    int peer = wf_sys_accept(listener, NULL, NULL);
    CHECK_GE(peer, 0);
    for (ssize_t sent = 0, rc; sent < 3; sent += rc)
        CHECK_GT(rc = wf_sys_send(peer, &"why"[sent], (size_t)(3 - sent), 0), 0);
    CHECK_OK(wf_sys_setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
    wf_sys_close(peer);
    CHECK_OK(weft_stream_write(stream, "x", 1));
    int rc = weft_stream_flush(stream);
    CHECK(rc == 0 || rc == -ECONNRESET || rc == -EPIPE);
    ssize_t got = 0, count;
    while ((count = weft_stream_read(stream, buf + got, sizeof buf - (size_t)got)) > 0)
        got += count;
    CHECK_LT(count, 0);
    CHECK_BYTES(buf, (size_t)got, "why", 3);
    weft_stream_abort(stream);
    wf_sys_close(listener);
}

struct deaf { /* a peer that does not read, and may write */
    weft_stream *stream;
    int peer;
    weft_time since;
};

static weft_time expired_at[2];

static void deaf_expired(weft_stream *stream)
{
    bool is_first = expired_at[0] == 0;
    expired_at[is_first ? 0 : 1] = weft_now();
    if (is_first)
        weft_stream_set_deadline(stream, weft_after(100 * WEFT_MS));
}

static struct deaf deaf_open(void)
{
    static const weft_stream_kind kind = {.expired = deaf_expired};
    struct deaf deaf;
    int fds[2];
    CHECK_OK(wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    deaf.peer = fds[1];
    CHECK_OK(weft_stream_open(&deaf.stream, fds[0], &kind));
    CHECK_OK(wf_sys_shutdown(deaf.peer, SHUT_RD));
    CHECK_OK(weft_sleep(10 * WEFT_MS)); /* the news travels in simulation */
    CHECK_OK(weft_stream_write(deaf.stream, "x", 1));
    deaf.since = weft_now();
    return deaf;
}

static void deaf_close(struct deaf *deaf)
{
    weft_stream_abort(deaf->stream);
    wf_sys_close(deaf->peer);
}

static void check_passed(weft_time since, weft_time wanted)
{
    CHECK_GE(weft_now() - since, wanted);
    CHECK_LT(weft_now() - since, wanted + 10 * WEFT_MS);
}

static int flush_it(void *arg)
{
    return weft_stream_flush(arg);
}

/* It hears for a tenth of a second, however often the loop turns; a cancel ends the wait at once.
 */
TASK_TEST(stream_that_cannot_send_hears_its_peer_for_a_while)
{
    struct deaf deaf = deaf_open();
    char buf[3];
    CHECK_EQ(weft_wait_for(flush_it, deaf.stream, 20 * WEFT_MS), -ETIMEDOUT);
    check_passed(deaf.since, 20 * WEFT_MS);
    for (int i = 0; i < 100; i++)
        CHECK_OK(weft_yield());
    for (ssize_t sent = 0, rc; sent < 3; sent += rc)
        CHECK_GT(rc = wf_sys_send(deaf.peer, &"why"[sent], (size_t)(3 - sent), 0), 0);
    CHECK_EQ(weft_stream_read_exact(deaf.stream, buf, 3), 3);
    CHECK_BYTES(buf, 3, "why", 3);
    CHECK_EQ(weft_stream_flush(deaf.stream), -EPIPE);
    check_passed(deaf.since, 100 * WEFT_MS);
    CHECK_EQ(weft_stream_read(deaf.stream, buf, 3), -EPIPE);
    deaf_close(&deaf);
}

/* One timer is for both. */
TASK_TEST(stream_that_hears_its_peer_keeps_its_deadline)
{
    struct deaf deaf = deaf_open();
    expired_at[0] = expired_at[1] = 0;
    weft_stream_set_deadline(deaf.stream, deaf.since + 50 * WEFT_MS);
    CHECK_EQ(weft_stream_flush(deaf.stream), -EPIPE);
    check_passed(deaf.since, 100 * WEFT_MS);
    CHECK_OK(weft_sleep(100 * WEFT_MS));
    CHECK_EQ(expired_at[0], deaf.since + 50 * WEFT_MS);
    CHECK_EQ(expired_at[1], deaf.since + 150 * WEFT_MS);
    deaf_close(&deaf);
}

/* Who does not want to hear it need not wait. */
TASK_TEST(stream_that_hears_its_peer_is_closed_at_once)
{
    struct deaf deaf = deaf_open();
    CHECK_EQ(weft_wait_for(flush_it, deaf.stream, 20 * WEFT_MS), -ETIMEDOUT);
    CHECK_EQ(weft_stream_close(deaf.stream), -EPIPE);
    check_passed(deaf.since, 20 * WEFT_MS);
    wf_sys_close(deaf.peer);
}

/* Reading has paused, and what is left is more than the mark at which it goes on by itself. */
TASK_TEST(stream_peek_reads_on_between_the_marks)
{
    struct ends ends = tcp_ends();
    struct bulk bulk = {.stream = ends.a, .bytes = calloc(1, BULK_BYTES)};
    char *skipped = malloc(BULK_BYTES);
    CHECK(bulk.bytes != NULL && skipped != NULL);
    for (size_t i = 9999; i < BULK_BYTES; i += 100000)
        bulk.bytes[i] = '\n';
    weft_task writer = weft_spawn(write_bulk, &bulk);
    for (int i = 0; i < 3; i++) {
        weft_str view;
        CHECK_OK(weft_sleep(WEFT_SEC));
        ssize_t got = weft_stream_peek(ends.b, 1, &view);
        CHECK_GE(got, 65536);
        CHECK_EQ(weft_stream_read_exact(ends.b, skipped, (size_t)got - 30000), got - 30000);
        if (i < 2)
            CHECK_GE(weft_stream_peek(ends.b, 60000, &view), 60000);
        else
            CHECK_EQ(weft_stream_peek_until(ends.b, (weft_str)WEFT_STR("?"), 60000, &view),
                     -WEFT_ELIMIT);
    }
    weft_stream_abort(ends.b);
    CHECK_LT(weft_await(writer), 0);
    weft_stream_abort(ends.a);
    free(bulk.bytes);
    free(skipped);
}

TASK_TEST(test_I09_a_slow_reader_stops_the_writer_and_memory_stays_bounded)
{
    struct ends ends = tcp_ends();
    unsigned char *sent = malloc(BULK_BYTES), *got = malloc(BULK_BYTES);
    CHECK(sent != NULL && got != NULL);
    for (size_t i = 0; i < BULK_BYTES; i++)
        sent[i] = (unsigned char)(i * 7 + (i >> 9));
    struct bulk bulk = {.stream = ends.a, .bytes = sent};
    size_t before = live_bytes();
    weft_task writer = weft_spawn(write_bulk, &bulk);
    /* Nobody reads: both sides come to rest, and what they hold is their marks. */
    for (int i = 0; i < 20; i++)
        CHECK_OK(weft_sleep(100 * WEFT_MS));
    CHECK(!bulk.is_done);
    if (strcmp(test_backend(), "sim") != 0) /* the simulator keeps its wires in our memory */
        CHECK_LT(live_bytes() - before, 2 * 1024 * 1024u);
    CHECK_EQ(weft_stream_read_exact(ends.b, got, BULK_BYTES), BULK_BYTES);
    CHECK(memcmp(got, sent, BULK_BYTES) == 0);
    CHECK_OK(weft_await(writer));
    CHECK_OK(weft_stream_flush(ends.a));
    CHECK_LT(live_bytes(), before + 256 * 1024); /* what was buffered is given back */
    close_ends(ends);
    free(sent);
    free(got);
}

/* ---- cancel ---- */

TASK_TEST(test_C02_a_cancelled_task_moves_no_byte)
{
    struct ends ends = tcp_ends();
    char buf[8];
    weft_str view;
    CHECK_OK(weft_stream_write(ends.a, "data", 4));
    CHECK_EQ(weft_stream_peek(ends.b, 4, &view), 4);
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    weft_scope_cancel(&scope, "test");
    CHECK_EQ(weft_stream_read(ends.b, buf, 8), -ECANCELED);
    CHECK_EQ(weft_stream_read_exact(ends.b, buf, 4), -ECANCELED);
    CHECK_EQ(weft_progress(), 0u);
    CHECK_EQ(weft_stream_peek(ends.b, 1, &view), -ECANCELED);
    CHECK_EQ(weft_stream_write(ends.b, "no", 2), -ECANCELED);
    CHECK_EQ(weft_progress(), 0u);
    CHECK_EQ(weft_stream_flush(ends.b), -ECANCELED);
    CHECK_EQ(weft_stream_shutdown(ends.b), -ECANCELED);
    weft_stream *none;
    weft_addr addr = loopback();
    CHECK_EQ(weft_stream_connect(&none, &addr), -ECANCELED);
    CHECK_OK(weft_scope_close(&scope, -ECANCELED));
    CHECK_EQ(weft_stream_read(ends.b, buf, 8), 4);
    CHECK_BYTES(buf, 4, "data", 4);
    close_ends(ends);
}

static int write_late(void *arg)
{
    WEFT_TRY(weft_sleep(20 * WEFT_MS));
    return weft_stream_write(arg, "late", 4);
}

TASK_TEST(test_C04_a_read_that_was_cancelled_leaves_the_bytes_for_the_next)
{
    struct ends ends = tcp_ends();
    char buf[8];
    weft_task writer = weft_spawn(write_late, ends.a);
    {
        WEFT_TIMEOUT(limit, 10 * WEFT_MS);
        int rc = (int)weft_stream_read(ends.b, buf, 8);
        CHECK_EQ(rc, -ECANCELED);
        CHECK_EQ(weft_scope_close(&limit, rc), -ETIMEDOUT);
    }
    CHECK_EQ(weft_stream_read_exact(ends.b, buf, 4), 4);
    CHECK_BYTES(buf, 4, "late", 4);
    CHECK_OK(weft_await(writer));
    close_ends(ends);
}

TASK_TEST(test_C04_a_write_that_was_cancelled_tells_how_much_it_took)
{
    struct ends ends = tcp_ends();
    unsigned char *block = calloc(1, BULK_BYTES);
    CHECK(block != NULL);
    size_t taken;
    {
        WEFT_TIMEOUT(limit, 10 * WEFT_MS);
        int rc = weft_stream_write(ends.a, block, BULK_BYTES);
        taken = weft_progress();
        CHECK_EQ(weft_scope_close(&limit, rc), -ETIMEDOUT);
    }
    CHECK_GT(taken, 0u);
    CHECK_LT(taken, (size_t)BULK_BYTES);
    CHECK_EQ(weft_stream_read_exact(ends.b, block, taken), (ssize_t)taken);
    CHECK_OK(weft_stream_shutdown(ends.a));
    CHECK_EQ(weft_stream_read(ends.b, block, 1), 0);
    close_ends(ends);
    free(block);
}

TASK_TEST(test_C10_close_flushes_in_a_cancelled_task)
{
    struct ends ends = tcp_ends();
    char buf[8];
    CHECK_OK(weft_stream_write(ends.a, "bye", 3));
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    weft_scope_cancel(&scope, "test");
    CHECK_OK(weft_stream_close(ends.a));
    CHECK_OK(weft_scope_close(&scope, -ECANCELED));
    CHECK_EQ(weft_stream_read_exact(ends.b, buf, 3), 3);
    CHECK_EQ(weft_stream_read(ends.b, buf, 8), 0);
    CHECK_OK(weft_stream_close(ends.b));
}

/* The peer never reads: close gives up after its time and says so. */
TASK_TEST(stream_close_does_not_wait_for_ever)
{
    struct ends ends = tcp_ends();
    unsigned char *block = calloc(1, BULK_BYTES);
    CHECK(block != NULL);
    {
        WEFT_TIMEOUT(limit, 10 * WEFT_MS);
        int rc = weft_stream_write(ends.a, block, BULK_BYTES);
        CHECK_EQ(weft_scope_close(&limit, rc), -ETIMEDOUT);
    }
    weft_time before = weft_now();
    CHECK_EQ(weft_stream_close(ends.a), -ETIMEDOUT);
    CHECK_EQ(weft_now() - before, 5 * WEFT_SEC);
    CHECK_OK(weft_stream_close(ends.b));
    free(block);
}

/* ---- two tasks on one side ---- */

static int read_one(void *arg)
{
    char buf[8];
    return (int)weft_stream_read(arg, buf, sizeof buf);
}

TASK_TEST(test_I04_a_second_reading_task_is_busy)
{
    struct ends ends = tcp_ends();
    char buf[8];
    weft_task reader = weft_spawn(read_one, ends.a);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_stream_read(ends.a, buf, 8), -EBUSY);
    CHECK_OK(weft_stream_write(ends.b, "x", 1));
    CHECK_EQ(weft_await(reader), 1);
    close_ends(ends);
}

TASK_TEST(test_I05_close_and_abort_wake_those_who_wait_on_the_stream)
{
    for (int aborts = 0; aborts < 2; aborts++) {
        struct ends ends = tcp_ends();
        weft_task reader = weft_spawn(read_one, ends.a);
        CHECK_OK(weft_yield());
        if (aborts)
            weft_stream_abort(ends.a);
        else
            CHECK_OK(weft_stream_close(ends.a));
        CHECK_EQ(weft_await(reader), -EBADF);
        (void)weft_stream_close(ends.b);
    }
}

static int close_it(void *arg)
{
    return weft_stream_close(arg);
}

/* The first one to close is not cut short, and who comes later is told. */
TASK_TEST(a_stream_is_closed_once)
{
    struct ends ends = tcp_ends();
    unsigned char *block = calloc(1, BULK_BYTES);
    CHECK(block != NULL);
    {
        WEFT_TIMEOUT(limit, 10 * WEFT_MS);
        int rc = weft_stream_write(ends.a, block, BULK_BYTES);
        CHECK_EQ(weft_scope_close(&limit, rc), -ETIMEDOUT);
    }
    weft_task first = weft_spawn(close_it, ends.a);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_stream_close(ends.a), -EBADF);
    CHECK_STR(weft_error_text(), "stream: it is being closed, or was aborted");
    CHECK_EQ(weft_await(first), -ETIMEDOUT); /* its whole time, since the peer never reads */
    weft_stream_abort(ends.b);
    CHECK_EQ(weft_stream_close(ends.b), -EBADF); /* it goes at the end of the turn */
    free(block);
}

/* ---- many ---- */

static int echo_client(void *arg)
{
    weft_stream *stream;
    char buf[6] = "";
    WEFT_TRY(weft_stream_connect(&stream, arg));
    int rc = weft_stream_write(stream, "hello", 5);
    if (rc == 0)
        rc = (int)weft_stream_read_exact(stream, buf, 5);
    CHECK_EQ(rc, 5);
    CHECK_STR(buf, "hello");
    return weft_stream_close(stream);
}

TASK_TEST(stream_a_thousand_connections_at_once)
{
    enum { COUNT = 1000 };
    weft_addr any = loopback();
    weft_listener *listener;
    CHECK_OK(weft_listener_open(&listener, &any, NULL));
    weft_addr addr = *weft_listener_get_addr(listener);
    weft_task server = weft_spawn(echo_serve, listener);
    {
        WEFT_GROUP(group);
        for (int i = 0; i < COUNT; i++)
            CHECK_OK(weft_group_spawn(group, echo_client, &addr));
        CHECK_OK(weft_group_wait(group));
    }
    weft_cancel(server, "done");
    CHECK_EQ(weft_await(server), -ECANCELED);
    weft_listener_close(listener);
}

/* ---- with everything going wrong ---- */

static int swap_words(weft_stream *stream)
{
    char buf[8];
    WEFT_TRY(weft_stream_write(stream, "ping", 4));
    WEFT_TRY(weft_stream_read_exact(stream, buf, 4));
    CHECK_BYTES(buf, 4, "ping", 4);
    return weft_stream_shutdown(stream);
}

TASK_TEST(stream_lines_come_through_a_reader)
{
    weft_stream *pair[2];
    weft_reader *reader;
    weft_str line;
    CHECK_OK(weft_stream_pair(pair));
    CHECK_OK(weft_stream_reader_new(&reader, pair[0], NULL));
    CHECK_OK(weft_stream_write(pair[1], "GET /\r\nHost", 11));
    CHECK_OK(weft_stream_close(pair[1]));
    CHECK_EQ(weft_reader_read_line(reader, &line), 1);
    CHECK_BYTES(line.ptr, line.len, "GET /", 5);
    CHECK_EQ(weft_reader_read_line(reader, &line), 1);
    CHECK_BYTES(line.ptr, line.len, "Host", 4);
    CHECK_EQ(weft_reader_read_line(reader, &line), 0);
    weft_reader_close(reader);
    CHECK_OK(weft_stream_close(pair[0]));
}

SCENARIO(stream_pair_echoes)
{
    weft_stream *ends[2];
    WEFT_TRY(weft_stream_pair(ends));
    WEFT_GROUP(group);
    int rc = weft_group_spawn(group, echo_one, ends[1]);
    if (rc < 0)
        weft_stream_abort(ends[1]);
    else
        rc = swap_words(ends[0]);
    int closed = weft_stream_close(ends[0]);
    int waited = weft_group_wait(group);
    return rc < 0 ? rc : closed < 0 ? closed : waited;
}

SCENARIO(stream_connects_to_a_listener_and_echoes)
{
    weft_addr any;
    weft_listener *listener;
    weft_stream *stream;
    WEFT_TRY(weft_addr_parse(&any, "127.0.0.1:0"));
    WEFT_TRY(weft_listener_open(&listener, &any, NULL));
    int rc;
    {
        WEFT_TIMEOUT(limit, 10 * WEFT_SEC); /* nobody answers when the server was cancelled */
        WEFT_GROUP(group);
        rc = weft_group_spawn(group, echo_serve, listener);
        if (rc == 0)
            rc = weft_stream_connect(&stream, weft_listener_get_addr(listener));
        if (rc == 0) {
            rc = swap_words(stream);
            int closed = weft_stream_close(stream);
            rc = rc < 0 ? rc : closed;
        }
        weft_group_cancel(group, "done");
    }
    weft_listener_close(listener);
    return rc;
}

static int write_lines(void *arg)
{
    char line[300];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    int rc = 0;
    for (int i = 0; i < 5 && rc >= 0; i++)
        rc = weft_stream_write(arg, line, sizeof line);
    int closed = weft_stream_close(arg);
    return rc < 0 ? rc : closed;
}

static int count_lines(weft_stream *stream)
{
    weft_str line, newline = {"\n", 1};
    for (int count = 0;; count++) {
        ssize_t rc = weft_stream_peek_until(stream, newline, 1000, &line);
        if (rc <= 0)
            return rc < 0 ? (int)rc : count;
        CHECK_EQ(line.len, 300u);
        weft_stream_consume(stream, line.len);
    }
}

/* A writer that was cancelled may have written fewer, but no line is cut. */
static void lines_are_whole(int rc)
{
    CHECK_LE(rc, 5);
}

SCENARIO_WITH(stream_lines_are_read, lines_are_whole)
{
    weft_stream *ends[2];
    WEFT_TRY(weft_stream_pair(ends));
    WEFT_GROUP(group);
    int rc = weft_group_spawn(group, write_lines, ends[1]);
    if (rc < 0)
        weft_stream_abort(ends[1]);
    else
        rc = count_lines(ends[0]);
    (void)weft_stream_close(ends[0]);
    int waited = weft_group_wait(group);
    return waited < 0 ? waited : rc;
}

/* ---- on another loop ---- */

struct abroad {
    weft_stream *stream;
    weft_listener *listener;
};

static int use_abroad(void *arg)
{
    const struct abroad *of = arg;
    weft_stream *came;
    weft_str seen;
    char byte;
    CHECK_EQ(weft_stream_read(of->stream, &byte, 1), -EPERM);
    CHECK_STR(weft_error_text(), "stream: it belongs to another loop");
    CHECK_EQ(weft_stream_peek(of->stream, 1, &seen), -EPERM);
    CHECK_EQ(weft_stream_write(of->stream, "x", 1), -EPERM);
    CHECK_EQ(weft_stream_flush(of->stream), -EPERM);
    CHECK_EQ(weft_stream_shutdown(of->stream), -EPERM);
    CHECK_EQ(weft_stream_close(of->stream), -EPERM);
    CHECK_EQ(weft_listener_accept(of->listener, &came), -EPERM);
    return 0;
}

LOOPS_TEST(test_L05_streams_and_listeners_serve_the_tasks_of_their_loop, 2)
{
    weft_stream *ends[2];
    weft_addr addr;
    struct abroad of;
    CHECK_OK(weft_stream_pair(ends));
    of.stream = ends[0];
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&of.listener, &addr, NULL));
    CHECK_OK(weft_await(weft_spawn_on(weft_loop_at(1), use_abroad, &of)));
    CHECK_OK(weft_stream_write(ends[0], "y", 1));
    char byte = 0;
    CHECK_EQ(weft_stream_read(ends[1], &byte, 1), 1);
    CHECK_EQ(byte, 'y'); /* and nothing of the other loop's */
    CHECK_OK(weft_stream_close(ends[0]));
    CHECK_OK(weft_stream_close(ends[1]));
    weft_listener_close(of.listener);
}
