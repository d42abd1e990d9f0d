/* SPDX-License-Identifier: MIT */

/*
 * Questions by c-ares.  A channel lives for one question to one server by one protocol, so it has
 * one socket, with a port that nobody can know before, and ending it early is nothing special.
 * Which server comes next, how long one is waited for, and what an answer means is decided above,
 * by our clock: c-ares' own never fires.  Its sockets are made by the platform table.
 */

#include "dns/query.h"

#include <weft/error.h>
#include <weft/io.h>
#include <weft/scope.h>

#include "base/alloc.h"
#include "base/sys.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/uio.h>

#if defined(__GNUC__) /* later versions have other names for calls that all have */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif

#define NEVER_MS (3600 * 1000)
#define UDP_BYTES_MAX 1232 /* larger answers may be cut to pieces on the way; they come by TCP */
#define SEND_BYTES_MAX 1024u

const bool wf_dns_query_has_servers = true;

struct query {
    ares_channel channel;
    int fd, events;
    bool is_done;
    int rc;
    weft_bytes reply;
};

/* ---- its sockets ---- */

static int failed(int rc)
{
    errno = -rc;
    return -1;
}

static ares_socket_t query_socket(int family, int type, int protocol, void *arg)
{
    (void)arg;
    int fd = wf_sys_socket(family, type, protocol);
    return fd >= 0 ? fd : failed(fd);
}

static int query_close(ares_socket_t fd, void *arg)
{
    (void)arg;
    (void)weft_fd_close(weft_loop_self(), fd, NULL, NULL);
    return 0;
}

static int query_connect(ares_socket_t fd, const struct sockaddr *addr, ares_socklen_t bytes,
                         void *arg)
{
    (void)arg;
    int rc = wf_sys_connect(fd, addr, bytes);
    return rc >= 0 ? rc : failed(rc);
}

/* The socket is connected: the kernel lets nothing of other senders in. */
static ares_ssize_t query_receive(ares_socket_t fd, void *buf, size_t bytes, int flags,
                                  struct sockaddr *from, ares_socklen_t *from_bytes, void *arg)
{
    (void)arg;
    ssize_t count = wf_sys_recv(fd, buf, bytes, flags);
    if (count >= 0 && from != NULL && wf_sys_getpeername(fd, from, from_bytes) < 0)
        return failed(-EIO);
    return count >= 0 ? count : failed((int)count);
}

static ares_ssize_t query_send(ares_socket_t fd, const struct iovec *pieces, int count, void *arg)
{
    char bytes[SEND_BYTES_MAX];
    size_t used = 0;
    (void)arg;
    for (int i = 0; i < count; i++) {
        if (pieces[i].iov_len > sizeof bytes - used)
            return failed(-EMSGSIZE);
        memcpy(bytes + used, pieces[i].iov_base, pieces[i].iov_len);
        used += pieces[i].iov_len;
    }
    ssize_t sent = wf_sys_send(fd, bytes, used, 0);
    return sent >= 0 ? sent : failed((int)sent);
}

static void query_watch(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct query *query = arg;
    query->events = (readable ? POLLIN : 0) | (writable ? POLLOUT : 0);
    query->fd = query->events != 0 ? fd : -1;
}

/* ---- its channel ---- */

static int code_of(int status)
{
    switch (status) {
    case ARES_ENOMEM:
        return -ENOMEM;
    case ARES_ECONNREFUSED:
        return -ECONNREFUSED;
    default:
        return weft_fail(-WEFT_EDNS, "dns: %s", ares_strerror(status));
    }
}

static void query_done(void *arg, int status, int timeouts, unsigned char *bytes, int count)
{
    struct query *query = arg;
    (void)timeouts;
    query->is_done = true;
    if (bytes == NULL || count <= 0) {
        query->rc = status == ARES_EDESTRUCTION ? -ECANCELED : code_of(status);
        return;
    }
    query->reply.ptr = wf_dup(bytes, (size_t)count);
    query->reply.len = (size_t)count;
    query->rc = query->reply.ptr != NULL ? 0 : -ENOMEM;
}

static void library_init(void)
{
    (void)ares_library_init(ARES_LIB_INIT_ALL);
}

/* All is said, so that no file and no variable of the environment is read. */
static int channel_init(struct query *query, bool is_by_tcp)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const int flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP |
                             ARES_FLAG_IGNTC | ARES_FLAG_EDNS;
    char lookups[] = "b", nothing[] = "/dev/null";
    struct in_addr replaced = {0};
    struct ares_options options = {
        .flags = flags | (is_by_tcp ? ARES_FLAG_USEVC : 0),
        .timeout = NEVER_MS,
        .tries = 1,
        .ndots = 1,
        .servers = &replaced,
        .nservers = 1,
        .lookups = lookups,
        .sock_state_cb = query_watch,
        .sock_state_cb_data = query,
        .ednspsz = UDP_BYTES_MAX,
        .resolvconf_path = nothing,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
               ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST |
               ARES_OPT_SOCK_STATE_CB | ARES_OPT_EDNSPSZ | ARES_OPT_NOROTATE | ARES_OPT_RESOLVCONF;
    (void)pthread_once(&once, library_init);
    return ares_init_options(&query->channel, &options, mask);
}

static int query_open(struct query *query, const weft_addr *server, bool is_by_tcp)
{
    static const struct ares_socket_functions functions = {
        query_socket, query_close, query_connect, query_receive, query_send,
    };
    char text[WEFT_ADDR_TEXT_BYTES];
    int status = channel_init(query, is_by_tcp);
    if (status != ARES_SUCCESS)
        return code_of(status);
    int rc = weft_addr_format(server, text, sizeof text);
    if (rc >= 0 && ares_set_servers_ports_csv(query->channel, text) != ARES_SUCCESS)
        rc = -ENOMEM;
    if (rc < 0)
        ares_destroy(query->channel);
    else
        ares_set_socket_functions(query->channel, &functions, query);
    return rc < 0 ? rc : 0;
}

static int query_drive(struct query *query)
{
    while (!query->is_done) {
        assert(query->fd >= 0);
        int events = weft_wait_fd(query->fd, query->events);
        if (events < 0)
            return events;
        bool reads = (events & (POLLIN | POLLERR | POLLHUP)) != 0;
        bool writes = (events & POLLOUT) != 0;
        ares_process_fd(query->channel, reads ? query->fd : ARES_SOCKET_BAD,
                        writes ? query->fd : ARES_SOCKET_BAD);
    }
    return query->rc;
}

int wf_dns_query_server(const weft_addr *server, const char *name, int type, bool is_by_tcp,
                        weft_time timeout, weft_bytes *out)
{
    struct query query = {.fd = -1};
    int rc = query_open(&query, server, is_by_tcp);
    if (rc < 0)
        return rc;
    {
        WEFT_TIMEOUT(limit, timeout);
        ares_query(query.channel, name, ns_c_in, type, query_done, &query);
        rc = query_drive(&query);
        rc = weft_scope_close(&limit, rc);
    }
    ares_destroy(query.channel);
    if (rc == 0)
        *out = query.reply;
    else
        weft_bytes_free(&query.reply);
    return rc;
}
