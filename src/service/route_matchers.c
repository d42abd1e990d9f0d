/* SPDX-License-Identifier: MIT */

/* /v1/matchers: which there are, and PUT, GET and DELETE of one. */
#include "base/json_write.h"
#include "service/make.h"

#include <assert.h>
#include <weft/error.h>

/* ---- looking ---- */

static void put_item(wf_json *json, const struct named *named, const weft_m_info *info)
{
    wf_json_object(json);
    wf_json_put_text(json, "name", named->name);
    wf_json_put_text(json, "mode", info->active_mode != NULL ? info->active_mode : info->mode);
    wf_json_put_bool(json, "ready", info->is_ready);
    wf_json_put_uint(json, "entities", info->entity_count);
    wf_json_put_uint(json, "rows", info->row_count);
    wf_json_put_uint(json, "bytes", info->bytes);
    wf_json_object_end(json);
}

int route_matchers(weft_http_request *req, weft_http_response *res, void *arg)
{
    struct service *service = arg;
    struct named **list;
    uint64_t bytes = 0;
    (void)req;
    int count = registry_list(&service->registry, &list);
    if (count < 0)
        return count;
    wf_buf body = {0};
    wf_json json = {.out = &body};
    wf_json_object(&json);
    wf_json_key(&json, "matchers");
    wf_json_array(&json);
    for (int i = 0; i < count; i++) {
        weft_m_info info = {.size = sizeof(info)};
        int rc = weft_m_info_get(list[i]->matcher, &info);
        assert(rc == 0); /* held, so not closed */
        put_item(&json, list[i], &info);
        bytes += info.bytes;
    }
    wf_json_array_end(&json);
    wf_json_put_uint(&json, "bytes", bytes);
    wf_json_put_uint(&json, "limit", service->registry.count_max);
    wf_json_object_end(&json);
    registry_list_free(list, (size_t)count);
    return answer_buf(res, &body);
}

static int put_matcher(wf_buf *body, const struct named *named)
{
    weft_text info, stats;
    WEFT_TRY(weft_m_info_json(named->matcher, &info));
    int rc = weft_m_stats_json(named->matcher, &stats);
    if (rc == 0) {
        wf_json json = {.out = body};
        wf_json_object(&json);
        wf_json_put_text(&json, "name", named->name);
        wf_json_key(&json, "info");
        wf_json_raw(&json, (weft_str){info.ptr, info.len});
        wf_json_key(&json, "stats");
        wf_json_raw(&json, (weft_str){stats.ptr, stats.len});
        wf_json_object_end(&json);
        weft_text_free(&stats);
    }
    weft_text_free(&info);
    return rc;
}

int route_get_matcher(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    wf_buf body = {0};
    (void)req;
    int rc = put_matcher(&body, target->named);
    if (rc == 0)
        return answer_buf(res, &body);
    wf_buf_fini(&body);
    return rc;
}

/* ---- making ---- */

static int answer_full(weft_http_response *res, const struct service *service)
{
    const weft_http_error error = {
        .status = 409,
        .message = "There are as many matchers as there may be.",
        .suggestion = "DELETE one that is not used any more",
        .limit_name = "matchers",
        .limit = service->registry.count_max,
        .seen = service->registry.count_max + 1,
        .offset = -1,
    };
    return weft_http_respond_error(res, &error);
}

/* Puts it there and says so. */
static int publish(struct service *service, weft_http_response *res, weft_str name,
                   weft_matcher *matcher)
{
    int rc = registry_put(&service->registry, name, matcher);
    if (rc == -WEFT_ELIMIT)
        return answer_full(res, service);
    if (rc < 0)
        return rc;
    jobs_cancel_stale(&service->jobs);
    struct named *named = registry_get(&service->registry, name);
    if (named == NULL) /* somebody took it away at once */
        return weft_http_fail(res, 409, NULL, "the matcher was deleted meanwhile");
    wf_buf body = {0};
    int put = put_matcher(&body, named);
    registry_release(named);
    if (put == 0)
        return answer_buf_as(res, rc == 1 ? 200 : 201, &body);
    wf_buf_fini(&body);
    return put;
}

int route_put_matcher(weft_http_request *req, weft_http_response *res, void *arg)
{
    static const weft_http_error bad_name = {
        .status = 422,
        .code = "validation_error",
        .message = "a name has 1 to 64 letters, digits, '-', '_' and '.', the first a letter or "
                   "digit",
        .field = "name",
        .offset = -1,
    };
    struct service *service = arg;
    weft_str name = weft_http_path_param(req, "name");
    weft_matcher *matcher;
    weft_m_error error;
    if (!registry_is_name(name))
        return weft_http_respond_error(res, &bad_name);
    if (!registry_has_room(&service->registry, name))
        return answer_full(res, service);
    int rc = make_matcher(service, res, weft_http_input(req), &matcher, &error);
    if (rc != 0)
        return rc < 0 ? answer_error(req, res, rc, &error) : 0;
    return publish(service, res, name, matcher);
}

int route_delete_matcher(weft_http_request *req, weft_http_response *res, void *arg)
{
    struct service *service = arg;
    weft_m_error error;
    int rc = store_remove(&service->store, weft_http_path_param(req, "name"), &error);
    if (rc == -ENOENT && error.rc == 0)
        return weft_http_fail(res, 404, /* code= */ NULL, "there is no matcher of this name");
    if (rc < 0)
        return answer_kept(req, res, &service->store, rc, &error);
    jobs_cancel_stale(&service->jobs);
    return weft_http_respond(res, 204, /* type= */ NULL, "", 0);
}
