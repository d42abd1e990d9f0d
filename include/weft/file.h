/* SPDX-License-Identifier: MIT */

/*
 * Files, for tasks: the calls of the system by their names, none of which blocks the loop.
 *
 *     int fd = weft_open("notes.txt", O_RDONLY, 0);
 *     ssize_t count = weft_pread(fd, buf, sizeof buf, 0);
 *     weft_close(fd);
 *
 * A read whose bytes are in memory already is made at once.  Else io_uring does what it can by
 * itself; the rest, and everything on epoll, is done by threads of the loop's file pool
 * (weft_config.file_thread_max), which blocking bodies cannot fill.  Under the simulator there is a
 * disk in memory that can be slow, short, full, failing, and lose power (see <weft/sim.h>).
 * weft_read(), weft_write(), weft_write_all() and weft_close() of <weft/io.h> work on files too;
 * reads of lines and blocks are in <weft/reader.h>.
 *
 * Cancel.  A call that has not begun is taken back: -ECANCELED, and nothing has happened.  One that
 * a disk or a thread works on is waited for, and what it says is the result (rules C03, I02):
 * memory and paths given to a call are free when it returns, never before.
 *
 * Results are those of the system's call, >= 0 or -errno.  Paths are relative to the working
 * directory of the process.
 */
#ifndef WEFT_FILE_H
#define WEFT_FILE_H

#include <weft/base.h>

#include <sys/stat.h>
#include <sys/types.h>

WEFT_BEGIN_DECLS

/* ---- one file ---- */

/* Opens with O_… `flags`; `mode` is that of a file that is made.  The descriptor is close-on-exec
 * and the caller's, to be closed by weft_close().  Opening never waits for another process: a FIFO
 * opens at once, for writing only if somebody reads (else -ENXIO). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_open(const char *path, int flags, unsigned mode);

enum weft_beneath {
    WEFT_BENEATH_NO_LINKS = 1u, /* a symbolic link on the way: -ELOOP */
    WEFT_BENEATH_CACHED = 2u,   /* for the platform table: never waits for a disk */
};

/* Opens what `path` names below the directory that is open as `dir`, for reading, and nothing
 * outside of it, whatever the path and the links in it say, and whoever moves them meanwhile:
 * -EXDEV.  For names that strangers give.  `how`: enum weft_beneath, or-ed.  Where the kernel has
 * no openat2() every link is refused: -ELOOP.  Does not wait if the names are in memory. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_open_beneath(int dir, const char *path, int flags,
                                                        unsigned how);

/* Reads at most, and writes at least one unless `bytes` is 0 and at most, `bytes` bytes at
 * `offset`, whatever the descriptor's position is.  Several tasks may do so at once.  How many; a
 * read gives 0 at the end.  -EINVAL for a negative offset; -ESPIPE for what has no positions. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_pread(int fd, void *buf, size_t bytes,
                                                     int64_t offset);
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_pwrite(int fd, const void *buf, size_t bytes,
                                                      int64_t offset);

/* Waits until the disk has the file's bytes; of a directory: the names made, moved and removed in
 * it.  After an error it is unknown what the disk has, also if a second call says 0. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_fsync(int fd);

/* Makes the file `bytes` long; what is new is zero. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_truncate(int fd, int64_t bytes);

/* ---- names ---- */

/* What the path, or the descriptor, is.  Symbolic links are followed, except by lstat. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_stat(const char *path, struct stat *out);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_lstat(const char *path, struct stat *out);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_fstat(int fd, struct stat *out);

/* Moves a name; what was at `to` is replaced in one step. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_rename(const char *from, const char *to);

/* Take a name away (rmdir: that of an empty directory; -ENOTEMPTY), and make a directory with the
 * permissions `mode`, less the umask (-EEXIST). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_unlink(const char *path);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_mkdir(const char *path, unsigned mode);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_rmdir(const char *path);

/* ---- directories ---- */

typedef struct weft_dir weft_dir;

enum weft_dir_kind { WEFT_DIR_UNKNOWN, WEFT_DIR_FILE, WEFT_DIR_DIRECTORY, WEFT_DIR_OTHER };

typedef struct weft_dir_entry {
    const char *name;        /* borrowed until the next call on the directory */
    enum weft_dir_kind kind; /* UNKNOWN where the file system does not say: ask weft_lstat */
    uint64_t inode;
} weft_dir_entry;

/* Opens a directory for listing.  A failure has a text that names it. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_dir_open(weft_dir **out, const char *path);

/* The next entry, in the file system's order, without "." and "..": 1; 0 at the end.  After
 * -ECANCELED the same call goes on where it was. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_dir_next(weft_dir *dir, weft_dir_entry *out);

/* Closes and frees, also in a cancelled task.  NULL is fine. */
WEFT_API WEFT_WAITS void weft_dir_close(weft_dir *dir);

/* ---- whole files ---- */

/* All bytes of a file, which are the caller's (weft_bytes_free).  -WEFT_ELIMIT for a file of more
 * than `bytes_max`, however large it says it is.  A failure has a text that names it. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_file_load(const char *path, size_t bytes_max,
                                                     weft_bytes *out);

/* Replaces the file's content so that whoever looks, also after a power failure, finds the old or
 * the new, whole: writes PATH.tmp-…, syncs it, renames it, syncs the directory.  On failure the old
 * file stays and the temporary one is removed; only if the last sync fails, the new content is
 * there but may not survive a power failure.  A failure has a text that names the file. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_file_save(const char *path, const void *bytes,
                                                     size_t count, unsigned mode);

WEFT_END_DECLS

#endif
