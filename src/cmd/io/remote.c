/* SPDX-License-Identifier: MIT */

#include "cmd/io/remote.h"

#include "cmd/say.h"

#include <string.h>
#include <strings.h>

bool remote_is_url(const char *source)
{
    return strncasecmp(source, "http://", 7) == 0 || strncasecmp(source, "https://", 8) == 0;
}

/* What a media type, without its parameters, is to us.  False: nothing that could be read. */
static bool format_of_type(weft_str type, enum weft_file_format *out)
{
    static const struct {
        const char *type;
        enum weft_file_format format;
    } types[] = {{"text/csv", WEFT_FILE_CSV},
                 {"application/csv", WEFT_FILE_CSV},
                 {"text/tab-separated-values", WEFT_FILE_TSV},
                 {"application/json", WEFT_FILE_JSON},
                 {"application/x-ndjson", WEFT_FILE_NDJSON},
                 {"application/jsonl", WEFT_FILE_NDJSON},
                 {"text/plain", WEFT_FILE_AUTO},
                 {"application/octet-stream", WEFT_FILE_AUTO}};
    *out = WEFT_FILE_AUTO;
    size_t bytes = 0;
    while (bytes < type.len && strchr("; \t", type.ptr[bytes]) == NULL)
        bytes++;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (strlen(types[i].type) == bytes && strncasecmp(types[i].type, type.ptr, bytes) == 0) {
            *out = types[i].format;
            return true;
        }
    }
    return bytes == 0;
}

static int check_answer(struct remote *remote, const char *url)
{
    int status = weft_exchange_status(remote->exchange);
    weft_str type = weft_exchange_field(remote->exchange, "content-type");
    if (status != 200)
        return say_failed("%s: the server answers %d", url, status);
    if (!format_of_type(type, &remote->format))
        return say_failed("%s: the server sends %.*s, which is none of csv, tsv, json, ndjson", url,
                          (int)(type.len < 60 ? type.len : 60), type.ptr);
    if (weft_exchange_length(remote->exchange) > (int64_t)remote->bytes_max)
        return say_failed("%s: has %lld bytes (limit %llu, see --bytes-max)", url,
                          (long long)weft_exchange_length(remote->exchange),
                          (unsigned long long)remote->bytes_max);
    return 0;
}

int remote_open(struct remote *remote, const char *url, uint64_t bytes_max, weft_time time)
{
    *remote = (struct remote){.bytes_max = bytes_max};
    const weft_client_options options = {
        .limits = {.total_max = time, .first_byte_max = time, .between_max = time}};
    const weft_client_request request = {.url = url};
    int rc = weft_client_new(&remote->client, &options);
    if (rc == 0)
        rc = weft_exchange_open(&remote->exchange, remote->client, &request);
    if (rc == -ECANCELED)
        return rc;
    return rc < 0 ? say_failed("%s: %s", url, weft_explain(rc)) : check_answer(remote, url);
}

ssize_t remote_read(void *buf, size_t bytes, void *arg)
{
    struct remote *remote = arg;
    ssize_t count = weft_exchange_read(remote->exchange, buf, bytes);
    if (count > 0)
        remote->bytes += (uint64_t)count;
    return remote->bytes > remote->bytes_max ? -WEFT_ELIMIT : count;
}

void remote_close(struct remote *remote)
{
    weft_exchange_close(remote->exchange);
    weft_client_free(remote->client);
    *remote = (struct remote){0};
}
