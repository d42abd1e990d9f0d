/* SPDX-License-Identifier: MIT */

/*
 * Reader: lines and blocks of a file, a pipe, a terminal, a stream or a function, through a bounded
 * buffer.  Standard input may be any of the first three, and may block: the loop does not.
 *
 *     weft_reader *reader;
 *     weft_str line;
 *     WEFT_TRY(weft_reader_open(&reader, "access.log", NULL));
 *     while ((rc = weft_reader_read_line(reader, &line)) == 1)
 *         printf("%.*s\n", (int)line.len, line.ptr);
 *     weft_reader_close(reader);
 *
 * weft_gen_of_lines() makes a generator of one, for weft_foreach (<weft/gen_ops.h>).
 *
 * A line is what stands before "\n" or "\r\n", or before the end of the input; it may hold any
 * other byte, NUL too.  Lines and blocks may be read from one reader in any order, by one task at a
 * time.
 *
 * Cancel.  Nothing is lost: what has been read stays in the buffer, and the same call goes on where
 * it was (rule C04).
 */
#ifndef WEFT_READER_H
#define WEFT_READER_H

#include <weft/base.h>

#include <sys/types.h>

WEFT_BEGIN_DECLS

typedef struct weft_reader weft_reader;

/* Zero means "choose for me" in every field. */
typedef struct weft_reader_options {
    size_t bytes_max; /* the longest line, without its end, and the longest block; 0: 64 KiB */
} weft_reader_options;

/* A source of bytes: reads at least one and at most `bytes` into `buf`, and returns how many; 0 at
 * the end; negative on failure. */
typedef ssize_t weft_read_fn(void *buf, size_t bytes, void *arg);

/* Makes a reader of what the function `read` gives; `options` may be NULL.  0, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_reader_new(weft_reader **out, const weft_reader_options *options,
                                           weft_read_fn *read, void *arg);

/* Makes a reader of a descriptor, which stays the caller's and must outlive the reader.  0,
 * -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_reader_new_fd(weft_reader **out, int fd,
                                              const weft_reader_options *options);

/* Makes a reader of the file at `path`, which it opens and closes.  0; -ENOMEM; the errors of
 * weft_open(), with a text that names the file; -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_reader_open(weft_reader **out, const char *path,
                                                       const weft_reader_options *options);

/* Reads the next line, without its end.  1: got one, and *out is borrowed until the next call on
 * the reader; 0: the end.  -WEFT_ELIMIT for a line that is too long; the text says which and how
 * long, and the next call goes on after it.  Errors of the source; then the call may be repeated.
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_reader_read_line(weft_reader *reader, weft_str *out);

/* Reads the next `bytes` bytes, fewer only at the end.  1: got them, and *out is borrowed until the
 * next call on the reader; 0: the end.  -EINVAL if `bytes` is 0 or above bytes_max; errors of the
 * source, as weft_reader_read_line(). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_reader_read_block(weft_reader *reader, size_t bytes,
                                                             weft_str *out);

/* The number of the line read last, from 1; a line that was too long counts. */
WEFT_API uint64_t weft_reader_get_line(const weft_reader *reader);

/* Frees the reader, and closes what weft_reader_open() opened, also in a cancelled task.  NULL is
 * fine. */
WEFT_API WEFT_WAITS void weft_reader_close(weft_reader *reader);

WEFT_END_DECLS

#endif
