/* SPDX-License-Identifier: MIT */

/*
 * What does an idle connection cost?  idle [--count N] [--backend B] http|tls|ws|wstask: N clients
 * (19,000) connect to a server in a process of its own, each gets one answer (ws: one message) and
 * stays. Then: the server's memory, ours as the kernel counts it (anonymous pages), a connection;
 * and that each still gets an answer.  The kernel's own memory for a socket is not in it.
 */

#include "bench_cert.h"

#include <weft.h>
#include <weft/http.h>
#include <weft/run.h>
#include <weft/tls.h>
#include <weft/ws.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WARM 500 /* before memory is first looked at: pools, slabs, tables of descriptors */

struct job {
    const char *what, *backend;
    size_t count;
    int port_pipe;
    struct bench_cert cert;
};

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- the server ---- */

static int answer(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    return weft_http_respond_text(res, 200, "Hello, World!");
}

static int echo(weft_ws *ws, const weft_ws_message *message, void *arg)
{
    (void)arg;
    return weft_ws_send(ws, message->type, message->data);
}

static int echo_all(weft_ws *ws, void *arg)
{
    weft_ws_message message;
    int rc;
    while ((rc = weft_ws_receive(ws, &message)) > 0)
        WEFT_TRY(echo(ws, &message, arg));
    return rc;
}

static const weft_ws_options quiet = {.limits.ping_every = WEFT_FOREVER};

static int open_task(weft_http_request *req, weft_http_response *res, void *arg)
{
    return weft_ws_serve(req, res, &quiet, echo_all, arg);
}

static int open_echo(weft_http_request *req, weft_http_response *res, void *arg)
{
    static const weft_ws_handler handler = {.message = echo};
    return weft_ws_answer(req, res, &quiet, &handler, arg);
}

static int secure(weft_stream *stream, void *arg)
{
    return weft_tls_start_server(arg, stream);
}

static int run(const struct job *job, weft_tls *tls)
{
    weft_http_server *server = NULL;
    const weft_http_route routes[] = {
        {.method = "GET", .path = "/", .handler = answer},
        {.method = "GET",
         .path = "/ws",
         .handler = strcmp(job->what, "wstask") == 0 ? open_task : open_echo}};
    weft_http_options options = {
        .limits = {.connection_count_max = 19500, .keep_alive_max = 600 * WEFT_SEC}};
    if (tls != NULL) {
        options.secure = secure;
        options.secure_arg = tls;
    }
    WEFT_TRY(weft_http_server_new(&server, &options));
    int rc = weft_http_server_add(server, &routes[0]);
    if (rc == 0)
        rc = weft_http_server_add(server, &routes[1]);
    if (rc == 0)
        rc = weft_http_server_listen(server, "127.0.0.1:0");
    if (rc == 0) {
        int port = weft_addr_get_port(weft_http_server_get_addr(server, 0));
        rc = write(job->port_pipe, &port, sizeof port) == sizeof port ? 0 : -1;
    }
    if (rc == 0)
        rc = weft_http_serve(server);
    weft_http_server_free(server);
    return rc;
}

static int server_main(void *arg)
{
    const struct job *job = arg;
    weft_tls *tls = NULL;
    const weft_tls_cert cert = {.cert = job->cert.cert, .key = job->cert.key};
    const weft_tls_options options = {.certs = &cert, .cert_count = 1};
    if (strcmp(job->what, "tls") == 0)
        WEFT_TRY(weft_tls_server_new(&tls, &options));
    int rc = run(job, tls);
    weft_tls_free(tls);
    return rc;
}

static pid_t start(struct job *job, int *out_port)
{
    int ends[2];
    if (pipe(ends) < 0)
        die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        weft_config config = {.backend = job->backend};
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        job->port_pipe = ends[1];
        exit(weft_run_with(&config, server_main, job) < 0);
    }
    close(ends[1]);
    if (pid < 0 || read(ends[0], out_port, sizeof *out_port) != sizeof *out_port)
        die("the server did not start");
    close(ends[0]);
    return pid;
}

/* ---- clients ---- */

static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
static const char opening[] =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
static const char message[] = "\x82\x81\0\0\0\0x"; /* masked by nothing */

struct client {
    int fd;
    SSL *ssl;
};

/* What is sent has an answer that ends with `end`. */
static void ask(const struct client *client, const char *text, size_t bytes, const char *end)
{
    char buf[1024];
    size_t have = 0, want = strlen(end);
    if (client->ssl != NULL ? SSL_write(client->ssl, text, (int)bytes) <= 0
                            : send(client->fd, text, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        die("send");
    do {
        ssize_t got = client->ssl != NULL
                          ? SSL_read(client->ssl, buf + have, (int)(sizeof buf - have))
                          : recv(client->fd, buf + have, sizeof buf - have, 0);
        if (got <= 0)
            die("receive");
        have += (size_t)got;
    } while (have < want || memcmp(buf + have - want, end, want) != 0);
}

static void ask_again(const struct job *job, const struct client *client)
{
    if (strncmp(job->what, "ws", 2) == 0)
        ask(client, message, sizeof message - 1, "x");
    else
        ask(client, get, sizeof get - 1, "World!");
}

static struct client join(const struct job *job, int port, SSL_CTX *context)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct client client = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
    if (client.fd < 0 || connect(client.fd, (const struct sockaddr *)&addr, sizeof addr) < 0)
        die("connect");
    if (context != NULL) {
        client.ssl = SSL_new(context);
        SSL_set_fd(client.ssl, client.fd);
        if (SSL_connect(client.ssl) != 1)
            die("handshake");
    }
    if (strncmp(job->what, "ws", 2) == 0)
        ask(&client, opening, sizeof opening - 1, "\r\n\r\n");
    ask_again(job, &client);
    return client;
}

/* Bytes of anonymous memory that the process has touched. */
static double memory_of(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        (void)sscanf(line, "Anonymous: %ld", &kib);
    if (file != NULL)
        fclose(file);
    return (double)kib * 1024;
}

static void measure(const struct job *job, pid_t server, int port)
{
    struct client *clients = calloc(job->count, sizeof *clients);
    SSL_CTX *context = strcmp(job->what, "tls") == 0 ? SSL_CTX_new(TLS_client_method()) : NULL;
    double before = 0;
    if (context != NULL)
        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    for (size_t i = 0; i < job->count; i++) {
        if (i == WARM)
            before = memory_of(server);
        clients[i] = join(job, port, context);
    }
    double each = (memory_of(server) - before) / (double)(job->count - WARM);
    for (size_t i = 0; i < job->count; i++)
        ask_again(job, &clients[i]);
    printf("{\"name\":\"idle connection, %s\",\"count\":%zu,\"unit\":\"bytes\",\"value\":%.0f}\n",
           job->what, job->count, each);
}

int main(int argc, char **argv)
{
    struct job job = {.what = "http", .count = 19000};
    struct rlimit limit;
    int port;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--count") == 0 && i + 1 < argc)
            job.count = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--backend") == 0 && i + 1 < argc)
            job.backend = argv[++i];
        else
            job.what = argv[i];
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (job.count <= WARM || job.count + 100 > limit.rlim_cur)
        die("--count");
    bench_cert_make(&job.cert);
    pid_t server = start(&job, &port);
    measure(&job, server, port);
    kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    return 0;
}
