/* SPDX-License-Identifier: MIT */

/*
 * Terminal: what a person types, read as it is typed or without being shown, and the terminal given
 * back as it was however the program ends.
 *
 *     char secret[128];
 *     int length = weft_terminal_ask_secret("Password: ", secret, sizeof secret);
 *
 *     weft_terminal *terminal;                  // keys one by one
 *     WEFT_TRY(weft_terminal_open(&terminal, STDIN_FILENO, WEFT_TERMINAL_KEYS));
 *     while ((count = weft_read(STDIN_FILENO, &key, 1)) == 1 && key != 'q')
 *         move(key);
 *     weft_terminal_close(terminal);
 *
 * Lines as they are usually typed need nothing of this: <weft/reader.h> on STDIN_FILENO.
 *
 * The modes from before are restored when the terminal is closed; when the run ends with one still
 * open, which is logged; when the program calls exit(), aborts, crashes, or is ended by a signal
 * that has its default action (or is SIGINT or SIGTERM of a run, <weft/signal.h>); and while the
 * program is stopped by Ctrl-Z.  When it is continued in the foreground the terminal's mode is set
 * again.  Only SIGKILL, SIGSTOP and _exit() leave no time for that, and a signal that the program
 * handles itself is up to the program.  A process in the background changes nothing: the terminal
 * is somebody else's then.
 */
#ifndef WEFT_TERMINAL_H
#define WEFT_TERMINAL_H

#include <weft/base.h>

#include <sys/types.h>

WEFT_BEGIN_DECLS

typedef struct weft_terminal weft_terminal;

#define WEFT_TERMINALS_MAX 8 /* open at once in a process */

enum weft_terminal_mode {
    WEFT_TERMINAL_HIDDEN, /* lines that are not shown */
    WEFT_TERMINAL_KEYS,   /* bytes as they are typed, not shown; Ctrl-C, Ctrl-Z … still signal */
    WEFT_TERMINAL_RAW,    /* every byte as it is, and output too: cfmakeraw() */
};

/* Puts the terminal that is open as `fd` into a mode.  The descriptor stays the caller's, who must
 * keep it open until the terminal is closed.  Several on one terminal are closed in reverse order.
 * -ENOTTY: not a terminal, or this is a simulation; -EMFILE: WEFT_TERMINALS_MAX are open; -ENOMEM;
 * -EPERM outside a loop; -EINVAL: no such mode.  Does not wait. */
WEFT_API WEFT_MUST_USE int weft_terminal_open(weft_terminal **out, int fd,
                                              enum weft_terminal_mode mode);

/* Restores the modes from before and frees.  Does not wait, and works in a cancelled task.  NULL is
 * fine. */
WEFT_API void weft_terminal_close(weft_terminal *terminal);

/* Shows `prompt` on the process's controlling terminal, whatever its standard streams are, and
 * reads a line that is not shown; what was typed before is dropped.  Returns the line's length,
 * with the line in `out`, without its end and NUL-terminated.  -ENXIO: there is no terminal;
 * -ENODATA: Ctrl-D at the beginning; -WEFT_ELIMIT: longer than bytes - 1; -ECANCELED.  On failure
 * `out` is wiped. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_terminal_ask_secret(const char *prompt, char *out,
                                                               size_t bytes);

WEFT_END_DECLS

#endif
