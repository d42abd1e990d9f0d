/* SPDX-License-Identifier: MIT */

/* Streams at the callback level: what a server that keeps connections without tasks relies on. */

#include "harness/harness.h"

#include <weft.h>
#include <weft/net.h>
#include <weft/sys/stream.h>

#include <stdlib.h>

/* ---- a connection that writes down what it is told ---- */

struct seen {
    int inputs, outputs, expireds, closeds;
    size_t bytes; /* in the view of the last `input` */
    char last[64];
    size_t take; /* what `input` consumes at most */
    bool is_ended;
    int error;
    weft_time expired_at;
    enum { DO_NOTHING, DO_ABORT, DO_END } reaction;
};

static struct seen *seen_of(weft_stream *stream)
{
    return *(struct seen **)weft_stream_get_user(stream);
}

static void on_input(weft_stream *stream)
{
    struct seen *seen = seen_of(stream);
    weft_str input = weft_stream_get_input(stream);
    seen->inputs++;
    seen->bytes = input.len;
    size_t kept = input.len < sizeof seen->last - 1 ? input.len : sizeof seen->last - 1;
    if (kept != 0)
        memcpy(seen->last, input.ptr, kept);
    seen->last[kept] = '\0';
    seen->is_ended = weft_stream_is_ended(stream);
    seen->error = weft_stream_get_error(stream);
    weft_stream_consume(stream, seen->take);
    if (seen->reaction == DO_ABORT)
        weft_stream_abort(stream);
    if (seen->reaction == DO_END)
        weft_stream_end(stream);
}

static void on_output(weft_stream *stream)
{
    seen_of(stream)->outputs++;
}

static void on_expired(weft_stream *stream)
{
    seen_of(stream)->expireds++;
    seen_of(stream)->expired_at = weft_now();
}

static void on_closed(weft_stream *stream)
{
    seen_of(stream)->closeds++;
}

static const weft_stream_kind kind = {
    .input = on_input,
    .output = on_output,
    .expired = on_expired,
    .closed = on_closed,
    .user_bytes = sizeof(struct seen *),
};

/* A connection of ours, and the other end in the hands of the test. */
struct link {
    weft_stream *ours, *peer;
    struct seen seen;
};

static void take_connection(weft_listener *listener, int fd, void *arg)
{
    struct link *link = arg;
    (void)listener;
    CHECK_OK(weft_stream_open(&link->ours, fd, &kind));
    *(struct seen **)weft_stream_get_user(link->ours) = &link->seen;
    CHECK(weft_stream_of_user(weft_stream_get_user(link->ours)) == link->ours);
}

static void settle(void)
{
    CHECK_OK(weft_sleep(WEFT_MS));
}

static void link_open(struct link *link)
{
    weft_addr any;
    weft_listener *listener;
    *link = (struct link){.seen.take = SIZE_MAX};
    CHECK_OK(weft_addr_parse(&any, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&listener, &any, NULL));
    CHECK_OK(weft_listener_start(listener, take_connection, link));
    CHECK_EQ(weft_listener_start(listener, take_connection, link), -EBUSY);
    CHECK_OK(weft_stream_connect(&link->peer, weft_listener_get_addr(listener)));
    while (link->ours == NULL)
        settle();
    weft_listener_close(listener);
}

static void link_close(struct link *link)
{
    if (link->seen.closeds == 0)
        weft_stream_abort(link->ours);
    while (link->seen.closeds == 0)
        settle();
    CHECK_EQ(link->seen.closeds, 1);
    weft_stream_abort(link->peer);
}

static void peer_says(struct link *link, const char *text)
{
    int before = link->seen.inputs;
    CHECK_OK(weft_stream_write(link->peer, text, strlen(text)));
    while (link->seen.inputs == before)
        settle();
}

/* ---- input ---- */

TASK_TEST(stream_input_is_told_and_what_is_left_stays)
{
    struct link link;
    if (strcmp(test_backend(), "sim") == 0)
        return; /* cuts what is sent where the seed says */
    link_open(&link);
    peer_says(&link, "abcdef");
    CHECK_STR(link.seen.last, "abcdef");
    CHECK_EQ(weft_stream_get_input(link.ours).len, 0u);

    link.seen.take = 2;
    peer_says(&link, "12345");
    CHECK_STR(link.seen.last, "12345");
    weft_str rest = weft_stream_get_input(link.ours);
    CHECK_BYTES(rest.ptr, rest.len, "345", 3);
    peer_says(&link, "678");
    CHECK_STR(link.seen.last, "345678");
    rest = weft_stream_get_input(link.ours);
    CHECK_BYTES(rest.ptr, rest.len, "5678", 4);

    link.seen.take = 0;
    CHECK_OK(weft_stream_shutdown(link.peer));
    while (!link.seen.is_ended)
        settle();
    CHECK_STR(link.seen.last, "5678");
    CHECK_EQ(link.seen.error, 0);
    link_close(&link);
}

TASK_TEST(stream_input_that_is_taken_at_once_is_never_copied)
{
    struct link link;
    link_open(&link);
    peer_says(&link, "warm up");
    size_t live = live_bytes();
    uint64_t made = blocks_made();
    weft_stream_set_deadline(link.ours, weft_after(WEFT_SEC));
    peer_says(&link, "GET / HTTP/1.1\r\n\r\n");
    if (strcmp(test_backend(), "sim") != 0) { /* there the network is in our memory too */
        CHECK_LE(blocks_made() - made, 1u);   /* the writing peer's buffer */
        CHECK_EQ(live_bytes(), live);
    }
    link_close(&link);
}

TASK_TEST(stream_that_nobody_consumes_stops_reading_and_goes_on_later)
{
    enum { BYTES = 32 * 1024 * 1024 };
    struct link link;
    link_open(&link);
    link.seen.take = 0;
    char *block = calloc(1, BYTES);
    CHECK(block != NULL);
    {
        WEFT_TIMEOUT(limit, 50 * WEFT_MS);
        int rc = weft_stream_write(link.peer, block, BYTES);
        CHECK_EQ(weft_scope_close(&limit, rc), -ETIMEDOUT);
    }
    size_t taken = weft_progress();
    size_t unread = weft_stream_get_input(link.ours).len;
    CHECK_GE(unread, 64 * 1024u);
    CHECK_LE(unread, 64 * 1024 + 512 * 1024u); /* the mark, and what was on its way */
    int inputs = link.seen.inputs;
    settle();
    CHECK_EQ(link.seen.inputs, inputs);

    CHECK_GT(taken, unread);

    weft_stream_consume(link.ours,
                        unread - 8 * 1024u); /* below the low mark, and something stays */
    for (int i = 0; i < 1000 && link.seen.inputs == inputs; i++)
        settle();
    CHECK_GT(link.seen.inputs, inputs);

    link.seen.take = SIZE_MAX;
    weft_stream_consume(link.ours, weft_stream_get_input(link.ours).len);
    do {
        inputs = link.seen.inputs;
        CHECK_OK(weft_sleep(10 * WEFT_MS));
    } while (link.seen.inputs != inputs);
    CHECK_EQ(weft_stream_get_unsent(link.peer), 0u);
    CHECK_EQ(weft_stream_get_input(link.ours).len, 0u);
    link_close(&link);
    free(block);
}

/* More than the mark is unread, so that the end is behind bytes nobody reads. */
static void link_fill(struct link *link)
{
    static char block[96 * 1024];
    link->seen.take = 0;
    CHECK_OK(weft_stream_write(link->peer, block, sizeof block));
    while (weft_stream_get_unsent(link->peer) != 0 || link->seen.bytes < 64 * 1024u)
        CHECK_OK(weft_sleep(WEFT_MS));
    CHECK(!weft_stream_has_hung_up(link->ours));
}

TASK_TEST(stream_that_nobody_consumes_is_told_that_its_peer_has_hung_up)
{
    struct link link;
    link_open(&link);
    link_fill(&link);
    weft_stream_close(link.peer);
    link.peer = NULL;
    for (int i = 0; !weft_stream_has_hung_up(link.ours); i++) {
        CHECK_LT(i, 1000);
        CHECK_OK(weft_sleep(WEFT_MS));
    }
    int inputs = link.seen.inputs;
    CHECK_OK(weft_sleep(10 * WEFT_MS));
    CHECK_EQ(link.seen.inputs, inputs); /* once */

    /* Not a byte is lost. */
    size_t read = 0;
    while (!weft_stream_is_ended(link.ours) || weft_stream_get_input(link.ours).len != 0) {
        size_t count = weft_stream_get_input(link.ours).len;
        weft_stream_consume(link.ours, count);
        read += count;
        CHECK_OK(weft_sleep(WEFT_MS));
    }
    CHECK_EQ(read, 96 * 1024u);
    CHECK_EQ(weft_stream_get_error(link.ours), 0);
    link_close(&link);
}

TASK_TEST(stream_that_nobody_consumes_is_told_of_a_reset)
{
    struct link link;
    link_open(&link);
    link_fill(&link);
    weft_stream_abort(link.peer);
    link.peer = NULL;
    for (int i = 0; link.seen.error == 0; i++) {
        CHECK_LT(i, 1000);
        CHECK_OK(weft_sleep(WEFT_MS));
    }
    CHECK_EQ(link.seen.error, -ECONNRESET);
    link_close(&link);
}

TASK_TEST(stream_reset_is_told_as_an_error)
{
    struct link link;
    link_open(&link);
    weft_stream_abort(link.peer);
    link.peer = NULL;
    while (link.seen.error == 0)
        settle();
    CHECK_EQ(link.seen.error, -ECONNRESET);
    CHECK_EQ(weft_stream_put(link.ours, "x", 1), -ECONNRESET);
    link_close(&link);
}

TASK_TEST(stream_may_be_ended_from_its_own_input)
{
    for (int reaction = DO_ABORT; reaction <= DO_END; reaction++) {
        struct link link;
        char buf[8];
        link_open(&link);
        link.seen.reaction = reaction;
        link.seen.take = 1;
        peer_says(&link, "hello");
        CHECK_EQ(link.seen.inputs, 1);
        ssize_t rc = weft_stream_read(link.peer, buf, sizeof buf);
        CHECK_EQ(rc, reaction == DO_ABORT ? -ECONNRESET : 0);
        weft_stream_abort(link.peer);
        link.peer = NULL;
        link_close(&link);
        CHECK_EQ(link.seen.inputs, 1);
    }
}

/* ---- another kind ---- */

static struct {
    unsigned inputs, expireds;
    char last[64];
} guest;

static void guest_input(weft_stream *stream)
{
    weft_str input = weft_stream_get_input(stream);
    guest.inputs++;
    if (input.len != 0)
        memcpy(guest.last, input.ptr, input.len < 63 ? input.len : 63);
    weft_stream_consume(stream, input.len);
}

static void guest_expired(weft_stream *stream)
{
    (void)stream;
    guest.expireds++;
}

TASK_TEST(stream_of_another_kind_for_a_while_tells_it_what_was_unread)
{
    static const weft_stream_kind other = {.input = guest_input, .expired = guest_expired};
    struct link link;
    if (strcmp(test_backend(), "sim") == 0)
        return; /* cuts what is sent where the seed says */
    link_open(&link);
    link.seen.take = 0;
    memset(&guest, 0, sizeof guest);
    peer_says(&link, "before");
    CHECK(weft_stream_get_kind(link.ours) == &kind);
    weft_stream_set_kind(link.ours, &other);
    CHECK_EQ(guest.inputs, 0u); /* not from inside the call */
    settle();
    CHECK_GE(guest.inputs, 1u);
    CHECK_STR(guest.last, "before");
    weft_stream_set_deadline(link.ours, weft_after(WEFT_SEC));
    CHECK_OK(weft_sleep(2 * WEFT_SEC));
    CHECK_EQ(guest.expireds, 1u);

    int inputs = link.seen.inputs;
    weft_stream_set_kind(link.ours, &kind);
    CHECK_EQ(link.seen.inputs, inputs);
    CHECK(seen_of(link.ours) == &link.seen);
    unsigned before = guest.inputs;
    peer_says(&link, "after");
    CHECK_EQ(guest.inputs, before);
    CHECK_STR(link.seen.last, "after");
    link_close(&link);
}

/* ---- output ---- */

TASK_TEST(stream_puts_of_one_turn_leave_together)
{
    struct link link;
    weft_str got;
    link_open(&link);
    for (int i = 0; i < 16; i++)
        CHECK_OK(weft_stream_put(link.ours, "0123456789", 10));
    char *room;
    CHECK_OK(weft_stream_reserve(link.ours, 100, &room));
    memcpy(room, "tail", 4);
    weft_stream_commit(link.ours, 4);
    CHECK_EQ(weft_stream_get_unsent(link.ours), 164u);
    CHECK_EQ(weft_stream_peek(link.peer, 164, &got), 164);
    CHECK_BYTES(got.ptr + 160, 4, "tail", 4);
    link_close(&link);
}

TASK_TEST(stream_put_refuses_above_the_mark_and_tells_when_there_is_room)
{
    struct link link;
    link_open(&link);
    char *block = calloc(1, 64 * 1024);
    CHECK(block != NULL);
    size_t put = 0;
    int rc;
    for (int stalls = 0; stalls < 3;) { /* fill the kernel's buffers too */
        rc = weft_stream_put(link.ours, block, 64 * 1024);
        CHECK(rc == 0 || rc == -EAGAIN);
        put += rc == 0 ? 64 * 1024 : 0;
        stalls = rc == 0 ? 0 : stalls + 1;
        if (rc < 0)
            settle();
        CHECK_LT(put, 64u * 1024 * 1024);
    }
    CHECK_GE(weft_stream_get_unsent(link.ours), 256 * 1024u);
    CHECK_LE(weft_stream_get_unsent(link.ours), 320 * 1024u);
    int outputs = link.seen.outputs;
    for (size_t got = 0; got < put;) {
        ssize_t n = weft_stream_read(link.peer, block, 64 * 1024);
        CHECK_GT(n, 0);
        got += (size_t)n;
    }
    CHECK_EQ(link.seen.outputs, outputs + 1);
    CHECK_OK(weft_stream_put(link.ours, "x", 1));
    link_close(&link);
    free(block);
}

/* ---- deadlines ---- */

TASK_TEST(stream_deadline_expires_at_its_time_however_often_it_was_moved)
{
    struct link link;
    link_open(&link);
    weft_time begin = weft_now();
    for (int i = 1; i <= 50; i++)
        weft_stream_set_deadline(link.ours, begin + i * WEFT_SEC);
    CHECK_OK(weft_sleep(49 * WEFT_SEC));
    CHECK_EQ(link.seen.expireds, 0);
    CHECK_OK(weft_sleep(2 * WEFT_SEC));
    CHECK_EQ(link.seen.expireds, 1);
    CHECK_EQ(link.seen.expired_at, begin + 50 * WEFT_SEC);

    weft_stream_set_deadline(link.ours, weft_after(10 * WEFT_SEC));
    weft_stream_set_deadline(link.ours, weft_after(WEFT_SEC)); /* earlier works too */
    CHECK_OK(weft_sleep(2 * WEFT_SEC));
    CHECK_EQ(link.seen.expireds, 2);
    weft_stream_set_deadline(link.ours, weft_after(WEFT_SEC));
    weft_stream_set_deadline(link.ours, WEFT_FOREVER);
    CHECK_OK(weft_sleep(2 * WEFT_SEC));
    CHECK_EQ(link.seen.expireds, 2);
    link_close(&link);
}

/* ---- the polite end ---- */

TASK_TEST(stream_end_sends_the_answer_although_the_peer_still_talks)
{
    struct link link;
    char buf[64];
    link_open(&link);
    CHECK_OK(weft_stream_put(link.ours, "answer", 6));
    weft_stream_end(link.ours);
    CHECK_EQ(weft_stream_put(link.ours, "more", 4), -EPIPE);
    CHECK_OK(weft_stream_write(link.peer, "unasked", 7));
    CHECK_EQ(weft_stream_read_exact(link.peer, buf, 6), 6);
    CHECK_BYTES(buf, 6, "answer", 6);
    CHECK_EQ(weft_stream_read(link.peer, buf, 6), 0);
    CHECK_EQ(link.seen.closeds, 0); /* it waits for the peer's end */
    CHECK_OK(weft_stream_close(link.peer));
    link.peer = NULL;
    while (link.seen.closeds == 0)
        settle();
    CHECK_EQ(link.seen.inputs, 0);
    link_close(&link);
}

TASK_TEST(stream_end_does_not_wait_longer_than_two_seconds_for_the_peer)
{
    struct link link;
    link_open(&link);
    weft_time begin = weft_now();
    weft_stream_end(link.ours);
    while (link.seen.closeds == 0)
        CHECK_OK(weft_sleep(10 * WEFT_MS));
    CHECK_GE(weft_now() - begin, 2 * WEFT_SEC);
    CHECK_LE(weft_now() - begin, 2 * WEFT_SEC + 20 * WEFT_MS);
    link_close(&link);
}

enum { FLOOD_BYTES = 16 * 1024 * 1024 };

static int flood(void *arg)
{
    char *block = calloc(1, FLOOD_BYTES);
    CHECK(block != NULL);
    int rc = weft_stream_write(arg, block, FLOOD_BYTES);
    free(block);
    return rc;
}

/* It is read no further after 64 KiB, and can read its answer for as long as any other. */
TASK_TEST(stream_end_keeps_the_answer_for_a_peer_that_floods)
{
    struct link link;
    char buf[64];
    link_open(&link);
    weft_task task = weft_spawn(flood, link.peer);
    CHECK_OK(weft_stream_put(link.ours, "answer", 6));
    weft_time begin = weft_now();
    weft_stream_end(link.ours);
    CHECK_OK(weft_sleep(1900 * WEFT_MS));
    CHECK_EQ(weft_done(task, NULL), 0); /* nobody takes its bytes */
    CHECK_EQ(weft_stream_read_exact(link.peer, buf, 6), 6);
    CHECK_BYTES(buf, 6, "answer", 6);
    CHECK_EQ(weft_stream_read(link.peer, buf, 6), 0);
    CHECK_EQ(link.seen.closeds, 0);
    int rc = weft_await(task); /* the last bytes may have been taken before it shows */
    while (rc >= 0) {
        rc = weft_stream_write(link.peer, "x", 1);
        if (rc == 0)
            rc = weft_stream_flush(link.peer);
    }
    while (link.seen.closeds == 0)
        settle();
    CHECK_LE(weft_now() - begin, 2 * WEFT_SEC + 20 * WEFT_MS);
    link_close(&link);
}

TASK_TEST(stream_end_is_cut_short_by_an_abort)
{
    struct link link;
    char buf[64];
    link_open(&link);
    CHECK_OK(weft_stream_put(link.ours, "answer", 6));
    weft_time begin = weft_now();
    weft_stream_end(link.ours);
    CHECK_EQ(weft_stream_read_exact(link.peer, buf, 6), 6);
    CHECK_EQ(weft_stream_read(link.peer, buf, 6), 0); /* our half is closed: it lingers */
    CHECK_EQ(link.seen.closeds, 0);
    weft_stream_abort(link.ours);
    while (link.seen.closeds == 0)
        settle();
    CHECK_LT(weft_now() - begin, WEFT_SEC);
    link_close(&link);
}

/* The kernel holds all of it when our half is closed.  A peer that is slow gets it, also while it
 * sends, which a closed descriptor would answer with a reset (a real peer's kernel has it already).
 */
static void check_slow_end(void (*end)(weft_stream *stream))
{
    static char bytes[240000], buf[6000];
    struct link link;
    link_open(&link);
    CHECK_OK(weft_stream_put(link.ours, bytes, sizeof bytes));
    end(link.ours);
    for (size_t got = 0; got < sizeof bytes; got += sizeof buf) {
        CHECK_OK(weft_sleep(WEFT_SEC));
        if (test_is_simulated() && got < 150000) /* behind that our stream has read the rest */
            CHECK_OK(weft_stream_write(link.peer, "x", 1));
        CHECK_EQ(weft_stream_read_exact(link.peer, buf, sizeof buf), (ssize_t)sizeof buf);
    }
    CHECK_EQ(weft_stream_read(link.peer, buf, 1), 0);
    weft_time begin = weft_now();
    while (link.seen.closeds == 0)
        CHECK_OK(weft_sleep(100 * WEFT_MS));
    CHECK_LE(weft_now() - begin, 3 * WEFT_SEC);
    link_close(&link);
}

TASK_TEST(stream_end_waits_for_a_slow_peer)
{
    check_slow_end(weft_stream_end);
}

TASK_TEST(stream_finish_waits_for_a_slow_peer)
{
    check_slow_end(weft_stream_finish);
}

/* All of it was taken by the kernels. */
TASK_TEST(stream_end_gives_up_on_a_peer_that_reads_nothing)
{
    static char bytes[120000];
    struct link link;
    link_open(&link);
    CHECK_OK(weft_stream_put(link.ours, bytes, sizeof bytes));
    weft_time begin = weft_now();
    weft_stream_end(link.ours);
    while (link.seen.closeds == 0)
        CHECK_OK(weft_sleep(100 * WEFT_MS));
    if (test_is_simulated())
        CHECK_GE(weft_now() - begin, 30 * WEFT_SEC);
    CHECK_LE(weft_now() - begin, 35 * WEFT_SEC);
    CHECK_EQ(weft_stream_get_acked(link.peer), 0u);
    link_close(&link);
}

TASK_TEST(stream_acked_is_what_the_peer_has)
{
    static char bytes[60000];
    struct link link;
    link_open(&link);
    CHECK_EQ(weft_stream_get_sent(link.ours), 0u);
    CHECK_EQ(weft_stream_get_acked(link.ours), 0u);
    CHECK_OK(weft_stream_put(link.ours, bytes, sizeof bytes));
    while (weft_stream_get_unsent(link.ours) != 0)
        settle();
    CHECK_EQ(weft_stream_get_sent(link.ours), sizeof bytes);
    CHECK_LE(weft_stream_get_acked(link.ours), sizeof bytes);
    CHECK_EQ(weft_stream_read_exact(link.peer, bytes, sizeof bytes), (ssize_t)sizeof bytes);
    while (weft_stream_get_acked(link.ours) != sizeof bytes)
        settle();
    link_close(&link);
}

TASK_TEST(stream_end_gives_up_on_unsent_bytes_that_do_not_move)
{
    struct link link;
    link_open(&link);
    char *block = calloc(1, 8 * 1024 * 1024);
    CHECK(block != NULL);
    CHECK_OK(weft_stream_put(link.ours, block, 8 * 1024 * 1024));
    weft_time begin = weft_now();
    weft_stream_end(link.ours);
    while (link.seen.closeds == 0)
        CHECK_OK(weft_sleep(100 * WEFT_MS));
    CHECK_GE(weft_now() - begin, 30 * WEFT_SEC);
    /* A real peer's kernel takes some megabytes, which pay for a longer pause. */
    CHECK_LE(weft_now() - begin, (test_is_simulated() ? 35 : 170) * WEFT_SEC);
    link_close(&link);
    free(block);
}

/* ---- tasks on the same stream ---- */

TASK_TEST(stream_a_reading_task_is_served_before_the_callback)
{
    struct link link;
    char buf[8];
    link_open(&link);
    CHECK_OK(weft_stream_write(link.peer, "abcdef", 6));
    CHECK_EQ(weft_stream_read_exact(link.ours, buf, 4), 4);
    CHECK_EQ(link.seen.inputs, 0);
    CHECK_BYTES(buf, 4, "abcd", 4);
    CHECK_EQ(weft_stream_read_exact(link.ours, buf, 2), 2);
    peer_says(&link, "callback");
    CHECK_GE(link.seen.inputs, 1);
    link_close(&link);
}

/* ---- what an idle connection costs ---- */

TASK_TEST(stream_idle_connections_are_small)
{
    enum { COUNT = 200 };
    static struct link links[COUNT];
    for (int i = 0; i < COUNT; i++)
        link_open(&links[i]);
    for (int i = 0; i < COUNT; i++)
        peer_says(&links[i], "used once");
    size_t with = live_bytes();
    for (int i = 0; i < COUNT; i++)
        link_close(&links[i]);
    settle();
    if (strcmp(test_backend(), "sim") != 0) {
        size_t each = (with - live_bytes()) / COUNT / 2; /* two ends */
        note("%zu bytes a stream", each);
        CHECK_LE(each, 512u);
    }
}
