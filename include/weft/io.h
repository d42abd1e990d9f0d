/* SPDX-License-Identifier: MIT */

/*
 * Input and output on plain descriptors, for tasks: sockets, pipes, terminals and files.  A
 * descriptor need not be non-blocking, and a disk never blocks the loop (<weft/file.h>).  Streams
 * with buffers are in <weft/net.h>.
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

#include <poll.h>
#include <sys/types.h>

WEFT_BEGIN_DECLS

/* Reads at least one and at most `bytes` bytes, and returns how many; 0 at the end. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_read(int fd, void *buf, size_t bytes);

/* Writes at most `bytes` bytes, at least one unless `bytes` is 0, and returns how many. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_write(int fd, const void *buf, size_t bytes);

/* Writes all bytes and returns `bytes`.  After a failure, -ECANCELED included, weft_progress() says
 * how many were written. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_write_all(int fd, const void *buf, size_t bytes);

/* How many bytes the calling task's last call that moves all or fails (…_all, …_exact,
 * weft_stream_write) had moved when it returned. */
WEFT_API size_t weft_progress(void);

/* Waits for a connection on a listening socket and returns its descriptor, which is the caller's,
 * close-on-exec and non-blocking.  -EMFILE, -ECONNABORTED, -EINVAL, … as the system; -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_accept(int fd);

/* Waits until the descriptor has one of `events` (POLLIN, POLLOUT, POLLRDHUP …) and returns those
 * it has.  POLLERR and POLLHUP always count, and on io_uring POLLRDHUP too. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_wait_fd(int fd, int events);

/* Closes the descriptor, whatever it returns and even when the task is cancelled (rule C10).  Tasks
 * that wait on it get -EBADF before the number can be used again (rule I05).  Called outside a task
 * it does not wait: the number is closed at once if no operation is pending on it, else soon. */
WEFT_API WEFT_WAITS int weft_close(int fd);

WEFT_END_DECLS

#endif
