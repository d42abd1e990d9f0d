/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a gateway asks three model servers at once, passes the first good answer on, and lets go
 * of the others, which stop working then: who hangs up cancels what is done for him.
 */

#include <weft.h>
#include <weft/client.h>
#include <weft/http.h>

#include <stdio.h>

enum { MODELS = 3 };

struct model {
    const char *name;
    weft_time takes;
    int status;
    bool was_cut;
    weft_http_server *server;
    char url[64];
};

struct gateway {
    weft_client *client;
    weft_http_server *server;
    struct model models[MODELS];
};

/* ---- a model ---- */

static int infer(weft_http_request *req, weft_http_response *res, void *arg)
{
    struct model *model = arg;
    char text[64];
    int rc = weft_sleep(model->takes); /* stands for the work */
    model->was_cut = rc == -ECANCELED;
    WEFT_TRY(rc);
    weft_str prompt = weft_http_body(req);
    snprintf(text, sizeof text, "%.*s? Paris, says %s.", (int)prompt.len, prompt.ptr, model->name);
    return weft_http_respond_text(res, model->status, text);
}

/* ---- the gateway ---- */

struct question {
    weft_client *client;
    const char *url;
    weft_str prompt;
    weft_client_response answer;
};

static int ask(void *arg)
{
    struct question *question = arg;
    weft_client_response *answer = &question->answer;
    const weft_client_request request = {.url = question->url, .body = question->prompt};
    WEFT_TRY(weft_client_fetch(question->client, &request, answer));
    return answer->status == 200 ? 0 : weft_fail(-EIO, "a model answers %d", answer->status);
}

static int pass_on(weft_http_request *req, weft_http_response *res, void *arg)
{
    const struct gateway *gateway = arg;
    struct question questions[MODELS];
    weft_task tasks[MODELS];
    for (int i = 0; i < MODELS; i++) {
        questions[i] = (struct question){.client = gateway->client,
                                         .url = gateway->models[i].url,
                                         .prompt = weft_http_body(req)};
        tasks[i] = weft_spawn(ask, &questions[i]);
    }
    int rc = weft_race_n(tasks, MODELS); /* the first that succeeds; the others are cancelled */
    if (rc >= 0)
        rc = weft_http_respond(res, 200, "text/plain", questions[rc].answer.body.ptr,
                               questions[rc].answer.body.len);
    else if (rc != -ECANCELED)
        rc = weft_http_fail(res, 502, NULL, "No model has an answer: %s.", weft_error_text());
    for (int i = 0; i < MODELS; i++)
        weft_client_response_free(&questions[i].answer);
    return rc;
}

/* ---- all of them ---- */

static int serve(void *arg)
{
    return weft_http_serve(arg);
}

/* With each request goes how long its answer is of use, and no model works for longer. */
#define PATIENCE "X-Request-Timeout-Ms"

static int open_server(weft_http_server **out, weft_http_handler *handler, void *arg, char url[64])
{
    const weft_http_route route = {.method = "POST",
                                   .path = "/answer",
                                   .handler = handler,
                                   .arg = arg,
                                   .handler_time_max = 10 * WEFT_SEC};
    const weft_http_options options = {.timeout_field = PATIENCE};
    WEFT_TRY(weft_http_server_new(out, &options));
    WEFT_TRY(weft_http_server_add(*out, &route));
    WEFT_TRY(weft_http_server_listen(*out, "127.0.0.1:0"));
    int port = weft_addr_get_port(weft_http_server_get_addr(*out, 0));
    return snprintf(url, 64, "http://127.0.0.1:%d/answer", port);
}

/* Whatever comes of the question, the servers are served to their end. */
static int talk(struct gateway *gateway, const char *url)
{
    weft_http_server *servers[MODELS + 1] = {gateway->server};
    weft_task serving[MODELS + 1];
    weft_client_response answer = {0};
    for (int i = 0; i < MODELS; i++)
        servers[i + 1] = gateway->models[i].server;
    for (int i = 0; i <= MODELS; i++)
        serving[i] = weft_spawn(serve, servers[i]);
    weft_time from = weft_now();
    weft_str prompt = WEFT_STR("The capital of France");
    const weft_client_request request = {.url = url, .body = prompt};
    int rc = weft_client_fetch(gateway->client, &request, &answer);
    if (rc == 0)
        printf("%.*s (after %d ms)\n", (int)answer.body.len, answer.body.ptr,
               (int)((weft_now() - from) / WEFT_MS));
    weft_client_response_free(&answer);
    for (int i = 0; i <= MODELS; i++)
        weft_http_server_stop(servers[i]);
    int served = weft_gather_n(serving, MODELS + 1);
    return rc < 0 ? rc : served;
}

static int program(void *arg)
{
    struct gateway gateway = {.models = {{.name = "broken", .takes = 10 * WEFT_MS, .status = 503},
                                         {.name = "large", .takes = 5 * WEFT_SEC, .status = 200},
                                         {.name = "small", .takes = 300 * WEFT_MS, .status = 200}}};
    char url[64];
    (void)arg;
    const weft_client_options options = {.timeout_field = PATIENCE};
    int rc = weft_client_new(&gateway.client, &options);
    if (rc >= 0)
        rc = open_server(&gateway.server, pass_on, &gateway, url);
    for (int i = 0; i < MODELS && rc >= 0; i++) {
        struct model *model = &gateway.models[i];
        rc = open_server(&model->server, infer, model, model->url);
    }
    if (rc >= 0)
        rc = talk(&gateway, url);
    for (int i = 0; i < MODELS; i++) {
        if (rc >= 0)
            printf("%s %s\n", gateway.models[i].name,
                   gateway.models[i].was_cut ? "was told to stop" : "worked to the end");
        weft_http_server_free(gateway.models[i].server);
    }
    weft_http_server_free(gateway.server);
    weft_client_free(gateway.client);
    return rc;
}

int main(void)
{
    return weft_main(program, NULL);
}
