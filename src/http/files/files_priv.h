/* SPDX-License-Identifier: MIT */

/* A file that is an answer. */
#ifndef WF_HTTP_FILES_PRIV_H
#define WF_HTTP_FILES_PRIV_H

#include <weft/http_files.h>

#include "coding/coding.h"
#include "http/files/conditional.h"

/* Longer paths are not there. */
#define WF_FILE_PATH_MAX 1024

struct weft_http_files {
    weft_http_files_options options;
    int dir;
};

struct wf_file {
    int fd;
    bool is_dir, is_regular;
    uint64_t bytes;
    int64_t modified;
    uint32_t modified_ns;
    enum wf_coding coding; /* of the bytes that lie there */
    const char *type;
    char tag[72];
    struct wf_validators validators;
};

void wf_file_close(struct wf_file *file);

/* What a 200, 206 or 304 says of the file. */
int wf_files_put_fields(const weft_http_files *files, weft_http_response *res,
                        const struct wf_file *file);

/* ---- files_send.c ---- */

/* Judges conditions and ranges, and sends what they come to. */
WEFT_WAITS int wf_files_answer(const weft_http_files *files, weft_http_request *req,
                               weft_http_response *res, const struct wf_file *file);

#endif
