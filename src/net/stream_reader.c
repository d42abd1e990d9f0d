/* SPDX-License-Identifier: MIT */

/* Lines and blocks of a stream. */

#include <weft/net.h>

static ssize_t stream_reader_read(void *buf, size_t bytes, void *arg)
{
    return weft_stream_read(arg, buf, bytes);
}

int weft_stream_reader_new(weft_reader **out, weft_stream *stream,
                           const weft_reader_options *options)
{
    return weft_reader_new(out, options, stream_reader_read, stream);
}
