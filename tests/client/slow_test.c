/* SPDX-License-Identifier: MIT */

/* Servers that take a request slowly, or not at all, and servers whose answer comes slowly. */

#include <weft.h>
#include <weft/client.h>

#include "harness/harness.h"
#include "liar.h"

#include <stdlib.h>

#define BODY_BYTES ((size_t)24 * 1024 * 1024) /* more than kernels hold */

/* ---- a server that reads at its own pace ---- */

struct reader {
    weft_listener *listener;
    weft_task task;
    size_t piece, count; /* so many bytes at a time, and in all; then nothing is read */
    weft_time pause;
    size_t taken;
};

static int reader_serve(struct reader *self, weft_stream *stream)
{
    weft_str head;
    char *piece = malloc(self->piece);
    CHECK(piece != NULL);
    ssize_t rc = weft_stream_peek_until(stream, (weft_str){"\r\n\r\n", 4}, 8192, &head);
    if (rc > 0)
        weft_stream_consume(stream, (size_t)rc);
    while (rc > 0 && self->taken < self->count) {
        rc = weft_stream_read(stream, piece, self->piece);
        self->taken += rc > 0 ? (size_t)rc : 0;
        if (rc > 0 && self->taken < self->count && weft_sleep(self->pause) < 0)
            rc = -ECANCELED;
    }
    free(piece);
    if (rc > 0 && self->taken < BODY_BYTES)
        return weft_sleep(WEFT_FOREVER);
    return rc > 0 ? weft_stream_write(stream, OK_HI, sizeof OK_HI - 1) : (int)rc;
}

static int reader_body(void *arg)
{
    struct reader *self = arg;
    weft_stream *stream;
    WEFT_TRY(weft_listener_accept(self->listener, &stream));
    int rc = reader_serve(self, stream);
    weft_stream_close(stream);
    return rc;
}

static void reader_open(struct reader *self)
{
    weft_addr addr;
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&self->listener, &addr, NULL));
    self->task = weft_spawn(reader_body, self);
}

static void reader_close(struct reader *self)
{
    weft_cancel(self->task, "the test is over");
    (void)weft_await_for(self->task, WEFT_SEC);
    weft_listener_close(self->listener);
}

/* Sends the body; its status, or the failure; the seconds it took. */
static int upload(const struct reader *reader, weft_time total_max, long *out_seconds)
{
    weft_client *client;
    weft_client_response page;
    const weft_client_options options = {
        .limits = {.first_byte_max = 300 * WEFT_SEC, /* its kernel has the last of it long before */
                   .total_max = total_max}};
    char *body = calloc(BODY_BYTES, 1);
    CHECK(body != NULL);
    CHECK_OK(weft_client_new(&client, &options));
    weft_time from = weft_now();
    const weft_client_request request = {
        .method = "POST",
        .url =
            liar_url((uint16_t)weft_addr_get_port(weft_listener_get_addr(reader->listener)), "/"),
        .body = {body, BODY_BYTES},
    };
    int rc = weft_client_fetch(client, &request, &page);
    *out_seconds = (long)((weft_now() - from) / WEFT_SEC);
    if (rc == 0) {
        rc = page.status;
        weft_client_response_free(&page);
    }
    weft_client_free(client);
    free(body);
    return rc;
}

/* The kernel says that it has room when a good part of it is free, which here takes minutes. */
static int take_slowly(void *arg)
{
    struct reader reader = {.piece = 65536, .count = BODY_BYTES, .pause = 4 * WEFT_SEC};
    long seconds;
    (void)arg;
    reader_open(&reader);
    CHECK_EQ(upload(&reader, 3600 * WEFT_SEC, &seconds), 200);
    CHECK_EQ(reader.taken, BODY_BYTES);
    CHECK_GE(seconds, 1000);
    reader_close(&reader);
    return 0;
}

static int take_nothing_more(void *arg)
{
    struct reader reader = {.piece = 65536, .count = 65536};
    long seconds;
    (void)arg;
    reader_open(&reader);
    CHECK_EQ(upload(&reader, 3600 * WEFT_SEC, &seconds), -ETIMEDOUT);
    CHECK(strstr(weft_error_text(), "(between_max)") != NULL);
    CHECK_GE(seconds, 30);
    CHECK_LE(seconds, 120); /* a pause, for what it took */
    reader_close(&reader);
    return 0;
}

static int take_slowly_for_a_minute(void *arg)
{
    struct reader reader = {.piece = 65536, .count = BODY_BYTES, .pause = 4 * WEFT_SEC};
    long seconds;
    (void)arg;
    reader_open(&reader);
    CHECK_EQ(upload(&reader, 60 * WEFT_SEC, &seconds), -ETIMEDOUT);
    CHECK(strstr(weft_error_text(), "(total_max)") != NULL);
    CHECK_EQ(seconds, 60);
    reader_close(&reader);
    return 0;
}

/* Simulated: a kernel's own clock goes slower than the tests'. */
#define SWEEP(fn_) (void)test_sweep_plan("buffer 4MiB", 4, 10000000, fn_, NULL)

TEST(a_server_that_takes_a_body_slowly_gets_all_of_it)
{
    SWEEP(take_slowly);
}

TEST(a_server_that_takes_nothing_more_is_given_up)
{
    SWEEP(take_nothing_more);
}

TEST(a_server_that_takes_a_body_slowly_has_the_time_of_all)
{
    SWEEP(take_slowly_for_a_minute);
}
