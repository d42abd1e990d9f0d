/* SPDX-License-Identifier: MIT */

/*
 * Processes: starts a program, talks to it by pipes, waits for its end.
 *
 *     const char *argv[] = {"sort", "-n", NULL};
 *     weft_process_options options = {
 *         .argv = argv, .in = WEFT_STDIO_PIPE, .out = WEFT_STDIO_PIPE};
 *     weft_process_output output;
 *     WEFT_TIMEOUT(limit, 10 * WEFT_SEC);
 *     int rc = weft_process_run(&options, text, 1 << 20, &output);
 *
 * An end by exit(n) has the status n; an end by a signal has WEFT_PROCESS_KILLED + its number.
 *
 * What is started is ended.  weft_process_close() asks the program to end (SIGTERM), gives it some
 * time (kill_after), then ends it (SIGKILL), and returns when it is gone; it does so in a cancelled
 * task too.  weft_process_run() includes all that.  A process that was never closed is killed when
 * the run ends, and reported.  So no way out leaves a process, a zombie or a descriptor.
 *
 * The program has the signals in their default state, none blocked, and no descriptor of ours but
 * 0, 1 and 2 (with a glibc before 2.34: none that is close-on-exec).  Its end is noticed by a
 * pidfd; where the kernel has none, by looking every 1 … 50 ms.  Under the simulator there are no
 * processes: -EPERM.  A program is outside the seeded world: what it does and when is nothing that
 * a seed could repeat.  (What talks to one is tested there with a task at the other end of a pair
 * of sockets.)  A virtual clock goes no faster than the real one while a process lives.
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
 * -EMFILE, -EAGAIN, -ENOMEM; -ECANCELED: it was not started; -EPERM under the simulator. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_process_open(weft_process **out,
                                                        const weft_process_options *options);

/* Its number.  After weft_process_wait() it may be another process's. */
WEFT_API pid_t weft_process_get_pid(const weft_process *process);

/* Our end of a pipe to its descriptor 0, 1 or 2, for weft_read(), weft_write() and readers; -1:
 * there is none, or it was closed.  It stays the process's. */
WEFT_API int weft_process_get_fd(const weft_process *process, int number);

/* Closes our end: of 0, so that the program finds its input ended.  Again is harmless. */
WEFT_API WEFT_WAITS void weft_process_close_fd(weft_process *process, int number);

/* Sends a signal.  0; -ESRCH: it has ended. */
WEFT_API int weft_process_signal(weft_process *process, int signal_number);

/* Waits for the end: its status.  Again: the same at once.  Several tasks may wait.  -ECHILD if
 * somebody else took the status away (SIGCHLD is ignored, or a foreign wait). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_process_wait(weft_process *process);

/* Closes the pipes; if the program still runs, ends it as said above; frees.  Deaf to cancellation
 * (rule C10).  NULL is fine. */
WEFT_API WEFT_WAITS void weft_process_close(weft_process *process);

/* ---- all at once ---- */

typedef struct weft_process_output {
    int status;
    weft_bytes out, err; /* of what was piped; the caller's, see weft_process_output_free */
} weft_process_output;

/* Writes `input` to the pipe of 0 and closes it, reads the pipes of 1 and 2 to their ends, and
 * waits for the program, all at the same time.  A program that does not read its input is no error.
 * -WEFT_ELIMIT if it writes more than `bytes_max` to one of them; then and after other failures the
 * program may still run, and *out is not touched. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_process_communicate(weft_process *process,
                                                               weft_str input, size_t bytes_max,
                                                               weft_process_output *out);

/* Opens, communicates and closes: nothing is left of the program when it returns.  0, whatever the
 * status is; negative as the three. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_process_run(const weft_process_options *options,
                                                       weft_str input, size_t bytes_max,
                                                       weft_process_output *out);

/* Frees the bytes.  NULL is fine. */
WEFT_API void weft_process_output_free(weft_process_output *output);

WEFT_END_DECLS

#endif
