/* SPDX-License-Identifier: MIT */

/* A request with its whole answer in memory. */

#include <weft/error.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "client/client_priv.h"
#include "h1/chars.h"
#include "h1/trailer.h"

#include <string.h>

#define PIECE_BYTES ((size_t)16 * 1024)

/* What a response points to: fields, then url, head and, apart, the body. */
struct response_memory {
    char *url, *head;
    wf_buf body, trailers;
    weft_client_field fields[];
};

static void memory_free(struct response_memory *memory)
{
    if (memory == NULL)
        return;
    wf_free(memory->url);
    wf_free(memory->head);
    wf_buf_fini(&memory->body);
    wf_buf_fini(&memory->trailers);
    wf_free(memory);
}

/* ---- the body ---- */

static int too_long(const weft_exchange *exchange, uint64_t limit)
{
    return weft_fail(-WEFT_ELIMIT,
                     "%.*s: the answer's body is longer than %llu bytes "
                     "(body_bytes_max)",
                     (int)exchange->url.place.len, exchange->url.place.ptr,
                     (unsigned long long)limit);
}

static int body_read(weft_exchange *exchange, wf_buf *body)
{
    uint64_t limit = exchange->client->options.limits.body_bytes_max;
    int64_t length = weft_exchange_length(exchange);
    if (length > 0 && (uint64_t)length > limit)
        return too_long(exchange, limit);
    for (;;) {
        char *room;
        WEFT_TRY(wf_buf_reserve(body, PIECE_BYTES, &room));
        ssize_t got = weft_exchange_read(exchange, room, PIECE_BYTES);
        if (got <= 0)
            return (int)got;
        wf_buf_commit(body, (size_t)got);
        if (wf_buf_bytes(body) > limit)
            return too_long(exchange, limit);
    }
}

/* ---- the response ---- */

/* A copy of the head with the fields pointing into it. */
static int head_copy(const weft_exchange *exchange, struct response_memory *memory)
{
    memory->url = wf_strdup(exchange->url.text, exchange->url.len);
    memory->head = wf_dup(exchange->head_text, exchange->head.bytes);
    if (memory->url == NULL || memory->head == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < exchange->head.field_count; i++) {
        const struct wf_h1_field *at = &exchange->fields[i];
        memory->fields[i].name = (weft_str){memory->head + at->name_at, at->name_len};
        memory->fields[i].value = (weft_str){memory->head + at->value_at, at->value_len};
    }
    return 0;
}

static int response_take(weft_exchange *exchange, weft_client_response *out)
{
    size_t count = exchange->head.field_count;
    struct response_memory *memory = wf_alloc(sizeof *memory + count * sizeof(weft_client_field));
    if (memory == NULL)
        return -ENOMEM;
    int rc = head_copy(exchange, memory);
    if (rc == 0)
        rc = body_read(exchange, &memory->body);
    if (rc == 0)
        rc = wf_buf_putc(&memory->body, 0);
    if (rc < 0) {
        memory_free(memory);
        return rc;
    }
    memory->trailers = exchange->trailers; /* moved */
    exchange->trailers = (wf_buf){0};
    *out = (weft_client_response){
        .status = exchange->head.status,
        .version = weft_exchange_version(exchange),
        .url = {memory->url, exchange->url.len},
        .body = {wf_buf_ptr(&memory->body), wf_buf_bytes(&memory->body) - 1},
        .fields = memory->fields,
        .field_count = count,
        .priv_memory = memory,
    };
    return 0;
}

int weft_client_fetch(weft_client *client, const weft_client_request *request,
                      weft_client_response *out)
{
    weft_exchange *exchange;
    WEFT_TRY(weft_exchange_open(&exchange, client, request));
    int rc = response_take(exchange, out);
    weft_exchange_close(exchange);
    return rc;
}

int weft_client_get(weft_client *client, const char *url, weft_client_response *out)
{
    weft_client_request request = {.url = url};
    return weft_client_fetch(client, &request, out);
}

int weft_client_post_json(weft_client *client, const char *url, weft_str json,
                          weft_client_response *out)
{
    weft_client_request request = {.url = url, .body = json, .type = "application/json"};
    return weft_client_fetch(client, &request, out);
}

weft_str weft_client_response_field(const weft_client_response *response, const char *lower)
{
    size_t len = strlen(lower);
    for (size_t i = 0; i < response->field_count; i++) {
        const weft_client_field *field = &response->fields[i];
        if (wf_http_equal(field->name.ptr, field->name.len, lower, len))
            return field->value;
    }
    return (weft_str){NULL, 0};
}

weft_str weft_client_response_trailer(const weft_client_response *response, const char *name)
{
    const struct response_memory *memory = response->priv_memory;
    weft_str lines = {wf_buf_ptr(&memory->trailers), wf_buf_bytes(&memory->trailers)};
    return wf_h1_trailer_find(lines, weft_str_of(name));
}

void weft_client_response_free(weft_client_response *response)
{
    memory_free(response->priv_memory);
    *response = (weft_client_response){0};
}
