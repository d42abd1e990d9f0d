/* SPDX-License-Identifier: MIT */

/* Make: a matcher out of the entities of a request. */
#ifndef WF_SERVICE_MAKE_H
#define WF_SERVICE_MAKE_H

#include "service/service.h"

#include <weft/catalog.h>
#include <weft/http_api.h>

/* {"entities": list, "options": {"threshold", "mode", "score_kind", "normalize"}} */
struct make_options {
    double threshold;
    weft_str mode, score_kind;
    bool normalize;
};
struct make_asked {
    const weft_json *entities;
    struct make_options options;
};
extern const weft_schema ask_matcher;

/* A field of entities, for other bodies; the member is a const weft_json *. */
#define MAKE_FIELD_ENTITIES(type_)                                                                 \
    {                                                                                              \
        WEFT_FIELD_ANY(type_, entities), .flags = WEFT_REQUIRED, .check = make_check_entities,     \
                                         .raw_json = make_entities_json                            \
    }
void make_check_entities(weft_issues *issues, const char *path, const void *member);
extern const char make_entities_json[];

/* A mode there is, or none was asked for: 0; else -WEFT_M_EMODE with *error. */
#define MAKE_ABOUT_MODE "auto, zero-shot, head-only, full, hybrid or bert."
int make_check_mode(weft_str mode, const char *field, weft_m_error *error);

/* Reads entities on the pool; into *out, the caller's in each case (NULL: none).  0; 1 after
 * answering 422 with each bad one, in the words of the body: "entities[3].name"; or negative with
 * *error. */
WEFT_WAITS int make_catalog(weft_http_response *res, const weft_json *entities, weft_catalog **out,
                            weft_m_error *error);

/* The matcher, fitted unless its mode needs examples.  0; 1 after answering as above; or negative
 * with *error. */
WEFT_WAITS int make_matcher(struct service *service, weft_http_response *res,
                            const struct make_asked *asked, weft_matcher **out,
                            weft_m_error *error);

#endif
