/* SPDX-License-Identifier: MIT */

/* The asking side of a question to another process; the protocol is in ask_priv.h. */

#include <weft/sys/ask.h>

#include <weft/error.h>
#include <weft/io.h>
#include <weft/reader.h>
#include <weft/scope.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "core/look/ask_priv.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define ASK_PATIENCE (3 * WEFT_SEC)
#define ASK_AGAIN (100 * WEFT_MS)
#define ASK_LOOPS_MAX 1024

struct weft_ask {
    int pid;
    uint16_t number;
    int listener, fd; /* fd: the loop that is answering; -1: none */
    weft_reader *reader;
    int loop_count, told_count; /* 0 until the first has answered */
    char question[WF_ASK_QUESTION_BYTES];
};

static int ask_listen(weft_ask *ask)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int len = snprintf(addr.sun_path + 1, sizeof addr.sun_path - 1, WF_ASK_NAME, (int)getpid());
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    ask->listener = wf_sys_socket(AF_UNIX, SOCK_STREAM, 0);
    if (ask->listener < 0)
        return ask->listener;
    int rc = wf_sys_bind(ask->listener, (const struct sockaddr *)&addr, bytes);
    return rc < 0 ? rc : wf_sys_listen(ask->listener, ASK_LOOPS_MAX);
}

static int ask_signal(const weft_ask *ask)
{
    union sigval question = {
        .sival_ptr = (void *)(uintptr_t)wf_ask_pack((int)getpid(), ask->number),
    };
    return sigqueue(ask->pid, SIGURG, question) == 0 ? 0 : -errno;
}

int weft_ask_open(weft_ask **out, int pid, const char *question)
{
    if (pid <= 0)
        return -ESRCH;
    weft_ask *ask = wf_alloc(sizeof *ask);
    if (ask == NULL)
        return -ENOMEM;
    ask->pid = pid;
    ask->fd = -1;
    int rc = ask_listen(ask);
    int len = snprintf(ask->question, sizeof ask->question, "%s\n", question);
    if (rc == 0 && len >= (int)sizeof ask->question)
        rc = -E2BIG;
    if (rc == 0)
        rc = wf_sys_random(&ask->number, sizeof ask->number);
    if (rc == 0)
        rc = ask_signal(ask);
    if (rc == 0)
        *out = ask;
    else
        weft_ask_close(ask);
    return rc;
}

void weft_ask_close(weft_ask *ask)
{
    if (ask == NULL)
        return;
    weft_reader_close(ask->reader);
    if (ask->fd >= 0)
        (void)weft_close(ask->fd);
    if (ask->listener >= 0)
        (void)weft_close(ask->listener);
    wf_free(ask);
}

/* ---- a loop's answer ---- */

/* Others may find our socket too; only the process that was asked is heard. */
static bool ask_is_from(const weft_ask *ask, int fd)
{
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    return wf_sys_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 &&
           peer.pid == ask->pid;
}

/* The number behind `known`, and where it ends; -1: there is none. */
static long number_behind(const char *text, const char *known, const char **out_end)
{
    const char *digits = text + strlen(known);
    char *end;
    if (strncmp(text, known, strlen(known)) != 0)
        return -1;
    long number = strtol(digits, &end, 10);
    *out_end = end;
    return end == digits ? -1 : number;
}

/* 0; -ESTALE: it answers a question that this process asked before. */
static int ask_greeting(weft_ask *ask)
{
    weft_str line;
    char text[48];
    const char *end = "";
    int rc = weft_reader_read_line(ask->reader, &line);
    if (rc <= 0)
        return rc < 0 ? rc : -WEFT_ETRUNCATED;
    snprintf(text, sizeof text, "%.*s", (int)(line.len < 47 ? line.len : 47), line.ptr);
    long count = number_behind(text, WF_ASK_GREETING, &end);
    long number = number_behind(end, WF_ASK_TO, &end);
    if (number < 0 || *end != '\0' || count < 1 || count > ASK_LOOPS_MAX)
        return -EPROTO;
    if (number != ask->number)
        return -ESTALE;
    ask->loop_count = (int)count;
    return 0;
}

/* The next to connect; asks again meanwhile. */
static int ask_connection(weft_ask *ask)
{
    int fd, rc = 0;
    do {
        WEFT_TIMEOUT(limit, ASK_AGAIN);
        fd = weft_scope_close(&limit, weft_accept(ask->listener));
        if (fd == -ETIMEDOUT)
            rc = ask_signal(ask);
    } while (fd == -ETIMEDOUT && rc == 0);
    return rc == -ESRCH ? -WEFT_ETRUNCATED : rc < 0 ? rc : fd;
}

/* True if there is an answer to read, also of a loop that was ending, which answers without reading
 * the question. */
static bool ask_was_answered(ssize_t sent)
{
    return sent >= 0 || sent == -EPIPE || sent == -ECONNRESET;
}

static int ask_accept(weft_ask *ask)
{
    int fd;
    while ((fd = ask_connection(ask)) >= 0 && !ask_is_from(ask, fd))
        (void)weft_close(fd);
    if (fd < 0)
        return fd;
    ask->fd = fd;
    ssize_t sent = weft_write_all(fd, ask->question, strlen(ask->question));
    int rc = !ask_was_answered(sent) ? (int)sent : weft_reader_new_fd(&ask->reader, fd, NULL);
    return rc < 0 ? rc : ask_greeting(ask);
}

static void ask_hang_up(weft_ask *ask)
{
    weft_reader_close(ask->reader);
    (void)weft_close(ask->fd);
    ask->reader = NULL;
    ask->fd = -1;
}

static int ask_begin(weft_ask *ask)
{
    int rc;
    while ((rc = ask_accept(ask)) == -ESTALE)
        ask_hang_up(ask);
    return rc;
}

static int ask_step(weft_ask *ask, weft_str *out)
{
    int rc = ask->fd < 0 ? ask_begin(ask) : 0;
    if (rc == 0 && ask->reader == NULL)
        rc = -WEFT_ECLOSED; /* it had failed before */
    if (rc == 0)
        rc = weft_reader_read_line(ask->reader, out);
    return rc == 0 || rc == -ECONNRESET || rc == -EPIPE ? -WEFT_ETRUNCATED : rc;
}

int weft_ask_read_line(weft_ask *ask, weft_str *out)
{
    while (ask->loop_count == 0 || ask->told_count < ask->loop_count) {
        WEFT_TIMEOUT(limit, ASK_PATIENCE);
        int rc = weft_scope_close(&limit, ask_step(ask, out));
        if (rc < 0 || out->len == 0 || out->ptr[0] != WF_ASK_END[0])
            return rc;
        ask_hang_up(ask);
        ask->told_count++;
    }
    return 0;
}
