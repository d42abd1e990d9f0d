/* SPDX-License-Identifier: MIT */

#include <weft/reader.h>

#include <weft/error.h>
#include <weft/file.h>
#include <weft/io.h>
#include <weft/sys/opened.h>
#include <weft/sys/park.h>

#include "base/alloc.h"
#include "core/file/path.h"
#include "core/look/opened.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define READER_BYTES_MAX ((size_t)64 * 1024)
#define READER_CAPACITY ((size_t)16 * 1024) /* to begin with */

/* Invariant: bytes read and not yet told are mem[at, end); those up to `seen` hold no line end. */
struct weft_reader {
    weft_read_fn *read;
    void *arg;
    int fd; /* of weft_reader_new_fd and weft_reader_open */
    bool owns_fd;
    bool is_ended;    /* the source has */
    bool is_skipping; /* in a line that was too long */
    size_t bytes_max, capacity;
    size_t at, end, seen;
    uint64_t line;
    char *mem;
};

static ssize_t reader_read_fd(void *buf, size_t bytes, void *arg)
{
    const weft_reader *reader = arg;
    return weft_read(reader->fd, buf, bytes);
}

/* ---- making ---- */

static void reader_name(const void *object, char *out, size_t bytes)
{
    const weft_reader *reader = object;
    if (reader->fd >= 0)
        snprintf(out, bytes, "of descriptor %d", reader->fd);
}

static const weft_open_kind reader_kind = {"reader", "weft_reader_close()", reader_name};

int weft_reader_new(weft_reader **out, const weft_reader_options *options, weft_read_fn *read,
                    void *arg)
{
    weft_reader *reader = wf_alloc(sizeof *reader);
    if (reader == NULL)
        return -ENOMEM;
    size_t bytes_max = options != NULL ? options->bytes_max : 0;
    reader->bytes_max = bytes_max != 0 ? bytes_max : READER_BYTES_MAX;
    if (reader->bytes_max > SIZE_MAX / 4)
        reader->bytes_max = SIZE_MAX / 4;
    reader->read = read;
    reader->arg = arg;
    reader->fd = -1;
    weft_opened(reader, &reader_kind);
    *out = reader;
    return 0;
}

int weft_reader_new_fd(weft_reader **out, int fd, const weft_reader_options *options)
{
    weft_reader *reader;
    int rc = weft_reader_new(&reader, options, reader_read_fd, NULL);
    if (rc < 0)
        return rc;
    reader->arg = reader;
    reader->fd = fd;
    *out = reader;
    return 0;
}

int weft_reader_open(weft_reader **out, const char *path, const weft_reader_options *options)
{
    weft_reader *reader;
    int rc = weft_reader_new_fd(&reader, -1, options);
    if (rc < 0)
        return rc;
    reader->fd = weft_open(path, O_RDONLY, 0);
    if (reader->fd < 0) {
        rc = reader->fd;
        weft_reader_close(reader);
        return path_fail(rc, path);
    }
    wf_closed_fd(reader->fd); /* one object, not two */
    reader->owns_fd = true;
    *out = reader;
    return 0;
}

void weft_reader_close(weft_reader *reader)
{
    if (reader == NULL)
        return;
    weft_closed(reader, &reader_kind);
    if (reader->owns_fd)
        (void)weft_close(reader->fd);
    wf_free(reader->mem);
    wf_free(reader);
}

/* ---- the buffer ---- */

static size_t reader_held(const weft_reader *reader)
{
    return reader->end - reader->at;
}

static void reader_consume(weft_reader *reader, size_t bytes)
{
    reader->at += bytes;
    reader->seen = reader->at;
}

/* Room behind what is held.  Nobody asks while the longest line and its end are there already. */
static int reader_make_room(weft_reader *reader)
{
    size_t held = reader_held(reader);
    if (reader->at != 0) {
        memmove(reader->mem, reader->mem + reader->at, held);
        reader->seen -= reader->at;
        reader->at = 0;
        reader->end = held;
    }
    if (held < reader->capacity)
        return 0;
    size_t capacity = reader->capacity != 0 ? reader->capacity * 2 : READER_CAPACITY;
    char *mem = wf_grow(reader->mem, capacity, 1);
    if (mem == NULL)
        return -ENOMEM;
    reader->mem = mem;
    reader->capacity = capacity;
    return 0;
}

/* Reads some more: 1; 0 at the end. */
static int reader_fill(weft_reader *reader)
{
    if (reader->is_ended)
        return 0;
    if (reader->end == reader->capacity || reader->at == reader->end) {
        int rc = reader_make_room(reader);
        if (rc < 0)
            return rc;
    }
    ssize_t count =
        reader->read(reader->mem + reader->end, reader->capacity - reader->end, reader->arg);
    if (count < 0)
        return (int)count;
    assert((size_t)count <= reader->capacity - reader->end);
    reader->is_ended = count == 0;
    reader->end += (size_t)count;
    return count != 0;
}

/* ---- lines ---- */

/* True: *out_bytes of it are there, with its end. */
static bool line_find(weft_reader *reader, size_t *out_bytes)
{
    size_t left = reader->end - reader->seen;
    const char *end = left != 0 ? memchr(reader->mem + reader->seen, '\n', left) : NULL;
    reader->seen = end != NULL ? reader->seen : reader->end;
    if (end != NULL)
        *out_bytes = (size_t)(end - (reader->mem + reader->at)) + 1;
    return end != NULL;
}

/* Drops the rest of a line that was too long: 0, or what the source failed with. */
static int line_skip(weft_reader *reader)
{
    size_t bytes;
    while (reader->is_skipping) {
        int rc = 1;
        if (line_find(reader, &bytes)) {
            reader_consume(reader, bytes);
            reader->is_skipping = false;
        } else {
            reader_consume(reader, reader_held(reader));
            rc = reader_fill(reader);
        }
        if (rc < 0)
            return rc;
        if (rc == 0)
            reader->is_skipping = false;
    }
    return 0;
}

/* The first `bytes` of what is held are a line and its end, or the rest of the input. */
static int line_tell(weft_reader *reader, size_t bytes, weft_str *out)
{
    const char *ptr = reader->mem + reader->at;
    size_t len = bytes;
    if (len != 0 && ptr[len - 1] == '\n')
        len -= len > 1 && ptr[len - 2] == '\r' ? 2 : 1;
    reader_consume(reader, bytes);
    reader->line++;
    if (len > reader->bytes_max)
        return weft_fail(-WEFT_ELIMIT, "line %llu: %zu bytes, the limit is %zu",
                         (unsigned long long)reader->line, len, reader->bytes_max);
    *out = (weft_str){ptr, len};
    return 1;
}

/* Too long, and its end is not in sight. */
static int line_refuse(weft_reader *reader)
{
    reader->is_skipping = true;
    reader->line++;
    return weft_fail(-WEFT_ELIMIT, "line %llu: more than %zu bytes, which is the limit",
                     (unsigned long long)reader->line, reader->bytes_max);
}

int weft_reader_read_line(weft_reader *reader, weft_str *out)
{
    int rc = weft_sp_enter();
    if (rc == 0)
        rc = line_skip(reader);
    if (rc < 0)
        return rc;
    size_t bytes;
    while (!line_find(reader, &bytes)) {
        if (reader_held(reader) > reader->bytes_max + 1) /* one may be the "\r" of its end */
            return line_refuse(reader);
        rc = reader_fill(reader);
        if (rc < 0)
            return rc;
        if (rc == 0) {
            bytes = reader_held(reader);
            return bytes != 0 ? line_tell(reader, bytes, out) : 0;
        }
    }
    return line_tell(reader, bytes, out);
}

uint64_t weft_reader_get_line(const weft_reader *reader)
{
    return reader->line;
}

/* ---- blocks ---- */

int weft_reader_read_block(weft_reader *reader, size_t bytes, weft_str *out)
{
    if (bytes == 0 || bytes > reader->bytes_max)
        return -EINVAL;
    int rc = weft_sp_enter();
    while (rc >= 0 && reader_held(reader) < bytes) {
        rc = reader_fill(reader);
        if (rc == 0)
            break;
    }
    if (rc < 0)
        return rc;
    size_t len = reader_held(reader) < bytes ? reader_held(reader) : bytes;
    if (len == 0)
        return 0;
    *out = (weft_str){reader->mem + reader->at, len};
    reader_consume(reader, len);
    return 1;
}
