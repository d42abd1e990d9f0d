/* SPDX-License-Identifier: MIT */

/* Unix sockets: who the peer is, and descriptors among the bytes of a stream. */

#include <weft/unix.h>

#include <weft/error.h>
#include <weft/io.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "net/stream_priv.h"
#include "net/task_kind.h"

#include <assert.h>
#include <string.h>

/* Descriptors that came and were not taken, first come first. */
struct wf_stream_fds {
    uint32_t count, room;
    int fds[];
};

static const weft_stream_kind unix_kind = {.fd_count_max = WEFT_UNIX_FDS_MAX};

const weft_stream_kind *wf_stream_unix_kind(void)
{
    return &unix_kind;
}

/* ---- coming ---- */

int wf_stream_fds_open(weft_stream *stream, uint32_t room)
{
    struct wf_stream_fds *fds = wf_alloc(sizeof *fds + room * sizeof fds->fds[0]);
    if (fds == NULL)
        return -ENOMEM;
    fds->room = room;
    stream->fds = fds;
    return 0;
}

void wf_stream_fds_close(weft_stream *stream)
{
    struct wf_stream_fds *fds = stream->fds;
    for (uint32_t i = 0; fds != NULL && i < fds->count; i++)
        wf_sys_close(fds->fds[i]);
    wf_free(fds);
    stream->fds = NULL;
}

ssize_t wf_stream_fds_recv(weft_stream *stream, void *buf, size_t bytes)
{
    struct wf_stream_fds *fds = stream->fds;
    size_t came = fds->room - fds->count;
    ssize_t got = wf_sys_recv_fds(stream->fd, buf, bytes, fds->fds + fds->count, &came);
    if (got >= 0)
        fds->count += (uint32_t)came;
    return got;
}

uint32_t wf_stream_fds_count(const weft_stream *stream)
{
    return stream->fds->count;
}

int weft_unix_take_fd(weft_stream *stream)
{
    struct wf_stream_fds *fds = stream->fds;
    if (fds == NULL || fds->count == 0)
        return -EAGAIN;
    int fd = fds->fds[0];
    fds->count--;
    memmove(fds->fds, fds->fds + 1, fds->count * sizeof fds->fds[0]);
    if (fds->count == 0)
        wf_stream_update_reading(stream);
    return fd;
}

/* ---- going ---- */

/* What the descriptors did wrong is not the stream's failure. */
static bool is_of_stream(ssize_t rc)
{
    return rc == -EAGAIN || rc == -EPIPE || rc == -ECONNRESET || rc == -ENOTCONN;
}

static int send_held(weft_stream *stream, const char *buf, size_t bytes, const int *fds,
                     size_t fd_count, uint64_t *done)
{
    for (;;) {
        int rc = wf_stream_hold_enter(stream);
        if (rc < 0)
            return rc;
        ssize_t got = wf_sys_send_fds(stream->fd, buf, bytes, fds, fd_count);
        if (got >= 0) {
            *done = (uint64_t)got;
            stream->sent_bytes += (uint64_t)got;
            return wf_stream_hold_send(stream, buf + got, bytes - (size_t)got, 0, done);
        }
        rc = is_of_stream(got) ? wf_stream_hold_wait(stream, (int)got)
                               : weft_fail((int)got, "descriptors: %s", weft_strerror((int)got));
        if (rc < 0)
            return rc;
    }
}

int weft_unix_send_fds(weft_stream *stream, const void *buf, size_t bytes, const int *fds,
                       size_t fd_count)
{
    uint64_t done = 0;
    weft_progress_set(0);
    if (bytes == 0 || fd_count > WEFT_UNIX_FDS_MAX || stream->filter != NULL)
        return -EINVAL;
    int rc = wf_stream_hold(stream, 0);
    if (rc < 0)
        return rc;
    rc = send_held(stream, buf, bytes, fds, fd_count, &done);
    wf_stream_unhold(stream);
    weft_progress_set(done);
    return rc;
}

/* ---- ends ---- */

int weft_unix_connect(weft_stream **out, const weft_addr *addr)
{
    return wf_stream_connect_as(out, addr, &unix_kind);
}

int weft_unix_pair(weft_stream *out[2])
{
    return wf_stream_pair_as(out, &unix_kind);
}

int weft_unix_get_peer(const weft_stream *stream, weft_unix_peer *out)
{
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    int domain = 0;
    socklen_t domain_bytes = sizeof domain;
    int rc = wf_sys_getsockopt(stream->fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_bytes);
    if (rc == 0 && domain != AF_UNIX)
        rc = -EOPNOTSUPP;
    if (rc == 0)
        rc = wf_sys_getsockopt(stream->fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes);
    if (rc == 0)
        *out = (weft_unix_peer){.pid = peer.pid, .uid = peer.uid, .gid = peer.gid};
    return rc;
}
