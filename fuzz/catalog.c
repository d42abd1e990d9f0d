/* SPDX-License-Identifier: MIT */

/* Files of entities and of texts, of any format, with a delimiter or without: the same in one piece
 * and cut anywhere, with bad rows refused and with bad rows left out; whatever comes out is UTF-8
 * and complete. */

#include <weft/catalog.h>

#include "base/buf.h"
#include "base/utf8.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct stream {
    const uint8_t *data;
    size_t size, piece;
};

static ssize_t stream_read(void *buf, size_t bytes, void *arg)
{
    struct stream *stream = arg;
    size_t count = stream->size < stream->piece ? stream->size : stream->piece;
    if (count > bytes)
        count = bytes;
    memcpy(buf, stream->data, count);
    stream->data += count;
    stream->size -= count;
    return (ssize_t)count;
}

static void put(wf_buf *out, weft_str text)
{
    assert(wf_utf8_is_valid(text.ptr, text.len));
    wf_buf_printf(out, "%zu:", text.len);
    wf_buf_append(out, text.ptr, text.len);
}

static void put_error(const weft_catalog_error *error, void *out)
{
    char text[600];
    size_t bytes = weft_catalog_error_text(error, text, sizeof(text));
    assert(bytes == strlen(text));
    assert(error->rc < 0);
    wf_buf_printf(out, "!%d %s\n", error->rc, text);
}

static void read_entities(struct stream stream, weft_catalog_options options, wf_buf *out)
{
    weft_catalog *catalog;
    weft_catalog_error error;
    options.on_skip = put_error;
    options.on_skip_arg = out;
    int rc = weft_catalog_new(&catalog);
    assert(rc == 0);
    rc = weft_catalog_read(catalog, "f", &options, &error, stream_read, &stream);
    if (rc < 0)
        put_error(&error, out);
    size_t count;
    const weft_m_entity *entities = weft_catalog_entities(catalog, &count);
    for (size_t i = 0; i < count; i++) {
        assert(entities[i].id.len > 0);
        assert(entities[i].name.len > 0);
        put(out, entities[i].id);
        put(out, entities[i].name);
        put(out, entities[i].text);
        put(out, entities[i].extra);
        for (size_t k = 0; k < entities[i].alias_count; k++)
            put(out, entities[i].aliases[k]);
    }
    weft_catalog_free(catalog);
}

static void read_texts(struct stream stream, weft_catalog_options options, wf_buf *out)
{
    weft_queries *queries;
    weft_catalog_error error;
    int rc = weft_queries_open_read(&queries, "f", &options, stream_read, &stream);
    assert(rc == 0 || (rc == -EINVAL && options.delimiter != '\0'));
    if (rc < 0)
        return;
    do {
        weft_str text;
        size_t line = 0;
        rc = weft_queries_next(queries, &text, &line, &error);
        if (rc > 0) {
            put(out, text);
            put(out, weft_queries_label(queries));
        }
        if (rc < 0)
            put_error(&error, out);
        assert(rc <= 0 || line > 0);
    } while (rc > 0 || (rc < 0 && error.is_row));
    weft_queries_close(queries);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool has_delimiter = data[0] & 128;
    weft_catalog_options options = {
        .delimiter = has_delimiter ? (char)data[1] : '\0',
        .format = data[0] % 6,
        .skip_bad = data[0] & 64,
        .row_bytes_max = 256,
        .entity_count_max = 50,
    };
    size_t piece = 1 + data[0] / 6 % 8;
    const uint8_t *file = data + 1 + has_delimiter;
    size_t bytes = size - 1 - has_delimiter;
    wf_buf whole = {0}, cut = {0};
    read_entities((struct stream){file, bytes, size}, options, &whole);
    read_entities((struct stream){file, bytes, piece}, options, &cut);
    if (bytes % 2 != 0) {
        options.field = weft_str_of("id");
        options.label_field = weft_str_of("name");
    }
    read_texts((struct stream){file, bytes, size}, options, &whole);
    read_texts((struct stream){file, bytes, piece}, options, &cut);
    assert(wf_buf_bytes(&whole) == wf_buf_bytes(&cut));
    assert(wf_buf_bytes(&whole) == 0 ||
           memcmp(wf_buf_ptr(&whole), wf_buf_ptr(&cut), wf_buf_bytes(&whole)) == 0);
    wf_buf_fini(&whole);
    wf_buf_fini(&cut);
    return 0;
}
