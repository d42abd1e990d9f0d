/* SPDX-License-Identifier: MIT */

/*
 * Forms as bodies of requests: what a browser sends for <form>.
 *
 *     weft_client_form *form;
 *     WEFT_TRY(weft_client_form_new(&form));
 *     int rc = weft_client_form_add(form, "title", weft_str_of("Sunset"));
 *     if (rc == 0)
 *         rc = weft_client_form_add_file(form, "photo", "sunset.jpg", "image/jpeg");
 *     weft_client_request request = {.url = url};
 *     if (rc == 0)
 *         rc = weft_client_form_apply(form, &request);
 *     if (rc == 0)
 *         rc = weft_client_fetch(client, &request, &page);
 *     weft_client_form_free(form);
 *
 * A form is sent as application/x-www-form-urlencoded, or as multipart/form-data if it has a file
 * or that is asked for.  The boundary is random.  Files are read while they are sent, so such a
 * body can be sent only once: the request is not retried, and redirects do not get it.
 *
 * Library: weft-client.
 */
#ifndef WEFT_CLIENT_FORM_H
#define WEFT_CLIENT_FORM_H

#include <weft/client.h>

WEFT_BEGIN_DECLS

typedef struct weft_client_form weft_client_form;

/* Makes an empty form in *out.  0 or -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_client_form_new(weft_client_form **out);

/* Closes its files and frees it.  No request that it was applied to may be under way.  NULL is
 * fine. */
WEFT_API WEFT_WAITS void weft_client_form_free(weft_client_form *form);

/* Adds a value; name and value are copied.  0 or -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_client_form_add(weft_client_form *form, const char *name,
                                                weft_str value);

/* Add bytes as a file called `filename`, and a file by its path, called as its last part.  `type`
 * NULL: application/octet-stream.  Everything is copied, except the file itself, which
 * weft_client_form_apply() opens.  0, -ENOMEM; -EINVAL for a type with a control character. */
WEFT_API WEFT_MUST_USE int weft_client_form_add_bytes(weft_client_form *form, const char *name,
                                                      const char *filename, const char *type,
                                                      weft_str bytes);
WEFT_API WEFT_MUST_USE int weft_client_form_add_file(weft_client_form *form, const char *name,
                                                     const char *path, const char *type);

/* Lets the form be sent as multipart/form-data, whatever is in it. */
WEFT_API void weft_client_form_set_multipart(weft_client_form *form);

/* Makes it the body of the request: sets body or body_read, and type, which are borrowed until the
 * form changes, is applied again or freed.  Files are opened and their sizes taken now; one that
 * is shorter when it is sent makes the request fail with -WEFT_ETRUNCATED.  0; a file's error with
 * a text that names it (-EINVAL: it is none); -ENOMEM. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_client_form_apply(weft_client_form *form,
                                                             weft_client_request *request);

WEFT_END_DECLS

#endif
