/* SPDX-License-Identifier: MIT */

/* Lesson: a service in forty lines.  curl -X POST 'http://127.0.0.1:8080/match?query=kinshasa' */

#include <weft.h>
#include <weft/http.h>
#include <weft/match.h>

#include <stdio.h>

static const weft_m_entity capitals[] = {
    {.id = WEFT_STR("CD"), .name = WEFT_STR("Kinshasa")},
    {.id = WEFT_STR("IS"), .name = WEFT_STR("Reykjavik")},
};

static int match(weft_http_request *req, weft_http_response *res, void *matcher)
{
    weft_str query = weft_http_query_param(req, "query");
    if (query.len == 0)
        return weft_http_fail(res, 400, "validation_error", "the parameter query is missing");
    weft_text answer = {0};
    WEFT_TRY(weft_m_match_json(matcher, query, NULL, &answer, NULL));
    int rc = weft_http_respond_json(res, 200, (weft_str){answer.ptr, answer.len});
    weft_text_free(&answer);
    return rc;
}

static int serve(void *address)
{
    weft_matcher *matcher = NULL;
    weft_http_server *server = NULL;
    int rc = weft_m_open(&matcher, capitals, 2, NULL, NULL);
    weft_http_route route = {.method = "POST", .path = "/match", .handler = match, .arg = matcher};
    rc = rc < 0 ? rc : weft_http_server_new(&server, NULL);
    rc = rc < 0 ? rc : weft_http_server_add(server, &route);
    rc = rc < 0 ? rc : weft_http_server_listen(server, address);
    if (rc == 0)
        fprintf(stderr, "serving at %s; Ctrl-C ends it\n", (char *)address);
    rc = rc < 0 ? rc : weft_http_serve(server); /* until SIGINT or SIGTERM */
    weft_http_server_free(server);
    weft_m_close(matcher);
    return rc == -ECANCELED ? 0 : rc;
}

int main(int argc, char **argv)
{
    return weft_main(serve, argc > 1 ? argv[1] : "127.0.0.1:8080");
}
