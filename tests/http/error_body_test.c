/* SPDX-License-Identifier: MIT */

#include "http/exchange/error_body.h"

#include "harness/harness.h"

TEST(errors_say_what_where_and_the_limit)
{
    wf_buf out = {0};
    weft_http_error error = {.status = 431,
                             .message = "The head is too large.",
                             .limit_name = "head_bytes_max",
                             .limit = 10,
                             .seen = 11,
                             .offset = 10};
    wf_http_write_error(&out, &error, "id-1");
    static const char expected[] =
        "{\"error\":{\"code\":\"too_large\",\"message\":\"The head is too large. Limit "
        "head_bytes_max is 10, seen 11.\",\"details\":{\"limit\":10,\"seen\":11,\"offset\":10},"
        "\"request_id\":\"id-1\"}}";
    CHECK_BYTES(wf_buf_ptr(&out), wf_buf_bytes(&out), expected, strlen(expected));
    wf_buf_reset(&out);

    error.message = "over a limit of this service"; /* a handler's need not end with a stop */
    wf_http_write_error(&out, &error, NULL);
    wf_buf_putc(&out, '\0');
    CHECK(strstr(wf_buf_ptr(&out), "over a limit of this service. Limit head_bytes_max is 10, ") !=
          NULL);
    wf_buf_reset(&out);

    weft_http_error plain = {.status = 422,
                             .message = "not a \"number\"\x1b",
                             .field = "top_k",
                             .suggestion = "1 to 1,000",
                             .offset = -1};
    wf_http_write_error(&out, &plain, NULL);
    static const char plain_expected[] =
        "{\"error\":{\"code\":\"validation_error\",\"message\":\"not a \\\"number\\\"\\u001b\","
        "\"field\":\"top_k\",\"suggestion\":\"1 to 1,000\",\"details\":{}}}";
    CHECK_BYTES(wf_buf_ptr(&out), wf_buf_bytes(&out), plain_expected, strlen(plain_expected));
    wf_buf_reset(&out);

    weft_http_error bare = {.status = 404, .offset = -1};
    wf_http_write_error(&out, &bare, NULL);
    CHECK_BYTES(wf_buf_ptr(&out), wf_buf_bytes(&out),
                "{\"error\":{\"code\":\"not_found\",\"message\":\"Not Found\",\"details\":{}}}",
                65);
    wf_buf_fini(&out);
}
