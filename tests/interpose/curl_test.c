/* SPDX-License-Identifier: MIT */

/* libcurl's easy interface, a hundred at once, and the server that answers them: all of it tasks of
 * one thread.  The server answers nobody before all hundred have asked, so a single call that
 * blocked the thread would be the end. */

#include "harness/harness.h"
#include "stack_use.h"

#include "base/checkers.h"

#include <weft.h>
#include <weft/http.h>
#include <weft/interpose.h>

#include <curl/curl.h>
#include <stdlib.h>

#define CALL_COUNT 100

struct site {
    const char *host;
    int wanted;     /* requests before one is answered */
    weft_fn *visit; /* what is done while it is open */
    int asking;
    weft_event all_are_here;
    weft_http_server *server;
    char url[128];
};

static int answer_when_all_ask(weft_http_request *req, weft_http_response *res, void *arg)
{
    struct site *site = arg;
    (void)req;
    if (++site->asking == site->wanted)
        weft_event_set(&site->all_are_here);
    WEFT_TRY(weft_event_wait(&site->all_are_here));
    return weft_http_respond_text(res, 200, "all are here");
}

static int answer_never(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req, (void)arg;
    WEFT_TRY(weft_sleep(WEFT_FOREVER));
    return weft_http_respond_text(res, 200, "");
}

static int serve(void *arg)
{
    return weft_http_serve(arg);
}

static void site_open(struct site *site)
{
    const weft_http_route routes[] = {
        {.method = "GET", .path = "/all", .handler = answer_when_all_ask, .arg = site},
        {.method = "GET", .path = "/never", .handler = answer_never},
    };
    weft_http_options options = {.limits.in_hand_max = 2 * CALL_COUNT};
    CHECK_OK(weft_http_server_new(&site->server, &options));
    for (int i = 0; i < 2; i++)
        CHECK_OK(weft_http_server_add(site->server, &routes[i]));
    CHECK_OK(weft_http_server_listen(site->server, "127.0.0.1:0"));
    int port = weft_addr_get_port(weft_http_server_get_addr(site->server, 0));
    snprintf(site->url, sizeof site->url, "http://%s:%d/", site->host, port);
}

struct answer {
    char text[64];
    size_t bytes;
};

static size_t keep(char *bytes, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;
    if (answer->bytes + size * count < sizeof answer->text) {
        memcpy(answer->text + answer->bytes, bytes, size * count);
        answer->bytes += size * count;
    }
    return size * count;
}

static CURLcode get(const struct site *site, const char *path, struct answer *answer)
{
    char url[160];
    snprintf(url, sizeof url, "%s%s", site->url, path);
    CURL *curl = curl_easy_init();
    CHECK(curl != NULL);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    return code;
}

static int get_all(void *arg)
{
    struct answer answer = {.bytes = 0};
    CHECK_EQ(get(arg, "all", &answer), CURLE_OK);
    CHECK_STR(answer.text, "all are here");
    return 0;
}

static int a_hundred(void *arg)
{
    struct site *site = arg;
    weft_task tasks[CALL_COUNT];
    for (int i = 0; i < CALL_COUNT; i++)
        tasks[i] = weft_spawn(get_all, site);
    CHECK_OK(weft_gather_n(tasks, CALL_COUNT));
    CHECK_EQ(site->asking, CALL_COUNT);
    return 0;
}

static int get_never(void *arg)
{
    struct answer answer = {.bytes = 0};
    CURLcode code = get(arg, "never", &answer);
    CHECK_NE(code, CURLE_OK);
    note("cancelled, curl says: %s", curl_easy_strerror(code));
    return weft_check();
}

static int cut_off(void *arg)
{
    weft_task caller = weft_spawn(get_never, arg);
    CHECK_EQ(weft_await_for(caller, 50 * WEFT_MS), -ETIMEDOUT);
    return 0;
}

static int measured(void *arg)
{
    size_t used = stack_use(get_all, arg);
    note("curl_easy_perform() used %zu bytes of stack", used);
    CHECK_GT(used, 0);
    if (!WF_HAS_ASAN)
        CHECK_LT(used, STACK_USUAL_BYTES / 2);
    return 0;
}

static int visit(void *arg)
{
    struct site *site = arg;
    site_open(site);
    weft_task server = weft_spawn(serve, site->server);
    CHECK_OK(site->visit(site));
    weft_http_server_stop(site->server);
    CHECK_OK(weft_await(server));
    weft_http_server_free(site->server);
    return 0;
}

static void visit_on_each(const struct site *site)
{
    const char *backends[] = {"epoll", "io_uring"};
    use_real_time();
    CHECK_EQ(curl_global_init(CURL_GLOBAL_DEFAULT), CURLE_OK);
    for (int i = 0; i < 2; i++) {
        struct site fresh = *site;
        weft_config config = {
            .backend = backends[i], .hog = WEFT_FOREVER, .flags = WEFT_RUN_MEASURE_STACKS};
        note("on %s", backends[i]);
        if (backend_is_there(backends[i]))
            CHECK_OK(weft_run_with(&config, visit, &fresh));
    }
    curl_global_cleanup();
}

TEST(a_hundred_curl_easy_performs_wait_on_one_thread)
{
    visit_on_each(&(struct site){.host = "127.0.0.1", .wanted = CALL_COUNT, .visit = a_hundred});
}

TEST(a_name_is_resolved_by_curls_own_thread)
{
    visit_on_each(&(struct site){.host = "localhost", .wanted = 1, .visit = measured});
}

TEST(a_deadline_cuts_curl_off)
{
    if (curl_version_info(CURLVERSION_NOW)->version_num < 0x075800)
        SKIP("libcurl before 7.88 goes on when poll() fails");
    visit_on_each(&(struct site){.host = "127.0.0.1", .wanted = 1, .visit = cut_off});
}
