/* SPDX-License-Identifier: MIT */

/* Reader: lines and blocks are what a simple look at the whole text says, whatever pieces the
 * source gives, and whenever it fails in between; a line over the limit is refused once and passed
 * over. */

#include <weft/event.h>
#include <weft/reader.h>
#include <weft/sys/embed.h>
#include <weft/task.h>

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 24 };

/* The text, and what the source does next: so many bytes, or a failure. */
struct source {
    const char *text;
    size_t bytes, at;
    uint32_t script;
};

static ssize_t source_read(void *buf, size_t bytes, void *arg)
{
    struct source *source = arg;
    source->script = source->script * 1664525u + 1013904223u;
    uint32_t dice = source->script >> 24;
    if (dice % 8 == 0)
        return -EIO; /* the same call may be made again */
    size_t count = 1 + dice % 13;
    if (count > source->bytes - source->at)
        count = source->bytes - source->at;
    if (count > bytes)
        count = bytes;
    if (count != 0)
        memcpy(buf, source->text + source->at, count);
    source->at += count;
    return (ssize_t)count;
}

/* Of the text from `at` on: the line's bytes, with and without its end. */
static size_t line_at(const struct source *source, size_t at, size_t *out_len)
{
    const char *begin = source->text + at;
    const char *end = memchr(begin, '\n', source->bytes - at);
    size_t whole = end != NULL ? (size_t)(end - begin) + 1 : source->bytes - at;
    *out_len = whole;
    if (end != NULL)
        *out_len -= whole > 1 && end[-1] == '\r' ? 2 : 1;
    return whole;
}

static int read_line_again(weft_reader *reader, weft_str *out)
{
    int rc;
    while ((rc = weft_reader_read_line(reader, out)) == -EIO)
        ;
    return rc;
}

/* Where reading goes on. */
static size_t check_line(weft_reader *reader, const struct source *source, size_t at)
{
    weft_str line;
    size_t len, whole = line_at(source, at, &len);
    uint64_t number = weft_reader_get_line(reader);
    int rc = read_line_again(reader, &line);
    assert(rc == (len > BYTES_MAX ? -WEFT_ELIMIT : 1));
    assert(weft_reader_get_line(reader) == number + 1);
    if (rc == 1)
        assert(line.len == len && memcmp(line.ptr, source->text + at, len) == 0);
    return at + whole;
}

static size_t check_block(weft_reader *reader, const struct source *source, size_t at, size_t bytes)
{
    weft_str block;
    size_t left = source->bytes - at, len = bytes < left ? bytes : left;
    int rc;
    while ((rc = weft_reader_read_block(reader, bytes, &block)) == -EIO)
        ;
    assert(rc == 1 && block.len == len && memcmp(block.ptr, source->text + at, len) == 0);
    return at + len;
}

/* Lines, and blocks now and then: not behind a refused line, whose rest a block would begin in. */
static int read_all(void *arg)
{
    struct source *source = arg;
    uint32_t turns = source->script;
    weft_reader_options options = {.bytes_max = BYTES_MAX};
    weft_reader *reader;
    weft_str rest;
    int rc = weft_reader_new(&reader, &options, source_read, source);
    assert(rc == 0);
    bool was_refused = false;
    for (size_t at = 0; at < source->bytes;) {
        size_t len;
        (void)line_at(source, at, &len);
        turns = turns * 22695477u + 1;
        if (!was_refused && turns >> 30 == 0) {
            at = check_block(reader, source, at, 1 + (turns >> 20) % BYTES_MAX);
            continue;
        }
        was_refused = len > BYTES_MAX;
        at = check_line(reader, source, at);
    }
    assert(read_line_again(reader, &rest) == 0);
    assert(weft_reader_read_block(reader, BYTES_MAX + 1, &rest) == -EINVAL);
    weft_reader_close(reader);
    return 0;
}

/* ---- one run for all inputs, since to make one takes far longer than to read ---- */

static weft_embed *world;

static int stay(void *arg)
{
    static weft_event never;
    (void)arg;
    return weft_event_wait(&never);
}

static void world_close(void)
{
    int rc = weft_embed_close(world);
    assert(rc == -ECANCELED);
}

static void world_open(void)
{
    weft_config config = {.backend = "epoll", .hog = WEFT_FOREVER};
    int rc = weft_embed_open(&world, &config, stay, NULL);
    assert(rc == 0);
    rc = atexit(world_close);
    assert(rc == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    struct source source = {.text = (const char *)data + 4, .bytes = size - 4};
    memcpy(&source.script, data, 4);
    if (world == NULL)
        world_open();
    weft_task task = weft_embed_spawn(world, read_all, &source);
    int result;
    while (weft_done(task, &result) == 0)
        (void)weft_embed_turn(world);
    assert(result == 0);
    weft_release(task);
    return 0;
}
