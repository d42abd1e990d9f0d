/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a service in front of an accelerator.  Requests wait in a bounded queue and are computed
 * in batches, as many as come within 5 ms, at most four; when the queue is full the client is told
 * to come again.  At SIGTERM the server ends first and what its requests need after it, so that
 * nobody who was let in is sent away.
 */

#include <weft.h>
#include <weft/client.h>
#include <weft/http.h>

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { BATCH_MAX = 4, QUEUE_MAX = 8, AT_ONCE = 16 };

/* A request, on its handler's stack. */
struct job {
    char prompt[16];
    char answer[32];
    weft_event done;
};

struct service {
    weft_chan *queue; /* of struct job * */
    weft_http_server *server;
    char url[64];
    int batches;
};

/* ---- the accelerator ---- */

static int compute(void *arg)
{
    struct service *service = arg;
    struct job *jobs[BATCH_MAX];
    int count;
    while ((count = weft_recv_batch(service->queue, jobs, BATCH_MAX, 5 * WEFT_MS)) > 0) {
        WEFT_TRY(weft_sleep(100 * WEFT_MS)); /* stands for the work, by weft_run_cpu() or outside */
        service->batches++;
        for (int i = 0; i < count; i++) {
            snprintf(jobs[i]->answer, sizeof jobs[i]->answer, "%s!", jobs[i]->prompt);
            weft_event_set(&jobs[i]->done);
        }
    }
    return count; /* 0: the queue is closed and empty */
}

/* ---- the server ---- */

static int infer(weft_http_request *req, weft_http_response *res, void *arg)
{
    const struct service *service = arg;
    struct job job = {.prompt = ""}, *self = &job;
    weft_str prompt = weft_http_body(req);
    snprintf(job.prompt, sizeof job.prompt, "%.*s", (int)prompt.len, prompt.ptr);
    int rc = weft_try_send(service->queue, &self);
    if (rc == -EAGAIN) {
        WEFT_TRY(weft_http_set_field(res, "Retry-After", weft_str_of("1")));
        return weft_http_fail(res, 503, "busy", "%d wait already.", QUEUE_MAX);
    }
    WEFT_TRY(rc);
    {
        /* The queue has our address: who goes away is waited for all the same. */
        WEFT_SHIELD(lent, 30 * WEFT_SEC);
        WEFT_TRY(weft_event_wait(&job.done));
    }
    return weft_http_respond_text(res, 200, job.answer);
}

/* Takes SIGTERM, which else would cancel everything at once. */
static int stop_at_sigterm(void *arg)
{
    WEFT_TRY(weft_signal_wait(SIGTERM));
    weft_http_server_stop(arg); /* no more are let in, those in hand are answered */
    return 0;
}

static int serve(void *arg)
{
    struct service *service = arg;
    WEFT_GROUP(group);
    WEFT_TRY(weft_group_spawn(group, compute, service));
    WEFT_TRY(weft_group_spawn(group, stop_at_sigterm, service->server));
    int rc = weft_http_serve(service->server); /* returns when the last request is over */
    weft_chan_close(service->queue, WEFT_CHAN_KEEP);
    int ended = weft_group_wait(group);
    return rc < 0 ? rc : ended;
}

/* ---- clients ---- */

struct question {
    weft_client *client;
    const char *url;
    int status;
};

static int ask(void *arg)
{
    struct question *question = arg;
    weft_client_response answer;
    const weft_client_request request = {.url = question->url, .body = WEFT_STR("hello")};
    WEFT_TRY(weft_client_fetch(question->client, &request, &answer));
    question->status = answer.status;
    weft_client_response_free(&answer);
    return 0;
}

/* Asks `count` at a time, and says what became of them. */
static int ask_many(struct service *service, weft_client *client, int count)
{
    struct question questions[AT_ONCE];
    int answered = 0, refused = 0, before = service->batches;
    for (int i = 0; i < count; i++)
        questions[i] = (struct question){.client = client, .url = service->url};
    WEFT_TRY(weft_map(ask, questions, (size_t)count));
    for (int i = 0; i < count; i++) {
        answered += questions[i].status == 200;
        refused += questions[i].status == 503;
    }
    return printf("%d asked: %d answered, in %d batches; %d told to come again\n", count, answered,
                  service->batches - before, refused);
}

static int end_it(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(150 * WEFT_MS)); /* one batch is done, one under way, one waits */
    printf("SIGTERM\n");
    return kill(getpid(), SIGTERM);
}

static int talk(struct service *service)
{
    weft_client *client;
    WEFT_TRY(weft_client_new(&client, NULL));
    int rc = ask_many(service, client, /* count= */ 2);
    if (rc >= 0)
        rc = ask_many(service, client, AT_ONCE);
    weft_task ending = weft_spawn(end_it, NULL);
    if (rc >= 0)
        rc = ask_many(service, client, BATCH_MAX + QUEUE_MAX);
    int ended = weft_gather(ending);
    weft_client_free(client);
    return rc < 0 ? rc : ended;
}

/* ---- both ---- */

static int open_service(struct service *service)
{
    const weft_http_route route = {
        .method = "POST", .path = "/infer", .handler = infer, .arg = service};
    WEFT_TRY(weft_chan_new(&service->queue, sizeof(struct job *), QUEUE_MAX));
    WEFT_TRY(weft_http_server_new(&service->server, NULL));
    WEFT_TRY(weft_http_server_add(service->server, &route));
    WEFT_TRY(weft_http_server_listen(service->server, "127.0.0.1:0"));
    snprintf(service->url, sizeof service->url, "http://127.0.0.1:%d/infer",
             weft_addr_get_port(weft_http_server_get_addr(service->server, 0)));
    return 0;
}

static int program(void *arg)
{
    struct service service = {0};
    (void)arg;
    int rc = open_service(&service);
    if (rc == 0) {
        weft_task serving = weft_spawn(serve, &service);
        rc = talk(&service);
        int served = weft_gather(serving); /* ended by SIGTERM */
        rc = rc < 0 ? rc : served;
    }
    weft_http_server_free(service.server);
    weft_chan_free(service.queue);
    return rc;
}

int main(void)
{
    return weft_main(program, NULL);
}
