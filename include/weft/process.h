/* SPDX-License-Identifier: MIT */

/*
 * Processes: starts a program, talks to it through pipes, and waits for its end.
 *
 *     const char *argv[] = {"sort", "-n", NULL};
 *     weft_process_options options = {
 *         .argv = argv, .in = WEFT_STDIO_PIPE, .out = WEFT_STDIO_PIPE};
 *     weft_process_output output;
 *     WEFT_TIMEOUT(limit, 10 * WEFT_SEC);
 *     int rc = weft_process_run(&options, text, 1 << 20, &output);
 *
 * The status of a program that ended by exit(n) is n; that of one ended by a signal is
 * WEFT_PROCESS_KILLED + the signal's number.
 *
 * What is started is ended.  weft_process_close() asks the program to end (SIGTERM), gives it some
 * time (kill_after), then kills it (SIGKILL), and returns when it is gone; it does so in a
 * cancelled task too.  weft_process_run() includes all that.  A process that was never closed is
 * killed when the run ends, and reported.  So no process, zombie or descriptor is ever left behind.
 *
 * The program starts with all signals at their default action, none blocked, and with no descriptor
 * of ours but 0, 1 and 2 (with a glibc before 2.34: none that is close-on-exec).  Its end is
 * noticed by a pidfd, or, where the kernel has none, by looking every 1 to 50 ms.  In simulation
 * there are no processes (-EPERM), since no seed could repeat what a program does; test what talks
 * to one there with a task at the other end of a pair of sockets.  A virtual clock runs no faster
 * than the real one while a process lives.
 */
#ifndef WEFT_PROCESS_H
#define WEFT_PROCESS_H

#include <weft/base.h>

#include <sys/types.h>

WEFT_BEGIN_DECLS

#define WEFT_PROCESS_KILLED 256

typedef struct weft_process weft_process;

/* What a program gets as one of its standard descriptors. */
enum weft_stdio {
    WEFT_STDIO_INHERIT, /* ours */
    WEFT_STDIO_NULL,    /* /dev/null */
    WEFT_STDIO_PIPE,    /* a pipe, whose other end is weft_process_get_fd() */
    WEFT_STDIO_FD,      /* the descriptor of …_fd, which stays the caller's */
    WEFT_STDIO_OUT,     /* `err` only: the same as `out` */
};

/* Zero means "choose for me" in every field but argv. */
typedef struct weft_process_options {
    const char *const
        *argv; /* ends with NULL; the program is looked for in PATH unless it has "/" */
    const char *const *env; /* "NAME=VALUE" …, ends with NULL; NULL: ours */
    const char *cwd;        /* where it starts, and a relative program is; NULL: where we are */
    enum weft_stdio in, out, err;
    int in_fd, out_fd, err_fd;
    weft_time kill_after; /* from SIGTERM to SIGKILL; 0: 5 s */
    bool has_group;       /* a process group of its own: signals go to all in it */
} weft_process_options;

/* Starts the program.  0; -ENOENT, -EACCES, -ENOEXEC … if it cannot be; -EINVAL: argv is empty;
 * -EMFILE, -EAGAIN, -ENOMEM; -EPERM under the simulator; the text names the program and `cwd`.
 * -ECANCELED: it was not started. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_process_open(weft_process **out,
                                                        const weft_process_options *options);

/* The process id.  After weft_process_wait() it may be another process's. */
WEFT_API pid_t weft_process_get_pid(const weft_process *process);

/* Our end of the pipe to the program's descriptor 0, 1 or 2, for weft_read(), weft_write() and
 * readers; -1 if there is none, or it was closed.  Borrowed: close it with weft_process_close_fd().
 */
WEFT_API int weft_process_get_fd(const weft_process *process, int number);

/* Closes our end of a pipe: that of descriptor 0 to tell the program that its input has ended.
 * Doing it again is harmless. */
WEFT_API WEFT_WAITS void weft_process_close_fd(weft_process *process, int number);

/* Sends the program a signal.  0; -ESRCH: it has ended. */
WEFT_API int weft_process_signal(weft_process *process, int signal_number);

/* Waits until the program has ended and returns its status; later calls return the same at once.
 * Several tasks may wait.  -ECHILD if the status was lost: SIGCHLD is ignored, or somebody else has
 * called wait(). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_process_wait(weft_process *process);

/* Closes the pipes, ends the program as said above if it still runs, and frees.  Cancelling the
 * caller does not cut it short (rule C10).  NULL is fine. */
WEFT_API WEFT_WAITS void weft_process_close(weft_process *process);

/* ---- all at once ---- */

typedef struct weft_process_output {
    int status;
    weft_bytes out, err; /* of what was piped; the caller's, see weft_process_output_free */
} weft_process_output;

/* Writes `input` to the program's descriptor 0 and closes it, reads 1 and 2 to their ends, and
 * waits for the program, all at the same time.  A program that does not read its input is no error.
 * -WEFT_ELIMIT if it writes more than `bytes_max` bytes to 1 or 2; after that and other failures
 * the program may still run, and *out is not touched. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_process_communicate(weft_process *process,
                                                               weft_str input, size_t bytes_max,
                                                               weft_process_output *out);

/* weft_process_open(), weft_process_communicate() and weft_process_close() in one call: nothing is
 * left of the program when it returns.  0, whatever the status is; errors of the three. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_process_run(const weft_process_options *options,
                                                       weft_str input, size_t bytes_max,
                                                       weft_process_output *out);

/* Frees the bytes.  NULL is fine. */
WEFT_API void weft_process_output_free(weft_process_output *output);

WEFT_END_DECLS

#endif
