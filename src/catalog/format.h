/* SPDX-License-Identifier: MIT */

/* Which format a file has. */
#ifndef WF_CATALOG_FORMAT_H
#define WF_CATALOG_FORMAT_H

#include <weft/catalog.h>

/* By the ending of the name; AUTO if it says nothing. */
enum weft_file_format wf_format_of_name(const char *name);

/* A file of entities by its first bytes; AUTO: more of them are needed to tell. */
enum weft_file_format wf_format_of_bytes(const char *bytes, size_t count);

#endif
