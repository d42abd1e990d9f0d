/* SPDX-License-Identifier: MIT */

#include "client/conn/farewell.h"

#include "base/alloc.h"
#include "client/client_priv.h"

struct wf_farewell *wf_farewell_new(void)
{
    struct wf_farewell *farewell = wf_alloc(sizeof *farewell);
    if (farewell != NULL)
        *farewell = (struct wf_farewell){0};
    return farewell;
}

static void stream_closed(weft_stream *stream)
{
    struct wf_farewell *farewell =
        wf_container(weft_stream_get_kind(stream), struct wf_farewell, kind);
    weft_stream_set_kind(stream, farewell->home);
    wf_list_remove(&farewell->in_client);
    if (wf_list_is_empty(&farewell->client->farewells))
        weft_event_set(&farewell->client->parted);
    wf_free(farewell);
}

int wf_farewell_wait(weft_client *client)
{
    int rc = 0;
    while (rc == 0 && !wf_list_is_empty(&client->farewells)) {
        weft_event_clear(&client->parted);
        rc = weft_event_wait(&client->parted);
    }
    return rc;
}

void wf_farewell_begin(weft_client *client, struct wf_farewell *farewell, weft_stream *stream,
                       const weft_stream_kind *home, void (*end)(weft_stream *stream))
{
    farewell->client = client;
    farewell->stream = stream;
    farewell->home = home;
    farewell->kind = (weft_stream_kind){.closed = stream_closed};
    wf_list_append(&client->farewells, &farewell->in_client);
    weft_stream_set_kind(stream, &farewell->kind);
    end(stream);
}

void wf_farewell_cut(weft_client *client)
{
    wf_list_each_safe (at, &client->farewells) {
        struct wf_farewell *farewell = wf_container(at, struct wf_farewell, in_client);
        weft_stream_set_kind(farewell->stream, farewell->home);
        weft_stream_abort(farewell->stream);
        wf_list_remove(&farewell->in_client);
        wf_free(farewell);
    }
}
