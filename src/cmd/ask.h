/* SPDX-License-Identifier: MIT */

/* Ask: the body of a request, checked and taken apart. */
#ifndef WF_CMD_ASK_H
#define WF_CMD_ASK_H

#include "base/arena.h"
#include "cmd/service.h"

#include <weft/json_form.h>

enum ask_kind {
    ASK_MATCH,   /* {"query": text or list, "top_k", "threshold", "candidates", "metadata"} */
    ASK_BATCH,   /* {"queries": list, "top_k", "threshold", "candidates", "batch_size"} */
    ASK_EXPLAIN, /* {"query": text, "top_k"}; of a diagnosis too */
    ASK_LIST,    /* [text, …] */
};

struct ask {
    weft_str *texts;
    size_t text_count;
    bool is_list; /* they came as a list */
    bool wants_metadata;
    weft_m_query query;
    int64_t batch_size;

    weft_json *priv_root; /* the strings live here and in the arena */
    wf_arena priv_arena;
    weft_json_form priv_form;
};

/* Reads the body into *out, the caller's.  0; 1 if something is wrong with it and the answer that
 * says so has been sent; negative to be returned by the handler. */
WEFT_WAITS int ask_read(struct ask **out, enum ask_kind kind, int64_t top_k, weft_http_request *req,
                        weft_http_response *res);
void ask_free(struct ask *ask); /* NULL is fine */

/* Answers 413, naming the limit, and returns 1; or negative. */
WEFT_WAITS int ask_refuse(weft_http_response *res, const char *field, const char *limit_name,
                          uint64_t limit, uint64_t seen);

/* Refuses what could have more hits than an answer that is collected in memory may: 0 if not. */
WEFT_WAITS int ask_check_hits(const struct ask *ask, weft_http_response *res);

#endif
