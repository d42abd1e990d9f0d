/* SPDX-License-Identifier: MIT */

/*
 * What does TLS cost over bare OpenSSL?  Two servers, each in a process of its own: ours, and a
 * loop of epoll, SSL_accept, SSL_read and SSL_write on non-blocking sockets.  One client of
 * blocking OpenSSL asks them in turn: full handshakes, resumed ones, and 128 MiB in writes of 16
 * KiB.  Printed is the server's CPU time; the client takes as much again, so time by the clock says
 * little.
 *
 *     tls_speed [--backend B]
 */

#include "bench.h"
#include "bench_cert.h"

#include <weft.h>
#include <weft/net.h>
#include <weft/run.h>
#include <weft/tls.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHAKES 200
#define BULK_BYTES ((size_t)128 << 20)
#define PIECE_BYTES 16384

static char piece[PIECE_BYTES];

struct job {
    struct bench_cert cert;
    const char *backend;
    int port_pipe;
};

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static void tell_port(const struct job *job, int port)
{
    if (write(job->port_pipe, &port, sizeof port) != sizeof port)
        die("port");
}

/* ---- ours: 'h' is answered by a byte, 'b' by BULK_BYTES; then the client closes ---- */

struct talk {
    weft_tls *tls;
    weft_stream *stream;
};

static int talk_over(weft_stream *stream)
{
    char what;
    while (weft_stream_read(stream, &what, 1) == 1) {
        if (what == 'h')
            WEFT_TRY(weft_stream_write(stream, "k", 1));
        for (size_t sent = 0; what == 'b' && sent < BULK_BYTES; sent += PIECE_BYTES)
            WEFT_TRY(weft_stream_write(stream, piece, PIECE_BYTES));
    }
    return 0;
}

static int talk(void *arg)
{
    struct talk *talk = arg;
    weft_stream *stream = talk->stream;
    int rc = weft_tls_accept(talk->tls, stream);
    free(talk);
    if (rc == 0)
        (void)talk_over(stream);
    (void)weft_stream_close(stream);
    return 0;
}

static int accept_all(weft_listener *listener, weft_tls *tls)
{
    WEFT_GROUP(group);
    for (;;) {
        struct talk *next = malloc(sizeof *next);
        next->tls = tls;
        WEFT_TRY(weft_listener_accept(listener, &next->stream));
        WEFT_TRY(weft_group_spawn(group, talk, next));
    }
}

static int our_main(void *arg)
{
    const struct job *job = arg;
    weft_listener *listener;
    weft_addr any;
    weft_tls *tls;
    const weft_tls_cert cert = {.cert = job->cert.cert, .key = job->cert.key};
    WEFT_TRY(weft_tls_server_new(&tls, &(weft_tls_options){.certs = &cert, .cert_count = 1}));
    WEFT_TRY(weft_addr_parse(&any, "127.0.0.1:0"));
    WEFT_TRY(weft_listener_open(&listener, &any, NULL));
    tell_port(job, weft_addr_get_port(weft_listener_get_addr(listener)));
    return accept_all(listener, tls);
}

static void serve_ours(const struct job *job)
{
    weft_config config = {.backend = job->backend};
    (void)weft_run_with(&config, our_main, (void *)(uintptr_t)job);
}

/* ---- bare ---- */

struct peer {
    SSL *ssl;
    int fd;
    bool is_ready;
    size_t owed; /* of a bulk */
};

static SSL_CTX *bare_context(const struct job *job)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    BIO *bio = BIO_new_mem_buf(job->cert.cert, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    bio = BIO_new_mem_buf(job->cert.key, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_ENABLE_PARTIAL_WRITE);
    if (SSL_CTX_use_certificate(context, cert) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1)
        die("certificate");
    X509_free(cert);
    EVP_PKEY_free(key);
    return context;
}

static int bare_listen(int *out_port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof addr) < 0 || listen(fd, 64) < 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &bytes) < 0)
        die("listen");
    *out_port = ntohs(addr.sin_port);
    return fd;
}

static void bare_accept(int epoll, int listener, SSL_CTX *context)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct peer *peer = calloc(1, sizeof *peer);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = peer};
        (void)setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
        peer->fd = fd;
        peer->ssl = SSL_new(context);
        SSL_set_fd(peer->ssl, fd);
        SSL_set_accept_state(peer->ssl);
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

/* False: it is over. */
static bool bare_go_on(struct peer *peer)
{
    char what;
    if (!peer->is_ready) {
        int rc = SSL_do_handshake(peer->ssl);
        if (rc != 1)
            return SSL_get_error(peer->ssl, rc) == SSL_ERROR_WANT_READ;
        peer->is_ready = true;
    }
    for (;;) {
        while (peer->owed > 0) {
            int sent = SSL_write(peer->ssl, piece, PIECE_BYTES);
            if (sent <= 0)
                return SSL_get_error(peer->ssl, sent) == SSL_ERROR_WANT_WRITE;
            peer->owed -= (size_t)sent < peer->owed ? (size_t)sent : peer->owed;
        }
        int got = SSL_read(peer->ssl, &what, 1);
        if (got <= 0)
            return SSL_get_error(peer->ssl, got) == SSL_ERROR_WANT_READ;
        if (what == 'h' && SSL_write(peer->ssl, "k", 1) != 1)
            return false;
        if (what == 'b')
            peer->owed = BULK_BYTES;
    }
}

static void serve_bare(const struct job *job)
{
    int port, epoll = epoll_create1(0), listener = bare_listen(&port);
    SSL_CTX *context = bare_context(job);
    struct epoll_event events[32], first = {.events = EPOLLIN};
    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &first);
    tell_port(job, port);
    for (;;) {
        int count = epoll_wait(epoll, events, 32, -1);
        for (int i = 0; i < count; i++) {
            struct peer *peer = events[i].data.ptr;
            if (peer == NULL) {
                bare_accept(epoll, listener, context);
            } else if (!bare_go_on(peer)) {
                SSL_shutdown(peer->ssl);
                SSL_free(peer->ssl);
                close(peer->fd);
                free(peer);
            }
        }
    }
}

/* ---- the client ---- */

struct server {
    const char *name;
    pid_t pid;
    clockid_t clock;
    int port;
    SSL_SESSION *session;
};

static struct server start(struct job *job, const char *name, void (*serve)(const struct job *))
{
    struct server server = {.name = name};
    int ends[2];
    if (pipe(ends) < 0)
        die("pipe");
    server.pid = fork();
    if (server.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGPIPE, SIG_IGN);
        job->port_pipe = ends[1];
        serve(job);
        exit(1);
    }
    close(ends[1]);
    if (server.pid < 0 || read(ends[0], &server.port, sizeof(int)) != sizeof(int) ||
        clock_getcpuclockid(server.pid, &server.clock) != 0)
        die("the server did not start");
    close(ends[0]);
    return server;
}

static double cpu_of(const struct server *server)
{
    struct timespec ts;
    (void)clock_gettime(server->clock, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static SSL *shake(SSL_CTX *context, struct server *server, bool resumes)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)server->port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof addr) < 0)
        die("connect");
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    if (resumes && server->session != NULL)
        SSL_set_session(ssl, server->session);
    char byte;
    if (SSL_connect(ssl) != 1 || SSL_write(ssl, "h", 1) != 1 || SSL_read(ssl, &byte, 1) != 1)
        die("handshake");
    if (resumes && server->session != NULL && !SSL_session_reused(ssl))
        die("not resumed");
    if (resumes) { /* its ticket came before the byte */
        SSL_SESSION_free(server->session);
        server->session = SSL_get1_session(ssl);
    }
    return ssl;
}

static void part(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);
    SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
}

/* Microseconds of the server a handshake. */
static double measure_shakes(SSL_CTX *context, struct server *server, bool resumes)
{
    if (resumes && server->session == NULL)
        part(shake(context, server, true));
    double from = cpu_of(server);
    for (int i = 0; i < SHAKES; i++)
        part(shake(context, server, resumes));
    return (cpu_of(server) - from) / SHAKES;
}

/* Of the server, a MiB. */
static double measure_bulk(SSL_CTX *context, struct server *server)
{
    static char buf[65536];
    SSL *ssl = shake(context, server, false);
    double from = cpu_of(server);
    size_t have = 0;
    if (SSL_write(ssl, "b", 1) != 1)
        die("write");
    while (have < BULK_BYTES) {
        int got = SSL_read(ssl, buf, sizeof buf);
        if (got <= 0)
            die("read");
        have += (size_t)got;
    }
    double took = cpu_of(server) - from;
    part(ssl);
    return took / (double)(BULK_BYTES >> 20);
}

static double measure(SSL_CTX *context, struct server *server, int question)
{
    return question == 2 ? measure_bulk(context, server)
                         : measure_shakes(context, server, question == 1);
}

int main(int argc, char **argv)
{
    static const char *const questions[] = {"full handshake", "resumed handshake", "a MiB sent"};
    struct job job = {.backend = argc > 2 ? argv[2] : NULL};
    bench_cert_make(&job.cert);
    struct server servers[2] = {start(&job, "bare OpenSSL", serve_bare),
                                start(&job, "weft-tls", serve_ours)};
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    for (int question = 0; question < 3; question++) {
        double values[2][BENCH_RUNS], ratios[BENCH_RUNS];
        for (int run = 0; run < BENCH_RUNS; run++) {
            for (int i = 0; i < 2; i++)
                values[i][run] = measure(context, &servers[i], question);
            ratios[run] = values[0][run] / values[1][run];
        }
        for (int i = 0; i < 2; i++) {
            char name[96];
            snprintf(name, sizeof name, "%s, %s", questions[question], servers[i].name);
            bench_print(name, "us of CPU", values[i], NULL, BENCH_RUNS);
        }
        bench_print(questions[question], "bare / weft-tls", ratios, NULL, BENCH_RUNS);
    }
    for (int i = 0; i < 2; i++)
        kill(servers[i].pid, SIGKILL);
    return 0;
}
