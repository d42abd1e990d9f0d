/* SPDX-License-Identifier: MIT */

#include "served.h"

#include <netinet/in.h>
#include <sys/un.h>

/* ---- a service ---- */

/* Of the line that says it. */
static void take_address(struct service *service, const char *line)
{
    static const char host[] = "http://127.0.0.1:";
    const char *port = strstr(line, host), *path = strstr(line, "unix:");
    if (port != NULL) {
        struct sockaddr_in *addr = (struct sockaddr_in *)&service->addr;
        addr->sin_family = AF_INET;
        addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        addr->sin_port = htons((uint16_t)strtol(port + sizeof(host) - 1, NULL, 10));
        service->addr_bytes = sizeof(*addr);
        return;
    }
    CHECK(path != NULL);
    struct sockaddr_un *addr = (struct sockaddr_un *)&service->addr;
    addr->sun_family = AF_UNIX;
    snprintf(addr->sun_path, sizeof(addr->sun_path), "%.*s", (int)strcspn(path + 5, " \n"),
             path + 5);
    service->addr_bytes = sizeof(*addr);
}

void service_start_with(struct service *service, const char *const *words)
{
    const char *all[CHILD_WORDS_MAX] = {"serve"};
    *service = (struct service){0};
    for (size_t i = 0; words[i] != NULL; i++) {
        CHECK_LT(i + 2, CHILD_WORDS_MAX);
        all[i + 1] = words[i];
    }
    child_start(&service->child, all);
    while (memchr(wf_buf_ptr(&service->out), '\n', wf_buf_bytes(&service->out)) == NULL)
        CHECK(child_read(&service->child.out, &service->out));
    wf_buf_putc(&service->out, '\0');
    note("%s", wf_buf_ptr(&service->out));
    take_address(service, wf_buf_ptr(&service->out));
}

void service_start_on(struct service *service, const char *listen, const char *loops)
{
    static const char said[] = "weft: serving countries.csv (249 entities) on ";
    const char *unix_mode = strncmp(listen, "unix:", 5) == 0 ? "--unix-mode" : NULL;
    SERVICE_START(service, "-e", COUNTRIES, "--listen", listen, "--loops", loops, unix_mode, "640");
    CHECK(text_begins(wf_buf_ptr(&service->out), said));
}

void service_start(struct service *service)
{
    service_start_on(service, "127.0.0.1:0", "1");
}

int service_end_with(struct service *service, int signal_number, char *err, size_t room)
{
    weft_str nothing = {"", 0};
    wf_buf said = {0};
    kill(service->child.pid, signal_number);
    while (child_turn(&service->child, &nothing, &service->out, &said))
        ;
    int code = child_wait(&service->child);
    snprintf(err, room, "%.*s", (int)wf_buf_bytes(&said), wf_buf_ptr(&said));
    note("%s", err);
    wf_buf_fini(&said);
    wf_buf_fini(&service->out);
    return code;
}

int service_end(struct service *service, int signal_number)
{
    char err[1024];
    return service_end_with(service, signal_number, err, sizeof(err));
}

/* ---- a client ---- */

int service_connect(const struct service *service)
{
    int fd = socket(service->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_OK(fd);
    CHECK_OK(connect(fd, (const struct sockaddr *)&service->addr, service->addr_bytes));
    return fd;
}

/* Sends a whole request and reads to the end of the connection. */
static void exchange(const struct service *service, const char *request, size_t bytes, wf_buf *out)
{
    int fd = service_connect(service);
    wf_buf_reset(out);
    while (bytes != 0) {
        ssize_t count = write(fd, request, bytes);
        CHECK_GT(count, 0);
        request += count;
        bytes -= (size_t)count;
    }
    while (child_read(&fd, out))
        ;
    wf_buf_putc(out, '\0');
}

static void call(const struct service *service, const char *version, const char *line,
                 const char *head, const char *body, struct answer *answer)
{
    wf_buf request = {0};
    wf_buf_printf(&request, "%s %s\r\nHost: localhost\r\nConnection: close\r\n%s", line, version,
                  head);
    if (body != NULL)
        wf_buf_printf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                      strlen(body));
    wf_buf_puts(&request, "\r\n");
    wf_buf_puts(&request, body != NULL ? body : "");
    exchange(service, wf_buf_ptr(&request), wf_buf_bytes(&request), &answer->buf);
    wf_buf_fini(&request);
    answer->head = wf_buf_ptr(&answer->buf);
    CHECK(strncmp(answer->head, "HTTP/1.1 ", 9) == 0);
    answer->status = (int)strtol(answer->head + 9, NULL, 10);
    answer->body = strstr(answer->head, "\r\n\r\n");
    CHECK(answer->body != NULL);
    answer->body += 4;
}

void service_call_with(const struct service *service, const char *line, const char *head,
                       const char *body, struct answer *answer)
{
    call(service, "HTTP/1.1", line, head, body, answer);
}

void service_call_whole(const struct service *service, const char *line, const char *head,
                        const char *body, struct answer *answer)
{
    call(service, "HTTP/1.0", line, head, body, answer);
}

void service_call(const struct service *service, const char *line, const char *body,
                  struct answer *answer)
{
    service_call_with(service, line, "", body, answer);
}

void service_wait_ready(const struct service *service)
{
    struct answer answer = {0};
    do {
        service_call(service, "GET /readyz", NULL, &answer);
    } while (answer.status == 503);
    CHECK_EQ(answer.status, 200);
    wf_buf_fini(&answer.buf);
}
