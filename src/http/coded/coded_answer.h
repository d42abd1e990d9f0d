/* SPDX-License-Identifier: MIT */

/*
 * Coded answers: between what a handler gives and what is sent stands, if the client asks for it
 * and it is worth it, an encoder.  An answer is judged once, before its head: by its type and
 * length, by what the handler has said of its coding, and by Accept-Encoding.
 */
#ifndef WF_HTTP_CODED_ANSWER_H
#define WF_HTTP_CODED_ANSWER_H

#include <weft/http.h>

struct wf_coded; /* of an answer that is being coded piece by piece */

/* weft_http_respond of an answer that was not judged yet. */
WEFT_WAITS int wf_coded_respond(weft_http_response *res, int status, const char *type,
                                weft_str body);

/* Judges an answer that is to be sent piece by piece: makes res->coded or does not. */
WEFT_WAITS int wf_coded_begin(weft_http_response *res);

/* weft_http_write of one that has res->coded; what was written can be decoded when it has come. */
WEFT_WAITS int wf_coded_write(weft_http_response *res, weft_str bytes);

/* What ends the coded body. */
WEFT_WAITS int wf_coded_finish(weft_http_response *res);

/* Sets the Vary and the tag that the 200 with so long a body of that type would have, for a 304. */
int wf_coded_not_modified(weft_http_response *res, weft_str type, uint64_t bytes);

void wf_coded_free(struct wf_coded *coded);

/* True for a media type, with or without parameters, that gets smaller. */
bool wf_type_is_compressible(weft_str type);

#endif
