/* SPDX-License-Identifier: MIT */

#include "core/process/terminal_priv.h"

#include <weft/error.h>
#include <weft/file.h>
#include <weft/io.h>
#include <weft/sys/opened.h>

#include "base/alloc.h"
#include "core/task/sched_priv.h"

#include <fcntl.h>
#include <string.h>

struct weft_terminal {
    wf_list link; /* of its scheduler's */
    int number;   /* see terminal_priv.h */
};

static int mode_make(struct termios *modes, enum weft_terminal_mode mode)
{
    switch (mode) {
    case WEFT_TERMINAL_HIDDEN:
        modes->c_lflag &= ~(tcflag_t)ECHO;
        modes->c_lflag |= ICANON | ISIG | ECHONL;
        return 0;
    case WEFT_TERMINAL_KEYS:
        modes->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON);
        modes->c_lflag |= ISIG;
        break;
    case WEFT_TERMINAL_RAW:
        cfmakeraw(modes);
        break;
    default:
        return -EINVAL;
    }
    modes->c_cc[VMIN] = 1;
    modes->c_cc[VTIME] = 0;
    return 0;
}

static const weft_open_kind terminal_kind = {"terminal", "weft_terminal_close()", NULL};

int weft_terminal_open(weft_terminal **out, int fd, enum weft_terminal_mode mode)
{
    struct wf_sched *sched = wf_sched_self();
    struct termios modes;
    if (sched == NULL)
        return -EPERM;
    if (sched->is_seeded || tcgetattr(fd, &modes) < 0)
        return -ENOTTY;
    int rc = mode_make(&modes, mode);
    if (rc < 0)
        return rc;
    weft_terminal *terminal = wf_alloc(sizeof *terminal);
    if (terminal == NULL)
        return -ENOMEM;
    terminal->number = wf_terminal_take(fd, &modes);
    if (terminal->number < 0) {
        rc = terminal->number;
        wf_free(terminal);
        return rc;
    }
    wf_list_append(&sched->terminals, &terminal->link);
    weft_opened(terminal, &terminal_kind);
    *out = terminal;
    return 0;
}

void weft_terminal_close(weft_terminal *terminal)
{
    if (terminal == NULL)
        return;
    weft_closed(terminal, &terminal_kind);
    wf_terminal_give_back(terminal->number);
    wf_list_remove(&terminal->link);
    wf_free(terminal);
}

void wf_terminal_fini(struct wf_sched *sched)
{
    while (!wf_list_is_empty(&sched->terminals)) {
        wf_sched_log(sched, "a terminal was never closed");
        weft_terminal_close(wf_container(sched->terminals.prev, weft_terminal, link));
    }
}

/* ---- a secret ---- */

/* Bytes up to the end of the line, which is read to its end whatever fits. */
static int secret_read(int fd, char *out, size_t bytes)
{
    char piece[64];
    size_t length = 0;
    ssize_t count;
    bool is_over = false;
    while (!is_over && (count = weft_read(fd, piece, sizeof piece)) > 0) {
        for (ssize_t i = 0; i < count && !is_over; i++) {
            is_over = piece[i] == '\n';
            if (!is_over && length < bytes)
                out[length] = piece[i];
            length += !is_over;
        }
    }
    explicit_bzero(piece, sizeof piece);
    if (!is_over && count < 0)
        return (int)count;
    if (!is_over && length == 0)
        return -ENODATA;
    if (length >= bytes)
        return weft_fail(-WEFT_ELIMIT, "longer than %zu bytes", bytes - 1);
    out[length] = '\0';
    return (int)length;
}

static int secret_ask(int fd, const char *prompt, char *out, size_t bytes)
{
    weft_terminal *terminal;
    int rc = weft_terminal_open(&terminal, fd, WEFT_TERMINAL_HIDDEN);
    if (rc < 0)
        return rc;
    (void)tcflush(fd, TCIFLUSH); /* typed before, for somebody else */
    ssize_t count = weft_write_all(fd, prompt, strlen(prompt));
    rc = count < 0 ? (int)count : secret_read(fd, out, bytes);
    weft_terminal_close(terminal);
    return rc;
}

int weft_terminal_ask_secret(const char *prompt, char *out, size_t bytes)
{
    if (bytes == 0 || bytes > INT32_MAX)
        return -EINVAL;
    explicit_bzero(out, bytes);
    int fd = weft_open("/dev/tty", O_RDWR | O_NOCTTY, 0);
    if (fd < 0)
        return fd == -ENOENT ? -ENXIO : fd;
    int rc = secret_ask(fd, prompt, out, bytes);
    (void)weft_close(fd);
    if (rc < 0)
        explicit_bzero(out, bytes);
    return rc;
}
