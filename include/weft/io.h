/* SPDX-License-Identifier: MIT */

/*
 * Input and output on plain descriptors, for tasks.  Sockets, pipes, terminals and files; a
 * blocking descriptor works too, and a disk never blocks the loop (<weft/file.h>).  Streams with
 * buffers are in <weft/net.h>.
 *
 * One task may read a descriptor while another writes it; a second reader or writer gets -EBUSY
 * (rule I04).  Interrupted calls are repeated, SIGPIPE is never raised.
 *
 * Cancel.  A call that moved bytes returns their count, never -ECANCELED (rule I03).  A call that
 * the kernel works on returns only after the kernel has let go of the buffer (rule I02).
 */
#ifndef WEFT_IO_H
#define WEFT_IO_H

#include <weft/base.h>

#include <sys/types.h>

WEFT_BEGIN_DECLS

/* Reads at most `bytes` bytes; 0 at the end. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_read(int fd, void *buf, size_t bytes);

/* Writes at least one byte, unless bytes is 0; how many. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_write(int fd, const void *buf, size_t bytes);

/* Writes all and returns `bytes`.  After a failure, -ECANCELED included, weft_progress() tells how
 * far it got. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_write_all(int fd, const void *buf, size_t bytes);

/* Bytes that the calling task's last compound call (…_all, …_exact, weft_stream_write) had moved
 * when it returned. */
WEFT_API size_t weft_progress(void);

/* The next connection on a listening socket: a new descriptor, close-on-exec and non-blocking. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_accept(int fd);

/* Waits until one of `events` (POLLIN, POLLOUT, POLLRDHUP …; POLLERR and POLLHUP always count, and
 * on io_uring POLLRDHUP too) is there; those that are. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_wait_fd(int fd, int events);

/* Releases the descriptor, whatever it returns and even when the task is cancelled (rule C10).
 * Whoever waits on it gets -EBADF before the number can be used again (rule I05).  Outside a task
 * nobody can wait: the number is closed at once if nothing is pending, else soon. */
WEFT_API WEFT_WAITS int weft_close(int fd);

WEFT_END_DECLS

#endif
