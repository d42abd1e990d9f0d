/* SPDX-License-Identifier: MIT */

/* Host names as text and as they stand in messages. */
#ifndef WF_DNS_NAME_H
#define WF_DNS_NAME_H

#include <weft/base.h>

#define WF_DNS_NAME_BYTES 256 /* the longest name, as text with its NUL or on the wire */

struct wf_dns_name {
    char text[WF_DNS_NAME_BYTES]; /* lower case, no dot at the end */
    uint32_t dots;
    bool is_absolute; /* there was one */
};

/* Letters, digits, hyphens and underscores in labels of 1-63 bytes, at most 253 in all.  What ends
 * in a number looks like an IPv4 address and is not taken for a name.  0, or -WEFT_ESYNTAX. */
int wf_dns_name_read(struct wf_dns_name *out, const char *text);

/* `name` with `domain` behind it; false if that is too long. */
bool wf_dns_name_join(char out[WF_DNS_NAME_BYTES], const char *name, const char *domain);

/* "localhost" and what ends in ".localhost" is this machine, without a question (RFC 6761, 6.3). */
bool wf_dns_name_is_local(const char *name);

/* The form in messages: labels with their length before them.  Of text that was read: never fails.
 * Returns the bytes used. */
size_t wf_dns_name_pack(uint8_t out[WF_DNS_NAME_BYTES], const char *text);

#endif
