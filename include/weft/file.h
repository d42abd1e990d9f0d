/* SPDX-License-Identifier: MIT */

/*
 * Files, for tasks: the calls of the system by their names, none of which blocks the loop.
 *
 *     int fd = weft_open("notes.txt", O_RDONLY, 0);
 *     ssize_t count = weft_pread(fd, buf, sizeof buf, 0);
 *     weft_close(fd);
 *
 * A read whose bytes are in the page cache is done at once.  Otherwise io_uring does what it can;
 * the rest, and everything on epoll, is done by threads of the loop's file pool
 * (weft_config.file_thread_max), which blocking bodies cannot fill.  The simulator has a disk in
 * memory, which can be slow, transfer less than asked, be full, fail, and lose power
 * (<weft/sim.h>). weft_read(), weft_write(), weft_write_all() and weft_close() of <weft/io.h> work
 * on files too; reads of lines and blocks are in <weft/reader.h>.
 *
 * Cancel.  A call that has not begun is taken back: -ECANCELED, and nothing has happened.  One that
 * the kernel or a thread is working on is waited for, and its outcome is the result (rules C03,
 * I02).  Memory and paths given to a call are in use until it returns.
 *
 * Results are those of the system's call, >= 0 or -errno.  Paths are relative to the working
 * directory of the process.
 */
#ifndef WEFT_FILE_H
#define WEFT_FILE_H

#include <weft/base.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

WEFT_BEGIN_DECLS

/* ---- one file ---- */

/* Opens a file with O_… `flags`; `mode` is for a file that is created.  Returns a descriptor, which
 * is close-on-exec and the caller's, to be closed by weft_close().  Opening never waits for another
 * process: a FIFO opens at once, for writing only if it has a reader (else -ENXIO). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_open(const char *path, int flags, unsigned mode);

enum weft_beneath {
    WEFT_BENEATH_NO_LINKS = 1u, /* a symbolic link on the way: -ELOOP */
    WEFT_BENEATH_CACHED = 2u,   /* for the platform table: never waits for a disk */
};

/* Opens, for reading, what `path` names below the directory that is open as `dir`; for paths that
 * strangers choose.  What lies outside the directory is -EXDEV, whatever the path and the links in
 * it say and whoever moves them meanwhile.  `how`: enum weft_beneath, or-ed.  Where the kernel has
 * no openat2() every symbolic link is refused: -ELOOP.  Does not wait if the kernel has the names
 * in memory. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_open_beneath(int dir, const char *path, int flags,
                                                        unsigned how);

/* Read or write at most `bytes` bytes at `offset`, whatever the descriptor's position is.  Return
 * how many: 0 is the end of the file for a read, and a write of any bytes writes at least one.
 * Several tasks may do so on one descriptor at once.  -EINVAL for a negative offset; -ESPIPE for
 * what has no positions, such as a pipe. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_pread(int fd, void *buf, size_t bytes,
                                                     int64_t offset);
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_pwrite(int fd, const void *buf, size_t bytes,
                                                      int64_t offset);

/* Waits until the disk has the file's bytes, or, for a directory, the names created, renamed and
 * removed in it.  After an error nobody knows what the disk has, even if a second call returns 0.
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_fsync(int fd);

/* Makes the file `bytes` bytes long, cutting it or adding zeros. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_truncate(int fd, int64_t bytes);

/* ---- names ---- */

/* Fill *out with what the path, or the descriptor, is.  Symbolic links are followed, except by
 * lstat.  0; -ENOENT, -EACCES, … as the system; -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_stat(const char *path, struct stat *out);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_lstat(const char *path, struct stat *out);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_fstat(int fd, struct stat *out);

/* Renames a file or directory; what was at `to` is replaced atomically.  0; -EXDEV:
 * another file system, -ENOENT, … as the system; -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_rename(const char *from, const char *to);

/* Remove a file (unlink) or an empty directory (rmdir; else -ENOTEMPTY), and create a directory
 * with the permissions `mode` less the umask (mkdir; -EEXIST). */
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

/* Opens a directory for listing, in *out.  0; -ENOMEM; -ENOTDIR and the other errors of
 * weft_open(), with a text that names the directory; -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_dir_open(weft_dir **out, const char *path);

/* Gets the next entry, in the file system's order and without "." and "..".  1: got one; 0: the
 * end.  After -ECANCELED the next call goes on where this one was. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_dir_next(weft_dir *dir, weft_dir_entry *out);

/* Closes the directory and frees it, also in a cancelled task.  NULL is fine. */
WEFT_API WEFT_WAITS void weft_dir_close(weft_dir *dir);

/* ---- whole files ---- */

/* Reads a whole file into *out, which the caller frees with weft_bytes_free().  -WEFT_ELIMIT for a
 * file of more than `bytes_max` bytes, whatever size it claims to have.  The text of a failure
 * names the file. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_file_load(const char *path, size_t bytes_max,
                                                     weft_bytes *out);

/* Replaces the file's content atomically: whoever looks, also after a power failure, finds all of
 * the old or all of the new.  Writes PATH.tmp-…, syncs it, renames it, syncs the directory.  `mode`
 * is for a file that is not there yet; one that is keeps its permissions (what the umask leaves of
 * them).  What a process that is killed meanwhile leaves is PATH.tmp- and 16 hexadecimal digits,
 * the caller's to remove once nobody saves PATH any more; `weft match fit` and `weft serve` begin
 * by removing those of their matchers that are older than an hour.  A symbolic link is replaced,
 * not what it leads to; a device, FIFO or socket is not: -EOPNOTSUPP.  On failure the old file
 * stays and the temporary one is removed; but if the last sync fails, the new content is there and
 * may not survive a power failure.  The text of a failure names the file. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_file_save(const char *path, const void *bytes,
                                                     size_t count, unsigned mode);

WEFT_END_DECLS

#endif
