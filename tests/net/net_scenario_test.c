/* SPDX-License-Identifier: MIT */

/* Scenarios of listeners and streams: small programs, each with one thing going wrong at a time
 * (rules Y01, Y02, Y03). */

#include "core/scenario_helpers.h"

#include <weft/net.h>

#include <stdlib.h>

struct talk {
    weft_listener *listener;
    weft_stream *ends[2];
    weft_addr addr;
};

/* ---- the two ends of a pair ---- */

static int with_pair(int (*use)(struct talk *talk))
{
    struct talk talk = {0};
    WEFT_TRY(weft_stream_pair(talk.ends));
    int rc = use(&talk);
    int closed = weft_stream_close(talk.ends[0]);
    int other = weft_stream_close(talk.ends[1]);
    return first_error(first_error(rc, closed), other);
}

static int say(void *arg)
{
    struct talk *talk = arg;
    WEFT_TRY(weft_stream_write(talk->ends[0], "hello\n", 6));
    return weft_stream_flush(talk->ends[0]);
}

static int hear(void *arg)
{
    char text[6];
    ssize_t rc = weft_stream_read_exact(((struct talk *)arg)->ends[1], text, 6);
    CHECK(rc < 0 || memcmp(text, "hello\n", 6) == 0);
    return (int)rc;
}

static int talk_once(struct talk *talk)
{
    return both(say, hear, talk);
}

SCENARIO(a_stream_says_and_hears)
{
    return with_pair(talk_once);
}

static int hear_the_end(void *arg)
{
    char byte;
    ssize_t rc = weft_stream_read(((struct talk *)arg)->ends[1], &byte, 1);
    CHECK(rc <= 0);
    return (int)rc;
}

static int end(void *arg)
{
    return weft_stream_shutdown(((struct talk *)arg)->ends[0]);
}

static int talk_ends(struct talk *talk)
{
    return both(end, hear_the_end, talk);
}

SCENARIO(a_stream_is_half_closed)
{
    return with_pair(talk_ends);
}

static int talk_in_silence(struct talk *talk)
{
    int rc = weft_wait_for(hear_the_end, talk, WEFT_MS);
    return rc == -ETIMEDOUT ? 0 : rc;
}

SCENARIO(a_read_of_a_stream_ends_at_a_deadline)
{
    return with_pair(talk_in_silence);
}

static int say_much(void *arg)
{
    static const char much[300 * 1024];
    struct talk *talk = arg;
    int rc = weft_stream_write(talk->ends[0], much, sizeof much);
    return first_error(rc, weft_stream_shutdown(talk->ends[0]));
}

static int hear_much(void *arg)
{
    struct talk *talk = arg;
    char *buf = malloc(64 * 1024);
    size_t heard = 0;
    ssize_t rc = buf != NULL ? 1 : -ENOMEM;
    while (rc > 0) {
        rc = weft_stream_read(talk->ends[1], buf, 64 * 1024);
        heard += rc > 0 ? (size_t)rc : 0;
    }
    free(buf);
    CHECK_LE(heard, 300 * 1024);
    return (int)rc;
}

static int talk_much(struct talk *talk)
{
    return both(say_much, hear_much, talk);
}

SCENARIO(a_stream_holds_its_writer_back)
{
    return with_pair(talk_much);
}

/* ---- listeners ---- */

static int with_listener(int (*use)(struct talk *talk))
{
    struct talk talk = {0};
    WEFT_TRY(weft_addr_parse(&talk.addr, "127.0.0.1:0"));
    WEFT_TRY(weft_listener_open(&talk.listener, &talk.addr, NULL));
    talk.addr = *weft_listener_get_addr(talk.listener);
    /* Nobody comes any more if a connection was lost for want of memory. */
    WEFT_TIMEOUT(limit, 10 * WEFT_SEC);
    int rc = weft_scope_close(&limit, use(&talk));
    weft_listener_close(talk.listener);
    return rc;
}

static int accept_one(void *arg)
{
    struct talk *talk = arg;
    weft_stream *stream;
    WEFT_TRY(weft_listener_accept(talk->listener, &stream));
    return weft_stream_close(stream);
}

static int connect_one(void *arg)
{
    struct talk *talk = arg;
    weft_stream *stream;
    WEFT_TRY(weft_stream_connect(&stream, &talk->addr));
    return weft_stream_close(stream);
}

static int talk_connects(struct talk *talk)
{
    return both(accept_one, connect_one, talk);
}

SCENARIO(a_listener_accepts_one)
{
    return with_listener(talk_connects);
}

static int accept_two(void *arg)
{
    WEFT_TRY(accept_one(arg));
    return accept_one(arg);
}

static int talk_connects_twice(struct talk *talk)
{
    return all_three(accept_two, connect_one, connect_one, talk);
}

SCENARIO(a_listener_accepts_two_who_come_at_once)
{
    return with_listener(talk_connects_twice);
}

static int talk_waits(struct talk *talk)
{
    int rc = weft_wait_for(accept_one, talk, WEFT_MS);
    return rc == -ETIMEDOUT ? 0 : rc;
}

SCENARIO(an_accept_ends_at_a_deadline)
{
    return with_listener(talk_waits);
}

SCENARIO(nobody_listens)
{
    weft_listener *listener;
    struct talk talk = {0};
    WEFT_TRY(weft_addr_parse(&talk.addr, "127.0.0.1:0"));
    WEFT_TRY(weft_listener_open(&listener, &talk.addr, NULL));
    talk.addr = *weft_listener_get_addr(listener);
    weft_listener_close(listener);
    int rc = connect_one(&talk);
    return rc == -ECONNREFUSED ? 0 : rc;
}
