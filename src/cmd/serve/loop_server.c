/* SPDX-License-Identifier: MIT */

#include "cmd/serve/loop_server.h"

#include "service/join.h"

#include <weft/error.h>
#include <weft/loops.h>

#include <sys/socket.h>

/* ---- opening ---- */

static bool is_unix(const weft_addr *addr)
{
    return addr->storage.ss_family == AF_UNIX;
}

/* Whoever shares a port shares it with every program of the user that does so too: a service that
 * is started twice by mistake shall be told, as one with a single loop is. */
static int check_free(const weft_addr *addr)
{
    weft_listener *listener;
    int rc = weft_listener_open(&listener, addr, NULL);
    if (rc == 0)
        weft_listener_close(listener);
    return rc;
}

static int listen_on(struct loop_server *self, const weft_addr *addr)
{
    const weft_listen_options options = {
        .is_port_shared = weft_loop_count() > 1,
        .mode = is_unix(addr) ? self->plan->unix_mode : 0,
    };
    weft_listener *listener;
    if (options.is_port_shared && self->index == 0 && !is_unix(addr))
        WEFT_TRY(check_free(addr));
    WEFT_TRY(weft_listener_open(&listener, addr, &options));
    return weft_http_server_take(self->server, listener);
}

static int say_where(int rc, const weft_addr *addr)
{
    char text[WEFT_ADDR_TEXT_BYTES];
    if (weft_addr_format(addr, text, sizeof(text)) < 0)
        text[0] = '\0';
    return weft_fail(rc, "cannot listen on %.96s: %s%s", text, weft_strerror(rc),
                     rc == -EADDRINUSE && !is_unix(addr)
                         ? "; another one: --listen HOST:PORT, where port 0 is any that is free"
                         : "");
}

/* The first has the plan's addresses to itself: the others come when it listens. */
static int listen_all(struct loop_server *self)
{
    const struct loop_plan *plan = self->plan;
    for (size_t i = 0; i < plan->addr_count; i++) {
        weft_addr *addr = &plan->addrs[i];
        if (self->index != 0 && is_unix(addr))
            continue;
        int rc = listen_on(self, addr);
        if (rc < 0)
            return say_where(rc, addr);
        if (self->index == 0)
            *addr = *weft_http_server_get_addr(self->server, i);
    }
    return 0;
}

static int loop_server_open(struct loop_server *self)
{
    weft_http_options options = self->plan->http;
    WEFT_TRY(secure_open(self->plan->secure, &options, &self->tls));
    if (self->plan->log_fd >= 0) {
        WEFT_TRY(weft_http_log_open(&self->log, self->plan->log_fd, WEFT_HTTP_LOG_JSON, 0));
        options.done = weft_http_log_put;
        options.done_arg = self->log;
        options.takes_trace = true;
    }
    WEFT_TRY(weft_http_server_new(&self->server, &options));
    WEFT_TRY(service_add_routes(self->plan->service, self->server));
    self->plan->service->servers[self->index] = self->server;
    return listen_all(self);
}

/* ---- serving ---- */

static int stop_body(void *arg)
{
    struct loop_server *self = arg;
    for (size_t i = 0; i < 2; i++) {
        WEFT_TRY(weft_future_wait(&self->stops[i], /* out_value= */ NULL));
        weft_http_server_stop(self->server);
    }
    return 0;
}

/* A loop all of whose addresses are others' has nothing to serve. */
static int serve_here(struct loop_server *self)
{
    if (weft_http_server_get_addr(self->server, 0) == NULL)
        return weft_future_wait(&self->stops[0], /* out_value= */ NULL);
    return weft_http_serve(self->server);
}

static int loop_server_run(struct loop_server *self)
{
    WEFT_TRY(loop_server_open(self));
    weft_future_set(&self->opened, 0, /* value= */ NULL);
    WEFT_TRY(weft_future_wait(&self->begin, /* out_value= */ NULL));
    weft_task stop = weft_spawn(stop_body, self);
    int rc;
    if (weft_done(stop, &rc) == 0) /* else it could not be made */
        rc = serve_here(self);
    weft_cancel(stop, "the service has ended");
    (void)join(stop);
    return rc;
}

static void loop_server_close(struct loop_server *self)
{
    weft_cancel(self->reloading, "the service has ended");
    (void)join(self->reloading);
    self->plan->service->servers[self->index] = NULL;
    weft_http_server_free(self->server);
    self->server = NULL;
    weft_http_log_close(self->log);
    self->log = NULL;
    secure_close(self->tls);
    self->tls = NULL;
}

int loop_server_body(void *arg)
{
    struct loop_server *self = arg;
    int rc = loop_server_run(self);
    loop_server_close(self);
    return rc;
}

void loop_server_stop(struct loop_server *server)
{
    if (weft_future_set(&server->stops[0], 0, /* value= */ NULL) == -EALREADY)
        weft_future_set(&server->stops[1], 0, /* value= */ NULL);
}

int loop_server_reload(void *arg)
{
    const struct reload *reload = arg;
    struct loop_server *self = reload->server;
    int rc = 0;
    self->reloading = weft_self();
    if (self->log != NULL && reload->log_fd >= 0)
        rc = weft_http_log_move(self->log, reload->log_fd);
    if (rc == 0 && self->tls != NULL)
        rc = secure_reload(self->tls);
    self->reloading = (weft_task){0};
    return rc;
}
