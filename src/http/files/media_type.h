/* SPDX-License-Identifier: MIT */

/* Which media type a file has by its name.  Pure. */
#ifndef WF_HTTP_MEDIA_TYPE_H
#define WF_HTTP_MEDIA_TYPE_H

#include <weft/base.h>

/* "application/octet-stream" if the ending says nothing. */
const char *wf_media_type_of(weft_str path);

/* The ending behind the last '.' of the last part, in any case; empty without one. */
weft_str wf_path_ending(weft_str path);

#endif
